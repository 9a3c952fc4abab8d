// The items that a workflow gets of Gmail's mails: the fields of n8n's Gmail Trigger, simplified and in full, and what the
// API itself calls raw.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { IDataObject, INode, INodeExecutionData } from 'n8n-workflow';
import type { GmailLogin } from '../../engine/gmail/api/login';
import type { HttpRequest } from '../../engine/http/send';
import type { RawMessage } from '../../engine/gmail/api/types';
import { gmailMailBytes } from '../../engine/gmail/mail/stored';
import type { GmailEvent } from '../../engine/gmail/mail/event';
import { labelNames } from '../../nodes/DurableGmailTrigger/label-names';
import type { ItemFacts } from '../../nodes/host/items/mail';
import { gmailItem, type GmailItemSettings } from '../../nodes/host/items/gmail';
import { itemFacts, itemHelpers } from '../support/items';
import { rawMail } from '../support/mails';
import { lines } from '../support/mime/hostile';

const RAW = Buffer.from(
  rawMail({
    subject: '=?utf-8?B?w5xiZXJyYXNjaHVuZw==?=',
    text: 'Hello Bob',
    attachment: { name: 'offer.pdf', content: Buffer.from('%PDF-') },
  }),
);

const message = (raw: Buffer): RawMessage => ({
  id: '18c1',
  threadId: '18c0',
  labelIds: ['UNREAD', 'INBOX', 'Label_7'],
  snippet: 'Hello Bob',
  historyId: '18446744073709551615',
  internalDate: 1_790_848_800_000,
  sizeEstimate: 1_234,
  raw,
});

const NAMES = new Map([
  ['Label_7', 'Orders'],
  ['INBOX', 'INBOX'],
]);

interface Given extends Partial<GmailItemSettings> {
  readonly raw?: Buffer | string;
  readonly event?: GmailEvent;
  readonly added?: readonly string[];
  readonly facts?: Partial<ItemFacts>;
}

const itemOf = ({
  raw = RAW,
  event = 'received',
  added = [],
  facts = {},
  ...more
}: Given = {}): Promise<INodeExecutionData> =>
  gmailItem(
    { helpers: itemHelpers },
    gmailMailBytes(message(Buffer.from(raw)), event, added),
    { ...itemFacts, ...facts },
    {
      format: 'simple',
      downloadAttachments: false,
      attachmentPrefix: 'attachment_',
      attachments: null,
      labelNames: async () => NAMES,
      ...more,
    },
  );

const { delivery } = itemFacts;

describe('a simplified Gmail mail', () => {
  it("has the built-in trigger's fields, and how it was delivered", async () => {
    const { json, binary, pairedItem } = await itemOf();
    assert.deepEqual(json, {
      id: '18c1',
      threadId: '18c0',
      snippet: 'Hello Bob',
      payload: { mimeType: 'multipart/mixed' },
      sizeEstimate: 1_234,
      historyId: '18446744073709551615',
      internalDate: '1790848800000',
      labels: [
        { id: 'UNREAD', name: 'UNREAD' },
        { id: 'INBOX', name: 'INBOX' },
        { id: 'Label_7', name: 'Orders' },
      ],
      From: '"Ann Sender" <ann@example.com>',
      To: '"Bob Receiver" <bob@example.com>',
      Cc: 'carol@example.com',
      Subject: 'Überraschung',
      delivery,
    });
    assert.equal(binary, undefined);
    assert.deepEqual(pairedItem, { item: 0 });
  });

  it('has no fields that the mail has not, and plain text for a mail that does not say what it is', async () => {
    const { json } = await itemOf({ raw: lines('bcc: dave@example.com', '', 'x') });
    assert.deepEqual(json['payload'], { mimeType: 'text/plain' });
    assert.equal(json['Bcc'], 'dave@example.com');
    for (const name of ['From', 'To', 'Cc', 'Subject']) assert.ok(!(name in json), name);
  });

  it('has no file, whatever else is set', async () => {
    assert.equal((await itemOf({ downloadAttachments: true })).binary, undefined);
  });
});

describe('a Gmail mail in full', () => {
  const full = (more: Given = {}): Promise<INodeExecutionData> => itemOf({ format: 'resolved', ...more });

  it("has the built-in trigger's fields, with whole lines as headers", async () => {
    const { json, binary } = await full();
    assert.deepEqual(Object.keys(json).sort(), [
      ...['cc', 'date', 'delivery', 'from', 'headers', 'html', 'id', 'labelIds', 'messageId', 'sizeEstimate'],
      ...['subject', 'text', 'textAsHtml', 'threadId', 'to'],
    ]);
    assert.deepEqual(
      [json['id'], json['threadId'], json['labelIds'], json['sizeEstimate'], json['html']],
      ['18c1', '18c0', ['UNREAD', 'INBOX', 'Label_7'], 1_234, false],
    );
    assert.deepEqual([json['subject'], (json['text'] as string).trim()], ['Überraschung', 'Hello Bob']);
    assert.equal((json['headers'] as IDataObject)['x-test'], 'X-Test: one');
    assert.deepEqual((json['from'] as IDataObject)['value'], [
      { address: 'ann@example.com', name: 'Ann Sender' },
    ]);
    assert.equal(binary, undefined, 'attachments only where they are wanted');
  });

  it('has its attachments where they are wanted, under the names that are wanted', async () => {
    const { binary } = await full({ downloadAttachments: true, attachmentPrefix: 'file' });
    assert.deepEqual(
      Object.entries(binary!).map(([name, { fileName, data }]) => [
        name,
        fileName,
        Buffer.from(data, 'base64').toString(),
      ]),
      [['file0', 'offer.pdf', '%PDF-']],
    );
    const attachments = { inline: true, mostBytes: null, types: ['image/*'] };
    assert.equal((await full({ downloadAttachments: true, attachments })).binary, undefined);
  });

  it("keeps Gmail's id where a header calls itself one", async () => {
    const { json } = await full({ raw: lines('id: other', '__proto__: kept', '', 'x') });
    assert.equal(json['id'], '18c1');
    const stored = JSON.parse(JSON.stringify(json)) as { headers: object };
    assert.ok(Object.hasOwn(stored.headers, '__proto__'));
  });
});

describe('a raw Gmail mail', () => {
  it('is what the API gives, to the byte', async () => {
    const raw = Buffer.from([0x53, 0x3a, 0x20, 0xff, 0xfe, 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0xfb, 0xf0]);
    const { json } = await itemOf({ format: 'raw', raw });
    const { raw: encoded, ...rest } = json;
    assert.ok(Buffer.from(encoded as string, 'base64url').equals(raw));
    assert.doesNotMatch(encoded as string, /[+/=]/);
    assert.deepEqual(rest, {
      id: '18c1',
      threadId: '18c0',
      labelIds: ['UNREAD', 'INBOX', 'Label_7'],
      snippet: 'Hello Bob',
      sizeEstimate: 1_234,
      historyId: '18446744073709551615',
      internalDate: '1790848800000',
      delivery,
    });
  });
});

describe('the event of a label', () => {
  it('is told with the labels that were added; others are told nothing', async () => {
    const { json } = await itemOf({ event: 'labelAdded', added: ['Label_7'] });
    assert.deepEqual(
      [json['event'], json['addedLabels']],
      ['labelAdded', [{ id: 'Label_7', name: 'Orders' }]],
    );
    const starred = await itemOf({ format: 'raw', event: 'starred', added: ['STARRED'] });
    assert.deepEqual(starred.json['addedLabels'], [{ id: 'STARRED', name: 'STARRED' }]);
    assert.ok(!('event' in (await itemOf({ event: 'sent' })).json));
  });
});

describe('a Gmail mail above the limit', () => {
  it('is handed out with its headers and its size, in every format', async () => {
    const facts = { truncatedSize: 99_999 };
    const simple = await itemOf({ facts });
    assert.deepEqual(
      [simple.json['Subject'], simple.json['truncated'], simple.json['size']],
      ['Überraschung', true, 99_999],
    );
    const full = await itemOf({ facts, format: 'resolved', downloadAttachments: true });
    assert.deepEqual([full.json['subject'], full.json['truncated']], ['Überraschung', true]);
    assert.equal(full.binary, undefined);
    const { json } = await itemOf({ facts, format: 'raw' });
    assert.ok(!Buffer.from(json['raw'] as string, 'base64url').includes('Hello Bob'));
  });
});

describe('the names of labels', () => {
  const node = (id: string): { getNode: () => INode } => ({
    getNode: () => ({ credentials: { gmailOAuth2: { id, name: 'Gmail' } } }) as unknown as INode,
  });
  const login = (asked: string[], answer: () => object): (() => Promise<GmailLogin>) => {
    const send = async ({ url }: HttpRequest) => {
      asked.push(new URL(url).pathname);
      const body = JSON.stringify(answer());
      return { status: 200, headers: { 'content-type': 'application/json' }, body };
    };
    return async () => ({
      address: 'ann@example.com',
      token: async () => 'token',
      send,
      endpoints: { gmail: 'https://gmail.example', pubsub: 'https://pubsub.example' },
      quota: 'new',
    });
  };

  it("are asked for once, and not at all for Gmail's own", async () => {
    const asked: string[] = [];
    const names = labelNames(
      node('once'),
      login(asked, () => ({ labels: [{ id: 'Label_7', name: 'Orders', type: 'user' }] })),
    );
    assert.equal((await names(['INBOX', 'UNREAD', 'CATEGORY_SOCIAL'])).size, 0);
    assert.deepEqual(asked, []);
    const both = await Promise.all([names(['Label_7']), names(['INBOX', 'Label_7'])]);
    assert.deepEqual(
      both.map((known) => known.get('Label_7')),
      ['Orders', 'Orders'],
    );
    await names(['Label_8']);
    assert.deepEqual(asked, ['/gmail/v1/users/me/labels']);
  });

  it('are the ids while Gmail cannot be asked', async () => {
    const names = labelNames(node('away'), () => Promise.reject(new Error('no token now')));
    const { json } = await itemOf({ labelNames: names });
    assert.deepEqual((json['labels'] as unknown[]).at(-1), { id: 'Label_7', name: 'Label_7' });
  });
});
