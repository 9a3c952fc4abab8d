// The mailboxes of a line: which of them are visited now, who listens to them, and which is the next one's turn.
// Invariant: only those that this process holds are visited, and none before its own fault allows it.
import { monotonicNow } from '../../runtime/time';
import type { ImapReading } from '../read/reading';
import type { WatchedMailbox } from './mailbox';
import type { ImapSubscriber } from './subscriber';

/** In the order in which they are visited; they come and go. */
export type LineMailboxes = WatchedMailbox[];

/** Those that this process holds and may visit now. @throws LedgerFault */
export async function readyOf(mailboxes: LineMailboxes): Promise<WatchedMailbox[]> {
  const ready: WatchedMailbox[] = [];
  for (const mailbox of [...mailboxes]) {
    if ((await mailbox.held()) && mailbox.notBefore <= monotonicNow()) ready.push(mailbox);
  }
  return ready;
}

/** When one that could not be opened is tried again, in ms; Infinity: there is none. */
export function retryMsOf(mailboxes: LineMailboxes): number {
  const waits = mailboxes.map(({ notBefore }) => notBefore - monotonicNow());
  return Math.min(Infinity, ...waits.filter((wait) => wait > 0));
}

/** One at which the connection fails is the last of the next round: it keeps nobody from the others for good. */
export function putLast(mailboxes: LineMailboxes, mailbox: WatchedMailbox): void {
  const at = mailboxes.indexOf(mailbox);
  if (at >= 0) mailboxes.push(...mailboxes.splice(at, 1));
}

export const subscribersOf = (mailboxes: LineMailboxes): ImapSubscriber[] =>
  mailboxes.flatMap((mailbox) => mailbox.subscribers());

export const readingsOf = (mailboxes: LineMailboxes): readonly ImapReading[] =>
  subscribersOf(mailboxes).map(({ reading }) => reading);

/** What another process is to have is not open here, or no more than until the next is opened. @throws LedgerFault */
export async function passOn(mailboxes: LineMailboxes): Promise<void> {
  for (const mailbox of [...mailboxes]) await mailbox.passOn();
}
