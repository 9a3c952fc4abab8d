// The items that a workflow gets: the formats of n8n's Email Trigger (IMAP), the whole message, and which attachments.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { packContent } from '../../engine/ledger/content';
import type { Claim } from '../../engine/ledger/pointer';
import { mailItem, parseAttachmentTypes } from '../../nodes/host/items/mail';
import { itemsOf, type ReadSettings } from '../../nodes/host/run/items';
import { imapShape } from '../../nodes/DurableImapTrigger/shape';
import { itemContext, itemFacts, itemSettings } from '../support/items';
import { base64Lines, bytes, filePart, hex, lines, noise, parts, textPart } from '../support/mime/hostile';

const itemOf = (
  raw: string | Buffer,
  more: Parameters<typeof itemSettings>[0] = {},
): Promise<INodeExecutionData> => mailItem(itemContext, Buffer.from(raw), itemFacts, itemSettings(more));

/** What the ledger adds to every mail. */
const ADDED = { attributes: { uid: 7 }, delivery: itemFacts.delivery };

// As mailers write them: folded fields, encoded words, both kinds of text, a picture within, a file beside.
const PICTURE = noise(200);
const PDF = noise(5_000);
const NEWSLETTER = bytes(
  lines(
    'Return-Path: <bounce@shop.example>',
    'Received: from mx.shop.example by mail.example.com;',
    '\tThu, 1 Oct 2026 12:00:01 +0200',
    'Received: from localhost by mx.shop.example; Thu, 1 Oct 2026 12:00:00 +0200',
    'From: =?utf-8?Q?B=C3=BCcher_&_mehr?= <shop@shop.example>',
    'To: "Receiver, Bob" <bob@example.com>, carol@example.com',
    'Cc: dave@example.com',
    'Reply-To: help@shop.example',
    'Subject: =?utf-8?B?w5xiZXI=?= =?utf-8?B?cmFzY2h1bmc=?=',
    'Date: Thu, 1 Oct 2026 12:00:00 +0200',
    'Message-ID: <n1@shop.example>',
    'In-Reply-To: <q1@example.com>',
    'References: <q0@example.com>',
    ' <q1@example.com>',
    'List-Unsubscribe: <https://shop.example/u>',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="m"',
    '',
    '',
  ),
  parts(
    'm',
    {
      fields: ['Content-Type: multipart/related; boundary="r"'],
      body: parts(
        'r',
        {
          fields: ['Content-Type: multipart/alternative; boundary="a"'],
          body: parts('a', textPart('Hello Bob'), {
            fields: ['Content-Type: text/html'],
            body: '<p>Hello <img src="cid:logo"></p>',
          }),
        },
        {
          fields: [
            'Content-Type: image/png; name="logo.png"',
            'Content-ID: <logo>',
            'Content-Transfer-Encoding: base64',
          ],
          body: base64Lines(PICTURE),
        },
      ),
    },
    {
      ...filePart(PDF, 'Offer.PDF'),
      fields: [
        'Content-Type: application/pdf; name="Offer.PDF"',
        'Content-Disposition: attachment; filename="Offer.PDF"',
        'Content-Transfer-Encoding: base64',
      ],
    },
  ),
);
const PLAIN = lines(
  'From: a@example.com',
  'Subject: plain',
  'Content-Type: text/plain',
  '',
  'One',
  'Two',
  '',
);

describe('the format "simple"', () => {
  it('has every field that the built-in trigger gives of a newsletter, with its values', async () => {
    const { json, binary, pairedItem } = await itemOf(NEWSLETTER);
    assert.deepEqual(json, {
      from: 'Bücher & mehr <shop@shop.example>',
      to: '"Receiver, Bob" <bob@example.com>, carol@example.com',
      cc: 'dave@example.com',
      subject: 'Überraschung',
      date: 'Thu, 1 Oct 2026 12:00:00 +0200',
      textPlain: 'Hello Bob',
      textHtml: '<p>Hello <img src="cid:logo"></p>',
      metadata: {
        'return-path': '<bounce@shop.example>',
        // Of a field that is there twice, the first.
        received: 'from mx.shop.example by mail.example.com; Thu, 1 Oct 2026 12:00:01 +0200',
        'reply-to': 'help@shop.example',
        'message-id': '<n1@shop.example>',
        'in-reply-to': '<q1@example.com>',
        references: '<q0@example.com> <q1@example.com>',
        'list-unsubscribe': '<https://shop.example/u>',
        'mime-version': '1.0',
        'content-type': 'multipart/mixed; boundary="m"',
      },
      ...ADDED,
    });
    // More than the built-in one: the picture within the text, too.
    assert.deepEqual(
      Object.entries(binary!).map(([name, { fileName, mimeType, data }]) => [name, fileName, mimeType, data]),
      [
        ['attachment_0', 'logo.png', 'image/png', PICTURE.toString('base64')],
        ['attachment_1', 'Offer.PDF', 'application/pdf', PDF.toString('base64')],
      ],
    );
    assert.deepEqual(pairedItem, { item: 0 });
  });

  it('of a plain mail has an empty HTML, and no fields that the mail has not', async () => {
    const { json, binary } = await itemOf(PLAIN);
    assert.deepEqual(json, {
      from: 'a@example.com',
      subject: 'plain',
      textPlain: 'One\nTwo\n',
      textHtml: '',
      metadata: { 'content-type': 'text/plain' },
      ...ADDED,
    });
    assert.equal(binary, undefined);
  });

  it('leaves attachments out where they are not wanted, and names them as wanted', async () => {
    assert.equal((await itemOf(NEWSLETTER, { downloadAttachments: false })).binary, undefined);
    const { binary } = await itemOf(NEWSLETTER, { attachmentPrefix: 'file' });
    assert.deepEqual(Object.keys(binary!), ['file0', 'file1']);
  });

  it('keeps a header called __proto__, through what n8n stores', async () => {
    const { json } = await itemOf('__proto__: kept\r\n\r\nx');
    const stored = JSON.parse(JSON.stringify(json)) as { metadata: object };
    assert.deepEqual(Object.entries(stored.metadata), [['__proto__', 'kept']]);
    assert.equal(Object.getPrototypeOf(json['metadata']), Object.prototype);
  });
});

describe('the format "resolved"', () => {
  it('has every field that the built-in trigger gives of a newsletter, with its values', async () => {
    const { json, binary } = await itemOf(NEWSLETTER, { format: 'resolved', downloadAttachments: false });
    const { to, headers, ...rest } = json as { to: IDataObject; headers: IDataObject } & IDataObject;
    assert.deepEqual(to['value'], [
      { address: 'bob@example.com', name: 'Receiver, Bob' },
      { address: 'carol@example.com', name: '' },
    ]);
    assert.equal(to['text'], '"Receiver, Bob" <bob@example.com>, carol@example.com');
    assert.match(to['html'] as string, /<a href="mailto:bob@example.com"/);
    const link = (address: string): string =>
      `<a href="mailto:${address}" class="mp_address_email">${address}</a>`;
    const person = (address: string): object => ({
      value: [{ address, name: '' }],
      html: `<span class="mp_address_group">${link(address)}</span>`,
      text: address,
    });
    const from = {
      value: [{ address: 'shop@shop.example', name: 'Bücher & mehr' }],
      html: `<span class="mp_address_group"><span class="mp_address_name">B&#xFC;cher &#x26; mehr</span> &lt;${link('shop@shop.example')}&gt;</span>`,
      text: '"Bücher & mehr" <shop@shop.example>',
    };
    assert.deepEqual(rest, {
      html: `<p>Hello <img src="data:image/png;base64,${PICTURE.toString('base64')}"></p>`,
      text: 'Hello Bob',
      textAsHtml: '<p>Hello Bob</p>',
      subject: 'Überraschung',
      date: '2026-10-01T10:00:00.000Z',
      from,
      cc: person('dave@example.com'),
      replyTo: person('help@shop.example'),
      messageId: '<n1@shop.example>',
      inReplyTo: '<q1@example.com>',
      references: ['<q0@example.com>', '<q1@example.com>'],
      ...ADDED,
    });
    // Whole lines; of a field that is there twice, the last.
    assert.equal(
      headers['received'],
      'Received: from localhost by mx.shop.example; Thu, 1 Oct 2026 12:00:00 +0200',
    );
    assert.equal(headers['references'], 'References: <q0@example.com>\r\n <q1@example.com>');
    assert.deepEqual(
      Object.keys(binary!),
      ['attachment_0', 'attachment_1'],
      'always, as the built-in one has them',
    );
  });

  it('makes text of HTML, and says that there is no HTML in plain text', async () => {
    const html = await itemOf('Content-Type: text/html\r\n\r\n<h1>Big</h1><p>news', { format: 'resolved' });
    assert.equal(html.json['text'], 'BIG\n\nnews');
    const plain = await itemOf(PLAIN, { format: 'resolved' });
    assert.equal(plain.json['html'], false);
    assert.equal(plain.json['textAsHtml'], '<p>One<br/>Two</p>');
  });

  it('has no date where the mail has none that can be read', async () => {
    const { json } = await itemOf('Date: soon\r\nSubject: s\r\n\r\nx', { format: 'resolved' });
    assert.ok(!('date' in json));
    assert.equal((json['headers'] as IDataObject)['date'], 'Date: soon');
  });

  it('leaves HTML as it is that would take minutes to turn into text, and says so', async () => {
    const html = `<table><tr>${'<td>x'.repeat(300_000)}`;
    const began = performance.now();
    const { json } = await itemOf(`Content-Type: text/html\r\n\r\n${html}`, { format: 'resolved' });
    assert.ok(performance.now() - began < 20_000, 'it took a minute');
    assert.equal(json['html'], html);
    assert.match(json['parseError'] as string, /too large to be turned into/);
  });
});

describe('the formats "raw" and "message"', () => {
  it('give the body as the built-in trigger does, and the whole mail', async () => {
    const raw = await itemOf(PLAIN, { format: 'raw' });
    assert.deepEqual(raw.json, { raw: 'One\r\nTwo\r\n', ...ADDED });
    assert.equal(raw.binary, undefined);
    const message = await itemOf(PLAIN, { format: 'message' });
    assert.deepEqual(message.json, { raw: PLAIN, ...ADDED });
  });

  it('keep every byte in the file of the message', async () => {
    const mail = bytes('Subject: x\r\n\r\n', hex('00 ff 0d 0d 0a 80'));
    const { binary } = await itemOf(mail, { format: 'message' });
    const { data, fileName, mimeType } = binary!['message']!;
    assert.deepEqual([fileName, mimeType], ['message.eml', 'message/rfc822']);
    assert.ok(Buffer.from(data, 'base64').equals(mail));
  });
});

describe('attachments', () => {
  const file = (
    type: string,
    name: string,
    disposition: string,
    length = 100,
  ): Parameters<typeof parts>[1] => ({
    fields: [
      `Content-Type: ${type}`,
      `Content-Disposition: ${disposition}; filename="${name}"`,
      'Content-Transfer-Encoding: base64',
    ],
    body: base64Lines(noise(length)),
  });
  const mail = bytes(
    'Content-Type: multipart/mixed; boundary=b\r\n\r\n',
    parts(
      'b',
      file('image/png', 'logo.png', 'inline'),
      file('Application/PDF', 'a.pdf', 'attachment', 2_000),
      file('image/jpeg', 'photo.jpg', 'attachment', 500),
    ),
  );
  const names = async (more: object): Promise<unknown[]> => {
    const attachments = { inline: true, mostBytes: null, types: [], ...more };
    const { binary = {} } = await itemOf(mail, { attachments });
    return Object.entries(binary).map(([name, { fileName }]) => `${name} ${fileName}`);
  };

  it('are chosen by size, by type, and by whether they are shown within the text', async () => {
    assert.deepEqual(await names({}), [
      'attachment_0 logo.png',
      'attachment_1 a.pdf',
      'attachment_2 photo.jpg',
    ]);
    assert.deepEqual(await names({ inline: false }), ['attachment_0 a.pdf', 'attachment_1 photo.jpg']);
    assert.deepEqual(await names({ mostBytes: 500 }), ['attachment_0 logo.png', 'attachment_1 photo.jpg']);
    assert.deepEqual(await names({ types: ['application/pdf'] }), ['attachment_0 a.pdf']);
    assert.deepEqual(await names({ types: ['image/*'], inline: false }), ['attachment_0 photo.jpg']);
    assert.deepEqual(await names({ types: ['text/csv'] }), []);
  });

  it('are, where it behaves like the built-in trigger, those that the sender calls attachments', async () => {
    const unmarked = bytes(
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n',
      parts(
        'b',
        {
          fields: ['Content-Type: image/png; name=scan.png', 'Content-Transfer-Encoding: base64'],
          body: base64Lines(noise(100)),
        },
        file('Application/PDF', 'a.pdf', 'attachment', 2_000),
        file('text/plain', 'notes.txt', 'ATTACHMENT', 200),
        file('image/png', 'logo.png', 'inline'),
      ),
    );
    const handedOut = async (more: object): Promise<unknown[]> => {
      const attachments = { inline: false, mostBytes: null, types: [], ...more };
      const { binary = {} } = await itemOf(unmarked, { attachments });
      return Object.values(binary).map(({ fileName }) => fileName);
    };
    assert.deepEqual(await handedOut({}), ['scan.png', 'a.pdf', 'notes.txt']);
    assert.deepEqual(await handedOut({ onlyMarked: true }), ['a.pdf', 'notes.txt']);
  });

  it('types are read from a list, and a faulty one is named', () => {
    assert.deepEqual(parseAttachmentTypes(' Application/PDF, image/* ,'), ['application/pdf', 'image/*']);
    assert.deepEqual(parseAttachmentTypes(''), []);
    assert.deepEqual(parseAttachmentTypes('image/png, */*'), [], 'any');
    for (const faulty of ['pdf', 'image/', '/png', 'a b/c', 'image/p*g']) {
      assert.throws(
        () => parseAttachmentTypes(`image/*, ${faulty}`),
        (error: Error) => {
          assert.ok(error.message.includes(`"${faulty}"`), error.message);
          return true;
        },
      );
    }
  });
});

describe('a mail above the limit', () => {
  const claim = (event: string, size: number): Claim =>
    ({ event, attempt: 1, uid: 7, size, receivedAt: null, idempotencyKey: 'k' }) as Claim;
  const settings = (more: Partial<ReadSettings> = {}): ReadSettings => ({
    shape: imapShape(itemSettings()),
    mostReadBytes: 1_000,
    rereader: () => assert.fail('the server was asked'),
    ...more,
  });
  const run = async (
    stored: boolean,
    size: number,
    more: Partial<ReadSettings> = {},
  ): Promise<INodeExecutionData> => {
    const packed = await packContent(Buffer.from(PLAIN));
    const ledger = {
      contents: async (events: readonly string[]): Promise<Map<string, Buffer>> =>
        new Map(stored ? events.map((event) => [event, packed]) : []),
      contentPiece: async () => (stored ? { gzip: packed, pieces: 1 } : null),
    };
    const pointers = [{ event: 'e', attempt: 1 }];
    const { items } = await itemsOf(itemContext, ledger, pointers, [claim('e', size)], settings(more));
    return items[0]!;
  };

  it('that is in the ledger is handed out with its headers and its size', async () => {
    const { json } = await run(true, 1_001);
    assert.deepEqual(
      [json['subject'], json['textPlain'], json['truncated'], json['size']],
      ['plain', '', true, 1_001],
    );
    assert.ok(!('truncated' in (await run(true, 1_000)).json));
  });

  it('is not read from the server', async () => {
    const asked: number[] = [];
    const rereader: ReadSettings['rereader'] = async () => ({
      read: async (_, mostBytes) => {
        asked.push(mostBytes);
        return { raw: Buffer.from('Subject: only this\r\n\r\n'), truncated: true };
      },
      end: async () => undefined,
    });
    const { json } = await run(false, 5_000, { rereader });
    assert.deepEqual(asked, [1_000]);
    assert.deepEqual([json['subject'], json['truncated'], json['size']], ['only this', true, 5_000]);
  });

  it('has no file of the whole message', async () => {
    const shape = imapShape(itemSettings({ format: 'message' }));
    const { json, binary } = await run(true, 2_000, { shape });
    assert.equal(json['raw'], 'From: a@example.com\r\nSubject: plain\r\nContent-Type: text/plain');
    assert.equal(binary, undefined);
  });
});
