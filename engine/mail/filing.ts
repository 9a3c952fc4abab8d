// The content of an attachment while it is read: in memory, or, where it is large, handed on as it comes, so that it is nowhere
// whole.
// Invariant: what breaks the mail off and what keeps a file from being written are told apart: only the first is the mail's.
import { Readable } from 'node:stream';

/** What is known of an attachment before it is read. */
export interface AttachmentFacts {
  readonly filename: string | undefined;
  readonly contentType: string;
  /** Shown within the text, as a picture is: marked `inline`, or a part of its HTML. */
  readonly inline: boolean;
  /** Its sender calls it an attachment (RFC 2183, 2.2); many are sent without a word. */
  readonly isMarked?: true;
  /** What the HTML calls it (`cid:`). */
  readonly cid: string | undefined;
}

/**
 * - `keep`: it is wanted in memory
 * - `drop`: it is not wanted at all
 * - a function: it takes the content as it comes @returns under which number it is kept
 */
export type Place = 'keep' | 'drop' | ((content: Readable) => Promise<number>);

/** Says what becomes of a large one. @param size octets, where they are known before it is read */
export type Filing = (facts: AttachmentFacts, size?: number) => Place;

/** What was read of an attachment. */
export interface Content {
  /** Empty, where it is not in memory. */
  readonly content: Buffer;
  /** Octets. */
  readonly size: number;
  /** What `Filing` calls it. */
  readonly filedAs?: number;
}

/** A file could not be written: nothing of that is the mail's. */
export class FilingFault extends Error {}

/** Octets. Smaller ones are kept in memory. */
const LARGE_BYTES = 1024 * 1024;

/** @throws FilingFault; what `source` throws */
export async function readContent(source: AsyncIterable<Buffer>, place: () => Place): Promise<Content> {
  const chunks: Buffer[] = [];
  let size = 0;
  const coming = source[Symbol.asyncIterator]();
  const next = async (): Promise<Buffer | null> => {
    const { done = false, value } = (await coming.next()) as IteratorResult<Buffer, undefined>;
    if (done || !value) return null;
    size += value.length;
    return value;
  };
  const takeUpTo = async (most: number): Promise<boolean> => {
    while (size <= most) {
      const chunk = await next();
      if (!chunk) return false;
      chunks.push(chunk);
    }
    return true;
  };
  const isLarge = await takeUpTo(LARGE_BYTES);
  const where = isLarge ? place() : 'keep';
  if (where === 'keep') {
    await takeUpTo(Infinity);
    return { content: Buffer.concat(chunks.splice(0)), size };
  }
  if (where === 'drop') {
    chunks.length = 0;
    while (await next());
    return { content: NOTHING, size };
  }
  const filedAs = await filed(where, chunks, next);
  return { content: NOTHING, size, filedAs };
}

const NOTHING = Buffer.alloc(0);

async function filed(
  take: (content: Readable) => Promise<number>,
  begun: Buffer[],
  next: () => Promise<Buffer | null>,
): Promise<number> {
  let broken: { readonly error: unknown } | undefined;
  async function* all(): AsyncGenerator<Buffer> {
    for (let chunk = begun.shift(); chunk; chunk = begun.shift()) yield chunk;
    try {
      for (let chunk = await next(); chunk; chunk = await next()) yield chunk;
    } catch (error) {
      broken = { error };
      throw error;
    }
  }
  const content = Readable.from(all(), { objectMode: false });
  try {
    return await take(content);
  } catch (error) {
    if (broken) throw broken.error;
    throw new FilingFault(error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    content.destroy();
  }
}

/** As `readContent`, of what is known already. @param octets made only where they are wanted */
export async function fileContent(where: Place, size: number, octets: () => Readable): Promise<Content> {
  if (where === 'drop') return { content: NOTHING, size };
  if (where !== 'keep') return { content: NOTHING, size, filedAs: await where(octets()) };
  const content = Buffer.allocUnsafe(size);
  let at = 0;
  for await (const chunk of octets() as AsyncIterable<Buffer>) at += chunk.copy(content, at);
  return { content, size };
}
