// Reads one large mail piece by piece (RFC 3501, 6.4.5: partial FETCH), so that it is nowhere whole.
// Invariant: what was handed on counts only if it was all of the mail: each piece begins with the end of the one before, which
// tells a server that counts its octets in another way, and the last one is empty but for that. Whoever asks does so for the whole
// mail otherwise.

/** So much of two pieces is the same, in octets. */
const OVERLAP_BYTES = 256;

export interface PieceSizes {
  /** Octets of a piece. */
  readonly piece: number;
  /** Of a mail that has more it is not the end that is looked for. */
  readonly most: number;
}

/**
 * @param size octets of the mail, as the server says
 * @param ask for octets of the mail; undefined: the server does not hand them out
 * @param take is given each piece, in order, and may refuse to go on
 * @returns whether that was the mail
 */
export async function readInPieces(
  size: number,
  { piece: pieceBytes, most }: PieceSizes,
  ask: (start: number, maxLength: number) => Promise<Buffer | undefined>,
  take: (piece: Buffer) => Promise<boolean>,
): Promise<boolean> {
  let read = 0;
  let end = Buffer.alloc(0);
  while (read <= most) {
    const wanted = end.length + pieceBytes;
    const answer = await ask(read - end.length, wanted);
    // More than was asked for: the server does not know of pieces.
    if (!answer || answer.length > wanted || !answer.subarray(0, end.length).equals(end)) return false;
    const piece = answer.subarray(end.length);
    // Sizes that servers tell are often wrong, and some hand out less at a time than they are asked for.
    if (piece.length === 0) return read > 0 && read >= size;
    read += piece.length;
    end = Buffer.from(answer.subarray(-OVERLAP_BYTES));
    if (!(await take(piece))) return false;
  }
  return false;
}
