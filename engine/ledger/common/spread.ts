// How long things took, as counts in steps that grow: what both ledgers store of it, and what is told of that.
// Invariant: the bounds are in the schema of both ledgers, and never changed once released.
import type { Spread } from '../series';

const SHORTEST_MS = 10;
/** Some twelve days. */
const LONGEST_MS = 1_000_000_000;
const FACTOR = 1.5;

/** What took less than the first is in bucket 0, what took as long as the last or longer in the last bucket. */
export const BOUNDS_MS: readonly number[] = bounds();

/** It is not known how long it took. */
export const UNKNOWN_BUCKET = -1;

function bounds(): number[] {
  const all: number[] = [];
  for (let ms = SHORTEST_MS; ms < LONGEST_MS; ms = Math.floor(ms * FACTOR)) all.push(ms);
  return all;
}

/** @param counts by bucket @returns null: nothing is known of any */
export function spreadOf(counts: ReadonlyMap<number, number>): Spread | null {
  const known = [...counts].filter(([bucket]) => bucket !== UNKNOWN_BUCKET).sort(([a], [b]) => a - b);
  const total = known.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return null;
  const at = (share: number): number => {
    let left = Math.ceil(total * share);
    const found = known.find(([, count]) => (left -= count) <= 0);
    return middleOf(found![0]) / 1_000;
  };
  return { p50: at(0.5), p95: at(0.95) };
}

/** ms */
function middleOf(bucket: number): number {
  const low = BOUNDS_MS[bucket - 1];
  const high = BOUNDS_MS[bucket];
  if (low === undefined) return SHORTEST_MS / 2;
  return high === undefined ? low : Math.round(Math.sqrt(low * high));
}
