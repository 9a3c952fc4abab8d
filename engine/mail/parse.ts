// From raw bytes to a mail that a workflow can use. The only file that imports mailparser, and only once a mail is
// there to parse: every process of n8n loads every node file.
// Invariant: whatever the bytes are, a mail comes out; what went wrong stands in `parseError`.
import { Readable } from 'node:stream';
import type { AttachmentStream, HeaderLines, Headers, MailParser, MessageText } from 'mailparser';
import { errorText } from '../runtime/log';
import { forgiveCharsets } from './forgive';
import { type MailHeaders, type MailHalves, splitMail } from './headers';
import { readableLines } from './charset';
import { decodeHeaders } from './words';

export interface Attachment {
  readonly filename: string | undefined;
  readonly contentType: string;
  readonly content: Buffer;
  /** Shown within the text, as a picture is: marked `inline`, or a part of its HTML. */
  readonly inline: boolean;
  /** What the HTML calls it (`cid:`). */
  readonly cid: string | undefined;
}

export interface ParsedMail {
  /** Header values by lower-case name, unfolded, encoded words (RFC 2047) decoded, in the mail's order. */
  readonly headers: MailHeaders;
  readonly text: string;
  readonly html: string;
  readonly attachments: readonly Attachment[];
  /** Why the mail could not be read whole; the rest holds what could be read. */
  readonly parseError?: string;
}

/** The text of a mail, as the parser gives it. */
interface ReadText {
  readonly text?: string | undefined;
  readonly textAsHtml?: string | undefined;
  readonly html?: string | boolean | undefined;
}

/** What the parser gives, as it gives it. */
export interface ReadMail {
  /** By lower-case name, each in the shape that the parser has for it. */
  readonly fields: Headers;
  readonly headerLines: HeaderLines;
  readonly text: ReadText;
  readonly attachments: readonly Attachment[];
  readonly errors: readonly string[];
}

// The parser works through what it is given in one go: in pieces, n8n's event loop gets its turn between.
const PIECE_BYTES = 64 * 1024;
/** A header block above this size ends the reading. The parser's own limit is 1 MB. */
const MOST_HEAD_BYTES = 32 * 1024 * 1024;

/** The parser's own limit is 1,000. */
const MOST_PARTS = 2_000;
/** A mail that breaks the parser is read in halves down to this size. */
const LEAST_BYTES = 4 * 1024;

/** Text and HTML are handed out as the sender wrote them: no conversion, no images put into the HTML. */
const AS_WRITTEN = { skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true, skipImageLinks: true };

export async function parseMail(raw: Buffer): Promise<ParsedMail> {
  const [headers, { text, attachments, errors }] = await Promise.all([
    decodeHeaders(splitMail(raw).head),
    readMail(raw, 'as written'),
  ]);
  return {
    headers,
    text: text.text ?? '',
    html: typeof text.html === 'string' ? text.html : '',
    attachments,
    ...(errors.length > 0 && { parseError: errors.join('; ') }),
  };
}

/**
 * Reads text and attachments. Of a mail that the parser breaks off, what can be read of its beginning.
 * @param as `converted`: the parser also makes text of HTML and HTML of text
 */
export async function readMail(raw: Buffer, as: 'as written' | 'converted'): Promise<ReadMail> {
  const whole = await readAtOnce(raw, as);
  if (whole.errors.length === 0 || as === 'converted') return whole;
  // The parser keeps to itself what it has read of a mail that it breaks off.
  let begun = whole;
  for (let length = raw.length >> 1; begun.errors.length > 0 && length >= LEAST_BYTES; length >>= 1) {
    begun = await readAtOnce(raw.subarray(0, length), as);
  }
  const { attachments } = whole.attachments.length >= begun.attachments.length ? whole : begun;
  const { fields, headerLines } = whole.headerLines.length > 0 ? whole : begun;
  return { text: begun.text, fields, headerLines, attachments, errors: whole.errors };
}

async function readAtOnce(raw: Buffer, as: 'as written' | 'converted'): Promise<ReadMail> {
  const { MailParser } = await import('mailparser');
  // Handed on to the splitter of parts.
  const limits = { maxHeadSize: MOST_HEAD_BYTES, maxChildNodes: MOST_PARTS };
  const parser = new MailParser({ ...(as === 'as written' && AS_WRITTEN), ...limits });
  forgiveCharsets(parser);
  const errors: string[] = [];
  let fields: Headers = new Map();
  let headerLines: HeaderLines = [];
  parser.on('headers', (found: Headers) => (fields = found));
  parser.on('headerLines', (found: HeaderLines) => (headerLines = found));
  // Those that come after the one that ended the reading.
  parser.on('error', () => undefined);
  let text: ReadText = {};
  const attachments: Attachment[] = [];
  const source = Readable.from(pieces(splitMail(raw), raw), { objectMode: false });
  source.pipe(parser);
  try {
    for await (const part of parser as AsyncIterable<AttachmentStream | MessageText>) {
      if (part.type === 'text') text = part;
      else attachments.push(await readAttachment(part, parser));
    }
  } catch (error) {
    errors.push(errorText(error));
  } finally {
    source.destroy();
  }
  return { fields, headerLines, text, attachments, errors };
}

async function readAttachment(part: AttachmentStream, parser: MailParser): Promise<Attachment> {
  const content = part.content as Readable;
  // A parser that breaks off never ends the part it was in.
  const breakOff = (error: Error): unknown => content.destroy(error);
  parser.once('error', breakOff);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of content as AsyncIterable<Buffer>) chunks.push(chunk);
  } finally {
    parser.off('error', breakOff);
    part.release();
  }
  const disposition = part.contentDisposition?.toLowerCase();
  return {
    filename: part.filename || undefined,
    contentType: part.contentType || 'application/octet-stream',
    content: Buffer.concat(chunks),
    inline: disposition === 'inline' || (part.related === true && disposition !== 'attachment'),
    cid: part.cid,
  };
}

/** The mail as the parser expects one: a header block in UTF-8, an empty line, a body; lines that end with LF. */
function* pieces({ head, body }: MailHalves, raw: Buffer): Generator<Buffer> {
  const fields = readableLines(head)
    .replace(/[\r\n]+/g, '\r\n')
    .replace(/^[\r\n]+|[\r\n]+$/g, '');
  yield* inPieces(Buffer.from(fields));
  if (body.length > 0 || fields === '') yield Buffer.from(fields === '' ? '\r\n' : '\r\n\r\n');
  const isCrOnly = !raw.includes(LF);
  yield* inPieces(isCrOnly ? Buffer.from(body.toString('latin1').replaceAll('\r', '\n'), 'latin1') : body);
}

const LF = 0x0a;

function* inPieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}
