// Cuts a stream of IMAP into lines and literals (RFC 3501, 4.3).
// Invariant: no octet is lost or changed, and what stands in a mail is never taken for what a server says.

export type Piece =
  /** With its CRLF, one character for each octet. */
  | { readonly kind: 'line'; readonly text: string }
  /** A part of a literal of `size` octets that begins at octet `at` of it. */
  | { readonly kind: 'literal'; readonly bytes: Buffer; readonly at: number; readonly size: number };

const NEWLINE = 10;

export class ImapPieces {
  #rest: Buffer = Buffer.alloc(0);
  #literal: { readonly size: number; at: number } | undefined;

  /** The pieces that are complete with these octets; of a literal, as much as there is. */
  take(data: Buffer): Piece[] {
    this.#rest = Buffer.concat([this.#rest, data]);
    const pieces: Piece[] = [];
    for (let piece = this.#next(); piece; piece = this.#next()) pieces.push(piece);
    return pieces;
  }

  #next(): Piece | undefined {
    if (this.#literal) return this.#nextOfLiteral(this.#literal);
    const end = this.#rest.indexOf(NEWLINE) + 1;
    if (end === 0) return undefined;
    const text = this.#cut(end).toString('latin1');
    const announced = /\{(\d+)\+?\}\r\n$/.exec(text);
    if (announced && announced[1] !== '0') this.#literal = { size: Number(announced[1]), at: 0 };
    return { kind: 'line', text };
  }

  #nextOfLiteral(literal: { readonly size: number; at: number }): Piece | undefined {
    if (this.#rest.length === 0) return undefined;
    const { at, size } = literal;
    const bytes = this.#cut(Math.min(size - at, this.#rest.length));
    literal.at += bytes.length;
    if (literal.at === size) this.#literal = undefined;
    return { kind: 'literal', bytes, at, size };
  }

  #cut(length: number): Buffer {
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return bytes;
  }
}
