// A message as messages.get answers it: https://developers.google.com/gmail/api/reference/rest/v1/users.messages
import { ApiError } from './http';
import type { StoredMessage } from './mailbox';
import { everyPart, isAttachment, type MailPart, readMail, textOf } from './mime';

export type Format = 'minimal' | 'metadata' | 'full' | 'raw';

const FORMATS: readonly string[] = ['minimal', 'metadata', 'full', 'raw'] satisfies Format[];

/** @throws ApiError 400: no such format */
export function readFormat(text: string): Format {
  const format = text.toLowerCase();
  if (FORMATS.includes(format)) return format as Format;
  throw new ApiError(400, `Invalid value at 'format': "${text}"`);
}

/** @param names of the headers that `metadata` hands out; empty: all */
export function inFormat(message: StoredMessage, format: Format, names: readonly string[]): object {
  const mail = readMail(message.raw);
  const minimal = {
    id: message.id,
    threadId: message.threadId,
    labelIds: message.labelIds,
    snippet: snippet(mail),
    sizeEstimate: message.raw.length,
    historyId: String(message.historyId),
    internalDate: String(message.internalDate),
  };
  if (format === 'minimal') return minimal;
  if (format === 'raw') return { ...minimal, raw: encoded(message.raw) };
  if (format === 'full') return { ...minimal, payload: payload(mail) };
  const wanted = names.map((name) => name.toLowerCase());
  const headers = mail.headers.filter(
    ({ name }) => wanted.length === 0 || wanted.includes(name.toLowerCase()),
  );
  return { ...minimal, payload: { mimeType: mail.mimeType, headers } };
}

/** What messages.attachments.get answers. @returns null: there is none */
export function attachment(message: StoredMessage, id: string): object | null {
  const part = everyPart(readMail(message.raw)).find((each) => attachmentId(each) === id);
  return part ? { size: part.content.length, data: encoded(part.content) } : null;
}

const attachmentId = ({ partId }: MailPart): string => `ANGjdJ_part-${partId}`;

function payload(part: MailPart): object {
  const { partId, mimeType, filename, headers, content, parts } = part;
  const size = content.length;
  const body = isAttachment(part)
    ? { attachmentId: attachmentId(part), size }
    : { size, ...(size > 0 && { data: encoded(content) }) };
  return {
    partId,
    mimeType,
    filename,
    headers,
    body,
    ...(parts.length > 0 && { parts: parts.map(payload) }),
  };
}

/** base64url with its padding, as Gmail writes it. */
function encoded(bytes: Buffer): string {
  const text = bytes.toString('base64url');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const snippet = (mail: MailPart): string =>
  textOf(mail)
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 200)
    .replace(/[&<>"']/g, (sign) => ENTITIES[sign]!);
