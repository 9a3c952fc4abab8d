// Takes the mails of a list that Gmail's search does not know yet: what was delivered a moment before the history's id
// was asked is in neither.
// Invariant: nothing is taken for known that nobody has looked at: what the index learns of meanwhile is looked at.
import type { Priority } from '../../http/quota';
import type { Wanted } from './candidates';
import { type Listing, queryOf } from './listing';
import { takeMails } from './record';
import type { Round } from './round';
import { type Known, unindexed } from './unindexed';

const PAGE = 500;
/** Older mails are in the index, if it works at all. */
const MOST_LAG_MS = 86_400_000;
/** So many old ones at once, and none that is not: those behind them are old, too. */
const OLD_AT_ONCE = 4;

export interface Newest {
  readonly known: Known;
  readonly wanted: (ids: readonly string[]) => readonly Wanted[];
  /** What was received before is not looked for, ms since 1970. */
  readonly since: number;
  readonly priority: Priority;
}

/** @returns how many mails were recorded, and to whom something is still due; null: the signal aborted */
export async function takeNewest(
  round: Round,
  listing: Listing,
  { known, wanted, since, priority }: Newest,
): Promise<{ readonly held: ReadonlySet<number>; readonly count: number } | null> {
  const held = new Set<number>();
  let count = 0;
  if (listing.q === '') return { held, count };
  const oldest = Math.max(since, Date.now() - MOST_LAG_MS);
  const list = queryOf({ ...listing, q: '' }, PAGE);
  for await (const ids of unindexed(round.job.api, list, known, priority)) {
    // More and more at once: all of them are old where the index is far behind, and nothing came.
    for (let at = 0, size = 1; at < ids.length; at += size, size *= 2) {
      const dates: number[] = [];
      const taken = await takeMails(round, wanted(ids.slice(at, at + size)), {
        priority,
        seen: ({ internalDate }) => dates.push(internalDate),
      });
      if (!taken) return null;
      for (const one of taken.held) held.add(one);
      count += taken.count;
      if (dates.length >= OLD_AT_ONCE && dates.every((date) => date < oldest)) return { held, count };
    }
  }
  return { held, count };
}
