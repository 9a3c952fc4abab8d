// What a mail is: its identity, its headers, and parsing that always gives something.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { senderOf, subjectOf } from '../../engine/mail/envelope';
import { headerBlock, readHeaders, splitMail } from '../../engine/mail/headers';
import { idempotencyKey, imapIdentity, messageIdOf, softIdentity } from '../../engine/mail/identity';
import { parseMail } from '../../engine/mail/parse';
import { rawMail } from '../support/mails';

const headersOf = (raw: string): ReturnType<typeof readHeaders> => readHeaders(headerBlock(Buffer.from(raw)));

describe('headers', () => {
  it('are unfolded, in any line ending, and end at the first empty line', () => {
    for (const eol of ['\r\n', '\n']) {
      const headers = headersOf(['Subject: one', '\ttwo', 'X-A: 1', 'x-a: 2', '', 'Subject: body'].join(eol));
      assert.deepEqual(headers.get('subject'), ['one two']);
      assert.deepEqual(headers.get('x-a'), ['1', '2']);
    }
  });

  it('that are no headers are passed over', () => {
    assert.deepEqual([...headersOf('no colon here\r\n folded\r\n: no name\r\nA: 1\r\n').keys()], ['a']);
  });
});

describe('a mail is split', () => {
  const halves = (raw: string): string[] => {
    const { head, body } = splitMail(Buffer.from(raw));
    return [head.toString(), body.toString()];
  };

  it('at the first empty line, whatever ends its lines', () => {
    for (const eol of ['\r\n', '\n', '\r']) {
      const raw = ['A: 1', 'B: 2', '', 'one', '', 'two'].join(eol);
      assert.deepEqual(halves(raw), [`A: 1${eol}B: 2`, `one${eol}${eol}two`]);
      assert.deepEqual(halves(`${eol}A: 1`), ['', 'A: 1'], 'no header');
    }
    assert.deepEqual(halves('A: 1\n\r\nbody\r\n\r\nmore'), ['A: 1', 'body\r\n\r\nmore']);
  });

  it('behind its fields, where it has no empty line', () => {
    assert.deepEqual(halves('A: 1\r\n\tfolded\r\nThe text: it begins'), [
      'A: 1\r\n\tfolded\r\n',
      'The text: it begins',
    ]);
    assert.deepEqual(halves('Only: fields\r\n'), ['Only: fields\r\n', '']);
    assert.deepEqual(halves('no field\r\n'), ['', 'no field\r\n']);
    assert.deepEqual(halves(''), ['', '']);
  });
});

describe('what people look for a mail by', () => {
  const sender = (from: string): string | null => senderOf(headersOf(`From: ${from}`));
  const subject = (text: string): Promise<string | null> => subjectOf(headersOf(`Subject: ${text}`));

  it('is the address of its sender', () => {
    assert.equal(sender('"x@y" <Ann@Example.com>'), 'ann@example.com');
    assert.equal(sender('Ann < ann@example.com >, <bob@example.com>'), 'ann@example.com');
    assert.equal(sender('ann@example.com (Ann)'), 'ann@example.com');
    assert.equal(sender('Ann <ann@example.com'), 'ann@example.com');
    assert.equal(sender('Ann <not an address>'), null);
    assert.equal(sender('@, a@, @b'), null);
    assert.equal(sender(`${'a'.repeat(1_000)}@example.com`)?.length, 320);
    assert.equal(senderOf(headersOf('Subject: x')), null);
  });

  it('is its subject, decoded, in whole characters, without what databases refuse', async () => {
    assert.equal(await subject('=?utf-8?Q?a=00b=C3=BC?='), 'abü');
    assert.equal(await subject('=?utf-8?Q?=ZZ'), '=?utf-8?Q?=ZZ');
    const emoji = (await subject('😀'.repeat(400)))!;
    assert.equal(emoji, '😀'.repeat(250));
    assert.equal(await subject(`x${'😀'.repeat(400)}`), `x${'😀'.repeat(249)}\uFFFD`);
    assert.equal(await subject(''), null);
  });
});

describe('the identity of a mail', () => {
  it("is the server's own id where it has one, else mailbox, UIDVALIDITY and UID", () => {
    const place = { mailbox: 'INBOX', uidValidity: '5', uid: 7 };
    assert.equal(
      imapIdentity({ ...place, emailId: 'M1' }),
      imapIdentity({ ...place, mailbox: 'All', emailId: 'M1' }),
    );
    const others = [{ mailbox: 'Other' }, { uidValidity: '6' }, { uid: 8 }];
    for (const other of others) assert.notEqual(imapIdentity(place), imapIdentity({ ...place, ...other }));
  });

  it('by content needs a Message-ID, and more than a Message-ID', () => {
    const mail = 'Message-ID: <1@x>\r\nFrom: a\r\nDate: d\r\nSubject: s\r\n';
    const soft = softIdentity(headersOf(mail), 100);
    assert.match(soft ?? '', /^[0-9a-f]{40}$/);
    assert.equal(
      softIdentity(headersOf(mail.replace('<1@x>', '\r\n <1@x>')), 100),
      soft,
      'folding means nothing',
    );
    assert.notEqual(softIdentity(headersOf(mail), 101), soft);
    for (const field of ['From: b', 'Date: e', 'Subject: t']) {
      const changed = mail.replace(new RegExp(`${field.split(':')[0]}: .`), field);
      assert.notEqual(softIdentity(headersOf(changed), 100), soft, field);
    }
    assert.equal(softIdentity(headersOf('From: a\r\nSubject: s\r\n'), 100), null);
    assert.equal(messageIdOf(headersOf('Message-ID:   \r\n')), null);
  });

  it('gives a key for each workflow that is the same for every run', () => {
    assert.equal(idempotencyKey('a', 'm'), idempotencyKey('a', 'm'));
    assert.notEqual(idempotencyKey('a', 'm'), idempotencyKey('b', 'm'));
    assert.notEqual(idempotencyKey('a', 'm'), idempotencyKey('a', 'n'));
  });
});

describe('parsing', () => {
  it('gives text, decoded headers and attachments byte for byte', async () => {
    const content = Buffer.from(Array.from({ length: 1_000 }, (_, i) => i % 256));
    const subject = '=?iso-8859-1?Q?Gr=FC=DFe?=';
    const mail = await parseMail(Buffer.from(rawMail({ subject, attachment: { name: 'a.bin', content } })));
    assert.equal(mail.headers.get('subject')?.[0], 'Grüße');
    assert.equal(mail.headers.get('from')?.[0], '"Ann Sender" <ann@example.com>');
    assert.equal(mail.text.trim(), 'Hello');
    assert.equal(mail.attachments[0]?.filename, 'a.bin');
    assert.ok(mail.attachments[0].content.equals(content));
    assert.equal(mail.parseError, undefined);
  });

  it('leaves HTML as it was sent', async () => {
    const html = '<p>x<img src="cid:1"><script>alert(1)</script></p>';
    const mail = await parseMail(Buffer.from(`Content-Type: text/html\r\n\r\n${html}`));
    assert.equal(mail.html.trim(), html);
    assert.equal(mail.text, '');
  });

  it('lets the event loop turn while a large mail is read', async () => {
    const content = Buffer.alloc(20 * 1024 * 1024, 'x');
    const raw = Buffer.from(rawMail({ subject: 'large', attachment: { name: 'l', content } }));
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    const mail = await parseMail(raw);
    clearInterval(counting);
    assert.equal(mail.attachments[0]?.content.length, content.length);
    assert.ok(turns >= 3, `${turns} turns`);
  });

  const broken: Record<string, string> = {
    'an empty mail': '',
    'only NUL bytes': '\0\0\0\0',
    'headers without an end': 'Subject: x',
    'a body without headers': '\r\n\r\nbody',
    'a boundary that never comes': 'Content-Type: multipart/mixed; boundary=b\r\n\r\nno part of it',
    'a boundary that never ends': 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext',
    'an unknown charset': 'Content-Type: text/plain; charset=nonsense\r\n\r\ntext',
    'an unknown encoding': 'Content-Transfer-Encoding: nonsense\r\n\r\ntext',
    'broken base64': 'Content-Transfer-Encoding: base64\r\n\r\n%%%%====A',
    'a broken encoded word': 'Subject: =?utf-8?B?%%%?=\r\n\r\ntext',
    'a header of a megabyte': `Subject: ${'x'.repeat(1_000_000)}\r\n\r\ntext`,
  };
  for (const [what, raw] of Object.entries(broken)) {
    it(`reads what can be read of ${what}`, async () => {
      const mail = await parseMail(Buffer.from(raw));
      assert.equal(typeof mail.text, 'string');
      if (raw.endsWith('text')) assert.match(mail.text, /text/);
    });
  }

  it('of a thousand nested parts ends, with an error or without', async () => {
    const depth = 1_000;
    const raw = Array.from(
      { length: depth },
      (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`,
    ).join('');
    const mail = await parseMail(Buffer.from(`Subject: deep\r\n${raw}\r\ntext`));
    assert.equal(mail.headers.get('subject')?.[0], 'deep');
  });
});
