// The ids of a stream's entries: the places of the ledger's changes, so that an entry has the same id however often it is written.
// That is what a reader goes by: it goes on after the last id that it has done, also in a stream that was lost and begun anew.
// Invariant: ids only rise. Where the ledger was put back (a backup, another server), a base is added from there on.
import { type PositionPlace, placeOfChange } from '../ledger/position';

/** The last entry that was written. */
export interface StreamPlace {
  readonly id: string;
  /** The ledger's, to go on after. */
  readonly position: string;
  /** What is added to the first number of a place. */
  readonly base: bigint;
}

export function entryId(position: string, base: bigint): string {
  const [major, minor] = placeOfChange(position);
  return `${major + base}-${minor}`;
}

/** For an entry that is to stand after the last id, whatever the ledger's places are. @param last null: nothing was written */
export function baseAfter(position: string, base: bigint, last: string | null): bigint {
  if (last === null || isAfter(entryId(position, base), last)) return base;
  return partsOf(last)[0] + 1n - placeOfChange(position)[0];
}

/** What was added when the entry was written. */
export const baseOf = (id: string, position: string): bigint => partsOf(id)[0] - placeOfChange(position)[0];

function isAfter(id: string, other: string): boolean {
  const [[major, minor], [otherMajor, otherMinor]] = [partsOf(id), partsOf(other)];
  return major > otherMajor || (major === otherMajor && minor > otherMinor);
}

function partsOf(id: string): PositionPlace {
  const [major = '0', minor = '0'] = id.split('-');
  return [BigInt(major), BigInt(minor)];
}
