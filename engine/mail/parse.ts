// From raw bytes to a mail that a workflow can use. The only file that imports mailparser, and only once a mail is there to parse: every process of n8n loads every node file.
// Invariant: whatever the bytes are, a mail comes out; what went wrong stands in `parseError`.
import { Readable } from 'node:stream';
import type { AttachmentStream, MessageText } from 'mailparser';
import { errorText } from '../runtime/log';
import { headerBlock } from './headers';
import { decodeHeaders } from './words';

interface Attachment {
  readonly filename: string | undefined;
  readonly contentType: string;
  readonly content: Buffer;
}

export interface ParsedMail {
  /** Header values by lower-case name, unfolded, encoded words (RFC 2047) decoded, in the mail's order. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly text: string;
  readonly html: string;
  readonly attachments: readonly Attachment[];
  /** Why the mail could not be read whole; the rest holds what could be read. */
  readonly parseError?: string;
}

// The parser works through what it is given in one go: in pieces, n8n's event loop gets its turn between.
const PIECE_BYTES = 64 * 1024;

export async function parseMail(raw: Buffer): Promise<ParsedMail> {
  const errors: string[] = [];
  let headers: ReadonlyMap<string, readonly string[]> = new Map();
  try {
    headers = await decodeHeaders(headerBlock(raw));
  } catch (error) {
    errors.push(errorText(error));
  }
  const body = await parseBody(raw, errors);
  return { headers, ...body, ...(errors.length > 0 && { parseError: errors.join('; ') }) };
}

/** Reads text and attachments; an error ends the reading, and what came before it is kept. */
async function parseBody(
  raw: Buffer,
  errors: string[],
): Promise<Pick<ParsedMail, 'text' | 'html' | 'attachments'>> {
  const { MailParser } = await import('mailparser');
  const parser = new MailParser({
    // Text and HTML are handed out as the sender wrote them: no conversion, no images put into the HTML.
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipTextLinks: true,
    skipImageLinks: true,
  });
  let text: MessageText = {} as MessageText;
  const attachments: Attachment[] = [];
  const source = Readable.from(pieces(raw), { objectMode: false });
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
  return { text: text.text ?? '', html: typeof text.html === 'string' ? text.html : '', attachments };
}

async function readAttachment(part: AttachmentStream, parser: Readable): Promise<Attachment> {
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
  return {
    filename: part.filename || undefined,
    contentType: part.contentType || 'application/octet-stream',
    content: Buffer.concat(chunks),
  };
}

function* pieces(raw: Buffer): Generator<Buffer> {
  for (let at = 0; at < raw.length; at += PIECE_BYTES) yield raw.subarray(at, at + PIECE_BYTES);
}
