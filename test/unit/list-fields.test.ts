// What expressions give for the address fields, and the Message-IDs, of Durable Send: lists, objects, and what the triggers hand out.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { headerBlock, readHeaders } from '../../engine/mail/headers';
import { resolveMail } from '../../engine/mail/resolve';
import { DraftFault } from '../../engine/outbox/mail/draft-fault';
import { buildMail, type BuiltMail } from '../../engine/outbox/mail/mail-content';
import { mailboxesOf } from '../../engine/outbox/mail/nodemailer';
import { addressText, idsText } from '../../nodes/DurableSend/list-fields';

const build = async (to: unknown): Promise<BuiltMail> => {
  const text = await addressText('To', to);
  return buildMail({ from: 'me@example.com', to: text, replyTo: text, subject: '', text: '' });
};
const repliesOf = async ({ raw }: BuiltMail): Promise<readonly [string, string][]> => {
  const [field] = readHeaders(headerBlock(raw)).get('reply-to')!;
  return (await mailboxesOf(field!)).map(({ name, address }) => [name, address]);
};

describe('an address field', () => {
  it('takes a list of texts, each of which may be a list', async () => {
    for (const [to, ...expected] of [
      [['a@x.de', 'b@x.de'], 'a@x.de', 'b@x.de'],
      [['Ann <a@x.de>, b@x.de', 'c@x.de\n'], 'a@x.de', 'b@x.de', 'c@x.de'],
      [['a@x.de,', null, '', ' ', undefined, ['b@x.de;']], 'a@x.de', 'b@x.de'],
      [['"Doe, Jane" <a@x.de>', 'Team: b@x.de', 'c@x.de (a "note")'], 'a@x.de', 'b@x.de', 'c@x.de'],
    ] as const)
      assert.deepEqual((await build(to)).envelope.to, expected, JSON.stringify(to));
    for (const none of [null, undefined, '', [], [null, ''], { value: [] }])
      assert.equal(await addressText('To', none), '');
    assert.equal(await addressText('To', ' a@x.de , nobody'), ' a@x.de , nobody', 'a text stays as it is');
  });

  it('takes addresses with their names, as nodemailer has them', async () => {
    const names = ['Ann', 'Doe, Jane', 'Ann "The Boss" \\ B.', 'bob@x.de', 'Größe', '', 7, null, undefined];
    const mail = await build(names.map((name, at) => ({ address: `a${at}@x.de`, name, more: {} })));
    assert.deepEqual(
      await repliesOf(mail).then((replies) => replies.map(([, address]) => address)),
      names.map((_, at) => `a${at}@x.de`),
    );
    assert.deepEqual(
      (
        await mailboxesOf(
          await addressText(
            'To',
            names.map((name) => ({ address: 'a@x.de', name })),
          ),
        )
      ).map(({ name }) => name),
      names.map((name) => String(name ?? '')),
    );
    assert.deepEqual(
      (await build({ address: ' a@x.de ', name: 'Ann\r\nBcc: eve@evil.example' })).envelope.to,
      ['a@x.de'],
    );
  });

  it('takes what the triggers hand out of an email: a field of it, and one of its addresses', async () => {
    const mail = [
      ...['From: "Doe, Jane" <jane@x.de>', 'To: Team: a@x.de, Bo <b@x.de>;, c@x.de', 'To: d@x.de'],
      ...['Cc: undisclosed-recipients:;', '', ''],
    ].join('\r\n');
    const { fields } = await resolveMail(Buffer.from(mail));
    const { from, to, cc } = fields as Record<string, { value: object[] }>;
    for (const one of [from, from!.value, from!.value[0]])
      assert.deepEqual(await repliesOf(await build(one)), [['Doe, Jane', 'jane@x.de']]);
    assert.deepEqual((await build(to)).envelope.to, ['a@x.de', 'b@x.de', 'c@x.de', 'd@x.de']);
    assert.deepEqual((await build([from, to])).envelope.to.length, 5);
    assert.equal(await addressText('CC', cc), '');
  });

  it('takes no other object: none becomes an address by what its JSON looks like', async () => {
    const refused = (value: unknown, words: RegExp): Promise<void> =>
      assert.rejects(build(value), (error: Error) => {
        assert.ok(error instanceof DraftFault);
        assert.match(error.message, words);
        return true;
      });
    for (const one of [
      { email: 'a@x.de' },
      {},
      { text: 'a@x.de' },
      { address: { address: 'a@x.de' } },
      new Date(),
    ]) {
      await refused(one, /^"To" is an object, and no text\. .*\{\{ \$json\.email \}\}/);
      await refused(['b@x.de', one], /^"To" holds an object, and no text\. /);
    }
    await refused({ address: 'a@x.de', name: { first: 'Ann' } }, /is an object/);
    for (const address of [
      '',
      '12 Main Street',
      'a@x.de, b@x.de',
      'Ann <a@x.de>',
      'a@x.de> b@x.de',
      '"a@x.de',
    ])
      for (const name of ['Ann', '']) await refused({ address, name }, /^"To" holds what is no address: /);
    await refused(
      ['"Ann <a@x.de>', '"b" <b@x.de>'],
      /"To" is a list in which one does not end: .* "Ann <a@x\.de>\.$/,
    );
    for (const text of [
      '{"email":"a@x.de"}',
      '{"address":"a@x.de"}',
      '[{"email":"a@x.de"}]',
      '["a@x.de","b@x.de"]',
    ])
      await refused(text, /"To" holds what is no address|comma is missing/);
  });

  it('has each of its addresses among those who get the email, and nobody else, or is an error', async () => {
    const address = fc.constantFrom('a@x.de', 'b@x.de', "o'neil@x.de", 'a@bücher.de', 'c@[127.0.0.1]');
    const name = fc.oneof(
      fc.constantFrom(
        'Ann',
        '',
        null,
        'Doe, Jane',
        'eve@evil.de',
        '" <eve@evil.de>, "',
        '\\',
        'x: eve@evil.de;',
      ),
      fc.string({ unit: fc.constantFrom(...'"\\,;:<>()@ .a\n\0ä'.split('')) }),
    );
    type Given = readonly [value: unknown, addresses: readonly string[]];
    const text = fc.tuple(
      fc.constantFrom('', '"', '(', 'Ann ', '\\ ', 'Ann\\ ', '"Doe, J" ', 'Team: ', '<', '"x\\" '),
      address,
      fc.constantFrom('', '"', '(', ')', '>', '\\', ',', ';', ' "', ' (note)', '\n'),
    );
    const one: fc.Arbitrary<Given> = fc.oneof(
      text.map(([before, said, after]): Given => [`${before}${said}${after}`, [said]]),
      text.map(([before, said, after]): Given => [`${before}<${said}>${after}`, [said]]),
      fc.tuple(address, name).map(([said, named]): Given => [{ address: said, name: named }, [said]]),
      fc.constantFrom<Given>(
        [null, []],
        ['', []],
        ['a@x.de, Bo <b@x.de>', ['a@x.de', 'b@x.de']],
        [{ email: 'd@x.de' }, ['d@x.de']],
        [{ address: 'a@x.de, d@x.de' }, ['a@x.de', 'd@x.de']],
      ),
    );
    const several = (inner: fc.Arbitrary<Given>): fc.Arbitrary<Given> =>
      fc
        .tuple(fc.constantFrom('list', 'value', 'group'), fc.array(inner, { maxLength: 4 }))
        .map(([how, all]) => {
          const values = all.map(([value]) => value);
          const shaped = {
            list: values,
            value: { value: values, text: '', html: '' },
            group: { name: 'x', group: values },
          };
          return [shaped[how], all.flatMap(([, said]) => said)];
        });
    let sent = 0;
    const property = fc.asyncProperty(several(fc.oneof(one, several(one))), async ([value, said]) => {
      const mail = await build(value).catch((error: unknown) => {
        assert.ok(error instanceof DraftFault, String(error));
        return null;
      });
      if (!mail) return;
      sent++;
      const expected = new Set(said.map((each) => each.replace('bücher', 'xn--bcher-kva')));
      assert.deepEqual([...mail.envelope.to].sort(), [...expected].sort());
      assert.deepEqual(
        [...new Set((await repliesOf(mail)).map(([, each]) => each))].sort(),
        [...expected].sort(),
      );
    });
    await fc.assert(property, { numRuns: 1_000 });
    assert.ok(sent > 100, `${sent} were sent`);
  });
});

describe('a field of Message-IDs', () => {
  it('takes a list of texts, and no object', () => {
    assert.equal(
      idsText('References', ['<1@x.de>', '<2@x.de> <3@x.de>', null]).trim(),
      '<1@x.de> <2@x.de> <3@x.de>',
    );
    assert.equal(idsText('References', '<1@x.de>'), '<1@x.de>');
    assert.equal(idsText('References', undefined), '');
    assert.throws(
      () => idsText('References', { id: '<1@x.de>' }),
      /^DraftFault: "References" is an object, and no text\. /,
    );
    assert.throws(() => idsText('References', [['<1@x.de>']]), /"References" holds an object/);
  });
});
