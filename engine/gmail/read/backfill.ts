// Reads older mail, where somebody asked for it: newest first, a page at a time, so that its caller can look for new
// mail in between. Gmail's page token is where it goes on, also after a crash.
// Invariants: a page is past only when all of it is recorded; those who read the same read it once; it pauses while
// many mails wait for their run.
import type { RoundEnd } from '../../polled/kind';
import { GmailFault } from '../api/fault';
import type { MessagePage } from '../api/types';
import { type Wanted, WantedMails } from './candidates';
import { type Fill, filled, type GmailCursor } from './cursor';
import { type Listing, listingsOf, queryOf } from './listing';
import { takeNewest } from './newest';
import { takeMails } from './record';
import { type Cursors, LISTED, type Place, type Round } from './round';
import { isCounted } from './selection';
import { ANY_MAIL } from './unindexed';

/** What runs first. */
const FIRST_PAGE = 50;
const PAGE = 25;
/** Before a list is begun anew whose page was refused. */
const REFUSED_PAGE_MS = 30_000;

interface Filling extends Place {
  readonly id: number;
  readonly fill: Fill;
}

/** Reads one page at the most. @throws GmailFault, LedgerFault */
export async function readOlder(round: Round): Promise<RoundEnd['older']> {
  const all = fillings(round);
  if (all.length === 0 || round.signal.aborted) return progress(round, false);
  const { ledger, mostWaiting } = round.job;
  const ids = all.map(({ id }) => id);
  if ((await ledger.waiting(ids, mostWaiting)) >= mostWaiting) return progress(round, true);
  const together = nextOf(all);
  try {
    const waits = await step(round, together);
    return progress(round, waits);
  } catch (error) {
    if (!(error instanceof GmailFault) || error.kind !== 'refused') throw error;
    const { fill } = together[0]!;
    if (fill.page === undefined) {
      const refused = together.map(({ id }) => id);
      round.refuse(refused, error);
      return readOlder(round);
    }
    // Its pages are numbered anew: what is recorded is known, and not read again.
    await move(round, together, { ...withoutPage(fill), counted: 0 });
    // Should it be refused again and again, that must not use up the quota.
    round.again(REFUSED_PAGE_MS);
    return progress(round, true);
  }
}

const fillings = ({ places }: Round): Filling[] =>
  [...places].flatMap(([id, place]) => {
    const { fill } = place.cursor;
    return fill ? [{ ...place, id, fill }] : [];
  });

/** Those who have read least, and all who go on at the same place. */
function nextOf(all: readonly Filling[]): Filling[] {
  const first = all.reduce((least, one) => (one.fill.read < least.fill.read ? one : least));
  return all.filter((one) => sameness(one) === sameness(first));
}

function sameness({ beginning, fill }: Filling): string {
  const { event, eventLabels, filter } = beginning.reading;
  const { search, ...rest } = { ...filter, sender: null };
  return JSON.stringify([event, eventLabels, rest, isSearched(fill) && search, fill]);
}

/** Where the last N are counted, that is before the search: they are read first. */
const isSearched = ({ count }: Fill): boolean => count === undefined;

const withoutPage = ({ page: _, ...fill }: Fill): Fill => fill;

/** @returns whether something of the page could not be read or judged yet */
async function step(round: Round, together: readonly Filling[]): Promise<boolean> {
  const { beginning, fill } = together[0]!;
  const withSearch = isSearched(fill);
  const listings = await listingsOf(round, beginning.reading, { since: fill.since, withSearch });
  const listing = listings[fill.list];
  const left = (fill.count ?? Infinity) - fill.counted;
  if (!listing || left <= 0) {
    await move(round, together, listing && listings[fill.list + 1] ? nextList(fill) : undefined);
    return false;
  }
  const size = Math.min(fill.read === 0 ? FIRST_PAGE : PAGE, left);
  const { page: pageToken } = fill;
  const query = queryOf(listing, size);
  // A page in the middle is old: the search knows it.
  const late =
    pageToken === undefined
      ? await takeNewest(round, listing, {
          known: { ids: new Set(), words: ANY_MAIL },
          wanted: (some) => wanted(together, listing, some, false),
          since: fill.since ?? -Infinity,
          priority: 'backfill',
        })
      : { held: new Set<number>() };
  if (!late) return false;
  const page = await round.job.api.messages({ ...query, ...(pageToken && { pageToken }) }, 'backfill');
  const ids = new Set((page.messages ?? []).map(({ id }) => id));
  const first = together[0]!;
  // What is recorded already has counted before.
  const counted = (): number => [...ids].filter((id) => !isUncounted(round, first, id)).length;
  const isLastList = fill.list + 1 >= listings.length;
  const taken = await takeMails(round, wanted(together, listing, ids, withSearch), {
    priority: 'backfill',
    seen: ({ id, labelIds }) => {
      if (!isCounted(beginning.reading, labelIds)) markUncounted(round, first, id);
    },
    moves: (held) => {
      const isHeld = held.size > 0 || late.held.size > 0;
      return isHeld ? new Map() : moves(round, together, after(fill, page, counted(), isLastList));
    },
  });
  if (!taken) return false;
  if (taken.held.size > 0 || late.held.size > 0) return true;
  round.forgetPassedOver(
    together.map(({ id }) => id),
    'listed',
  );
  return false;
}

// Remembered as long as what the page's mails were judged to be: those are not read again when the page is held.
const ofUncounted = (mail: string): string => `uncounted:${mail}`;
const NEVER_DUE = { record: LISTED, since: -Infinity };

const markUncounted = (round: Round, { id }: Filling, mail: string): void =>
  round.passOver(id, ofUncounted(mail), NEVER_DUE, LISTED);

const isUncounted = (round: Round, { id }: Filling, mail: string): boolean =>
  round.isPassedOver(id, ofUncounted(mail), NEVER_DUE);

/** Where it goes on when the page is recorded; undefined: nowhere. */
function after(fill: Fill, page: MessagePage, counted: number, isLastList: boolean): Fill | undefined {
  const length = page.messages?.length ?? 0;
  const total = fill.page === undefined ? fill.read + (page.resultSizeEstimate ?? length) : fill.total;
  const next = {
    ...withoutPage(fill),
    counted: fill.counted + counted,
    read: fill.read + length,
    ...(total !== undefined && { total }),
  };
  const isEnough = fill.count !== undefined && next.counted >= fill.count;
  if (page.nextPageToken && !isEnough) return { ...next, page: page.nextPageToken };
  return isLastList ? undefined : nextList(next);
}

const nextList = (fill: Fill): Fill => ({ ...withoutPage(fill), list: fill.list + 1, counted: 0 });

function wanted(
  together: readonly Filling[],
  { label }: Listing,
  ids: Iterable<string>,
  searched: boolean,
): Wanted[] {
  const mails = new WantedMails();
  const labels = label === null ? [] : [label];
  for (const { id: subscriptionId, fill } of together) {
    const since = fill.since ?? -Infinity;
    const reason = { record: LISTED, added: true, labels, since, searched };
    for (const id of ids) mails.add(id, subscriptionId, reason);
  }
  return mails.all();
}

function moves({ places }: Round, together: readonly Filling[], fill: Fill | undefined): Cursors {
  const cursors = new Map<number, GmailCursor>();
  for (const { id } of together) {
    const place = places.get(id);
    if (place) cursors.set(id, filled(place.cursor, fill));
  }
  return cursors;
}

const move = (round: Round, together: readonly Filling[], fill: Fill | undefined): Promise<void> =>
  round.record([], moves(round, together, fill));

function progress(round: Round, waits: boolean): RoundEnd['older'] {
  const fills = fillings(round).map(({ fill }) => fill);
  if (fills.length === 0) return null;
  const left = ({ count, counted, total, read }: Fill): number =>
    Math.max(Math.min(count === undefined ? Infinity : count - counted, (total ?? read) - read), 0);
  return { read: Math.max(...fills.map(({ read }) => read)), left: Math.max(...fills.map(left)), waits };
}
