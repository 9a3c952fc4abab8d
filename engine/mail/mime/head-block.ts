// Where the header of a part ends: at the first empty line, as a rule. Mailers forget it, so it also ends at the delimiter
// of a part, and where a line is no field while none of those that tell what the part is comes after it.
// Invariant: a header with an empty line at its end, and with nothing but fields in it, ends there.
import type { Range } from './part';

/** Without its line end; and where the next one begins. */
export interface Line extends Range {
  readonly next: number;
}

export interface HeadBlock {
  readonly head: Range;
  readonly bodyFrom: number;
  /** It ends with an empty line, or where the mail ends. */
  readonly isClosed: boolean;
  /** There is neither a header nor a body. */
  readonly isNothing: boolean;
}

const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;
const MOST_NAME_BYTES = 100;
const FIELD = /^[!-9;-~]+[ \t]*:/;

/** The line that begins there. */
export function lineAt(source: Buffer, from: number, to: number): Line {
  const found = source.indexOf(LF, from);
  const next = found < 0 || found >= to ? to : found + 1;
  let end = found < 0 || found >= to ? to : found;
  if (end > from && source[end - 1] === CR) end--;
  return { from, to: end, next };
}

/** @param endsAt whether the line that begins there, with two dashes, is the delimiter of a part */
export function readHeadBlock(
  source: Buffer,
  { from, to }: Range,
  endsAt: (line: Line, head: Range) => boolean,
): HeadBlock {
  let firstOdd = -1;
  let at = from;
  const endsWith = (bodyFrom: number, isClosed: boolean): HeadBlock =>
    firstOdd < 0
      ? { head: { from, to: at }, bodyFrom, isClosed, isNothing: bodyFrom === from }
      : { head: { from, to: firstOdd }, bodyFrom: firstOdd, isClosed: false, isNothing: false };
  while (at < to) {
    const line = lineAt(source, at, to);
    if (line.to === at) return endsWith(line.next, true);
    const isDashed = source[at] === DASH && source[at + 1] === DASH;
    if (isDashed && endsAt(line, { from, to: at })) return endsWith(at, false);
    const begin = source.toString('latin1', at, Math.min(line.to, at + MOST_NAME_BYTES));
    // A field that tells what the part is: what was odd before it stands within the header.
    if (/^content-[a-z-]+[ \t]*:/i.test(begin)) firstOdd = -1;
    else if (firstOdd < 0 && !isField(begin, at === from)) firstOdd = at;
    at = line.next;
  }
  return endsWith(to, true);
}

/** A field, or one that goes on, or the line that a file of mails has before each. A name can be longer than what is looked at. */
const isField = (begin: string, isFirst: boolean): boolean =>
  FIELD.test(begin) || (isFirst ? /^>?From /i : /^[ \t]/).test(begin) || /^[!-9;-~]{100}$/.test(begin);

/** Where the body of a part ends that is before a delimiter: the line end between them belongs to that (RFC 2046, 5.1.1). */
export function endBefore(source: Buffer, delimiterFrom: number): number {
  let end = delimiterFrom;
  if (source[end - 1] === LF) end--;
  if (end < delimiterFrom && source[end - 1] === CR) end--;
  return end;
}
