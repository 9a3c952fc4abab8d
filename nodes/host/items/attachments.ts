// Which attachments of a mail are handed out, and under which names.
// Invariant: nothing that a sender writes leaves the folder that a file is written to: names have no path in them.
import type { Readable } from 'node:stream';
import type { IBinaryData, IBinaryKeyData, IExecuteFunctions } from 'n8n-workflow';
import type { AttachmentFacts, Filing } from '../../../engine/mail/filing';
import type { ReadingOptions } from '../../../engine/mail/mime/layout';
import type { Attachment } from '../../../engine/mail/parse';

/** Which attachments are wanted. */
export interface AttachmentFilter {
  /** Also those that are shown within the text, such as the pictures of a signature. */
  readonly inline: boolean;
  /** Only those that the sender calls attachments, and nothing that has only a name. */
  readonly onlyMarked?: true;
  /** Octets of the content; null: any size. */
  readonly mostBytes: number | null;
  /** Such as `application/pdf` or `image/*`, lower case; none: any type. */
  readonly types: readonly string[];
}

/** A type and a subtype (RFC 6838, 4.2), or `*` for any subtype. */
const TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/(?:\*|[a-z0-9][a-z0-9!#$&^_.+-]*)$/;
const ANY_TYPE = new Set(['*', '*/*']);
const MOST_NAME_CHARACTERS = 200;

/** Reads a list such as `application/pdf, image/*`; nothing: any type. @throws Error that names the faulty part */
export function parseAttachmentTypes(text: string): string[] {
  const parts = text.split(',').map((part) => part.trim().toLowerCase());
  const types = parts.filter((part) => part !== '');
  for (const type of types) {
    if (TYPE.test(type) || ANY_TYPE.has(type)) continue;
    throw new Error(`"${type}" is not a type of file. Write one such as application/pdf or image/*.`);
  }
  return types.some((type) => ANY_TYPE.has(type)) ? [] : types;
}

/** How attachments are handed out. */
export interface AttachmentSettings {
  readonly attachmentPrefix: string;
  /** Which of them; null: all. */
  readonly attachments: AttachmentFilter | null;
}

interface ReadAttachments {
  readonly attachments: readonly Attachment[];
  readonly parseError?: string;
}

interface HandedOut {
  /** The number in their names counts those that are handed out. */
  readonly binary: IBinaryKeyData;
  /** With the file that the whole mail is in, where it is handed out. */
  readonly parseError?: string;
}

/** The attachments of one mail, as n8n is given them: large ones while the mail is read. */
export class Files {
  readonly #context: Pick<IExecuteFunctions, 'helpers'>;
  readonly #settings: AttachmentSettings;
  readonly #filed: IBinaryData[] = [];

  constructor(context: Pick<IExecuteFunctions, 'helpers'>, settings: AttachmentSettings) {
    this.#context = context;
    this.#settings = settings;
  }

  readonly filing: Filing = (facts, size) => {
    const { attachments: filter } = this.#settings;
    if (filter && !isWanted(facts, size ?? 0, filter)) return NO_FILES(facts);
    // Of what is too large nothing is to be left behind.
    const isOfAnySize = size !== undefined || !filter || filter.mostBytes === null;
    if (isShown(facts) || !isOfAnySize) return 'keep';
    return async (content) => this.#filed.push(await this.#prepared(content, facts)) - 1;
  };

  async of(attachment: Attachment): Promise<IBinaryData> {
    const { filedAs, content } = attachment;
    return filedAs === undefined ? this.#prepared(content, attachment) : this.#filed[filedAs]!;
  }

  async #prepared(
    content: Buffer | Readable,
    { filename, contentType }: AttachmentFacts,
  ): Promise<IBinaryData> {
    const type = TYPE.test(contentType.toLowerCase()) ? contentType : 'application/octet-stream';
    return this.#context.helpers.prepareBinaryData(content, safeName(filename), type);
  }
}

/** No large attachment is wanted, unless it is a part of the HTML. */
export const NO_FILES: Filing = (facts) => (isShown(facts) ? 'keep' : 'drop');

/** It may be put into the HTML. */
const isShown = ({ cid }: AttachmentFacts): boolean => cid !== undefined;

/** The binary fields of an item, and what it says of the mail. */
export async function handOut(
  files: Files,
  { attachments, parseError }: ReadAttachments,
  { attachmentPrefix, attachments: filter }: AttachmentSettings,
): Promise<HandedOut> {
  const binary: IBinaryKeyData = {};
  const wanted = filter ? attachments.filter((one) => isWanted(one, one.size, filter)) : attachments;
  for (const [index, attachment] of wanted.entries())
    binary[`${attachmentPrefix}${index}`] = await files.of(attachment);
  if (parseError === undefined) return { binary };
  const whole = wanted.findIndex(({ isWholeMail }) => isWholeMail);
  const told = whole < 0 ? '' : ` The whole mail is attached as ${attachmentPrefix}${whole}.`;
  return { binary, parseError: `${parseError}${told}` };
}

/** How a mail is read that is handed out so. */
export const readingOf = (
  { attachments }: AttachmentSettings,
  { truncatedSize }: { readonly truncatedSize?: number },
): ReadingOptions => ({
  inlineAreFiles: attachments?.inline ?? true,
  isHeadOnly: truncatedSize !== undefined,
});

/** @param size octets; 0: it is not known yet, and it may be */
function isWanted(
  attachment: AttachmentFacts & Pick<Partial<Attachment>, 'isWholeMail'>,
  size: number,
  filter: AttachmentFilter,
): boolean {
  const { contentType, inline, isMarked, isWholeMail } = attachment;
  if (filter.onlyMarked && !isMarked && !isWholeMail) return false;
  if (inline && !filter.inline) return false;
  if (filter.mostBytes !== null && size > filter.mostBytes) return false;
  const type = contentType.toLowerCase();
  return (
    filter.types.length === 0 ||
    filter.types.some((one) => type === one || (one.endsWith('/*') && type.startsWith(one.slice(0, -1))))
  );
}

/** The name without the path (RFC 2183, 2.3), and without what no file system takes. */
function safeName(filename: string | undefined): string | undefined {
  const name = (filename ?? '')
    .replace(/[\0-\x1f\x7f\u202a-\u202e\u2066-\u2069]/g, '')
    .split(/[/\\]/)
    .at(-1)!
    .trim();
  if (/^\.*$/.test(name)) return undefined;
  if (name.length <= MOST_NAME_CHARACTERS) return wellFormed(name);
  // The end says what kind of file it is.
  return wellFormed(name.slice(0, MOST_NAME_CHARACTERS - ENDING_CHARACTERS) + name.slice(-ENDING_CHARACTERS));
}

const ENDING_CHARACTERS = 20;

/** Without the halves of characters that cutting leaves. */
const wellFormed = (text: string): string => Buffer.from(text).toString();
