// Large files in base64 are taken out of a mail before it is read, and put back: what comes out is the same.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { octetsOf } from '../../engine/mail/mail-source';
import { parseMail } from '../../engine/mail/parse';
import { resolveMail } from '../../engine/mail/resolve';
import { decoded } from '../../engine/mail/shortening';
import { bytes, lines, parts, textPart } from '../support/mime/hostile';

const LARGE = randomBytes(2 * 1024 * 1024 + 1);
const OTHER = randomBytes(1_500_000);

const lined = (digits: string, length: number, end = '\r\n'): string =>
  digits.replaceAll(new RegExp(`(.{${length}})`, 'g'), `$1${end}`);
const inLines = (octets: Buffer, length: number, end?: string): string =>
  lined(octets.toString('base64'), length, end);

const coded = (
  body: string,
  name: string,
  encoding = 'base64',
  fields: readonly string[] = [],
): Parameters<typeof parts>[1] => ({
  fields: [
    `Content-Type: application/octet-stream; name=${name}`,
    `Content-Disposition: attachment; filename=${name}`,
    `Content-Transfer-Encoding: ${encoding}`,
    ...fields,
  ],
  body,
});

const within = (boundary: string, ...all: Parameters<typeof parts>[1][]): Buffer =>
  bytes(
    lines('Subject: s', `Content-Type: multipart/mixed; boundary=${boundary}`, '', ''),
    parts(boundary, ...all),
  );
const mixed = (...all: Parameters<typeof parts>[1][]): Buffer => within('b', ...all);

/** The files of a mail, by name: in both ways of reading it, and without an error. */
async function filesOf(mail: Buffer): Promise<Map<string, Buffer>> {
  const [simple, resolved] = [await parseMail(mail), await resolveMail(mail)];
  assert.deepEqual([simple.parseError, resolved.parseError], [undefined, undefined]);
  for (const [index, { content, size }] of simple.attachments.entries()) {
    assert.equal(content.length, size);
    assert.ok(resolved.attachments[index]!.content.equals(content));
  }
  return new Map(simple.attachments.map(({ filename, content }) => [filename ?? '', content]));
}

async function has(mail: Buffer, wanted: Readonly<Record<string, Buffer>>): Promise<void> {
  const files = await filesOf(mail);
  assert.deepEqual([...files.keys()], Object.keys(wanted));
  for (const [name, octets] of Object.entries(wanted))
    assert.ok(
      files.get(name)!.equals(octets),
      `${name}: ${files.get(name)!.length} of ${octets.length} octets`,
    );
}

describe('large files in base64', () => {
  for (const [length, end] of [
    [76, '\r\n'],
    [76, '\n'],
    [64, '\r\n'],
    [72, '\n'],
    [996, '\r\n'],
  ] as const)
    it(`in lines of ${length} that end with ${JSON.stringify(end)} come out as they are`, () =>
      has(
        mixed(textPart('the text'), coded(inLines(LARGE, length, end), 'a'), coded(inLines(OTHER, 76), 'b')),
        {
          a: LARGE,
          b: OTHER,
        },
      ));

  it('come out as they are where their lines cannot be decoded one by one', async () => {
    await has(mixed(textPart('t'), coded(inLines(LARGE, 75), 'a')), { a: LARGE });
    await has(mixed(textPart('t'), coded(LARGE.toString('base64'), 'a')), { a: LARGE });
  });

  it('come out as they are behind what cannot be', async () => {
    const digits = LARGE.toString('base64');
    // Two digits first: every line behind them begins within a group.
    await has(mixed(textPart('t'), coded(`${digits.slice(0, 2)}\r\n${lined(digits.slice(2), 76)}`, 'a')), {
      a: LARGE,
    });
    const twice = Buffer.concat([LARGE, OTHER]);
    await has(
      mixed(
        textPart('t'),
        coded(`${inLines(LARGE.subarray(0, 3), 76)}\r\n${inLines(twice.subarray(3), 76)}`, 'a'),
      ),
      {
        a: twice,
      },
    );
  });

  it('that are not decoded stay as they are', async () => {
    const text = inLines(OTHER, 76);
    await has(mixed(textPart('t'), coded(text, 'a', '7bit'), coded(inLines(LARGE, 76), 'b')), {
      a: Buffer.from(text),
      b: LARGE,
    });
  });

  it('within a forwarded mail stay in it', async () => {
    const inner = within('inner', textPart('the inner text'), coded(inLines(LARGE, 76), 'a'));
    const forwarded = {
      fields: ['Content-Type: message/rfc822; name=inner.eml'],
      body: inner.toString('latin1'),
    };
    const { attachments } = await parseMail(mixed(textPart('t'), forwarded));
    assert.deepEqual(
      attachments.map(
        ({ content }) => content.toString('latin1').trimEnd() === inner.toString('latin1').trimEnd(),
      ),
      [true],
    );
  });

  it('that are the text are the text', async () => {
    const text = 'durable mail '.repeat(200_000);
    const part = {
      fields: ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64'],
      body: inLines(Buffer.from(text), 76),
    };
    assert.equal((await parseMail(mixed(part, coded(inLines(LARGE, 76), 'a')))).text.trim(), text.trim());
  });

  it('that the HTML shows are put into it', async () => {
    const html = { fields: ['Content-Type: text/html'], body: '<img src="cid:p">' };
    const picture = {
      fields: ['Content-Type: image/png; name=p.png', 'Content-ID: <p>', 'Content-Transfer-Encoding: base64'],
      body: inLines(OTHER, 76),
    };
    const { fields } = await resolveMail(mixed(html, picture));
    assert.ok(String(fields['html']).includes(`data:image/png;base64,${OTHER.toString('base64')}`));
  });

  it('are decoded without garbage: V8 keeps the room that it once took for it', async () => {
    const file = randomBytes(57 * 300_000);
    const octets = Buffer.from(inLines(file, 76));
    const collections = await minorCollections(async () => {
      let size = 0;
      for await (const piece of decoded(octetsOf(octets))) size += piece.length;
      assert.equal(size, file.length);
    });
    // One for each 16 MB of it; an object for each group of digits would be 180 MB and more.
    assert.ok(collections <= 4, `${collections} collections`);
  });
});

/** How often V8 cleared young garbage away meanwhile. */
async function minorCollections(work: () => Promise<void>): Promise<number> {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as { readonly detail?: { readonly kind: number } }[])
      if (entry.detail?.kind === constants.NODE_PERFORMANCE_GC_MINOR) count++;
  });
  observer.observe({ entryTypes: ['gc'] });
  await work();
  // What was seen is told in a turn of its own.
  for (let turns = 0; turns < 3; turns++) await setImmediate();
  observer.disconnect();
  return count;
}
