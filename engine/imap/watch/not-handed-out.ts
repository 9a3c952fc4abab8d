// What people are told of mails that the server of a mailbox lists and does not hand out.
import type { Log } from '../../runtime/log';
import type { NewMail } from '../read/job';
import { MOST_TRIES, type Withheld } from '../read/withheld';
import { WithheldMail } from '../session/handed-out';
import type { Subscriber } from '../../source/source';

/** @param name the mailbox, for people */
export const notHandedOut = (name: string, withheld: Withheld, uids: readonly number[]): WithheldMail =>
  new WithheldMail(`the ${name}`, uids, withheld.saidOf(uids[0]!));

/** The mails run all the same: who gets less than a mail must know why. Each subscriber hears of its own, once. */
export function tellGivenUp(
  name: string,
  withheld: Withheld,
  mails: readonly NewMail[],
  subscribers: readonly Pick<Subscriber<never, never>, 'subscription' | 'warn'>[],
  log: Log,
): void {
  for (const { subscription, warn } of subscribers) {
    const uids = mails.filter(({ due }) => due.includes(subscription.id)).map(({ facts }) => facts.uid);
    if (uids.length === 0) continue;
    const fault = notHandedOut(name, withheld, uids);
    const runs =
      uids.length === 1 ? 'Its run asks once more, and fails' : 'Their runs ask once more, and fail';
    const text =
      `${fault.message} The server was asked ${MOST_TRIES} times. ${runs} if that is in vain, too. ` +
      'Look at the mail in another program, or ask whoever runs the server.';
    log.warn(text);
    warn(new Error(text, { cause: fault }));
  }
}
