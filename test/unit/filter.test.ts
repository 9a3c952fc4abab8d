// Which mails a filter takes, what it must ask of the server, and what counts as an attachment.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasAttachment, type MailStructure } from '../../engine/imap/rules/structure';
import {
  type FilterFacts,
  filterNeeds,
  type MailFilter,
  matchesFilter,
  parseTextMatch,
} from '../../engine/mail/filter';

describe('a text in a filter', () => {
  it('is contained, in any case and whichever way its letters are written', () => {
    const grüße = parseTextMatch('GRÜSSE aus');
    assert.ok(grüße.matches('Viele grüsse AUS Wien'));
    assert.ok(grüße.matches('grüsse aus Wien'.normalize('NFD')));
    assert.ok(!grüße.matches('Grüsse Wien'));
    assert.ok(parseTextMatch('a.b').matches('xA.Bx'));
    assert.ok(!parseTextMatch('a.b').matches('axb'), 'a dot is a dot');
    assert.ok(parseTextMatch('/home').matches('in /HOME/ann'), 'one slash makes no expression');
    assert.ok(parseTextMatch('ann').matches(`${'x'.repeat(5_000)}Ann`), 'at any length');
  });

  it('between slashes is a regular expression', () => {
    assert.ok(parseTextMatch('/^re:/i').matches('RE: x'));
    assert.ok(!parseTextMatch('/^re:/').matches('RE: x'));
    assert.ok(!parseTextMatch('/^re:/i').matches('x Re:'));
    assert.ok(parseTextMatch('/a\\/b/').matches('a/b'));
    assert.ok(parseTextMatch('/a/b/').matches('a/b'), 'the last slash ends it');
    assert.ok(parseTextMatch('/^\\p{Lu}$/u').matches('Ü'));
  });

  it('judges each mail anew, whatever its options are', () => {
    const match = parseTextMatch('/a/gy');
    assert.deepEqual(
      [1, 2, 3].map(() => match.matches('a')),
      [true, true, true],
    );
  });

  it('cannot hold up the process: what takes too long is taken', () => {
    const text = `${'a'.repeat(900)}b`;
    assert.ok(parseTextMatch('/^(a+)+$/').matches(text));
    assert.ok(!parseTextMatch('/^(a+)+$/').matches('aab'), 'and the next mail is judged as ever');
    assert.ok(!parseTextMatch('/b/').matches('a'.repeat(1_000) + 'b'), 'only the beginning is looked at');
  });

  const faulty: [text: string, said: RegExp][] = [
    ['/a(b)(c/', /\/a\(b\)\(c\/ cannot be read: Unterminated group, at character 5 \(\(c\)\.$/],
    ['/a**/i', /\/a\*\*\/i cannot be read: Nothing to repeat, at character 3 \(\*\)\.$/],
    ['/x[b/', /Unterminated character class, at character 2 \(\[b\)\.$/],
    ['/a)b/', /Unmatched '\)', at character 2 \(\)b\)\.$/],
    ['/[z-a]/', /Range out of order in character class, at character 1 \(\[z-a\]\)\.$/],
    ['/a/uv', /\/a\/uv cannot be read: Invalid flags.*\.$/],
    ['/home/ann', /ends in "ann", which is none of its options.*\/a\\\/b\//],
  ];
  for (const [text, said] of faulty) {
    it(`is refused as ${text}, with what is wrong and where`, () =>
      assert.throws(() => parseTextMatch(text), said));
  }
});

describe('a filter', () => {
  const facts: FilterFacts = {
    from: '"Ann Sender" <ann@example.com>',
    to: 'bob@example.com, carol@example.com',
    subject: 'Invoice 7',
    size: 1_000,
    seen: false,
    hasAttachment: true,
  };

  it('takes a mail when all of it is so', () => {
    const takes: MailFilter[] = [
      {},
      { from: parseTextMatch('ann sender'), to: parseTextMatch('CAROL@'), subject: parseTextMatch('/\\d$/') },
      { unreadOnly: true, hasAttachment: true, largerThan: 999, smallerThan: 1_001 },
      { unreadOnly: false },
    ];
    for (const filter of takes) assert.ok(matchesFilter(filter, facts), JSON.stringify(filter));
  });

  it('takes none when one part of it is not', () => {
    const part: MailFilter[] = [
      { from: parseTextMatch('bob') },
      { to: parseTextMatch('ann') },
      { subject: parseTextMatch('/^invoice/') },
      { hasAttachment: false },
      { largerThan: 1_000 },
      { smallerThan: 1_000 },
    ];
    for (const filter of part) assert.ok(!matchesFilter(filter, facts), JSON.stringify(filter));
    assert.ok(!matchesFilter({ unreadOnly: true }, { ...facts, seen: true }));
    assert.ok(!matchesFilter({ hasAttachment: true }, { ...facts, hasAttachment: false }));
  });

  it('says what must be asked of the server', () => {
    assert.deepEqual(filterNeeds(null), { flags: false, structure: false });
    assert.deepEqual(filterNeeds({ largerThan: 5, unreadOnly: false }), { flags: false, structure: false });
    assert.deepEqual(filterNeeds({ unreadOnly: true }), { flags: true, structure: false });
    assert.deepEqual(filterNeeds({ hasAttachment: false }), { flags: false, structure: true });
  });
});

describe('an attachment', () => {
  const text: MailStructure = { type: 'text/plain' };
  const html: MailStructure = { type: 'text/html' };
  const multipart = (kind: string, ...childNodes: MailStructure[]): MailStructure => ({
    type: `multipart/${kind}`,
    childNodes,
  });
  const picture: MailStructure = {
    type: 'image/png',
    id: '<1@x>',
    disposition: 'inline',
    dispositionParameters: { filename: 'logo.png' },
  };
  const signature: MailStructure = {
    type: 'application/pkcs7-signature',
    disposition: 'attachment',
    dispositionParameters: { filename: 'smime.p7s' },
  };
  const pdf: MailStructure = { type: 'application/pdf', parameters: { name: 'a.pdf' } };
  const file: MailStructure = { type: 'text/plain', disposition: 'attachment' };
  const mail: MailStructure = { type: 'message/rfc822', childNodes: [text] };

  const table: [what: string, structure: MailStructure | undefined, attached: boolean][] = [
    ['nothing known', undefined, false],
    ['plain text', text, false],
    ['text and HTML', multipart('alternative', text, html), false],
    ['a file', multipart('mixed', text, file), true],
    ['a PDF with a name only', multipart('mixed', text, pdf), true],
    ['a PDF without any name', { type: 'application/pdf' }, true],
    ['an inline PDF with a name', multipart('mixed', text, { ...picture, type: 'application/pdf' }), true],
    ['a picture in the text', multipart('related', html, picture), false],
    ['a nameless inline picture', multipart('mixed', html, { ...picture, dispositionParameters: {} }), false],
    ['a picture beside the text', multipart('mixed', html, { type: 'image/png' }), true],
    [
      'a picture in the text, said to be attached',
      multipart('related', html, { ...picture, disposition: 'attachment' }),
      true,
    ],
    ['a signature', multipart('signed', text, signature), false],
    ['a signature and a file', multipart('signed', multipart('mixed', text, pdf), signature), true],
    ['a signature that signs nothing', multipart('mixed', text, signature), true],
    ['an attached mail', multipart('mixed', text, mail), true],
    [
      'a report',
      multipart('report', text, { type: 'message/delivery-status' }, { type: 'text/rfc822-headers' }),
      false,
    ],
    ['an invitation', multipart('alternative', text, { type: 'text/calendar' }), false],
    [
      'inline text with a name',
      multipart('mixed', text, {
        type: 'text/csv',
        disposition: 'inline',
        dispositionParameters: { filename: 'a.csv' },
      }),
      true,
    ],
    ['a multipart of nothing', { type: 'multipart/mixed' }, false],
  ];
  for (const [what, structure, attached] of table) {
    it(`is ${attached ? '' : 'not '}in ${what}`, () => assert.equal(hasAttachment(structure), attached));
  }
});
