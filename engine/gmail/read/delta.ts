// Reads what the history tells, for all subscriptions from the lowest cursor, page after page.
// Invariants: no cursor moves before the last page is recorded, since records come in any order; it moves to the id
// that the first page told, since nobody says that later pages hold what came after it; each subscription takes only
// what is newer than its own cursor.
import { GmailFault } from '../api/fault';
import type { HistoryPage } from '../api/types';
import { wantedIn } from './candidates';
import { advanced, type GmailCursor } from './cursor';
import { takeMails } from './record';
import type { Cursors, Place, Round } from './round';

export interface Delta {
  /** Subscriptions to whose cursors the history does not reach back. */
  readonly expired: readonly number[];
  /** Whether it told anything. */
  readonly news: boolean;
}

/** @throws GmailFault, LedgerFault */
export async function readDelta(round: Round): Promise<Delta> {
  const expired: number[] = [];
  let news = false;
  for (const start of startsOf(round)) {
    if (round.signal.aborted) break;
    const at = Date.now();
    const first = await firstPage(round, start);
    if (first) {
      news = await readPages(round, { start, at, first, past: new Set(expired) });
      break;
    }
    for (const [id, { cursor }] of round.places) if (cursor.historyId === start) expired.push(id);
  }
  return { expired, news };
}

/** Where they stand, the lowest first. */
const startsOf = ({ places }: Round): string[] =>
  [...new Set([...places.values()].map(({ cursor }) => cursor.historyId))].sort((a, b) =>
    BigInt(a) < BigInt(b) ? -1 : 1,
  );

/** @returns null: it has expired */
async function firstPage({ job }: Round, start: string): Promise<HistoryPage | null> {
  try {
    const page = await job.api.history(start);
    return (await isAnotherHistory(job, start, page)) ? null : page;
  } catch (error) {
    if (!(error instanceof GmailFault)) throw error;
    if (error.kind === 'expired') return null;
    if (error.kind !== 'refused') throw error;
    await assertSameAccount(job, error);
    return null;
  }
}

/** Ids only rise, but in an account that was deleted and made again. A server that is behind may tell a lower one. */
async function isAnotherHistory({ api }: Round['job'], start: string, page: HistoryPage): Promise<boolean> {
  if (BigInt(page.historyId) >= BigInt(start)) return false;
  return BigInt((await api.profile()).historyId) < BigInt(start);
}

/** An id that Gmail cannot make sense of may be another account's. */
async function assertSameAccount({ api, address }: Round['job'], cause: GmailFault): Promise<void> {
  const { emailAddress } = await api.profile();
  if (emailAddress.toLowerCase() === address.toLowerCase()) return;
  throw new GmailFault(
    'login',
    `The Gmail credential now leads to ${emailAddress}, but this trigger reads ${address}. Nothing was read. ` +
      `Sign in as ${address} in the credential, or publish the workflow again to read ${emailAddress}.`,
    { cause },
  );
}

interface Pages {
  readonly start: string;
  readonly at: number;
  readonly first: HistoryPage;
  /** Those whose cursors are out of its reach. */
  readonly past: ReadonlySet<number>;
}

async function readPages(round: Round, { start, at, first, past }: Pages): Promise<boolean> {
  const held = new Set<number>();
  let news = false;
  let page = first;
  for (;;) {
    const { history = [], nextPageToken } = page;
    news ||= history.length > 0;
    const reading = new Map([...round.places].filter(([id]) => !past.has(id)));
    const moves = (more: ReadonlySet<number>): Cursors => {
      for (const id of more) held.add(id);
      return nextPageToken ? new Map() : moved(reading, held, first.historyId, at);
    };
    const taken = await takeMails(round, wantedIn(history, reading), { priority: 'new', moves });
    if (!taken) return news;
    for (const id of taken.held) held.add(id);
    if (!nextPageToken) break;
    page = await round.job.api.history(start, nextPageToken);
    if (round.signal.aborted) return news;
  }
  round.forgetPassedOver(
    [...round.places.keys()].filter((id) => !held.has(id)),
    'history',
  );
  return news;
}

function moved(
  places: ReadonlyMap<number, Place>,
  held: ReadonlySet<number>,
  historyId: string,
  at: number,
): Cursors {
  const moves = new Map<number, GmailCursor>();
  for (const [id, { cursor }] of places) if (!held.has(id)) moves.set(id, advanced(cursor, historyId, at));
  return moves;
}
