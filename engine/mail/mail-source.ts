// The octets of a mail, wherever they are: in memory, or to be had in pieces, so that the mail need not be whole anywhere.
// Invariant: a piece is there until the next one is asked for, and no longer.

export interface PiecedMail {
  /** Octets from one place to another, in pieces of any size; they may be asked for again and again. */
  octets(from?: number, to?: number): AsyncIterable<Buffer>;
}

/** The raw mail. */
export type MailSource = Buffer | PiecedMail;

/** Octets of a mail in memory that are worked through in one go. */
const PIECE_BYTES = 1024 * 1024;

export async function wholeOf(mail: MailSource): Promise<Buffer> {
  if (Buffer.isBuffer(mail)) return mail;
  const pieces: Buffer[] = [];
  for await (const piece of mail.octets()) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

export const octetsOf = (mail: MailSource, from?: number, to?: number): AsyncIterable<Buffer> =>
  Buffer.isBuffer(mail) ? piecesOf(mail.subarray(from, to)) : mail.octets(from, to);

async function* piecesOf(octets: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < octets.length; at += PIECE_BYTES) yield octets.subarray(at, at + PIECE_BYTES);
}
