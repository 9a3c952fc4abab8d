// How a mail's bytes are stored: gzip, in the thread pool, so that a large mail does not hold up n8n.
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Packs raw mail for the ledger. Speed before size: most of a large mail is base64 of compressed data. */
export const packContent = (raw: Buffer): Promise<Buffer> => compress(raw, { level: constants.Z_BEST_SPEED });

export const unpackContent = (content: Buffer): Promise<Buffer> => decompress(content);
