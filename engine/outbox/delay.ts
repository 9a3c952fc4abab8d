// Which delay comes before the next try, where a schedule has one list for what is not reached and one for what says "not now".
// Most of both lists is the same (mail: 1, 5, 15 min and 1 h): what stands before that in the longer one (1, 2 and 4 s for a
// connection that fails) is its own, and counts its own failures; what comes after that both share, and counts all.
// So a server that is begun anew, and then is busy, is asked after a minute, as one that was busy at once.
// Invariant: failures of one kind alone wait as their list says, and nothing is tried more often than the longer list has it.
import type { DueEntry } from '../ledger/outbox';
import type { TrySchedule } from './sender';

/** @property tries this one, too */
export type Counted = Pick<DueEntry, 'tries' | 'refusals'>;

type Why = keyof TrySchedule;

/** @param why this try failed @returns undefined: none is left */
export function delayBefore(
  schedule: TrySchedule,
  why: Why,
  { tries, refusals }: Counted,
): number | undefined {
  const before: Readonly<Record<Why, number>> = { connection: tries - 1 - refusals, refused: refusals };
  const shared = Math.min(schedule.connection.length, schedule.refused.length);
  const own = (kind: Why): number => schedule[kind].length - shared;
  const past = (kind: Why): number => Math.max(0, before[kind] - own(kind));
  const at = before[why] < own(why) ? before[why] : own(why) + past('connection') + past('refused');
  return schedule[why][at];
}
