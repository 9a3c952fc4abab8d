// Reads a large mail piece by piece, and packs each as it comes: only what is stored of it is in memory.
// Invariant: what is read so is what would be read in one piece; where that is not sure, it is.
import { type PackedContent, packMail, packPiece, PIECE_BYTES } from '../../ledger/content';
import { emptyLine, headerBlock } from '../../mail/headers';
import { letGo } from '../../runtime/buffers';
import type { HandedOut } from '../session/handed-out';
import type { MailReading, SizedMail } from '../session/mails';

/** What is stored of a mail, and what it is known by. */
export interface PackedMail {
  readonly header: Buffer;
  /** Octets, unpacked. */
  readonly size: number;
  readonly content: PackedContent;
}

export async function readLarge(mails: MailReading, mail: SizedMail): Promise<HandedOut<PackedMail>> {
  const { uid } = mail;
  const packing = new Packing();
  const { isWhole, fault } = await mails.inPieces(mail, PIECE_BYTES, (piece) => packing.take(piece));
  const packed = isWhole ? await packing.end() : null;
  if (packed) return { answers: new Map([[uid, packed]]), withheld: [], fault: null };
  if (fault) return { answers: new Map(), withheld: [], fault };
  const { answers, ...others } = await mails.contents([mail]);
  const raw = answers.get(uid);
  return { answers: new Map(raw ? [[uid, await packedWhole(raw)]] : []), ...others };
}

const packedWhole = async (raw: Buffer): Promise<PackedMail> => ({
  header: headerBlock(raw),
  size: raw.length,
  content: await packMail(raw),
});

/** Packs a piece while the next one is being read. */
class Packing {
  #header: Buffer | null = null;
  #size = 0;
  readonly #pieces: Buffer[] = [];
  #running: Promise<void> = Promise.resolve();

  /** @returns false: it cannot be told where its header ends */
  async take(piece: Buffer): Promise<boolean> {
    await this.#running;
    if (!this.#header) {
      const end = emptyLine(piece);
      if (!end) return false;
      // A copy: it would hold the piece.
      this.#header = Buffer.from(piece.subarray(0, end.from));
    }
    this.#size += piece.length;
    this.#running = packPiece(piece).then((packed) => {
      this.#pieces.push(packed);
      letGo(piece);
    });
    // Whoever goes on or ends hears of it.
    this.#running.catch(() => undefined);
    return true;
  }

  async end(): Promise<PackedMail | null> {
    await this.#running;
    return this.#header && { header: this.#header, size: this.#size, content: this.#pieces };
  }
}
