import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { blotted, longestSecret } from '../../engine/outbox/webhook/blotting';
import { secretsSent } from '../../engine/outbox/webhook/webhook-url';

const html = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
const unicode = (text: string): string =>
  text.replace(/[^ -~]|[<>&']/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

const WAYS: Readonly<Record<string, (secret: string) => string>> = {
  bare: (secret) => secret,
  'of a URL': encodeURIComponent,
  'of a form': (secret) => new URLSearchParams({ secret }).toString().slice('secret='.length),
  'of a form, in small letters': (secret) =>
    encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase()),
  JSON: (secret) => JSON.stringify(secret).slice(1, -1),
  'JSON with escaped slashes': (secret) => JSON.stringify(secret).slice(1, -1).replaceAll('/', '\\/'),
  'JSON in ASCII': (secret) => unicode(JSON.stringify(secret).slice(1, -1)),
  HTML: html,
};

const SECRETS = ['p"a\\ss/w<o>rd', 'ab/c+d e&f==', "Grüße'an%41😀", 'sk_live_51Hx~9'];

describe('Secrets in what a receiver answers', () => {
  it('are blotted out in whatever form they come back', () => {
    for (const secret of SECRETS)
      for (const [way, write] of Object.entries(WAYS))
        assert.equal(
          blotted(`no: ${write(secret)}. ${write(secret)}`, [secret]),
          'no: …. …',
          `${secret} ${way}`,
        );
  });

  it('of any text nothing is left, and so much is read that it is seen whole', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 4 });
    fc.assert(
      fc.property(word, fc.constantFrom(...Object.values(WAYS)), (secret, write) => {
        assert.equal(blotted(`<${write(secret)}>`, [secret]).includes(secret), false);
        assert.ok(longestSecret([secret]) >= Buffer.byteLength(write(secret)));
      }),
    );
  });

  it('without their scheme, in long pieces, and where the text ends in their middle', () => {
    const token = 'eyJhbGciOi.9f8e7d';
    for (const [text, shown] of [
      [`invalid token: ${token}`, 'invalid token: …'],
      [`"Bearer ${token}"`, '"…"'],
      [`it begins with ${token.slice(0, 9)}`, 'it begins with …'],
      [`it begins with ${token.slice(0, 3)}`, `it begins with ${token.slice(0, 3)}`],
      [`${token.slice(0, 9)} is its beginning`, `${token.slice(0, 9)} is its beginning`],
    ] as const)
      assert.equal(blotted(text, [`Bearer ${token}`]), shown);
    assert.equal(blotted('a 1234abcd5678 b', ['session=1234abcd5678; path=/']), 'a … b');
    for (const between of ':!+/;')
      assert.equal(blotted('no 1234abcd5678', [`hook${between}1234abcd5678`]), 'no …', between);
    assert.equal(blotted('at p%2', ['keep/it']), 'at p%2');
    assert.equal(blotted('at keep%2', ['keep/it']), 'at …');
  });

  it('short ones are words of every answer', () =>
    assert.equal(blotted('yes, abc', ['abc', '']), 'yes, abc'));

  it('so are what is not shown of a URL, and headers that are named like a secret', () => {
    const url = new URL(
      'https://a.example/services/T00/xoxbSECRETtoken12%2F4567890/?token=GEHEIM&v=json&q=a%20long+one',
    );
    assert.deepEqual(secretsSent(url, { 'x-shop': 'north-by-northwest', 'x-api-key': '12345678' }), [
      ...['xoxbSECRETtoken12/4567890', 'GEHEIM', 'a long one', '12345678'],
    ]);
    const path = new URL(
      `https://a.example/services/xoxbSECRETtoken1234567890/${'%2F'.repeat(30)}/%E0%A4%A`.slice(0, 500),
    );
    assert.deepEqual(secretsSent(path, {}), ['xoxbSECRETtoken1234567890', '/'.repeat(30)]);
    const bot = new URL('https://a.example/bot12:AAHdqTcvCH1vGWJxfSeof/send?abcdef0123456789abcdef');
    assert.deepEqual(secretsSent(bot, {}), [...['bot12:AAHdqTcvCH1vGWJxfSeof', 'abcdef0123456789abcdef']]);
  });
});
