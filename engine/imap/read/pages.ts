// Reads mails page after page, the next one while its caller records the one before.
// Invariant: no more than two pages are held, of 8 MB each where the mails of a mailbox are about as large as one another.
import { setImmediate as turn } from 'node:timers/promises';
import type { MailFacts } from '../session/facts';

/** The first page, so that what it brings runs soon; and every one that is not read ahead. */
export const PAGE_MAILS = 50;
/** Between two pages the connection rests for a round trip: so they are longer, as far as a command of 8 KB holds UIDs. */
const LONG_PAGE_MAILS = 700;
/** And shorter again where the mails are larger, in octets. */
const LONG_PAGE_BYTES = 8 * 1024 * 1024;

/**
 * @param read reads a page; `before` is the one before it
 * @param ahead false: a page is read when its caller comes for it
 * @returns each page, and up to which UID it goes
 */
export async function* readInTurn(
  uids: readonly number[],
  read: (page: readonly number[], before: readonly MailFacts[]) => Promise<MailFacts[]>,
  { ahead }: { readonly ahead: boolean },
): AsyncGenerator<{ readonly to: number; readonly mails: MailFacts[] }> {
  let at = 0;
  let length = PAGE_MAILS;
  const readNext = (before: readonly MailFacts[]): Promise<MailFacts[]> | undefined => {
    const page = uids.slice(at, at + length);
    at += page.length;
    return page.length > 0 ? read(page, before) : undefined;
  };
  for (let reading = readNext([]); reading;) {
    const to = uids[at - 1]!;
    const mails = await reading;
    if (ahead) length = lengthAfter(mails);
    const next = ahead ? readNext(mails) : undefined;
    // Whoever comes for it hears of it; nobody may.
    next?.catch(() => undefined);
    // What the caller does with a page keeps the thread busy: the command goes out before that.
    if (next) await turn();
    yield { to, mails };
    reading = next ?? readNext(mails);
  }
}

function lengthAfter(mails: readonly MailFacts[]): number {
  const bytes = mails.reduce((sum, { content }) => sum + (content?.length ?? 0), 0);
  const fitting = Math.floor((LONG_PAGE_BYTES * mails.length) / Math.max(bytes, 1));
  return Math.min(Math.max(fitting, PAGE_MAILS), LONG_PAGE_MAILS);
}
