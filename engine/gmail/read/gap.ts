// Looks for mails by date, where the history does not tell of them: it had expired, or the account was reached late.
// Invariants: the id from which the history goes on is stored before anything is listed, so that nothing comes between;
// the cursor says until when a gap is open, and only what is recorded closes it.
// What it cannot find: a label that an older mail was given during the gap.
import { CLOCK_MARGIN_MS } from '../../runtime/time';
import type { GmailApi } from '../api/api';
import { GmailFault } from '../api/fault';
import { caughtUp, type GmailCursor } from './cursor';
import { type Reason, type Wanted, WantedMails } from './candidates';
import { type Listing, listingsOf, queryOf, receivedBefore, receivedSince } from './listing';
import { takeNewest } from './newest';
import { takeMails } from './record';
import { LISTED, type Place, type Round } from './round';
import { idsOf, listed } from './unindexed';

const OVERLAP_MS = 3_600_000;
const PAGE = 500;

/** Notes that the history does not reach back to these: they look by date, and then go on from now. */
export async function openGaps(round: Round, subscriptionIds: readonly number[]): Promise<void> {
  const { api, address, log } = round.job;
  const at = Date.now();
  const { historyId } = await api.profile();
  log.warn(`Gmail's history of ${address} does not reach back far enough: its mails are looked for by date`);
  const moves = new Map<number, GmailCursor>();
  for (const id of subscriptionIds) {
    const cursor = round.places.get(id)?.cursor;
    if (!cursor) continue;
    const since = Math.max(cursor.syncedAt - OVERLAP_MS, cursor.from - CLOCK_MARGIN_MS);
    const gap = { since: Math.min(since, cursor.since ?? Infinity), expired: true };
    // Until it is closed, nothing is known of what came since.
    moves.set(id, { ...cursor, historyId, syncedAt: at, ...gap });
  }
  await round.record([], moves);
}

/** @returns how many mails were found although the history had expired; null: it had not */
export async function closeGaps(round: Round): Promise<number | null> {
  const gaps = [...round.places].filter(([, { cursor }]) => cursor.since !== undefined);
  if (gaps.length === 0) return null;
  await round.job.doing('gap_syncing');
  const isExpired = gaps.some(([, { cursor }]) => cursor.expired);
  const held = new Set<number>();
  let count = 0;
  for (const search of await searches(round, gaps)) {
    const found = await look(round, search, held);
    if (found === null) return isExpired ? count : null;
    count += found;
  }
  const closed = new Map<number, GmailCursor>();
  for (const [id] of gaps) {
    const place = round.places.get(id);
    if (place && !held.has(id)) closed.set(id, caughtUp(place.cursor));
  }
  await round.record([], closed);
  round.forgetPassedOver(closed.keys(), 'listed');
  return isExpired ? count : null;
}

/** One list of Gmail, and who looks into it. */
interface Search {
  readonly listing: Listing;
  /** The earliest date, ms since 1970. */
  readonly since: number;
  readonly subscriptionIds: number[];
}

async function searches(round: Round, gaps: readonly (readonly [number, Place])[]): Promise<Search[]> {
  // One list for all: by the earliest date, and each takes what is its own.
  const since = Math.min(...gaps.map(([, { cursor }]) => cursor.since!));
  const byListing = new Map<string, Search>();
  for (const [id, { beginning }] of gaps) {
    for (const listing of await listingsOf(round, beginning.reading, { since, withSearch: true })) {
      const key = JSON.stringify(listing);
      const search = byListing.get(key) ?? { listing, since, subscriptionIds: [] };
      byListing.set(key, search);
      search.subscriptionIds.push(id);
    }
  }
  return [...byListing.values()];
}

/** @returns how many mails were recorded; null: the signal aborted */
async function look(round: Round, search: Search, held: Set<number>): Promise<number | null> {
  const { listing, subscriptionIds, since } = search;
  const { api } = round.job;
  const query = queryOf(listing, PAGE);
  let count = 0;
  try {
    const found = await known(api, search);
    for await (const ids of listed(api, query, 'new')) {
      for (const id of ids) found.add(id);
      const taken = await takeMails(round, wanted(round, ids, search, true), { priority: 'new' });
      if (!taken) return null;
      for (const id of taken.held) held.add(id);
      count += taken.count;
    }
    const late = await takeNewest(round, listing, {
      known: { ids: found, words: receivedBefore(since) },
      wanted: (ids) => wanted(round, ids, search, false),
      ...{ since, priority: 'new' },
    });
    if (!late) return null;
    for (const id of late.held) held.add(id);
    return count + late.count;
  } catch (error) {
    if (!(error instanceof GmailFault) || error.kind !== 'refused') throw error;
    round.refuse(subscriptionIds, error);
    return count;
  }
}

/** What the index has, besides what a search finds. Asked first: what it learns of later is not taken for differing. */
async function known(api: GmailApi, { listing, since }: Search): Promise<Set<string>> {
  const q = receivedSince(since);
  return listing.q === q ? new Set() : idsOf(api, queryOf({ ...listing, q }, PAGE), 'new');
}

function wanted(
  round: Round,
  ids: readonly string[],
  { listing, subscriptionIds }: Search,
  searched: boolean,
): Wanted[] {
  const mails = new WantedMails();
  const labels = listing.label === null ? [] : [listing.label];
  for (const subscriptionId of subscriptionIds) {
    const since = round.places.get(subscriptionId)?.cursor.since;
    if (since === undefined) continue;
    const reason: Reason = { record: LISTED, added: true, labels, since, searched };
    for (const id of ids) mails.add(id, subscriptionId, reason);
  }
  return mails.all();
}
