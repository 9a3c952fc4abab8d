// A mail as it goes over a connection: whole but for its end, which is held back until it may arrive.
// Invariant: as long as `mayEnd` has not resolved, the server has no whole mail, and takes none (RFC 5321, 4.1.1.4: what is cut
// off before the final dot is thrown away).
import { Readable } from 'node:stream';

/** Octets; between two of them the connection may be seen to have broken. */
const PIECE_BYTES = 64 * 1024;

/** @param onPiece the server takes it: it has not fallen silent @param mayEnd rejects: it is let go */
export function heldMail(raw: Buffer, onPiece: () => void, mayEnd: () => Promise<void>): Readable {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < raw.length; at += PIECE_BYTES) {
      onPiece();
      yield raw.subarray(at, at + PIECE_BYTES);
    }
    await mayEnd();
  }
  return Readable.from(pieces(), { objectMode: false, highWaterMark: PIECE_BYTES });
}
