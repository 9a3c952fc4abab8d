// A mail that is to be sent: what its bytes are, and what can never become of a text in it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { headerBlock, readHeaders } from '../../engine/mail/headers';
import { parseMail } from '../../engine/mail/parse';
import { senderOf } from '../../engine/outbox/mail/address-field';
import { DraftFault } from '../../engine/outbox/mail/draft-fault';
import { buildMail, type BuiltMail, type MailDraft } from '../../engine/outbox/mail/mail-content';
import {
  packOutgoing,
  readRecipients,
  recipientsText,
  unpackOutgoing,
} from '../../engine/outbox/mail/packed-mail';

const DRAFT: MailDraft = {
  from: 'Ann Ø <ann@example.com>',
  to: 'bob@example.com, "Carl, of the shop" <carl@example.com>',
  subject: 'Grüße',
  text: 'Hello\n.\nthere',
};

const build = (draft: Partial<MailDraft>): Promise<BuiltMail> => buildMail({ ...DRAFT, ...draft });
const headersOf = ({ raw }: BuiltMail): ReturnType<typeof readHeaders> => readHeaders(headerBlock(raw));

describe('a mail that is to be sent', () => {
  it('has what was filled in, as a mail client reads it', async () => {
    const mail = await build({
      ...{ cc: 'dora@example.com', replyTo: 'desk@example.com', html: '<p>Hello <img src="cid:logo"></p>' },
      attachments: [
        { filename: 'größe.txt', contentType: 'text/plain', content: Buffer.from('a file') },
        { filename: 'logo.png', contentType: 'image/png', content: Buffer.from([1, 2, 3]), cid: 'logo' },
      ],
      headers: [
        ['X-Order', '17'],
        ['X-Order', '18'],
      ],
      inReplyTo: '<one@example.org>',
      references: ['<zero@example.org>', '<one@example.org>'],
      date: new Date('2026-05-06T07:08:09Z'),
    });
    const parsed = await parseMail(mail.raw);
    assert.equal(parsed.headers.get('subject')?.[0], 'Grüße');
    assert.equal(parsed.headers.get('from')?.[0], 'Ann Ø <ann@example.com>');
    assert.deepEqual(parsed.headers.get('x-order'), ['17', '18']);
    assert.equal(parsed.headers.get('reply-to')?.[0], 'desk@example.com');
    assert.equal(parsed.headers.get('in-reply-to')?.[0], '<one@example.org>');
    assert.equal(parsed.headers.get('references')?.[0], '<zero@example.org> <one@example.org>');
    assert.equal(parsed.headers.get('date')?.[0], 'Wed, 06 May 2026 07:08:09 +0000');
    assert.equal(parsed.headers.get('message-id')?.[0], mail.messageId);
    assert.match(mail.messageId, /^<[0-9a-f-]{36}@example\.com>$/);
    assert.equal(parsed.text.trim(), 'Hello\n.\nthere');
    assert.match(parsed.html, /cid:logo/);
    const files = parsed.attachments.map(({ filename, cid, content }) => [filename, cid, content.toString()]);
    assert.deepEqual(files.sort(), [
      ['größe.txt', undefined, 'a file'],
      ['logo.png', 'logo', '\u0001\u0002\u0003'],
    ]);
    assert.ok(!/(^|[^\r])\n/.test(mail.raw.toString('latin1')), 'each line ends with CRLF');
  });

  it('says who gets a blind copy in the envelope only', async () => {
    const mail = await build({ bcc: 'Eve <eve@example.com>' });
    assert.deepEqual(mail.envelope, {
      from: 'ann@example.com',
      to: ['bob@example.com', 'carl@example.com', 'eve@example.com'],
    });
    assert.ok(!mail.raw.includes('eve@example.com'));
  });

  it('goes to each once, groups and foreign domains, too', async () => {
    const to = 'Team: a@example.com, "a@example.com" <a@example.com>;, Bö <b@bücher.example>; c@example.com';
    const { envelope } = await build({ to });
    assert.deepEqual(envelope.to, ['a@example.com', 'b@xn--bcher-kva.example', 'c@example.com']);
  });

  it('takes a list over several lines, and one with a line break at its end', async () => {
    const { envelope, raw } = await build({ to: 'a@x.de,\r\n\tBob <b@x.de>;\nc@x.de\n' });
    assert.deepEqual(envelope.to, ['a@x.de', 'b@x.de', 'c@x.de']);
    assert.match(raw.toString(), /^To: a@x\.de, Bob <b@x\.de>, c@x\.de\r$/m);
    for (const to of ['a@x.de,\n Bcc: b@x.de', 'a@x.de,\tBcc: b@x.de', 'a@x.de\u0000', 'a@x.de\nb@x.de'])
      await assert.rejects(build({ to }), DraftFault, to);
  });

  it('has the domain of its sender in its Message-ID, and its sender as the envelope has it', async () => {
    for (const [from, domain] of [
      ['a@bücher.de', 'xn--bcher-kva.de'],
      ['Ann <a@X.com>, ', 'x.com'],
      ['a@x.com (Ann)', 'x.com'],
      ['a@x.com;\n', 'x.com'],
    ] as const) {
      const { envelope, messageId } = await build({ from, messageName: 'one' });
      assert.deepEqual([messageId, envelope.from], [`<one@${domain}>`, `a@${domain}`]);
      assert.equal(await senderOf(from), envelope.from);
    }
    assert.equal(await senderOf(' nobody '), 'nobody');
  });

  it('is packed and unpacked byte for byte', async () => {
    const mail = await build({});
    const { envelope, raw } = await unpackOutgoing(await packOutgoing(mail));
    assert.deepEqual(envelope, mail.envelope);
    assert.ok(raw.equals(mail.raw));
    assert.equal(recipientsText(envelope), 'bob@example.com, carl@example.com');
  });

  it('is shown with whole addresses, and with how many more it goes to', () => {
    const to = Array.from({ length: 150 }, (_, at) => `customer-${at}@example.com`);
    const text = recipientsText({ to });
    assert.ok(text.length <= 2_000, text);
    const { to: named, more } = readRecipients(text);
    assert.deepEqual(named, to.slice(0, named.length));
    assert.equal(named.length + more, 150);
    assert.ok(more > 0);
    assert.deepEqual(readRecipients('ann@example.com'), { to: ['ann@example.com'], more: 0 });
    assert.deepEqual(readRecipients(''), { to: [], more: 0 });
  });

  it('reads no file and no URL, whatever comes for a text', async () => {
    const path = { path: __filename } as unknown as string;
    await assert.rejects(build({ text: path }), DraftFault);
    await assert.rejects(build({ html: path }), DraftFault);
    await assert.rejects(build({ subject: path }), DraftFault);
    const attachment = { filename: 'a', contentType: null, path: __filename } as never;
    await assert.rejects(build({ attachments: [attachment] }), DraftFault);
  });

  it('is refused, in words, where it cannot be sent', async () => {
    for (const [draft, words] of [
      [{ to: '' }, /no recipient/],
      [{ from: 'nobody' }, /"From" holds what is no address: nobody/],
      [{ from: '' }, /"From" is not one address/],
      [{ from: 'a@example.com, b@example.com' }, /"From" is not one address/],
      [{ to: 'bob@example.com, nobody' }, /"To" holds what is no address: nobody/],
      [{ bcc: 'bob@example.com eve@example.com' }, /comma is missing in "BCC"/],
      [{ to: '{"email":"bob@example.com"}' }, /"To" holds what is no address/],
      [{ replyTo: 'bob@example.com\\' }, /"Reply To" holds what is no address/],
      [{ cc: 'bob@example.com>RCPT' }, /"CC" holds what is no address/],
      [{ headers: [['Bcc', 'x@example.com']] }, /"Bcc" cannot be added/],
      [{ headers: [['Content-Type', 'text/x']] }, /cannot be added/],
      [{ headers: [['X Y', '1']] }, /no name of a header field/],
      [{ headers: [['X:Y', '1']] }, /no name of a header field/],
      [{ messageId: 'one@example.com' }, /angle brackets/],
      [{ inReplyTo: '<a> <b>' }, /angle brackets/],
    ] as const)
      await assert.rejects(build(draft), (error: Error) => {
        assert.ok(error instanceof DraftFault);
        return words.test(error.message);
      });
  });

  it('goes to everybody who stands in a field, or is refused', async () => {
    for (const to of [
      'Ann <a@x.de>, b@x.de c@x.de',
      'Ann <a@x.de> Bob <b@x.de>',
      '<a@x.de> <b@x.de>',
      '<a@x.de> b@x.de',
      'b@x.de Ann <a@x.de>',
      'a@x.de b@x.de c@x.de',
      'b@x.de: a@x.de;',
    ])
      await assert.rejects(build({ to }), /A comma is missing in "To", before or after [abc]@x\.de/, to);
    for (const [to, ...expected] of [
      ['"bob@x.de via Shop" <a@x.de>', 'a@x.de'],
      ['bob@x.de <a@x.de>, a@x.de <A@x.de>', 'a@x.de', 'A@x.de'],
      ['Ann @ Work <a@x.de>, b@[127.0.0.1]', 'a@x.de', 'b@[127.0.0.1]'],
      ['Doe, Jane <a@x.de>; b@x.de (Bob, of "x")', 'a@x.de', 'b@x.de'],
    ] as const)
      assert.deepEqual((await build({ to })).envelope.to, expected, to);
    const address = fc.constantFrom('a@x.de', 'b@x.de', 'ann.b+c@shop.example', "o'neil@x.de");
    const name = fc.constantFrom('Ann', 'Ann B.', '"Doe, Jane"', 'Ä', '(a note)', '"q@y.de"', '');
    const separator = fc.constantFrom(', ', ',', '; ', ' ', ' ,,', ' : ', '\u00a0');
    const mailbox = fc.oneof(
      fc.tuple(name, address).map(([said, one]) => `${said} <${one}>`),
      fc.tuple(address, name).map(([one, said]) => `${one} ${said}`),
      fc.tuple(address, name).map(([one, said]) => `<${one}> ${said}`),
      address,
    );
    const property = fc.asyncProperty(
      fc.array(fc.tuple(mailbox, separator), { minLength: 1 }),
      async (all) => {
        const to = all.flat().join('');
        const mail = await build({ to }).catch((error: unknown) => {
          assert.ok(error instanceof DraftFault, String(error));
          return null;
        });
        if (!mail) return;
        const names = /(?<=^|[,;:]\s*)\S+@\S+\s+(?=<)|"[^"]*"/g;
        const left = new Set(to.replace(names, ' ').match(/[\w.+']+@[\w.]+/g));
        for (const one of left) assert.ok(mail.envelope.to.includes(one), `${one} of ${to}`);
      },
    );
    await fc.assert(property, { numRuns: 1_000 });
  });

  it('has no field, and no recipient, that came in with a text', async () => {
    const breaks = fc.constantFrom('\r\n', '\n', '\r', '\r\n ', '\u2028', '\u0085', '\0', '\v', '\t');
    const evil = fc
      .tuple(
        fc.string({ maxLength: 8 }),
        breaks,
        fc.constantFrom('X-Evil: 1', 'Bcc: eve@evil.example', '\r\nbody'),
      )
      .map((parts) => parts.join(''));
    const fields = fc.constantFrom(
      'from',
      'to',
      'cc',
      'replyTo',
      'subject',
      'header',
      'filename',
      'cid',
      'type',
    );
    const property = fc.asyncProperty(fields, evil, async (field, text) => {
      const file = { filename: 'a.txt', contentType: 'text/plain', content: Buffer.from('a') };
      const draft: Partial<MailDraft> = {
        ...(field === 'header' && { headers: [['X-Some', text]] as const }),
        ...(field === 'filename' && { attachments: [{ ...file, filename: text }] }),
        ...(field === 'cid' && { html: 'a', attachments: [{ ...file, cid: text }] }),
        ...(field === 'type' && { attachments: [{ ...file, contentType: text }] }),
        ...(['from', 'to', 'cc', 'replyTo', 'subject'].includes(field) && { [field]: text }),
      };
      const mail = await build(draft).catch((error: unknown) => {
        assert.ok(error instanceof DraftFault, String(error));
        return null;
      });
      if (!mail) return;
      const head = headerBlock(mail.raw).toString('latin1');
      assert.ok(!/^(x-evil|bcc)\s*:/im.test(head), head);
      assert.ok(!mail.envelope.to.includes('eve@evil.example'));
      const parsed = await parseMail(mail.raw);
      assert.equal(parsed.text.trim(), field === 'cid' ? parsed.text.trim() : 'Hello\n.\nthere');
      assert.ok(!headersOf(mail).has('x-evil'));
    });
    await fc.assert(property, { numRuns: 300 });
  });

  it('takes whatever stands in the name of a file as one line, with no header in it', async () => {
    const named = async (filename: string): Promise<string | undefined> => {
      const file = { contentType: 'application/pdf', content: Buffer.from('a') };
      const { raw } = await build({ attachments: [{ ...file, filename }] });
      assert.ok(!/^(x-evil|bcc)\s*:/im.test(raw.toString('latin1')));
      const [attachment] = (await parseMail(raw)).attachments;
      assert.equal(attachment!.content.toString(), 'a');
      return attachment!.filename;
    };
    for (const [name, expected] of [
      [Buffer.from('Übersicht.pdf').toString('latin1'), 'Ã bersicht.pdf'],
      [' a\tb\u007f\u0085.pdf\0', 'a b .pdf'],
      ['a.pdf"\r\nX-Evil: 1\r\n\r\nBcc: eve@evil.example', 'a.pdf" X-Evil: 1 Bcc: eve@evil.example'],
      ['\n\r\nBcc: eve@evil.example', 'Bcc: eve@evil.example'],
      ['\u0001\u009f', 'unknown'],
      ['', 'unknown'],
    ] as const)
      assert.equal(await named(name), expected, JSON.stringify(name));
  });

  it('takes whatever stands in a subject as one line', async () => {
    const mail = await build({ subject: ' one\r\n two\u2028three\0 ' });
    assert.equal(mail.subject, 'one two three');
  });
});
