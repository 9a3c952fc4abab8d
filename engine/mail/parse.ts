// From raw bytes to a mail that a workflow can use. The only file that imports mailparser, and only once a mail is
// there to parse: every process of n8n loads every node file.
// Invariant: whatever the bytes are, a mail comes out; what went wrong stands in `parseError`, and then the whole mail is among
// its attachments.
import { Readable } from 'node:stream';
import type { AttachmentStream, HeaderLines, Headers, MailParser, MessageText } from 'mailparser';
import { type AttachmentFacts, type Content, type Filing, FilingFault, readContent } from './filing';
import { forgive } from './forgive';
import type { MailHeaders } from './headers';
import { evenly, type Layout, layOut, type ReadingOptions, WHOLE } from './mime/layout';
import { readShortened } from './long-runs';
import type { MailSource } from './mail-source';
import { decodeHeaders } from './words';

export interface Attachment extends AttachmentFacts, Content {
  /** It is the mail itself, which could not be read whole. */
  readonly isWholeMail?: true;
}

export interface ParsedMail {
  /** Header values by lower-case name, unfolded, encoded words (RFC 2047) decoded, in the mail's order. */
  readonly headers: MailHeaders;
  readonly text: string;
  readonly html: string;
  readonly attachments: readonly Attachment[];
  /** What of the mail could not be read; the rest holds what could be. */
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
  /** The parser did not come to the end. */
  readonly isBroken: boolean;
}

/** A header block above this size ends the reading. The parser's own limit is 1 MB. */
const MOST_HEAD_BYTES = 32 * 1024 * 1024;
/** A mail that breaks the parser is read in halves down to this size. */
const LEAST_BYTES = 4 * 1024;

/** Text and HTML are handed out as the sender wrote them: no conversion, no images put into the HTML. */
const AS_WRITTEN = { skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true, skipImageLinks: true };

export const KEEP: Filing = () => 'keep';

const BROKEN = 'The mail is damaged, and could not be read to its end.';

/** @param filing what becomes of large attachments; without it they are in memory @throws FilingFault */
export function parseMail(
  source: MailSource,
  options: ReadingOptions = WHOLE,
  filing: Filing = KEEP,
): Promise<ParsedMail> {
  return readShortened(source, filing, (mail, filing) => parse(mail, options, filing));
}

async function parse(raw: Buffer, options: ReadingOptions, filing: Filing): Promise<ParsedMail> {
  const layout = await layOut(raw, options);
  const [headers, mail] = await Promise.all([
    decodeHeaders(layout.head),
    readMail(layout, 'as written', filing),
  ]);
  const { text, html } = mail.text;
  return {
    headers,
    text: text ?? '',
    html: typeof html === 'string' ? html : '',
    ...withWhole(raw, mail, missingOf(layout, mail)),
  };
}

/** The attachments, and what is missing of the mail; where something is, it is attached itself. */
export function withWhole(
  raw: Buffer,
  { attachments }: ReadMail,
  missing: readonly string[],
): Pick<ParsedMail, 'attachments' | 'parseError'> {
  if (missing.length === 0) return { attachments };
  const whole: Attachment = {
    ...{ filename: MESSAGE_NAME, contentType: MESSAGE_TYPE, content: raw, size: raw.length },
    ...{ inline: false, cid: undefined },
    isWholeMail: true,
  };
  return { attachments: [...attachments, whole], parseError: missing.join(' ') };
}

const MESSAGE_TYPE = 'message/rfc822';
const MESSAGE_NAME = 'message.eml';

export const missingOf = ({ missing }: Layout, { isBroken }: ReadMail): readonly string[] =>
  isBroken ? [...missing, BROKEN] : missing;

/**
 * Reads text and attachments. Of a mail that the parser breaks off, what can be read of its beginning.
 * @param as `converted`: the parser also makes text of HTML and HTML of text
 */
export async function readMail(
  layout: Layout,
  as: 'as written' | 'converted',
  filing: Filing = KEEP,
): Promise<ReadMail> {
  const whole = await readAtOnce(layout, layout.pieces(), as, filing);
  if (!whole.isBroken || as === 'converted') return whole;
  // The parser keeps to itself what it has read of a mail that it breaks off.
  let begun = whole;
  const all = Buffer.concat([...layout.pieces()]);
  for (let length = all.length >> 1; begun.isBroken && length >= LEAST_BYTES; length >>= 1) {
    begun = await readAtOnce(layout, evenly([all.subarray(0, length)]), as, KEEP);
  }
  const { attachments } = whole.attachments.length >= begun.attachments.length ? whole : begun;
  const { fields, headerLines } = whole.headerLines.length > 0 ? whole : begun;
  return { text: begun.text, fields, headerLines, attachments, isBroken: true };
}

async function readAtOnce(
  { addedFields, namedTextsAreFiles }: Layout,
  pieces: Iterable<Buffer>,
  as: 'as written' | 'converted',
  filing: Filing,
): Promise<ReadMail> {
  const { MailParser } = await import('mailparser');
  // Handed on to the splitter of parts: how many there are is counted before, and messages that are shown are parts by then.
  const splitting = { maxHeadSize: MOST_HEAD_BYTES, maxChildNodes: Infinity, ignoreEmbedded: true };
  const parser = new MailParser({ ...(as === 'as written' && AS_WRITTEN), ...splitting });
  forgive(parser, namedTextsAreFiles);
  let isBroken = false;
  let fields: Headers = new Map();
  let headerLines: HeaderLines = [];
  parser.on('headers', (found: Headers) => (fields = found));
  parser.on('headerLines', (found: HeaderLines) => (headerLines = found.slice(addedFields)));
  // Those that come after the one that ended the reading.
  parser.on('error', () => undefined);
  let text: ReadText = {};
  const attachments: Attachment[] = [];
  const source = Readable.from(pieces, { objectMode: false });
  source.pipe(parser);
  try {
    for await (const part of parser as AsyncIterable<AttachmentStream | MessageText>) {
      if (part.type === 'text') text = part;
      else attachments.push(await readAttachment(part, parser, filing));
    }
  } catch (error) {
    if (error instanceof FilingFault) throw error.cause;
    isBroken = true;
  } finally {
    source.destroy();
  }
  return { fields, headerLines, text, attachments, isBroken };
}

async function readAttachment(
  part: AttachmentStream,
  parser: MailParser,
  filing: Filing,
): Promise<Attachment> {
  const content = part.content as Readable;
  // A parser that breaks off never ends the part it was in.
  const breakOff = (error: Error): unknown => content.destroy(error);
  parser.once('error', breakOff);
  const facts = factsOf(part);
  try {
    return { ...facts, ...(await readContent(content as AsyncIterable<Buffer>, () => filing(facts))) };
  } finally {
    parser.off('error', breakOff);
    part.release();
  }
}

function factsOf(part: AttachmentStream): AttachmentFacts {
  const disposition = part.contentDisposition?.toLowerCase();
  const contentType = part.contentType || 'application/octet-stream';
  return {
    filename: part.filename || (contentType === MESSAGE_TYPE ? MESSAGE_NAME : undefined),
    contentType,
    ...(disposition === 'attachment' && { isMarked: true }),
    inline: disposition === 'inline' || (part.related === true && disposition !== 'attachment'),
    cid: part.cid,
  };
}
