// The newest mails of a list that is made by words, whether Gmail's search knows them yet or not: its index is behind the
// mailbox, and what was delivered a moment before the history's id was asked is in neither.
import type { Priority } from '../api/api';
import type { Wanted } from './candidates';
import { type Listing, queryOf } from './listing';
import { takeMails } from './record';
import type { Round } from './round';

/** Mails that are older than so many others are in the index. */
const MOST = 20;

export interface Newest {
  /** What the search has found: that is known to it. */
  readonly found: ReadonlySet<string>;
  readonly wanted: (id: string) => readonly Wanted[];
  /** A mail that was received before ends it, ms since 1970. */
  readonly since: number;
  readonly priority: Priority;
}

/** @returns how many mails were recorded, and to whom something is still due; null: the signal aborted */
export async function takeNewest(
  round: Round,
  listing: Listing,
  { found, wanted, since, priority }: Newest,
): Promise<{ readonly held: ReadonlySet<number>; readonly count: number } | null> {
  const held = new Set<number>();
  let count = 0;
  if (listing.q === '') return { held, count };
  const page = await round.job.api.messages(queryOf({ ...listing, q: '' }, MOST), priority);
  let oldest = Infinity;
  for (const { id } of page.messages ?? []) {
    if (oldest < since) break;
    if (found.has(id)) continue;
    // One after the other: most often the first one is old already.
    const taken = await takeMails(round, wanted(id), {
      priority,
      seen: ({ internalDate }) => {
        oldest = internalDate;
      },
    });
    if (!taken) return null;
    for (const one of taken.held) held.add(one);
    count += taken.count;
  }
  return { held, count };
}
