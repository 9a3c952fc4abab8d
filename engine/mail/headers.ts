// The header fields of a mail, read straight from its bytes (RFC 5322, 2.2): unfolded, not decoded.
// It needs no library and cannot fail, so it also serves mails that the parser gives up on.
// Invariant: the time it takes grows with the length of the mail, not with what is in it.
import { readableLines } from './charset';

/** Values by lower-case field name, in the order of the mail. */
export type MailHeaders = ReadonlyMap<string, readonly string[]>;

const LF = 0x0a;
const CR = 0x0d;

export interface MailHalves {
  readonly head: Buffer;
  readonly body: Buffer;
}

/**
 * The header block and what comes after the first empty line. A mail without an empty line has a body from the
 * first line on that is no header field.
 */
export function splitMail(raw: Buffer): MailHalves {
  // Only in a mail without any LF is a CR the end of a line.
  const blanks = raw.includes(LF) ? ['\r\n\r\n', '\n\n', '\n\r\n'] : ['\r\r'];
  const first = blanks.map((blank) => blank.slice(blank.length / 2)).find((end) => startsWith(raw, end));
  if (first !== undefined) return { head: raw.subarray(0, 0), body: raw.subarray(first.length) };
  let at = raw.length;
  let length = 0;
  for (const blank of blanks) {
    const found = raw.subarray(0, at + blank.length).indexOf(blank, 0, 'latin1');
    if (found >= 0 && found < at) [at, length] = [found, blank.length];
  }
  if (length > 0) return { head: raw.subarray(0, at), body: raw.subarray(at + length) };
  const end = endOfFields(raw);
  return { head: raw.subarray(0, end), body: raw.subarray(end) };
}

const startsWith = (raw: Buffer, text: string): boolean => raw.toString('latin1', 0, text.length) === text;

/** The header block: everything before the first empty line. */
export const headerBlock = (raw: Buffer): Buffer => splitMail(raw).head;

/** How far the fields of a mail go that has no empty line: to the first line behind them that is none. */
function endOfFields(raw: Buffer): number {
  let at = 0;
  let isBehindField = false;
  while (at < raw.length) {
    const line = raw.toString('latin1', at, Math.min(raw.length, at + MOST_NAME_BYTES));
    const isField = /^[!-9;-~]+[ \t]*:/.test(line);
    if (isBehindField && !isField && !/^[ \t]/.test(line)) return at;
    isBehindField ||= isField;
    at = endOfLine(raw, at);
  }
  return isBehindField ? raw.length : 0;
}

const MOST_NAME_BYTES = 1_000;

function endOfLine(raw: Buffer, from: number): number {
  for (let at = from; at < raw.length; at++) {
    if (raw[at] === LF) return at + 1;
    if (raw[at] === CR) return raw[at + 1] === LF ? at + 2 : at + 1;
  }
  return raw.length;
}

export function readHeaders(block: Buffer): MailHeaders {
  const headers = new Map<string, string[]>();
  let current: { name: string; parts: string[] } | undefined;
  const keep = (): void => {
    if (!current) return;
    const values = headers.get(current.name) ?? [];
    values.push(current.parts.join(' ').trim());
    headers.set(current.name, values);
  };
  // No database takes NUL in a text, and no reader misses it.
  for (const line of readableLines(block)
    .replaceAll('\0', '')
    .split(/\r\n|\n|\r/)) {
    if (/^[ \t]/.test(line)) {
      current?.parts.push(line.trim());
      continue;
    }
    keep();
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    current = name === '' || /^>?from /.test(name) ? undefined : { name, parts: [line.slice(colon + 1)] };
  }
  keep();
  return headers;
}
