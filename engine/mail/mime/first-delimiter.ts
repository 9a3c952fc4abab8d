// A delimiter right under a header that announces parts, where there is no empty line between.
// Invariant: a header in which no line begins with two dashes is looked at no further.
import { announcedBy } from './begin-part';
import { isPartHeader } from './guesses';
import { headFields } from './head-fields';
import { type Line, lineAt } from './head-block';
import type { Range } from './part';

const MOST_BOUNDARY = 10_000;
const MOST_TRIES = 20;
const DASH = 0x2d;

export function isFirstDelimiter(source: Buffer, line: Line, head: Range, to: number): boolean {
  if (head.to === head.from) return false;
  const { boundaries, multipartType } = announcedBy(
    headFields(source.toString('latin1', head.from, head.to)),
  );
  const written = source.toString('latin1', line.from + 2, Math.min(line.to, line.from + MOST_BOUNDARY));
  if ([...boundaries.keys()].some((boundary) => boundary.trimEnd() === written.trimEnd())) return true;
  return multipartType !== null && isPartHeader(source, line.next, to);
}

/** Where the first of them begins within a header that should have ended there; null: there is none. */
export function firstDelimiterIn(mail: Buffer, headTo: number): number | null {
  const head = mail.subarray(0, headTo);
  let at = dashesFrom(head, 0);
  for (let tries = 0; at >= 0 && tries < MOST_TRIES; tries++) {
    const line = lineAt(mail, at, mail.length);
    if (isFirstDelimiter(mail, line, { from: 0, to: at }, mail.length)) return at;
    at = dashesFrom(head, line.next);
  }
  return null;
}

/** The next line that begins with two dashes, from the beginning of a line on; -1: there is none. */
export function dashesFrom(source: Buffer, from: number): number {
  if (source[from] === DASH && source[from + 1] === DASH) return from;
  const found = source.indexOf('\n--', Math.max(0, from - 1), 'latin1');
  return found < 0 ? -1 : found + 1;
}
