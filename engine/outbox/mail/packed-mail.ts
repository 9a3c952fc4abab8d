// How a mail that is to be sent lies in an entry's content: gzip of one line of JSON (its envelope) and the mail's own bytes.
// Invariant: what was packed comes out as it was, byte for byte.
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import type { BuiltMail, Envelope } from './mail-content';
import { OtherVersion } from './mail-request';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

const LF = 0x0a;

interface FirstLine {
  readonly form: 1;
  readonly envelope: Envelope;
}

export interface PackedMail {
  readonly envelope: Envelope;
  /** RFC 5322, lines end with CRLF. */
  readonly raw: Buffer;
}

export async function packOutgoing({ envelope, raw }: Pick<BuiltMail, 'envelope' | 'raw'>): Promise<Buffer> {
  const first: FirstLine = { form: 1, envelope };
  const line = Buffer.from(`${JSON.stringify(first)}\n`);
  // Speed before size: most of a large mail is base64 of compressed data.
  return compress(Buffer.concat([line, raw]), { level: constants.Z_BEST_SPEED });
}

/** @throws OtherVersion; Error: it is none */
export async function unpackOutgoing(content: Uint8Array): Promise<PackedMail> {
  const unpacked = await decompress(content);
  const end = unpacked.indexOf(LF);
  const first = JSON.parse(unpacked.toString('utf8', 0, Math.max(end, 0))) as { readonly form: unknown };
  if (first.form !== 1) throw new OtherVersion(first.form);
  return { envelope: (first as FirstLine).envelope, raw: unpacked.subarray(end + 1) };
}

/** For people, and for the search: whole addresses, and how many more there are. */
export function recipientsText({ to }: Pick<Envelope, 'to'>): string {
  const all = to.join(', ');
  if (all.length <= MOST_RECIPIENTS_TEXT) return all;
  let shown = 0;
  for (let length = 0; shown < to.length; shown++) {
    length += to[shown]!.length + ', '.length;
    if (length > MOST_RECIPIENTS_TEXT - ROOM_FOR_COUNT) break;
  }
  return `${to.slice(0, shown).join(', ')} and ${to.length - shown} more`;
}

/** Of that text. @returns `more`: how many are not named */
export function readRecipients(text: string): { readonly to: readonly string[]; readonly more: number } {
  const [, named = text, more = '0'] = /^(.*) and (\d+) more$/s.exec(text) ?? [];
  return { to: named.split(', ').filter((address) => address !== ''), more: Number(more) };
}

const MOST_RECIPIENTS_TEXT = 2_000;
const ROOM_FOR_COUNT = 30;
