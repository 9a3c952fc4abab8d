// The order of the ledger's positions, for whoever keeps changes elsewhere and has to know which of two came first.
// Invariant: of two positions of one ledger the later one has the greater place; a ledger that was restored from a backup may give
// a place a second time: whether a position still counts, only the ledger says (changes.ts).

/** Two whole numbers, the first one decides. */
export type PositionPlace = readonly [major: bigint, minor: bigint];

/** @param position as the ledger gave it @throws Error: it is none */
export function placeOfChange(position: string): PositionPlace {
  // Its first part names the ledger, its last one the moment (common/change-page.ts).
  const numbers = position.split('.').slice(1, -1);
  if (numbers.length < 1 || numbers.length > 2 || !numbers.every((number) => /^\d{1,18}$/.test(number))) {
    throw new Error('This is no position of a mail ledger.');
  }
  const [major = '0', minor = '0'] = numbers;
  return [BigInt(major), BigInt(minor)];
}
