// Hostile mails: each becomes an item in every format, with what a reader would want of it, and n8n goes on meanwhile.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { headerBlock, readHeaders, splitMail } from '../../engine/mail/headers';
import { senderOf, subjectOf } from '../../engine/mail/envelope';
import { messageIdOf } from '../../engine/mail/identity';
import { type ItemFormat, mailItem } from '../../nodes/host/items/mail';
import { itemFacts, itemHelpers, itemSettings } from '../support/items';
import type { Wanted } from '../support/mime/hostile';
import { tortureMails } from '../support/mime/torture';

const FORMATS: readonly ItemFormat[] = ['simple', 'resolved', 'raw', 'message'];
/** Far more than any of them takes, on the slowest machine. */
const MOST_MS = 30_000;
const MOST_STALL_MS = 10_000;

const itemOf = (raw: Buffer, format: ItemFormat): Promise<INodeExecutionData> =>
  mailItem({ helpers: itemHelpers }, raw, itemFacts, itemSettings({ format }));

/** Runs it, and tells how long n8n's event loop had no turn meanwhile. */
async function watched<T>(work: () => Promise<T>): Promise<{ result: T; took: number; stall: number }> {
  const began = performance.now();
  let [last, stall] = [began, 0];
  const tick = (): void => {
    const now = performance.now();
    stall = Math.max(stall, now - last);
    last = now;
  };
  const ticking = setInterval(tick, 1);
  try {
    const result = await work();
    return { result, took: performance.now() - began, stall: Math.max(stall, performance.now() - last) };
  } finally {
    clearInterval(ticking);
  }
}

async function goesThrough(raw: Buffer): Promise<Record<ItemFormat, INodeExecutionData>> {
  const items: Partial<Record<ItemFormat, INodeExecutionData>> = {};
  for (const format of FORMATS) {
    const { result, took, stall } = await watched(() => itemOf(raw, format));
    assert.ok(took < MOST_MS, `${format} took ${took} ms`);
    assert.ok(stall < MOST_STALL_MS, `${format} held n8n up for ${stall} ms`);
    // As n8n stores it.
    assert.deepEqual(JSON.parse(JSON.stringify(result.json)), result.json, format);
    assert.equal((result.json['attributes'] as IDataObject)['uid'], 7);
    items[format] = result;
  }
  return items as Record<ItemFormat, INodeExecutionData>;
}

const contains = (text: unknown, wanted: string): void =>
  assert.ok(
    String(text).includes(wanted),
    `${JSON.stringify(String(text).slice(0, 300))} has no ${JSON.stringify(wanted)}`,
  );

function hasFile(item: INodeExecutionData, { name, content }: NonNullable<Wanted['attachment']>): void {
  const files = Object.values(item.binary ?? {});
  const found = files.find(
    (file) =>
      Buffer.from(file.data, 'base64').equals(content) && (name === undefined || file.fileName === name),
  );
  assert.ok(
    found,
    `${name ?? 'a file'} is not among ${files
      .map(({ fileName }) => fileName)
      .slice(0, 20)
      .join(', ')}`,
  );
}

function isWhole(text: unknown, html: unknown, item: INodeExecutionData, wanted: Wanted): void {
  const whole = [text, html].map((one) => (typeof one === 'string' ? one.trim() : ''));
  if (wanted.wholeText !== undefined) assert.equal(whole[0], wanted.wholeText);
  if (wanted.wholeHtml !== undefined) assert.equal(whole[1], wanted.wholeHtml);
  const files = Object.values(item.binary ?? {});
  if (wanted.files)
    assert.deepEqual(
      files.map(({ fileName }) => fileName),
      wanted.files,
    );
}

function isSimple({ json, ...item }: INodeExecutionData, wanted: Wanted): void {
  const metadata = json['metadata'] as IDataObject;
  if (wanted.subject !== undefined) assert.equal(json['subject'], wanted.subject);
  if (wanted.from !== undefined) assert.equal(json['from'], wanted.from);
  if (wanted.text !== undefined) contains(json['textPlain'], wanted.text);
  if (wanted.html !== undefined) contains(json['textHtml'], wanted.html);
  if (wanted.attachment) hasFile({ json, ...item }, wanted.attachment);
  isWhole(json['textPlain'], json['textHtml'], { json, ...item }, wanted);
  if (wanted.missing) assert.match(json['parseError'] as string, wanted.missing);
  else assert.equal(json['parseError'], undefined);
  if (wanted.header) {
    const [name, value] = wanted.header;
    assert.ok(Object.hasOwn(metadata, name), `no ${name}`);
    assert.equal(metadata[name], value);
  }
}

function isResolved({ json, ...item }: INodeExecutionData, wanted: Wanted): void {
  if (wanted.text !== undefined) contains(json['text'], wanted.text);
  if (wanted.html !== undefined) contains(json['html'], wanted.html.replace(/<img$/, '<img'));
  if (wanted.attachment) hasFile({ json, ...item }, wanted.attachment);
  // HTML is made of text and text of HTML, where there are both.
  const { wholeText, wholeHtml, ...others } = wanted;
  const isText = wholeText !== undefined && wholeHtml === undefined && json['html'] === false;
  isWhole(json['text'], '', { json, ...item }, { ...others, ...(isText && { wholeText }) });
  if (wanted.missing) assert.match(json['parseError'] as string, wanted.missing);
  if (wanted.header) {
    const headers = json['headers'] as IDataObject;
    assert.ok(Object.hasOwn(headers, wanted.header[0]), `no ${wanted.header[0]}`);
  }
}

describe('of hostile mails', () => {
  const mails = tortureMails();

  it('there are many, no two the same, and each has something that is wanted of it', () => {
    assert.ok(mails.length >= 120, `${mails.length}`);
    assert.equal(new Set(mails.map(({ name }) => name)).size, mails.length);
    const ids = mails.flatMap(({ raw }) => messageIdOf(readHeaders(headerBlock(raw))) ?? []);
    assert.equal(new Set(ids).size, ids.length, 'a collector takes none for another');
    for (const { name, raw, wanted } of mails) {
      const isOfBody = Object.keys(wanted).some((key) => key !== 'subject');
      assert.ok(isOfBody || splitMail(raw).body.length === 0, name);
    }
    assert.deepEqual(
      tortureMails().map(({ raw }) => raw.length),
      mails.map(({ raw }) => raw.length),
    );
  });

  for (const { name, raw, wanted } of mails) {
    it(`"${name}" is read`, async () => {
      const items = await goesThrough(raw);
      isSimple(items.simple, wanted);
      isResolved(items.resolved, wanted);
      const file = items.message.binary?.['message'];
      assert.ok(Buffer.from(file!.data, 'base64').equals(raw), 'the whole message, byte for byte');
      assert.ok(
        raw.toString().endsWith(items.raw.json['raw'] as string),
        'the body is the end of the message',
      );
    });
  }

  it('the sender and the subject are found in a time that grows with their length only', async () => {
    const { took } = await watched(async () => {
      for (const { name, raw } of mails) {
        const headers = readHeaders(headerBlock(raw));
        const found = [senderOf(headers), await subjectOf(headers)];
        for (const text of found) {
          assert.ok(!text?.includes('\0'), `${name}: no database takes NUL`);
          assert.equal(text, text && Buffer.from(text).toString(), `${name}: whole characters`);
        }
      }
    });
    assert.ok(took < MOST_MS, `${took} ms`);
  });

  it('none changes what other objects inherit', () => {
    assert.deepEqual(Object.keys(Object.prototype), []);
    assert.equal(({} as Record<string, unknown>)['the value'], undefined);
    assert.equal(typeof {}.toString, 'function');
  });
});

describe('of the mails of other projects, where they are', () => {
  const folder = join(__dirname, '..', '..', '..', 'shared', 'corpus', 'mime');

  it('each is read in every format', async (t) => {
    if (!existsSync(folder)) {
      t.diagnostic('They are not there.');
      return;
    }
    for (const file of readdirSync(folder)) {
      const raw = readFileSync(join(folder, file));
      const { simple, resolved } = await goesThrough(raw);
      const { textPlain, textHtml, parseError } = simple.json;
      assert.equal(parseError, undefined, file);
      const read = `${textPlain as string}${textHtml as string}`.trim() !== '' || simple.binary !== undefined;
      assert.ok(read, `${file}: a text or a file`);
      assert.deepEqual(Object.keys(resolved.binary ?? {}), Object.keys(simple.binary ?? {}), file);
    }
  });
});
