// Mails in charsets that are rare, wrong, unknown, or not named.
import { bytes, hex, hostile, type HostileMail, withBody } from './hostile';

/** The charset's name, some text in it, and what that says. */
const SPOKEN: readonly (readonly [charset: string, coded: Buffer, text: string])[] = [
  ['iso-8859-1', hex('47 72 fc df 65'), 'Grüße'],
  ['iso-8859-2', hex('b3 f3 64 bc'), 'łódź'],
  ['iso-8859-15', hex('31 30 20 a4'), '10 €'],
  ['iso-8859-8-i', hex('f9 ec e5 ed'), 'שלום'],
  ['windows-1251', hex('cf f0 e8 e2 e5 f2'), 'Привет'],
  ['windows-1252', hex('80 20 93 71 94'), '€ “q”'],
  ['windows-1256', hex('e3 d1 cd c8 c7'), 'مرحبا'],
  ['koi8-r', hex('f0 d2 c9 d7 c5 d4'), 'Привет'],
  ['gb2312', hex('c4 e3 ba c3'), '你好'],
  ['gb18030', hex('c4 e3 ba c3 94 39 da 33'), '你好💩'],
  ['big5', hex('a4 a4 a4 e5'), '中文'],
  ['shift_jis', hex('93 fa 96 7b'), '日本'],
  ['euc-jp', hex('c6 fc cb dc'), '日本'],
  ['iso-2022-jp', hex('1b 24 42 46 7c 4b 5c 1b 28 42'), '日本'],
  ['euc-kr', hex('c7 d1 b1 b9'), '한국'],
  ['ks_c_5601-1987', hex('c7 d1 b1 b9'), '한국'],
  ['tis-620', hex('e4 b7 c2'), 'ไทย'],
  ['iso-2022-kr', hex('1b 24 29 43 0e 47 51 31 39 0f 20 6f 6b'), '한국 ok'],
  ['hz-gb-2312', Buffer.from('~{<:Ky2;~}, ~~'), '己所不, ~'],
  ['utf-7', Buffer.from('+ZeVnLIqe-'), '日本語'],
  ['utf-16be', hex('65 e5 67 2c'), '日本'],
  ['utf-16le', hex('e5 65 2c 67'), '日本'],
];

export function oddCharsets(): HostileMail[] {
  const plain = (charset: string): string => `Content-Type: text/plain; charset=${charset}`;
  const latin = hex('47 72 fc df 65');
  return [
    ...SPOKEN.map(([charset, coded, text]) =>
      withBody(
        `text in ${charset}`,
        [plain(charset), 'Content-Transfer-Encoding: base64'],
        { text },
        coded.toString('base64'),
      ),
    ),
    ...SPOKEN.map(([charset, coded, text]) =>
      hostile(
        `a subject in ${charset}`,
        { subject: text, text: 'x' },
        `From: ann@example.com\r\nSubject: =?${charset}?B?${coded.toString('base64')}?=\r\n\r\nx`,
      ),
    ),
    withBody('8-bit text without a charset', [], { text: 'Grüße' }, latin),
    withBody('Windows-1252 called ASCII', [plain('us-ascii')], { text: 'Grüße' }, latin),
    withBody('Windows-1252 called UTF-8', [plain('utf-8')], { text: 'Grüße' }, latin),
    withBody('UTF-8 called ASCII', [plain('ascii')], { text: 'Grüße 😀' }, 'Grüße 😀'),
    withBody('UTF-8 without a charset', [], { text: 'Grüße 😀' }, 'Grüße 😀'),
    withBody(
      'UTF-8 with one stray byte',
      [plain('utf-8')],
      { text: 'Grüße und Küsse' },
      'Grüße und Küsse',
      hex('ff'),
    ),
    withBody('UTF-8 cut within a character', [plain('utf-8')], { text: 'Grüße' }, 'Grüße', hex('f0 9f 98')),
    withBody('UTF-8 with a byte order mark', [plain('utf-8')], { text: 'Grüße' }, hex('ef bb bf'), 'Grüße'),
    withBody(
      'UTF-8 that codes NUL in two bytes',
      [plain('utf-8')],
      { text: 'before' },
      'before',
      hex('c0 80'),
      'after',
    ),
    withBody(
      'UTF-8 of half characters',
      [plain('utf-8')],
      { text: 'before' },
      'before',
      hex('ed a0 80'),
      'after',
    ),
    withBody('an unknown charset', [plain('nonsense')], { text: 'Grüße' }, latin),
    withBody('an empty charset', [plain('""')], { text: 'plain words' }, 'plain words'),
    withBody(
      'a charset of 10,000 letters',
      [plain('x'.repeat(10_000))],
      { text: 'plain words' },
      'plain words',
    ),
    withBody('the charset __proto__', [plain('__proto__')], { text: 'plain words' }, 'plain words'),
    withBody('the charset constructor', [plain('constructor')], { text: 'plain words' }, 'plain words'),
    withBody('two charsets', [`${plain('koi8-r')}; charset=utf-8`], { text: 'plain words' }, 'plain words'),
    withBody(
      'ISO-2022-JP that never returns to ASCII',
      [plain('iso-2022-jp')],
      { text: '日本' },
      hex('1b 24 42 46 7c 4b 5c'),
    ),
    withBody('text from right to left', [plain('utf-8')], { text: 'שלום' }, '\u202eשלום\u202c'),
    withBody('emoji of many parts', [plain('utf-8')], { text: '👩‍👩‍👧‍👦' }, '👩‍👩‍👧‍👦'),
    hostile(
      '8-bit headers in Windows-1252',
      { subject: 'Grüße', from: 'Jürgen <j@example.com>' },
      bytes('From: J', hex('fc'), 'rgen <j@example.com>\r\nSubject: ', latin, '\r\n\r\nx'),
    ),
    hostile(
      '8-bit headers in UTF-8',
      { subject: 'Grüße 😀', from: 'Jürgen <j@example.com>' },
      'From: Jürgen <j@example.com>\r\nSubject: Grüße 😀\r\n\r\nx',
    ),
    hostile(
      'headers in two charsets',
      { subject: 'Grüße', from: 'Jürgen <j@example.com>' },
      bytes('From: Jürgen <j@example.com>\r\nSubject: ', latin, '\r\n\r\nx'),
    ),
    hostile(
      'a subject with line separators of Unicode',
      { header: ['x-one', 'a\u2028b'], text: 'x' },
      'X-One: a\u2028b\r\nSubject: s\r\n\r\nx',
    ),
  ];
}
