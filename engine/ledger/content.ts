// How a mail's bytes are stored: gzip, in the thread pool, so that a large mail does not hold up n8n.
import { promisify } from 'node:util';
import { constants, gunzip, gzip, gzipSync } from 'node:zlib';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Below this size a thread takes longer to be asked than to do it, in octets: it takes 0.1 ms here. */
const SMALL_BYTES = 8 * 1024;

/** Packs raw mail for the ledger. Speed before size: most of a large mail is base64 of compressed data. */
export async function packContent(raw: Buffer): Promise<Buffer> {
  const level = constants.Z_BEST_SPEED;
  if (raw.length > SMALL_BYTES) return compress(raw, { level });
  // No more of zlib's memory (256 KB by default, made anew for each) than so small a mail can use.
  return gzipSync(raw, { level, windowBits: 13, memLevel: 6 });
}

export const unpackContent = (content: Buffer): Promise<Buffer> => decompress(content);
