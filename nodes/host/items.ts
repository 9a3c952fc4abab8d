// From a parsed mail to the item that a workflow works on, in the shape of n8n's Email Trigger (IMAP), format
// "simple": its fields, plus `delivery`.
import type { IBinaryKeyData, IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { ParsedMail } from '../../engine/mail/parse';

/** Header fields that stand at the top level of an item; all others stand under `metadata`. */
const TOP_LEVEL = new Set(['cc', 'date', 'from', 'subject', 'to']);

export interface ItemSettings {
  readonly downloadAttachments: boolean;
  readonly attachmentPrefix: string;
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
  };
  /** Set for a mail too large to be stored: only its headers are there. */
  readonly truncatedSize?: number;
}

export async function mailItem(
  context: Pick<IExecuteFunctions, 'helpers'>,
  mail: ParsedMail,
  facts: ItemFacts,
  settings: ItemSettings,
): Promise<INodeExecutionData> {
  const json: IDataObject = { textHtml: mail.html, textPlain: mail.text };
  const metadata: IDataObject = {};
  for (const [name, [value]] of mail.headers) {
    if (TOP_LEVEL.has(name)) json[name] = value;
    else metadata[name] = value;
  }
  Object.assign(json, { metadata, attributes: { uid: facts.uid }, delivery: { ...facts.delivery } });
  if (mail.parseError !== undefined) json['parseError'] = mail.parseError;
  if (facts.truncatedSize !== undefined) Object.assign(json, { truncated: true, size: facts.truncatedSize });

  const binary: IBinaryKeyData = {};
  if (settings.downloadAttachments) {
    for (const [index, { content, filename, contentType }] of mail.attachments.entries()) {
      const name = `${settings.attachmentPrefix}${index}`;
      binary[name] = await context.helpers.prepareBinaryData(content, filename, contentType);
    }
  }
  return { json, ...(Object.keys(binary).length > 0 && { binary }), pairedItem: { item: 0 } };
}
