// A mail as it is given to the parser: as it came, where the parser reads it right, else written anew; and what is missing in
// it, in words for people.
// Invariant: a mail that is well formed is given as it came, byte for byte.
import { setImmediate } from 'node:timers/promises';
import { readableLines } from '../charset';
import { type MailHalves, splitMail } from '../headers';
import { firstDelimiterIn } from './first-delimiter';
import { rendition } from './rendition';
import { MOST_PARTS } from './part';
import { readStructure, type Structure } from './structure';
import { hasTextBesideNamed } from './texts';

export interface ReadingOptions {
  /** Parts with a file name are files, and so is a message, also those that are to be shown within the text. */
  readonly inlineAreFiles: boolean;
  /** There is only the header of the mail: nothing below it is missed. */
  readonly isHeadOnly: boolean;
}

export const WHOLE: ReadingOptions = { inlineAreFiles: true, isHeadOnly: false };

export interface Layout {
  /** The header block of the mail, as it came. */
  readonly head: Buffer;
  /** Fields in front of those of the mail, which are none of its own. */
  readonly addedFields: number;
  readonly namedTextsAreFiles: boolean;
  /** What is missing, in whole sentences. */
  readonly missing: readonly string[];
  pieces(): Iterable<Buffer>;
}

// The parser works through what it is given in one go: in pieces, n8n's event loop gets its turn between.
const PIECE_BYTES = 64 * 1024;

export async function layOut(raw: Buffer, options: ReadingOptions): Promise<Layout> {
  const { head, body } = halves(raw);
  const structure = await inTurns(readStructure(head, body, options.inlineAreFiles));
  const anew = structure.isAmiss ? rendition(structure.root, options.inlineAreFiles) : null;
  const fields = readableLines(head)
    .replace(/[\r\n]+/g, '\r\n')
    .replace(/^[\r\n]+|[\r\n]+$/g, '');
  const all = anew ? [...anew.fields, fields.replace(MBOX_LINE, '')].join('\r\n') : fields;
  return {
    head,
    addedFields: anew?.fields.length ?? 0,
    namedTextsAreFiles: options.inlineAreFiles && hasTextBesideNamed(structure.root),
    missing: options.isHeadOnly ? [] : missingOf(structure),
    pieces: () => pieces(all, body.length > 0 || anew !== null, anew?.body ?? [body]),
  };
}

/** Of several fields the parser takes this one only where it is the first. */
const MBOX_LINE = /^(?:From|POST) [^\n]*(?:\n[ \t][^\n]*)*\n?/i;

/** Lines that end with LF; a header that ends where the first part begins, also without an empty line. */
function halves(raw: Buffer): MailHalves {
  const isCrOnly = !raw.includes(LF);
  const mail = isCrOnly ? Buffer.from(raw.toString('latin1').replaceAll('\r', '\n'), 'latin1') : raw;
  const { head, body } = splitMail(mail);
  const end = firstDelimiterIn(mail, head.length);
  return end === null ? { head, body } : { head: mail.subarray(0, end), body: mail.subarray(end) };
}

const LF = 0x0a;

async function inTurns<T>(steps: Generator<undefined, T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await setImmediate();
  }
}

function missingOf({ root, partCount, isCounted, unread }: Structure): string[] {
  const missing: string[] = [];
  if (unread.includes(root)) missing.push('The mail announces parts, and none of them could be found.');
  else if (unread.length > 0)
    missing.push('A part of the mail announces parts of its own, and none of them could be found.');
  if (partCount > MOST_PARTS) {
    const all = `${isCounted ? '' : 'more than '}${partCount}`;
    missing.push(`The mail has ${all} parts; the first ${MOST_PARTS} were read.`);
  }
  return missing;
}

/** The mail as the parser expects one: a header block in UTF-8, an empty line, a body. */
function* pieces(fields: string, hasBody: boolean, body: Iterable<Buffer>): Generator<Buffer> {
  const emptyLine = fields === '' ? '\r\n' : '\r\n\r\n';
  yield* evenly([Buffer.from(fields), ...(hasBody || fields === '' ? [Buffer.from(emptyLine)] : [])]);
  yield* evenly(body);
}

/** In pieces of one size, more or less, however they come. */
export function* evenly(all: Iterable<Buffer>): Generator<Buffer> {
  let small: Buffer[] = [];
  let length = 0;
  for (const one of all) {
    if (one.length < PIECE_BYTES) {
      small.push(one);
      length += one.length;
      if (length < PIECE_BYTES) continue;
    }
    if (length > 0) yield Buffer.concat(small);
    [small, length] = [[], 0];
    if (one.length < PIECE_BYTES) continue;
    for (let at = 0; at < one.length; at += PIECE_BYTES) yield one.subarray(at, at + PIECE_BYTES);
  }
  if (length > 0) yield Buffer.concat(small);
}
