// How long to wait before the next try of something that failed. Exponential, capped, with jitter,
// so that many clients of one server that went away do not come back in one instant.

export interface BackoffRange {
  readonly firstMs: number;
  readonly mostMs: number;
}

/**
 * The wait before try number `failures + 1`, in ms: between half and all of `firstMs * 2^(failures - 1)`,
 * which never exceeds `mostMs`.
 * @param failures tries that have failed in a row, from 1
 * @param random a number in [0, 1)
 */
export function backoffDelay(
  failures: number,
  range: BackoffRange,
  random: () => number = Math.random,
): number {
  const exponent = Math.min(Math.max(failures, 1) - 1, 30);
  const ceiling = Math.min(range.firstMs * 2 ** exponent, range.mostMs);
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}
