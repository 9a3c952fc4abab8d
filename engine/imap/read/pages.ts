// Reads mails page after page, the next one while its caller records the one before.
// Invariant: no more than two pages are held, of 8 MB each where the mails of a mailbox are about as large as one another.
import { setImmediate as turn } from 'node:timers/promises';
import { monotonicNow } from '../../runtime/time';
import { sequenceSet } from '../session/sequence-set';
import type { MailFacts } from '../session/facts';

/** The first page, so that what it brings runs soon; and every one that is not read ahead. */
export const PAGE_MAILS = 50;
/** Between two pages the connection rests for a round trip: so they are longer, until it is one of so many. */
const ROUND_TRIPS = 30;
/** Where the server is near they are as long as the ledger likes them: what is read is recorded while more is read. */
const MIDDLE_PAGE_MAILS = 250;
const LONG_PAGE_MAILS = 1_300;
/** As far as a command of 8,000 octets holds their UIDs, which is what every server takes (RFC 7162, 4). */
const LONG_SET = 7_800;
/** And shorter again where the mails are larger, in octets. */
const LONG_PAGE_BYTES = 8 * 1024 * 1024;

export interface ReadPage {
  /** The last UID of it, whether that is still there or not. */
  readonly to: number;
  readonly mails: MailFacts[];
}

export interface Turns {
  /** False: a page is read when its caller comes for it. */
  readonly ahead: boolean;
  /** How long a command and its answer are under way, ms; left out, longer than anything else. */
  readonly roundTripMs?: () => number;
  /** After a list of so many there may be more; left out, each may be the last. */
  readonly mostListed?: number;
}

/**
 * @param list the UIDs above this one, ascending; with the next page, they are listed ahead. Empty: there are no more
 * @param read reads a page; `before` is the one before it
 * @returns each page, and up to which UID it goes
 */
export async function* readInTurn(
  list: (above: number) => Promise<readonly number[]>,
  read: (page: readonly number[], before: readonly MailFacts[]) => Promise<MailFacts[]>,
  { ahead, roundTripMs = () => Infinity, mostListed = Infinity }: Turns,
): AsyncGenerator<ReadPage> {
  let uids: readonly number[] = [];
  let at = 0;
  let to = 0;
  let length = PAGE_MAILS;
  const readNext = async (before: readonly MailFacts[]): Promise<ReadPage | undefined> => {
    if (at >= uids.length) {
      uids = await list(to);
      at = 0;
    }
    // The last ones are shorter: nothing is read any more while those are recorded.
    const half = Math.max(Math.ceil((uids.length - at) / 2), PAGE_MAILS);
    const most = ahead && uids.length < mostListed ? Math.min(length, half) : length;
    let page = uids.slice(at, at + most);
    if (page.length === 0) return undefined;
    while (sequenceSet(page).length > LONG_SET) page = page.slice(0, page.length / 2);
    at += page.length;
    to = page.at(-1)!;
    const began = monotonicNow();
    const mails = await read(page, before);
    if (ahead) length = lengthAfter(mails, (ROUND_TRIPS * roundTripMs()) / (monotonicNow() - began));
    return { to: page.at(-1)!, mails };
  };
  for (let page = await readNext([]); page;) {
    const next = ahead ? readNext(page.mails) : undefined;
    // Whoever comes for it hears of it; nobody may.
    next?.catch(() => undefined);
    // What the caller does with a page keeps the thread busy: the command goes out before that.
    if (next) await turn();
    yield page;
    page = await (next ?? readNext(page.mails));
  }
}

/** @param times how often so many could have been read in the time that a page should take */
function lengthAfter(mails: readonly MailFacts[], times: number): number {
  const bytes = mails.reduce((sum, { content, short }) => sum + ((content ?? short)?.length ?? 0), 0);
  const fitting = Math.floor((LONG_PAGE_BYTES * mails.length) / Math.max(bytes, 1));
  const worthIt = mails.length === 0 ? 0 : Math.ceil(mails.length * times);
  const long = Math.min(Math.max(worthIt, MIDDLE_PAGE_MAILS), LONG_PAGE_MAILS);
  return Math.max(Math.min(fitting, long), PAGE_MAILS);
}
