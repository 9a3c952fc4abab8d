// Header values with encoded words (RFC 2047) turned into text. The only file that imports libmime, and only once
// there is a mail: every process of n8n loads every node file.
// Invariant: a value that cannot be decoded comes out as it is; no other value suffers from it.
import { type MailHeaders, readHeaders } from './headers';
import { decodeEscapeSwitched } from './text/escape-switched';

/** Values by lower-case name, unfolded and decoded, in the mail's order. */
export async function decodeHeaders(block: Buffer): Promise<MailHeaders> {
  const decode = await decoder();
  return new Map([...readHeaders(block)].map(([name, values]) => [name, values.map(decode)]));
}

/** One value; as it is where it cannot be decoded. */
export const decodeWords = async (value: string): Promise<string> =>
  isEncoded(value) ? (await decoder())(value) : value;

const isEncoded = (value: string): boolean => value.includes('=?');

async function decoder(): Promise<(value: string) => string> {
  const { default: libmime } = await import('libmime');
  return (value) => {
    if (!isEncoded(value)) return value;
    try {
      return libmime.decodeWords(inKnownCharsets(value));
    } catch {
      return value;
    }
  };
}

const SWITCHED = /=\?((?:cs)?iso-?2022-?kr|hz(?:-gb-?2312)?)(?:\*[^?]*)?\?([bq])\?([^?]*)\?=/gi;

/** Words in charsets that libmime (5.4.6) does not know, in UTF-8. */
export function inKnownCharsets(value: string): string {
  if (!isEncoded(value)) return value;
  return value.replace(SWITCHED, (word, charset: string, encoding: string, coded: string) => {
    const bytes =
      encoding.toLowerCase() === 'b'
        ? Buffer.from(coded, 'base64')
        : Buffer.from(coded.replaceAll('_', ' ').replace(/=([0-9a-f]{2})/gi, decodedByte), 'latin1');
    const text = decodeEscapeSwitched(bytes, charset);
    return text === null ? word : `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;
  });
}

const decodedByte = (_: string, digits: string): string => String.fromCharCode(parseInt(digits, 16));
