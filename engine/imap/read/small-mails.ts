// Which mails are read together with what is told of them: one question less. Before it is asked nobody knows of a mail
// whether it is small, but the last ones of its mailbox tell.
// Invariant: where many are large it is not tried, for their beginnings would be read for nothing; and it is tried again
// once few are.
import type { ImapBeginning } from './begin';
import type { MailFacts } from '../session/facts';

/** Below this size a mail may be read so, in octets. */
const SMALL_BYTES = 64 * 1024;
const LEAST_SMALL = 0.75;
const LAST_MAILS = 8;

type Sized = Pick<MailFacts, 'size'>;

/** Whether mails like these are better read so; also where there are none. */
export const areMostlySmall = (mails: readonly Sized[]): boolean =>
  mails.filter(({ size }) => size < SMALL_BYTES).length >= mails.length * LEAST_SMALL;

/** Nobody stores mails of so many octets, or they are not small. */
export const smallBytes = (subscriptions: readonly ImapBeginning[]): number =>
  Math.min(SMALL_BYTES, Math.max(...subscriptions.map(({ reading }) => reading.mostStoredBytes)));

/** The last mails of a mailbox, over all connections. */
export class LastMails {
  #last: readonly Sized[] = [];

  get areSmall(): boolean {
    return areMostlySmall(this.#last);
  }

  /** @param mails in their order */
  came(mails: readonly Sized[]): void {
    const sizes = mails.slice(-LAST_MAILS).map(({ size }) => ({ size }));
    this.#last = [...this.#last, ...sizes].slice(-LAST_MAILS);
  }
}
