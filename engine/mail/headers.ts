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
  const blank = raw.includes(LF) ? emptyLine(raw) : bareEmptyLine(raw);
  if (blank) return { head: raw.subarray(0, blank.from), body: raw.subarray(blank.to) };
  const end = endOfFields(raw);
  return { head: raw.subarray(0, end), body: raw.subarray(end) };
}

interface EmptyLine {
  /** Where the line before it ends, without what ends that. */
  readonly from: number;
  /** Behind it. */
  readonly to: number;
}

/** The first empty line: lines end with CRLF or LF. */
export function emptyLine(raw: Buffer): EmptyLine | null {
  for (let at = -1; ;) {
    const next = at + 1;
    if (raw[next] === LF) return { from: Math.max(at, 0), to: next + 1 };
    if (raw[next] === CR && raw[next + 1] === LF)
      return { from: at > 0 && raw[at - 1] === CR ? at - 1 : Math.max(at, 0), to: next + 2 };
    at = raw.indexOf(LF, next);
    if (at < 0) return null;
  }
}

/** The same where lines end with CR: only in a mail without any LF it is the end of a line. */
function bareEmptyLine(raw: Buffer): EmptyLine | null {
  if (raw[0] === CR) return { from: 0, to: 1 };
  const at = raw.indexOf('\r\r', 0, 'latin1');
  return at < 0 ? null : { from: at, to: at + 2 };
}

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
    if (line.startsWith(' ') || line.startsWith('\t')) {
      current?.parts.push(line.trim());
      continue;
    }
    keep();
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    const isField = name !== '' && !name.startsWith('from ') && !name.startsWith('>from ');
    current = isField ? { name, parts: [line.slice(colon + 1)] } : undefined;
  }
  keep();
  return headers;
}
