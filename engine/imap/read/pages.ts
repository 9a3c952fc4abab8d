// Reads mails page after page, the next one while its caller records the one before.
// Invariant: no more than two pages are held, of 8 MB each where the mails of a mailbox are about as large as one another.
import { setImmediate as turn } from 'node:timers/promises';
import { sequenceSet } from '../session/sequence-set';
import type { MailFacts } from '../session/facts';

/** The first page, so that what it brings runs soon; and every one that is not read ahead. */
export const PAGE_MAILS = 50;
/** Between two pages the connection rests for a round trip: so they are longer. */
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

/**
 * @param list the UIDs above this one, ascending; with the next page, they are listed ahead. Empty: there are no more
 * @param read reads a page; `before` is the one before it
 * @param ahead false: a page is read when its caller comes for it
 * @returns each page, and up to which UID it goes
 */
export async function* readInTurn(
  list: (above: number) => Promise<readonly number[]>,
  read: (page: readonly number[], before: readonly MailFacts[]) => Promise<MailFacts[]>,
  { ahead }: { readonly ahead: boolean },
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
    let page = uids.slice(at, at + (ahead ? Math.min(length, half) : length));
    if (page.length === 0) return undefined;
    while (sequenceSet(page).length > LONG_SET) page = page.slice(0, page.length / 2);
    at += page.length;
    to = page.at(-1)!;
    return { to, mails: await read(page, before) };
  };
  for (let page = await readNext([]); page;) {
    if (ahead) length = lengthAfter(page.mails);
    const next = ahead ? readNext(page.mails) : undefined;
    // Whoever comes for it hears of it; nobody may.
    next?.catch(() => undefined);
    // What the caller does with a page keeps the thread busy: the command goes out before that.
    if (next) await turn();
    yield page;
    page = await (next ?? readNext(page.mails));
  }
}

function lengthAfter(mails: readonly MailFacts[]): number {
  const bytes = mails.reduce((sum, { content, short }) => sum + ((content ?? short)?.length ?? 0), 0);
  const fitting = Math.floor((LONG_PAGE_BYTES * mails.length) / Math.max(bytes, 1));
  return Math.min(Math.max(fitting, PAGE_MAILS), LONG_PAGE_MAILS);
}
