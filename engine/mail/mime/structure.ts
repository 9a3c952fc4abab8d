// The parts of a mail, and whether the parser (mailsplit 5.x of mailparser 3.9.31) would find the same: it reads only what is
// written as RFC 2046 has it, and says nothing of the rest.
// Invariant: time grows with the length of the mail, however its parts are nested, and whoever runs it may pause at each yield.
import { headFields } from './head-fields';
import type { Part } from './part';
import { Reading } from './reading';

export interface Structure {
  readonly root: Part;
  /** The parser would read something else. */
  readonly isAmiss: boolean;
  /** All there are, of which `MOST_PARTS` are read. */
  readonly partCount: number;
  /** There may be more. */
  readonly isCounted: boolean;
  /** Multiparts in which no part was found. */
  readonly unread: readonly Part[];
}

/** @param namedAreFiles parts with a file name are files, also those that are to be shown within the text */
export function* readStructure(
  head: Buffer,
  body: Buffer,
  namedAreFiles: boolean,
): Generator<undefined, Structure> {
  const reading = new Reading(body, namedAreFiles);
  const root = yield* reading.read(headFields(head.toString('latin1').replace(/\r(?!\n)/g, '\n')));
  const { isAmiss, partCount, isCounted, unread } = reading;
  return { root, isAmiss, partCount, isCounted, unread };
}
