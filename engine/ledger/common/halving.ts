// A search by halves, for what grows with what it is looked for by.

/**
 * @param low is small enough @param high is not, or is the last @param isSmall of one between them
 * @returns the largest that is small enough
 */
export async function largest(
  low: bigint,
  high: bigint,
  isSmall: (place: bigint) => boolean | Promise<boolean>,
): Promise<bigint> {
  let [small, large] = [low, high];
  while (large - small > 1n) {
    const middle = (small + large) / 2n;
    if (await isSmall(middle)) small = middle;
    else large = middle;
  }
  return small;
}
