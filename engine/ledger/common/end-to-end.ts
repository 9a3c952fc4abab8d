// Several runs of bytes as one value, and where each lies in it: an array of them would double on the wire, and take a statement
// for each.
export interface EndToEnd {
  readonly bytes: Uint8Array;
  /** Of each: where it begins, from 1 as SQL counts. */
  readonly firsts: readonly number[];
  readonly lengths: readonly number[];
}

export function endToEnd(runs: readonly Uint8Array[]): EndToEnd {
  const lengths = runs.map(({ length }) => length);
  const firsts: number[] = [];
  let next = 1;
  for (const length of lengths) {
    firsts.push(next);
    next += length;
  }
  // One alone is not copied.
  return { bytes: runs.length === 1 ? runs[0]! : Buffer.concat(runs), firsts, lengths };
}
