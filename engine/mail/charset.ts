// Bytes without a charset that can be believed: none is named, or one that they are not in. Old mailers write
// 8-bit text and call it ASCII or UTF-8.
// Invariant: text that is UTF-8 stays as it is, also where it was cut or damaged.
import { isUtf8 } from 'node:buffer';

/** UTF-8 where it is or looks like it, else Windows-1252, which is what Western mailers meant. */
export function readableText(bytes: Buffer): string {
  return looksLikeUtf8(bytes) ? bytes.toString('utf8') : new TextDecoder('windows-1252').decode(bytes);
}

/** A stray byte in UTF-8 does not make the rest another charset. */
export function looksLikeUtf8(bytes: Buffer): boolean {
  if (isUtf8(bytes)) return true;
  const text = bytes.toString('utf8');
  return count(text, /[^\0-\x7F\uFFFD]/gu) >= count(text, /\uFFFD/g);
}

/** The same for each line by itself: a header's fields may have been written by different programs. */
export function readableLines(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  return bytes
    .toString('latin1')
    .replace(/[^\r\n]*[\x80-\xff][^\r\n]*/g, (line) => readableText(Buffer.from(line, 'latin1')));
}

function count(text: string, pattern: RegExp): number {
  let found = 0;
  for (const _ of text.matchAll(pattern)) found++;
  return found;
}
