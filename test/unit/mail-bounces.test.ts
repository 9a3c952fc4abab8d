// Bounces: which mail came back, from whom, and why; and all the mails that are none.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bounceOf, bounceReason } from '../../engine/mail/bounce/bounce';
import { headerBlock } from '../../engine/mail/headers';
import { hintsAtBounce } from '../../engine/mail/bounce/parts';
import {
  BOUNCED_ID,
  exchangeOnline,
  exim,
  eximInFrench,
  gmail,
  headersOnly,
  htmlOnly,
  ofADelayedOrder,
  ORIGINAL,
  outlookCom,
  postfix,
  POSTFIX_STATUS,
  qmail,
  report,
} from '../support/bounces';
import { NO_BOUNCES } from '../support/no-bounces';
import { rawMail } from '../support/mails';
import { tortureMails } from '../support/mime/torture';
import { manners, trees, writeTree } from '../support/mime/variations';

const CORPUS = join(__dirname, '..', '..', '..', 'shared', 'corpus', 'mime');

describe('a mail that came back', () => {
  const BOUNCES = {
    ...{ postfix, exchangeOnline, gmail, headersOnly, exim, qmail },
    ...{ eximInFrench, outlookCom, ofADelayedOrder, htmlOnly },
  };
  for (const [name, bounce] of Object.entries(BOUNCES))
    it(`is known, with its reason: ${name}`, () => {
      const found = bounceOf(bounce());
      assert.ok(found);
      assert.equal(found.messageId, BOUNCED_ID);
      assert.equal(found.recipients.length, 1);
      const [{ address, status, diagnostic }] = found.recipients as [(typeof found.recipients)[0]];
      assert.equal(address, 'bob@example.org');
      assert.match(status ?? '', /^5\.1\.10?$/);
      assert.match(diagnostic ?? '', /550/);
      assert.match(bounceReason(found), /^It came back from bob@example\.org \(5\.1\.1.*550.*\)\.$/);
    });

  it('is the one that was written to, on one line, where it was forwarded', () => {
    const status = POSTFIX_STATUS.map((line) =>
      line.replace(/^Final-Recipient:.*/, 'Final-Recipient: rfc822; b@other.example'),
    );
    const found = bounceOf(report({ status }))!;
    assert.equal(found.recipients[0]!.address, 'bob@example.org');
    assert.equal(
      found.recipients[0]!.diagnostic,
      '550 5.1.1 <bob@example.org>: Recipient address rejected: User unknown',
    );
  });

  it('for some recipients only, names those, and no others', () => {
    const status = [
      ...POSTFIX_STATUS,
      ...['', 'Final-Recipient: rfc822; late@example.org', 'Action: delayed', 'Status: 4.4.1'],
      ...['', 'Action: failed', 'Final-Recipient: rfc822;carl@example.org', 'Status: 5.0.0'],
    ];
    const { recipients } = bounceOf(report({ status }))!;
    assert.deepEqual(
      recipients.map(({ address }) => address),
      ['bob@example.org', 'carl@example.org'],
    );
  });

  const DATES: [string, number | null][] = [
    ['Wed, 26 Jan 2022 10:00:00 +0100', Date.UTC(2022, 0, 26, 9)],
    ['26 Jan 2022 10:00:00  -0800 (PST)', Date.UTC(2022, 0, 26, 18)],
    ['Wed, 26 Jan 2022 10:00:00 GMT', Date.UTC(2022, 0, 26, 10)],
    ['Wed, 26 Jan 2022 10:00:00', null],
    ['some day, GMT', null],
    [' '.repeat(10_000), null],
  ];
  it('says when it was written, where its date has a zone', () => {
    for (const [date, at] of DATES)
      assert.equal(bounceOf(report({ head: [`Date: ${date}`], status: POSTFIX_STATUS }))!.at, at, date);
    assert.equal(bounceOf(qmail())!.at, null);
  });

  it('is known by the header alone where its original was cut', () => {
    const body = [...ORIGINAL, '', 'x'.repeat(5_000_000)];
    assert.equal(
      bounceOf(report({ status: POSTFIX_STATUS, original: { type: 'message/rfc822', body } }))?.messageId,
      BOUNCED_ID,
    );
  });

  for (const [name, raw] of Object.entries(NO_BOUNCES))
    it(`is not: ${name}`, () => assert.equal(bounceOf(raw), null));

  it(
    'of other people’s collections is known, too',
    { skip: !existsSync(CORPUS) && 'it is not beside the project' },
    () => {
      const found = (name: string): ReturnType<typeof bounceOf> => bounceOf(readFileSync(join(CORPUS, name)));
      for (const name of ['messages-delivery-status.eml', 'messages-delivery-status-no-blank-line.eml']) {
        assert.equal(found(name)?.messageId, '<31FC7EB4.41C6@netscape.com>', name);
        assert.equal(found(name)?.recipients[0]?.address, 'newsletter-request@imusic.com');
      }
      assert.match(found('messages-bounce.eml')!.messageId, /^<44565655\.JitbitHelpdesk/);
      assert.equal(found('messages-bounce.eml')!.recipients[0]!.status, '5.1.1');
      // Two more have no Message-ID of the original.
      const bounces = readdirSync(CORPUS).filter((name) => name.endsWith('.eml') && found(name));
      assert.equal(bounces.length, 3, bounces.join());
    },
  );
});

describe('a mail that is no bounce', () => {
  it('costs a look at its header', () => {
    const raw = Buffer.from(rawMail({ subject: 'Hello', text: 'could not be delivered '.repeat(100_000) }));
    assert.equal(hintsAtBounce(headerBlock(raw)), false);
    const began = performance.now();
    for (let times = 0; times < 1_000; times++) assert.equal(bounceOf(raw), null);
    assert.ok(performance.now() - began < 2_000, `${performance.now() - began} ms for 1,000`);
  });

  it('is none, however it is built or broken', () => {
    // Also where it comes from whom bounces come from, so that it is read to its parts.
    const isNone = (raw: Buffer, name?: string): void => {
      assert.equal(bounceOf(raw), null, name);
      assert.equal(bounceOf(Buffer.concat([Buffer.from('Return-Path: <>\r\n'), raw])), null, name);
    };
    for (const { name, raw } of tortureMails()) isNone(raw, name);
    const written = fc.tuple(trees, fc.array(manners, { minLength: 1, maxLength: 5 })).map(([tree, all]) => {
      let next = 0;
      return writeTree(tree, () => all[next++ % all.length]!);
    });
    fc.assert(
      fc.property(written, (raw) => isNone(raw)),
      { numRuns: 200 },
    );
  });
});

describe('a bounce that is damaged', () => {
  const whole = [
    postfix(),
    exchangeOnline(),
    gmail(),
    headersOnly(),
    exim(),
    qmail(),
    eximInFrench(),
    outlookCom(),
    ofADelayedOrder(),
    htmlOnly(),
    ...Object.values(NO_BOUNCES),
  ];
  const damage = fc.record({
    of: fc.constantFrom(...whole),
    from: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.integer({ min: 0, max: 200 }),
    put: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom('\r\n\r\n', '--=_b', '<', ';', '\0').map((text) => Buffer.from(text)),
    ),
    again: fc.integer({ min: 0, max: 3 }),
  });

  it('is one or none, and nothing else; and names no other mail', () => {
    const property = fc.property(damage, ({ of, from, length, put, again }) => {
      let raw = of;
      for (let times = 0; times <= again; times++) {
        const at = Math.floor(((from * (times + 1)) % 1) * raw.length);
        raw = Buffer.concat([raw.subarray(0, at), put, raw.subarray(at + length)]);
      }
      const found = bounceOf(raw);
      if (!found) return;
      assert.match(found.messageId, /^<[^<>\s]+>$/);
      assert.ok(found.recipients.length > 0);
      assert.ok(bounceReason(found).length < 20_000);
    });
    fc.assert(property, { numRuns: 1_500 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => void bounceOf(Buffer.from(bytes))),
      { numRuns: 300 },
    );
  });

  it('takes no longer for being made to', () => {
    const evil = ['-', '<', ' ', 'delivery to ', 'message ', '\r\n ', 'a@', '\r\n\r\n', '5.1'].map((piece) =>
      piece.repeat(Math.ceil(2_000_000 / piece.length)),
    );
    for (const text of evil) {
      const began = performance.now();
      bounceOf(report({ text: [text] }));
      bounceOf(report({ status: [text] }));
      bounceOf(Buffer.from(`Return-Path: <>\r\nContent-Type:${text}\r\n\r\n${text}`));
      bounceOf(Buffer.from(`From: postmaster\r\nContent-Type: text/html\r\n\r\n${text}`));
      assert.ok(
        performance.now() - began < 3_000,
        `${JSON.stringify(text.slice(0, 10))}: ${performance.now() - began} ms`,
      );
    }
  });
});
