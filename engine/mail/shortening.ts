// Takes long runs of base64 out of a mail that comes in pieces, and puts a line in the place of each.
// Invariant: a run is whole lines of whole groups of digits, so that it can be decoded by itself; all else stays as it is, and is
// all that is kept.
import { randomBytes } from 'node:crypto';
import { letGo } from '../runtime/buffers';

export interface Run {
  readonly from: number;
  readonly to: number;
  /** Octets, decoded. */
  readonly size: number;
  /** What stands in its place, decoded. */
  readonly mark: Buffer;
}

interface Begun {
  readonly from: number;
  digits: number;
  readonly lineEnd: string;
  /** What has come of it, until it is long. */
  kept: Buffer[];
}

/** Octets. Shorter runs are left where they are. */
const LONG_BYTES = 1024 * 1024;
/** A line's end is at most so far away (RFC 5322, 2.1.1). */
const MOST_LINE = 998;
/** A line of it in base64 has 76 digits, as most have. */
export const MARK_BYTES = 57;
const [LF, CR] = [0x0a, 0x0d];

export class Shortening {
  readonly runs: Run[] = [];
  readonly #rest: Buffer[] = [];
  #begun: Begun | null = null;
  /** The beginning of a line. */
  #line: Buffer = Buffer.alloc(0);
  /** Where in the mail the line begins. */
  #at = 0;

  /** @param piece is not kept */
  take(piece: Buffer): void {
    const octets = this.#line.length > 0 ? Buffer.concat([this.#line, piece]) : piece;
    let at = 0;
    /** From where on nothing is put away yet. */
    let open = 0;
    for (let lf = octets.indexOf(LF); lf >= 0; lf = octets.indexOf(LF, at)) {
      const isCrLf = octets[lf - 1] === CR;
      const digits = digitsOf(octets, at, isCrLf ? lf - 1 : lf);
      if (digits > 0 && !this.#begun) {
        this.#keep(octets.subarray(open, at));
        open = at;
        this.#begun = { from: this.#at + at, digits: 0, lineEnd: isCrLf ? '\r\n' : '\n', kept: [] };
      } else if (digits === 0 && this.#begun) {
        this.#endRun(octets.subarray(open, at), this.#at + at);
        open = at;
      }
      if (this.#begun) this.#begun.digits += digits;
      at = lf + 1;
    }
    if (this.#begun) this.#goOn(this.#begun, octets.subarray(open, at), this.#at + at);
    else this.#keep(octets.subarray(open, at));
    this.#at += at;
    this.#line = Buffer.from(octets.subarray(at));
    // What is kept of it was copied.
    if (octets !== piece) letGo(octets);
    if (this.#line.length > MOST_LINE) this.#endLine();
  }

  /** @returns the mail without its runs */
  end(): Buffer {
    this.#endLine();
    return Buffer.concat(this.#rest);
  }

  /** It belongs to no run, wherever it ends. */
  #endLine(): void {
    if (this.#begun) this.#endRun(Buffer.alloc(0), this.#at);
    this.#rest.push(this.#line);
    this.#at += this.#line.length;
    this.#line = Buffer.alloc(0);
  }

  #keep(octets: Buffer): void {
    if (octets.length > 0) this.#rest.push(Buffer.from(octets));
  }

  #goOn(begun: Begun, octets: Buffer, to: number): void {
    if (to - begun.from >= LONG_BYTES) begun.kept = [];
    else begun.kept.push(Buffer.from(octets));
  }

  #endRun(octets: Buffer, to: number): void {
    const { from, digits, lineEnd, kept } = this.#begun!;
    this.#begun = null;
    if (to - from < LONG_BYTES) {
      this.#rest.push(...kept);
      this.#keep(octets);
      return;
    }
    const mark = randomBytes(MARK_BYTES);
    this.runs.push({ from, to, size: (digits / 4) * 3, mark });
    this.#rest.push(Buffer.from(`${mark.toString('base64')}${lineEnd}`));
  }
}

/** How many digits of base64 a line has; 0: it has others, or none that can be decoded alone. */
function digitsOf(octets: Buffer, from: number, to: number): number {
  const length = to - from;
  if (length <= 0 || length > MOST_LINE || length % 4 !== 0) return 0;
  for (let at = from; at < to; at++) if (DIGITS[octets[at]!] === NONE) return 0;
  return length;
}

const NONE = 255;
const DIGITS = new Uint8Array(256).fill(NONE);
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (const [value, digit] of Buffer.from(ALPHABET).entries()) DIGITS[digit] = value;

/** A run, decoded. @param octets of it, in pieces of any size */
export async function* decoded(octets: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let line = Buffer.alloc(0);
  for await (const piece of octets) {
    const all = line.length > 0 ? Buffer.concat([line, piece]) : piece;
    const end = all.lastIndexOf(LF) + 1;
    line = Buffer.from(all.subarray(end));
    const octets = end > 0 ? decodedLines(all.subarray(0, end)) : null;
    if (all !== piece) letGo(all);
    if (octets) yield octets;
  }
}

function decodedLines(lines: Buffer): Buffer {
  const octets = Buffer.allocUnsafe(Math.ceil((lines.length / 4) * 3));
  let length = 0;
  for (let at = 0; at < lines.length;) {
    if (lines[at] === LF || lines[at] === CR) {
      at++;
      continue;
    }
    // An array for each group would be garbage of many times the mail's size.
    const a = DIGITS[lines[at]!]!;
    const b = DIGITS[lines[at + 1]!]!;
    const c = DIGITS[lines[at + 2]!]!;
    const d = DIGITS[lines[at + 3]!]!;
    octets[length++] = (a << 2) | (b >> 4);
    octets[length++] = ((b & 15) << 4) | (c >> 2);
    octets[length++] = ((c & 3) << 6) | d;
    at += 4;
  }
  return octets.subarray(0, length);
}
