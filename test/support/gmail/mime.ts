// The parts of a mail as `payload` shows them (users.messages, format full and metadata), and its text for the search.
import { splitMail } from '../../../engine/mail/headers';
import { readableLines } from '../../../engine/mail/charset';

export interface Header {
  readonly name: string;
  readonly value: string;
}

export interface MailPart {
  readonly partId: string;
  readonly mimeType: string;
  readonly filename: string;
  readonly headers: readonly Header[];
  /** Decoded; empty for a multipart. */
  readonly content: Buffer;
  readonly parts: readonly MailPart[];
}

const READ = new WeakMap<Buffer, MailPart>();

/** The same, once for each mail. */
export function readMail(raw: Buffer): MailPart {
  const mail = READ.get(raw) ?? readPart(raw);
  READ.set(raw, mail);
  return mail;
}

function readPart(raw: Buffer, partId = ''): MailPart {
  const { head, body } = splitMail(raw);
  const headers = namedHeaders(head);
  const type = headerOf(headers, 'content-type') ?? 'text/plain';
  const mimeType = (/^[^\s;]+/.exec(type)?.[0] ?? 'text/plain').toLowerCase();
  const disposition = headerOf(headers, 'content-disposition') ?? '';
  const filename = parameter(disposition, 'filename') ?? parameter(type, 'name') ?? '';
  const boundary = parameter(type, 'boundary');
  const base = { partId, mimeType, filename, headers };
  if (!mimeType.startsWith('multipart/') || boundary === undefined)
    return { ...base, content: decoded(body, headers), parts: [] };
  const parts = split(body, boundary).map((part, index) =>
    readPart(part, partId === '' ? String(index) : `${partId}.${index}`),
  );
  return { ...base, content: Buffer.alloc(0), parts };
}

/** Of all parts, itself first. */
export const everyPart = (part: MailPart): readonly MailPart[] => [part, ...part.parts.flatMap(everyPart)];

export const isAttachment = ({ filename }: MailPart): boolean => filename !== '';

/** In the order and the writing of the mail; folded lines in one. */
function namedHeaders(head: Buffer): readonly Header[] {
  const lines = readableLines(head)
    .replace(/(?:\r\n|\n|\r)[ \t]+/g, ' ')
    .split(/\r\n|\n|\r/);
  return lines.flatMap((line) => {
    const colon = line.indexOf(':');
    return colon < 1 ? [] : [{ name: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() }];
  });
}

export const headerOf = (headers: readonly Header[], name: string): string | undefined =>
  headers.find((header) => header.name.toLowerCase() === name)?.value;

/** What a person reads of it: the first plain text, or an HTML text without its tags. */
export function textOf(mail: MailPart): string {
  const parts = everyPart(mail).filter((part) => !isAttachment(part));
  const plain = parts.find(({ mimeType }) => mimeType === 'text/plain');
  if (plain) return plain.content.toString('utf8');
  const html = parts.find(({ mimeType }) => mimeType === 'text/html');
  return (html?.content.toString('utf8') ?? '').replace(/<[^>]*>/g, ' ');
}

function parameter(value: string, name: string): string | undefined {
  const [, quoted, plain] = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^\\s;"]+))`, 'i').exec(value) ?? [];
  return quoted ?? plain;
}

function decoded(body: Buffer, headers: readonly Header[]): Buffer {
  const encoding = headerOf(headers, 'content-transfer-encoding')?.toLowerCase();
  if (encoding === 'base64') return Buffer.from(body.toString('latin1'), 'base64');
  if (encoding !== 'quoted-printable') return body;
  const text = body
    .toString('latin1')
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(text, 'latin1');
}

function split(body: Buffer, boundary: string): readonly Buffer[] {
  const [, ...parts] = `\r\n${body.toString('latin1')}`.split(`\n--${boundary}`);
  return parts
    .filter((part) => !part.startsWith('--'))
    .map((part) => Buffer.from(part.replace(/^[ \t]*\r?\n/, '').replace(/\r$/, ''), 'latin1'));
}
