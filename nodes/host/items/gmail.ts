// From what is stored of a Gmail mail to the item that a workflow works on: in the shapes of n8n's Gmail Trigger, simplified
// or `resolved` in full, and `raw` as Gmail's API has it; each with `delivery` beside what Gmail says.
// Invariant: every mail becomes an item, whatever is in it, also while Gmail cannot be asked for the names of its labels.
import type { IBinaryKeyData, IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { type GmailMailFacts, openGmailMail } from '../../../engine/gmail/mail/stored';
import { type MailSource, wholeOf } from '../../../engine/mail/mail-source';
import { headerBlock, type MailHeaders, splitMail } from '../../../engine/mail/headers';
import { resolveMail } from '../../../engine/mail/resolve';
import { decodeHeaders } from '../../../engine/mail/words';
import type { ItemFacts } from './mail';
import { type AttachmentSettings, Files, handOut, NO_FILES, readingOf } from './attachments';

export interface GmailItemSettings extends AttachmentSettings {
  readonly format: 'simple' | 'resolved' | 'raw';
  /** In the format `resolved`; the others never have any. */
  readonly downloadAttachments: boolean;
  /** The names of the account's labels by their ids. One that is missing is shown by its id. Never rejects. */
  readonly labelNames: (wanted: readonly string[]) => Promise<ReadonlyMap<string, string>>;
}

/** Header fields that the simplified shape has, as the built-in trigger writes them. */
const SHOWN_FIELDS = ['From', 'To', 'Cc', 'Bcc', 'Subject'];

/** Events that are about labels: only they tell which ones. */
const LABEL_EVENTS: ReadonlySet<GmailMailFacts['event']> = new Set(['labelAdded', 'starred']);

type Context = Pick<IExecuteFunctions, 'helpers'>;

interface Shaped {
  readonly json: IDataObject;
  readonly binary?: IBinaryKeyData;
}

/** @param content as it is stored, unpacked; only its headers are handed out where `truncatedSize` is set */
export async function gmailItem(
  context: Context,
  content: MailSource,
  given: ItemFacts,
  settings: GmailItemSettings,
): Promise<INodeExecutionData> {
  const { delivery, truncatedSize } = given;
  const { facts, raw: whole } = openGmailMail(await wholeOf(content));
  const raw = truncatedSize === undefined ? whole : headerBlock(whole);
  const { json, binary = {} } = await shaped(context, facts, raw, given, settings);
  if (LABEL_EVENTS.has(facts.event))
    Object.assign(json, {
      event: facts.event,
      addedLabels: await labelsOf(facts.addedLabelIds, settings),
    });
  Object.assign(json, { delivery: { ...delivery } });
  if (truncatedSize !== undefined) Object.assign(json, { truncated: true, size: truncatedSize });
  return { json, ...(Object.keys(binary).length > 0 && { binary }), pairedItem: { item: 0 } };
}

async function shaped(
  context: Context,
  facts: GmailMailFacts,
  raw: Buffer,
  given: ItemFacts,
  settings: GmailItemSettings,
): Promise<Shaped> {
  const { id, threadId, snippet, sizeEstimate, historyId } = facts;
  const labelIds = [...facts.labelIds];
  // Gmail's API has it as a text.
  const internalDate = String(facts.internalDate);
  switch (settings.format) {
    case 'raw':
      return {
        json: {
          ...{ id, threadId, labelIds, snippet, sizeEstimate },
          raw: raw.toString('base64url'),
          ...{ historyId, internalDate },
        },
      };
    case 'resolved': {
      const files = new Files(context, settings);
      const filing = settings.downloadAttachments ? files.filing : NO_FILES;
      const mail = await resolveMail(raw, readingOf(settings, given), filing);
      const attachments = settings.downloadAttachments ? mail.attachments : [];
      const { binary, ...error } = await handOut(files, { ...mail, attachments }, settings);
      const own = { id, threadId, labelIds, sizeEstimate };
      return { json: { ...own, ...mail.fields, headers: fromEntries(mail.headers), ...error }, binary };
    }
    default: {
      const headers = await decodeHeaders(splitMail(raw).head);
      return {
        json: {
          ...{ id, threadId, snippet },
          payload: { mimeType: mimeType(headers) },
          ...{ sizeEstimate, historyId, internalDate },
          labels: await labelsOf(labelIds, settings),
          ...shownFields(headers),
        },
      };
    }
  }
}

async function labelsOf(
  ids: readonly string[],
  { labelNames }: GmailItemSettings,
): Promise<{ id: string; name: string }[]> {
  const names = await labelNames(ids);
  return ids.map((id) => ({ id, name: names.get(id) ?? id }));
}

/** Of a field that is there several times, the last, as the built-in trigger has it. */
const shownFields = (headers: MailHeaders): IDataObject =>
  fromEntries(
    SHOWN_FIELDS.map((name) => [name, headers.get(name.toLowerCase())?.at(-1)] as const).filter(
      ([, value]) => value !== undefined,
    ),
  );

/** What the whole mail is (RFC 2045, 5.2: without the field, plain text). */
function mimeType(headers: MailHeaders): string {
  const type = headers.get('content-type')?.at(0)?.split(';')[0]?.trim().toLowerCase() ?? '';
  return /^[^\s/]+\/[^\s/]+$/.test(type) ? type : 'text/plain';
}

/** Not by assignment: a header may be called `__proto__`. */
const fromEntries = (entries: Iterable<readonly [string, unknown]>): IDataObject =>
  Object.fromEntries(entries) as IDataObject;
