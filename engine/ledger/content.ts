// How a mail's bytes are stored: gzip. A large one is packed in the thread pool, so that it does not hold up n8n, and stored in
// pieces, so that it need not be whole in memory anywhere.
// Invariant: each piece can be unpacked by itself; end to end they are the mail.
import { promisify } from 'node:util';
import { constants, gunzip, gzip, gzipSync } from 'node:zlib';
import type { PiecedMail } from '../mail/mail-source';
import { isAlone, letGo } from '../runtime/buffers';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** A mail as it is stored: gzip, in one or in several pieces. */
export type PackedContent = Buffer | readonly Buffer[];

/**
 * A small mail as it came: the ledger packs it when it stores it, in a thread of its own where it has one. Done in n8n's, that is
 * nearly half of what a mail takes of it until it is recorded.
 */
export class UnpackedContent {
  readonly raw: Buffer;

  constructor(raw: Buffer) {
    this.raw = raw;
  }
}

/** A mail that is to be stored. */
export type NewContent = PackedContent | UnpackedContent;

/** One piece of it, as it is stored. */
export interface ContentPiece {
  readonly gzip: Buffer;
  /** How many there are in all. */
  readonly pieces: number;
}

/** So much of a large mail is packed into one piece, in octets. */
export const PIECE_BYTES = 1024 * 1024;
/** A mail of more octets is stored in pieces. */
export const LARGE_BYTES = 4 * PIECE_BYTES;
/**
 * Up to this size it is done at once, in octets: it takes 0.6 ms at most. The thread pool would not take longer, but
 * whoever asks it is held up: what it wakes takes the processor, for 1.5 ms where there are two.
 */
const SMALL_BYTES = 64 * 1024;
/** Up to this size, as it is stored, a content comes with the claim of its mail: one question less for most mails. */
export const CLAIMED_BYTES = 64 * 1024;
const TINY_BYTES = 8 * 1024;

/** Speed before size: most of a large mail is base64 of compressed data. */
const level = constants.Z_BEST_SPEED;
/** What gzip adds to what cannot be packed, and no less than zlib takes. */
const MOST_ADDED_BYTES = 128;
const MOST_PIECE_BYTES = 64 * 1024;

/** Packs raw mail for the ledger, as one piece. */
export async function packContent(raw: Buffer): Promise<Buffer> {
  return raw.length > SMALL_BYTES ? compress(raw, { level, chunkSize: chunkFor(raw) }) : packSmall(raw);
}

/** At once: of `SMALL_BYTES` at most. */
function packSmall(raw: Buffer): Buffer {
  // No more of zlib's memory (256 KB by default, made anew for each) than so small a mail can use.
  const memory = raw.length > TINY_BYTES ? {} : { windowBits: 13, memLevel: 6 };
  return gzipSync(raw, { level, chunkSize: chunkFor(raw), ...memory });
}

/** What it gives comes in one piece where it can: each takes a round of its own, and more memory than a small mail needs. */
const chunkFor = ({ length }: Buffer): number => Math.min(length + MOST_ADDED_BYTES, MOST_PIECE_BYTES);

/** What is handed to the ledger of a mail that is there whole. */
export const newContent = (raw: Buffer): NewContent | Promise<PackedContent> =>
  raw.length > SMALL_BYTES ? packMail(raw) : new UnpackedContent(raw);

/** As it is stored: what was not packed yet is packed at once. */
export const packedNow = (content: NewContent): PackedContent =>
  content instanceof UnpackedContent ? packSmall(content.raw) : content;

/** Packs a mail that is there whole. */
export async function packMail(raw: Buffer): Promise<PackedContent> {
  if (raw.length <= LARGE_BYTES) return packContent(raw);
  const pieces: Buffer[] = [];
  for (let at = 0; at < raw.length; at += PIECE_BYTES)
    pieces.push(await packPiece(raw.subarray(at, at + PIECE_BYTES)));
  return pieces;
}

/** Packs one piece of a large mail. */
export async function packPiece(raw: Buffer): Promise<Buffer> {
  const packed = await compress(raw, { level, chunkSize: raw.length + SPARE_BYTES });
  // No more memory than it needs; that of a large mail lies there until the mail is recorded.
  const alone = Buffer.allocUnsafeSlow(packed.length);
  packed.copy(alone);
  letGo(packed);
  return alone;
}

/** What cannot be packed grows by less: so it comes in one chunk, which is let go of, instead of in many. */
const SPARE_BYTES = 16 * 1024;

/** The mail. Of one in several pieces, each is let go of once it is unpacked: nothing is left of what was handed in. */
export async function unpackContent(content: PackedContent): Promise<Buffer> {
  if (Buffer.isBuffer(content)) return decompress(content);
  const raw = Buffer.allocUnsafeSlow(content.reduce((sum, piece) => sum + unpackedSize(piece), 0));
  let at = 0;
  for (const piece of content) {
    const unpacked = await unpackPiece(piece);
    at += unpacked.copy(raw, at);
    letGo(unpacked);
  }
  return raw;
}

const LF = 0x0a;
/** How such a line begins. */
const FACTS = Buffer.from('{"id":"');

/**
 * The raw mail in what is stored of one. Before it may stand a line of JSON: what its server says of the mail beside the mail itself
 * (engine/gmail/mail/stored.ts).
 * @param stored unpacked; of a mail in pieces, the first one
 */
export function rawMailIn(stored: Buffer): Buffer {
  if (!stored.subarray(0, FACTS.length).equals(FACTS)) return stored;
  const end = stored.indexOf(LF);
  return end >= 0 && isFacts(stored.toString('utf8', 0, end)) ? stored.subarray(end + 1) : stored;
}

/** A field of a mail could begin like it, and is no JSON. */
function isFacts(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
}

/** A mail that is stored in pieces, each of which is asked for when it is needed. */
export class StoredPieces implements PiecedMail {
  readonly #count: number;
  readonly #load: (place: number) => Promise<Buffer>;
  /** Octets, unpacked, of those that were seen. */
  readonly #sizes: number[] = [];

  /** @param load a piece, which is nobody else's */
  constructor(count: number, load: (place: number) => Promise<Buffer>) {
    this.#count = count;
    this.#load = load;
  }

  async *octets(from = 0, to = Infinity): AsyncGenerator<Buffer> {
    let at = 0;
    for (let place = 0; place < this.#count && at < to; place++) {
      const known = this.#sizes[place] ?? Infinity;
      if (at + known > from) {
        const piece = await unpackPiece(await this.#load(place));
        this.#sizes[place] = piece.length;
        try {
          yield piece.subarray(Math.max(from - at, 0), Math.min(to - at, piece.length));
        } finally {
          letGo(piece);
        }
      }
      at += this.#sizes[place]!;
    }
  }
}

/** The piece is let go of. */
async function unpackPiece(piece: Buffer): Promise<Buffer> {
  const unpacked = await decompress(piece, { chunkSize: unpackedSize(piece) + SPARE_BYTES });
  if (isAlone(piece)) letGo(piece);
  return unpacked;
}

/** It stands at the end of a piece (RFC 1952, 2.3.1). */
const unpackedSize = (piece: Buffer): number => piece.readUInt32LE(piece.length - 4);

export const piecesOf = (content: PackedContent): readonly Buffer[] =>
  Buffer.isBuffer(content) ? [content] : content;

/** Octets, as it is handed to the ledger. */
export const bytesOf = (content: NewContent): number =>
  piecesOf(content instanceof UnpackedContent ? content.raw : content).reduce(
    (sum, { length }) => sum + length,
    0,
  );
