// What a mail needs to become an item in a test: n8n's helpers faked, with the binary data kept in the item.
import type { Readable } from 'node:stream';
import type { IExecuteFunctions } from 'n8n-workflow';
import type { ItemFacts, ItemSettings } from '../../nodes/host/items/mail';

export const itemHelpers = {
  prepareBinaryData: async (content: Buffer | Readable, fileName?: string, mimeType?: string) => ({
    data: (await octetsOf(content)).toString('base64'),
    fileName,
    mimeType,
  }),
} as unknown as IExecuteFunctions['helpers'];

export const octetsOf = async (content: Buffer | Readable): Promise<Buffer> =>
  Buffer.isBuffer(content) ? content : Buffer.concat((await content.toArray()) as Buffer[]);

/** What a run asks of n8n to make items. */
export const itemContext = { helpers: itemHelpers, getWorkflow: () => ({ id: 'w', active: true }) };

export const itemFacts: ItemFacts = {
  uid: 7,
  delivery: {
    ...{ eventId: 'e', attempt: 1, idempotencyKey: 'k', receivedAt: null },
    ...{ account: 'ann@host', mailbox: 'INBOX', workflowId: 'w' },
  },
};

export const itemSettings = (more: Partial<ItemSettings> = {}): ItemSettings => ({
  format: 'simple',
  downloadAttachments: true,
  attachmentPrefix: 'attachment_',
  attachments: null,
  ...more,
});
