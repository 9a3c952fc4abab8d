// Which parts of a mail become files, and what an item says of a mail that could not be read whole: in both triggers.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import type { IBinaryData, INodeExecutionData } from 'n8n-workflow';
import { gmailMailBytes } from '../../engine/gmail/mail/stored';
import { type ItemFormat, type ItemSettings, mailItem } from '../../nodes/host/items/mail';
import { gmailItem } from '../../nodes/host/items/gmail';
import type { AttachmentFilter } from '../../nodes/host/items/attachments';
import { itemFacts, itemHelpers, itemSettings, octetsOf } from '../support/items';
import { bytes, filePart, lines, parts, textPart } from '../support/mime/hostile';

const ALL: AttachmentFilter = { inline: true, mostBytes: null, types: [] };
const FORMATS: readonly ItemFormat[] = ['simple', 'resolved'];

const itemOf = (
  raw: Buffer,
  format: ItemFormat = 'simple',
  attachments: AttachmentFilter | null = null,
): Promise<INodeExecutionData> =>
  mailItem({ helpers: itemHelpers }, raw, itemFacts, itemSettings({ format, attachments }));

const textOf = ({ json }: INodeExecutionData): unknown => json['textPlain'] ?? json['text'];
const filesOf = ({ binary = {} }: INodeExecutionData): string[] =>
  Object.entries(binary).map(([field, { fileName }]) => `${field} ${fileName}`);

const mixed = (...all: Parameters<typeof parts>[1][]): Buffer =>
  bytes(lines('Subject: s', 'Content-Type: multipart/mixed; boundary=b', '', ''), parts('b', ...all));

describe('with Inline Attachments off', () => {
  const off = { ...ALL, inline: false };
  const message = lines('Subject: inner', '', 'the forwarded text');
  const mail = mixed(
    textPart('the text'),
    { fields: ['Content-Type: text/plain; name=n.txt', 'Content-Disposition: inline'], body: 'the notes' },
    { fields: ['Content-Type: message/rfc822; name=m.eml', 'Content-Disposition: inline'], body: message },
    filePart(Buffer.from('x'), 'a.bin'),
  );

  it('texts and messages that are shown within the text are part of it, whatever they are called', async () => {
    for (const format of FORMATS) {
      const item = await itemOf(mail, format, off);
      assert.equal(textOf(item), 'the text\nthe notes\nthe forwarded text');
      assert.deepEqual(filesOf(item), ['attachment_0 a.bin']);
    }
  });

  it('on, they are files, as they were sent', async () => {
    for (const format of FORMATS) {
      const item = await itemOf(mail, format);
      assert.equal(textOf(item), 'the text');
      assert.deepEqual(filesOf(item), ['attachment_0 n.txt', 'attachment_1 m.eml', 'attachment_2 a.bin']);
      assert.equal(Buffer.from(item.binary!['attachment_1']!.data, 'base64').toString(), message);
    }
  });
});

describe('a mail that could not be read whole', () => {
  const mail = mixed(textPart('the text'), filePart(Buffer.from('x'), 'a.bin'), {
    fields: ['Content-Type: multipart/mixed; boundary=nowhere'],
    body: 'no parts',
  });
  const says = 'A part of the mail announces parts of its own, and none of them could be found.';

  it('is among its files, and the item says which one it is', async () => {
    for (const format of FORMATS) {
      const item = await itemOf(mail, format);
      assert.equal(textOf(item), 'the text');
      assert.deepEqual(filesOf(item), ['attachment_0 a.bin', 'attachment_1 message.eml']);
      assert.equal(item.json['parseError'], `${says} The whole mail is attached as attachment_1.`);
      const { data, mimeType } = item.binary!['attachment_1']!;
      assert.equal(mimeType, 'message/rfc822');
      assert.ok(Buffer.from(data, 'base64').equals(mail), 'byte for byte');
    }
  });

  it('is no file where files of its kind or size are not wanted, and none are', async () => {
    const filters = [
      { ...ALL, types: ['application/*'] },
      { ...ALL, mostBytes: 100 },
    ];
    for (const filter of filters) {
      const item = await itemOf(mail, 'simple', filter);
      assert.deepEqual(filesOf(item), ['attachment_0 a.bin']);
      assert.equal(item.json['parseError'], says);
    }
    const settings = itemSettings({ downloadAttachments: false });
    const { json, binary } = await mailItem({ helpers: itemHelpers }, mail, itemFacts, settings);
    assert.equal(binary, undefined);
    assert.equal(json['parseError'], says);
  });

  it('for it has too many parts, says how many there are, and has all that were read', async () => {
    const file = { fields: ['Content-Type: application/octet-stream'], body: 'x' };
    const many = mixed(...Array.from({ length: 20_050 }, () => file));
    const { json, binary } = await itemOf(many);
    const told = 'The mail has 20050 parts; the first 20000 were read.';
    assert.equal(json['parseError'], `${told} The whole mail is attached as attachment_20000.`);
    assert.equal(Object.keys(binary!).length, 20_001);
  });

  it('is the same from Gmail', async () => {
    const message = { id: '1', threadId: '1', labelIds: [], snippet: '', historyId: '1' };
    const content = gmailMailBytes(
      { ...message, internalDate: 0, sizeEstimate: 1, raw: mail },
      'received',
      [],
    );
    const item = (downloadAttachments: boolean): Promise<INodeExecutionData> =>
      gmailItem({ helpers: itemHelpers }, content, itemFacts, {
        ...{ format: 'resolved', downloadAttachments, attachmentPrefix: 'file', attachments: null },
        labelNames: async () => new Map(),
      });
    const withFiles = await item(true);
    assert.deepEqual(filesOf(withFiles), ['file0 a.bin', 'file1 message.eml']);
    assert.equal(withFiles.json['parseError'], `${says} The whole mail is attached as file1.`);
    assert.equal((await item(false)).json['parseError'], says);
  });

  it('is not one of which only the header was read', async () => {
    const facts = { ...itemFacts, truncatedSize: 1_000_000 };
    const head = Buffer.from(lines('Subject: s', 'Content-Type: multipart/mixed; boundary=b', ''));
    for (const format of FORMATS) {
      const { json, binary } = await mailItem(
        { helpers: itemHelpers },
        head,
        facts,
        itemSettings({ format }),
      );
      assert.equal(json['parseError'], undefined);
      assert.equal(binary, undefined);
    }
  });
});

describe('the header of a mail that is written anew', () => {
  it('is handed out as it came', async () => {
    const field = 'Content-Type: multipart/mixed; (a comment)\r\n boundary=b';
    const head = lines('From ann@example.com Thu Oct  1 10:00:00 2026', 'Subject: s', field, '', '');
    const raw = bytes(head, parts('b', textPart('the text')));
    const { json } = await itemOf(raw, 'resolved');
    assert.deepEqual(json['headers'], { subject: 'Subject: s', 'content-type': field });
    const simple = await itemOf(raw);
    assert.deepEqual(simple.json['metadata'], { 'content-type': 'multipart/mixed; (a comment) boundary=b' });
    assert.equal((await itemOf(raw, 'raw')).json['raw'], raw.subarray(head.length).toString());
  });

  it('ends where its first part begins, and has none of the fields of that', async () => {
    const raw = bytes(
      lines('Subject: s', 'Content-Type: multipart/mixed; boundary=b', ''),
      parts('b', { fields: ['Content-Type: text/plain', 'Content-Language: en'], body: 'the text' }),
    );
    const { json } = await itemOf(raw);
    assert.equal(json['textPlain'], 'the text');
    assert.deepEqual(json['metadata'], { 'content-type': 'multipart/mixed; boundary=b' });
  });
});

describe('a large attachment', () => {
  const LARGE = randomBytes(3 * 1024 * 1024);
  const SMALL = Buffer.from('a small one');
  const mail = mixed(textPart('the text'), filePart(SMALL, 'small.bin'), filePart(LARGE, 'large.bin'), {
    fields: ['Content-Type: image/png; name=p.png', 'Content-ID: <p>', 'Content-Transfer-Encoding: base64'],
    body: LARGE.toString('base64'),
  });

  interface Given {
    readonly name: string;
    readonly inOnePiece: boolean;
    readonly octets: Buffer;
  }

  /** What n8n was given of it. */
  async function given(
    raw: Buffer,
    format: ItemFormat,
    attachments: AttachmentFilter | null,
    more: Partial<ItemSettings> = {},
  ): Promise<{ readonly files: string[]; readonly given: Given[]; readonly item: INodeExecutionData }> {
    const all: Given[] = [];
    const prepareBinaryData = async (content: Buffer | Readable, name: string): Promise<IBinaryData> => {
      const octets = await octetsOf(content);
      all.push({ name, inOnePiece: Buffer.isBuffer(content), octets });
      return { data: '', mimeType: '', fileName: name };
    };
    const helpers = { prepareBinaryData } as unknown as typeof itemHelpers;
    const item = await mailItem({ helpers }, raw, itemFacts, itemSettings({ format, attachments, ...more }));
    return { files: filesOf(item), given: all, item };
  }

  it('goes to n8n while the mail is read, in pieces, and has its place among the others', async () => {
    for (const format of FORMATS) {
      const { files, given: all } = await given(mail, format, null);
      assert.deepEqual(files, ['attachment_0 small.bin', 'attachment_1 large.bin', 'attachment_2 p.png']);
      const by = (name: string): Given => all.find((one) => one.name === name)!;
      assert.equal(all.length, 3, 'each once');
      assert.deepEqual(
        ['small.bin', 'large.bin', 'p.png'].map((name) => by(name).inOnePiece),
        [true, false, true],
        'what the HTML may show is in memory',
      );
      assert.ok(by('large.bin').octets.equals(LARGE) && by('small.bin').octets.equals(SMALL));
      assert.ok(by('p.png').octets.equals(LARGE));
    }
  });

  it('is not kept where it is not wanted', async () => {
    for (const format of FORMATS) {
      const types = { ...ALL, types: ['image/png'] };
      assert.deepEqual((await given(mail, format, types)).files, ['attachment_0 p.png']);
      const { files, given: all } = await given(mail, format, { ...ALL, mostBytes: 1_000_000 });
      assert.deepEqual(files, ['attachment_0 small.bin']);
      assert.deepEqual(
        all.map(({ name }) => name),
        ['small.bin'],
        'nothing is left behind',
      );
    }
    assert.deepEqual((await given(mail, 'simple', null, { downloadAttachments: false })).given, []);
  });

  it('of a mail that breaks off within it leaves what there is, and the whole mail', async () => {
    const { item } = await given(mail.subarray(0, 2_000_000), 'simple', null);
    assert.equal(item.json['textPlain'], 'the text');
  });

  it('that n8n cannot take ends the run with what n8n says', async () => {
    const full = new Error('no space left on device');
    const helpers = {
      prepareBinaryData: (content: Buffer | Readable) =>
        Buffer.isBuffer(content) ? Promise.resolve({}) : Promise.reject(full),
    } as unknown as typeof itemHelpers;
    for (const format of FORMATS)
      await assert.rejects(
        () => mailItem({ helpers }, mail, itemFacts, itemSettings({ format })),
        (error) => error === full,
      );
  });
});
