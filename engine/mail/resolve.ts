// The mail as n8n's Email Trigger (IMAP) gives it in its format "resolved": what mailparser's `simpleParser` makes of it.
// Written anew, because `simpleParser` gives nothing at all of a mail that it stumbles over.
// Invariant: whatever the bytes are, a mail comes out; nothing that the mail does not say is put into it.
import type { Filing } from './filing';
import { type Layout, layOut, type ReadingOptions, WHOLE } from './mime/layout';
import { readShortened } from './long-runs';
import type { MailSource } from './mail-source';
import { type Attachment, KEEP, missingOf, type ReadMail, readMail, withWhole } from './parse';

export interface ResolvedMail {
  /** What stands at the top level of the item; plain JSON. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Whole lines, as the mail has them, by lower-case name; of several the last one. */
  readonly headers: ReadonlyMap<string, string>;
  readonly attachments: readonly Attachment[];
  readonly parseError?: string;
}

/** Fields of a header that have a place of their own in the item. */
const TOP_LEVEL = [
  'subject',
  'references',
  'date',
  'to',
  'from',
  'cc',
  'bcc',
  'message-id',
  'in-reply-to',
  'reply-to',
];
/**
 * Above these, text is not made into HTML nor HTML into text: it takes minutes at worst (the time grows with the square of
 * the number of tags), in which n8n does nothing else.
 */
const MOST_CONVERTED_CHARACTERS = 2 * 1024 * 1024;
const MOST_CONVERTED_TAGS = 50_000;
const TOO_MUCH = 'The text is too large to be turned into HTML, or the HTML into text.';
const NOT_CONVERTED = 'The HTML could not be turned into text.';
/** A mail up to this size cannot hold more. */
const LITTLE_BYTES = 128 * 1024;
const MOST_INLINED_CHARACTERS = 20 * 1024 * 1024;

/** @param filing what becomes of large attachments; without it they are in memory @throws FilingFault */
export function resolveMail(
  source: MailSource,
  options: ReadingOptions = WHOLE,
  filing: Filing = KEEP,
): Promise<ResolvedMail> {
  return readShortened(source, filing, (mail, filing) => resolve(mail, options, filing));
}

async function resolve(raw: Buffer, options: ReadingOptions, filing: Filing): Promise<ResolvedMail> {
  const layout = await layOut(raw, options);
  const { mail, note } = await converted(layout, raw.length, filing);
  const fields: Record<string, unknown> = { html: inlined(mail) };
  for (const name of ['text', 'textAsHtml'] as const) {
    if (mail.text[name] !== undefined) fields[name] = mail.text[name];
  }
  for (const name of TOP_LEVEL) {
    const value = mail.fields.get(name);
    // Of a date that cannot be read the parser makes the present.
    if (value === undefined || (name === 'date' && !hasDate(mail))) continue;
    fields[name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())] = asJson(value);
  }
  const { attachments, parseError } = withWhole(raw, mail, missingOf(layout, mail));
  const errors = [parseError, note].filter((error) => error !== undefined);
  return {
    fields,
    headers: new Map(mail.headerLines.map(({ key, line }) => [key, Buffer.from(line, 'latin1').toString()])),
    attachments,
    ...(errors.length > 0 && { parseError: errors.join(' ') }),
  };
}

interface Converted {
  readonly mail: ReadMail;
  /** Why nothing was converted. */
  readonly note?: string;
}

/** With the text made of HTML, and the HTML made of text, where that can be done. */
async function converted(layout: Layout, length: number, filing: Filing): Promise<Converted> {
  if (length <= LITTLE_BYTES) {
    const mail = await readMail(layout, 'converted');
    if (!mail.isBroken) return { mail };
  }
  const mail = withoutEmpty(await readMail(layout, 'as written', filing));
  if (mail.isBroken) return { mail };
  if (length > LITTLE_BYTES && !isConvertible(mail)) return { mail, note: TOO_MUCH };
  // Its attachments are there already.
  const again = length > LITTLE_BYTES ? await readMail(layout, 'converted', () => 'drop') : null;
  if (again && !again.isBroken) return { mail: { ...again, attachments: mail.attachments } };
  // It may be the HTML that was too much: as it is written, there is more of it.
  return { mail, note: NOT_CONVERTED };
}

function isConvertible({ text: { text = '', html } }: ReadMail): boolean {
  const written = typeof html === 'string' ? html : '';
  if (text.length + written.length > MOST_CONVERTED_CHARACTERS) return false;
  return written.split('<', MOST_CONVERTED_TAGS + 2).length <= MOST_CONVERTED_TAGS + 1;
}

/** What was not converted is missing, not empty. */
function withoutEmpty(mail: ReadMail): ReadMail {
  const { text, html } = mail.text;
  return { ...mail, text: { ...(text && { text }), ...(html && { html }) } };
}

function hasDate(mail: ReadMail): boolean {
  const line = mail.headerLines.findLast(({ key }) => key === 'date')?.line ?? '';
  return !Number.isNaN(Date.parse(line.slice(line.indexOf(':') + 1).replace(/\s+/g, ' ')));
}

/** The HTML with the pictures that it shows; false where there is none. */
function inlined({ text: { html }, attachments }: ReadMail): string | false {
  if (typeof html !== 'string' || html === '') return false;
  const urls = new Map<string, string>();
  let characters = 0;
  return html.replace(/\bcid:([^'"\s]{1,256})/g, (match, cid: string) => {
    let url = urls.get(cid);
    if (url === undefined) {
      const picture = attachments.find((one) => one.cid === cid && /^image\/\w+$/i.test(one.contentType));
      url = picture ? `data:${picture.contentType};base64,${picture.content.toString('base64')}` : match;
      urls.set(cid, url);
    }
    // A small mail can repeat a picture a thousand times.
    if (characters + url.length > MOST_INLINED_CHARACTERS) return match;
    characters += url.length;
    return url;
  });
}

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;
