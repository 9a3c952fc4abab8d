// Mails that could not be read or judged yet: since when, and when each is asked for again.
// Invariant: it is not asked for sooner, however often the account is looked at meanwhile, since each try costs its
// units and counts: what is wrong gets its time to pass.
import { monotonicNow } from '../../runtime/time';
import { knownIdentities, type Reason, type Wanted } from './candidates';
import type { GmailSyncJob } from './job';
import type { Round } from './round';

/** Ms, monotonic. */
export const nowOf = ({ now }: GmailSyncJob): number => (now ?? monotonicNow)();

/** What a search does not know yet is remembered under this. */
export const searchKey = (subscriptionId: number, identity: string): string =>
  `${subscriptionId} ${identity}`;

/**
 * What may be asked for now.
 * @param held told of the subscriptions for which something is left out
 */
export function askableNow(round: Round, wanted: readonly Wanted[], held: Set<number>): Wanted[] {
  const { memory } = round.job;
  if (memory.withheld.size === 0 && memory.unsearched.size === 0) return [...wanted];
  const now = nowOf(round.job);
  return wanted.flatMap((mail) => {
    const due = new Map<number, Reason>();
    for (const [subscriptionId, reason] of mail.due) {
      const askAt = Math.max(
        memory.withheld.get(mail.id)?.askAt ?? now,
        searchAt(round, mail.id, subscriptionId, reason),
      );
      if (askAt <= now) due.set(subscriptionId, reason);
      else {
        held.add(subscriptionId);
        round.again(askAt - now);
      }
    }
    return due.size > 0 ? [{ id: mail.id, due }] : [];
  });
}

/** When the search is asked for the mail, for all that it may become; -Infinity: it was not asked yet. */
function searchAt(round: Round, id: string, subscriptionId: number, reason: Reason): number {
  const reading = round.places.get(subscriptionId)?.beginning.reading;
  if (!reading?.filter.search || reason.searched) return -Infinity;
  const times = knownIdentities(reading, id, reason).map(
    (identity) => round.job.memory.unsearched.get(searchKey(subscriptionId, identity))?.askAt ?? -Infinity,
  );
  return times.length > 0 ? Math.min(...times) : -Infinity;
}
