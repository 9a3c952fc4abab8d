// From the bytes of a mail to the item that a workflow works on: in the shapes of n8n's Email Trigger (IMAP), `simple`,
// `resolved` and `raw`, and as the whole `message`; each with `attributes` and `delivery` beside what the mail says.
// Invariant: every mail becomes an item, whatever is in it; what cannot be read stands in `parseError`.
import type { IBinaryKeyData, IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { splitMail } from '../../../engine/mail/headers';
import { type MailSource, wholeOf } from '../../../engine/mail/mail-source';
import { type ParsedMail, parseMail } from '../../../engine/mail/parse';
import { resolveMail } from '../../../engine/mail/resolve';
import { type AttachmentSettings, Files, handOut, NO_FILES, readingOf } from './attachments';

export { parseAttachmentTypes } from './attachments';

/** Header fields that stand at the top level of an item; all others stand under `metadata`. */
const TOP_LEVEL = new Set(['cc', 'date', 'from', 'subject', 'to']);

export type ItemFormat = 'simple' | 'resolved' | 'raw' | 'message';

export interface ItemSettings extends AttachmentSettings {
  readonly format: ItemFormat;
  /** In format `simple`; `resolved` always has attachments, the others never. */
  readonly downloadAttachments: boolean;
}

/** What the ledger knows of the mail; it stands beside what the mail says of itself. */
export interface ItemFacts {
  readonly uid: number | null;
  readonly delivery: {
    readonly eventId: string;
    readonly attempt: number;
    /** The same for every run of this mail in this workflow. */
    readonly idempotencyKey: string;
    /** When the server received it, ISO 8601. */
    readonly receivedAt: string | null;
    /** Where it was found: the account, `user@host` or a Gmail address, and the mailbox in it. */
    readonly account: string;
    readonly mailbox: string;
    /** Of the workflow that it is for. */
    readonly workflowId: string;
  };
  /** Octets of a mail that is too large to be handed out: only its headers are there. */
  readonly truncatedSize?: number;
}

interface Shaped {
  readonly json: IDataObject;
  readonly binary: IBinaryKeyData;
}

type Context = Pick<IExecuteFunctions, 'helpers'>;

/** @param source the mail; only its headers where `facts.truncatedSize` is set */
export async function mailItem(
  context: Context,
  source: MailSource,
  facts: ItemFacts,
  settings: ItemSettings,
): Promise<INodeExecutionData> {
  const { json, binary } = await shaped(context, source, facts, settings);
  Object.assign(json, { attributes: { uid: facts.uid }, delivery: { ...facts.delivery } });
  if (facts.truncatedSize !== undefined) Object.assign(json, { truncated: true, size: facts.truncatedSize });
  return { json, ...(Object.keys(binary).length > 0 && { binary }), pairedItem: { item: 0 } };
}

async function shaped(
  context: Context,
  source: MailSource,
  facts: ItemFacts,
  settings: ItemSettings,
): Promise<Shaped> {
  switch (settings.format) {
    case 'raw':
      // What IMAP calls the TEXT of a mail: all but its header block.
      return { json: { raw: splitMail(await wholeOf(source)).body.toString() }, binary: {} };
    case 'message': {
      const raw = await wholeOf(source);
      return { json: { raw: raw.toString() }, binary: await messageFile(context, raw, facts) };
    }
    case 'resolved': {
      const files = new Files(context, settings);
      const mail = await resolveMail(source, readingOf(settings, facts), files.filing);
      const { binary, ...error } = await handOut(files, mail, settings);
      return { json: { ...mail.fields, headers: fromEntries(mail.headers), ...error }, binary };
    }
    default: {
      const files = new Files(context, settings);
      const filing = settings.downloadAttachments ? files.filing : NO_FILES;
      const mail = await parseMail(source, readingOf(settings, facts), filing);
      const attachments = settings.downloadAttachments ? mail.attachments : [];
      const { binary, ...error } = await handOut(files, { ...mail, attachments }, settings);
      return { json: { ...simple(mail), ...error }, binary };
    }
  }
}

function simple({ text, html, headers }: ParsedMail): IDataObject {
  const first = [...headers].map(([name, [value]]) => [name, value] as const);
  return {
    textHtml: html,
    textPlain: text,
    ...fromEntries(first.filter(([name]) => TOP_LEVEL.has(name))),
    metadata: fromEntries(first.filter(([name]) => !TOP_LEVEL.has(name))),
  };
}

/** Not by assignment: a header may be called `__proto__`. */
const fromEntries = (entries: Iterable<readonly [string, unknown]>): IDataObject =>
  Object.fromEntries(entries) as IDataObject;

async function messageFile({ helpers }: Context, raw: Buffer, facts: ItemFacts): Promise<IBinaryKeyData> {
  // A file of its headers only would look like the mail.
  if (facts.truncatedSize !== undefined) return {};
  return { message: await helpers.prepareBinaryData(raw, 'message.eml', 'message/rfc822') };
}
