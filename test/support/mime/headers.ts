// Mails whose header is too large, broken, or meant to harm.
import { head, hostile, type HostileMail, lines, withBody } from './hostile';

const MEGABYTE = 1024 * 1024;

export function hostileHeaders(): HostileMail[] {
  return [...sizes(), ...words(), ...names(), ...addresses(), ...values()];
}

const plainly = (name: string, field: string, wanted: HostileMail['wanted'] = {}): HostileMail =>
  hostile(name, { text: 'the text', ...wanted }, `${field}\r\n\r\nthe text`);

function sizes(): HostileMail[] {
  const many = (count: number, line: (index: number) => string): string[] =>
    Array.from({ length: count }, (_, i) => line(i));
  return [
    withBody('a header line of 1 MB', [`X-Long: ${'x'.repeat(MEGABYTE)}`], { text: 'the text' }, 'the text'),
    withBody(
      'a header line of 5 MB',
      [`X-Long: ${'x'.repeat(5 * MEGABYTE)}`],
      { text: 'the text' },
      'the text',
    ),
    plainly('a subject of 1 MB', `Subject: ${'s'.repeat(MEGABYTE)}`),
    withBody(
      '10,000 header fields',
      many(10_000, (i) => `X-Field-${i}: ${i}`),
      { header: ['x-field-9999', '9999'], text: 'the text' },
      'the text',
    ),
    withBody(
      '10,000 times the same field',
      many(10_000, (i) => `Received: from hop ${i}`),
      { header: ['received', 'from hop 0'], text: 'the text' },
      'the text',
    ),
    withBody(
      'a field folded 20,000 times',
      [`X-Folded: begin${'\r\n y'.repeat(20_000)}`],
      { text: 'the text' },
      'the text',
    ),
    withBody(
      'a type with 5,000 parameters',
      [`Content-Type: text/plain; ${many(5_000, (i) => `p${i}=${i}`).join('; ')}`],
      { text: 'the text' },
      'the text',
    ),
    withBody(
      'a file name in 5,000 pieces',
      [`Content-Disposition: attachment; ${many(5_000, (i) => `filename*${i}=x`).join('; ')}`],
      {},
      'the text',
    ),
    withBody(
      '20,000 references',
      [`References: ${many(20_000, (i) => `<${i}@example.com>`).join('\r\n ')}`],
      { text: 'the text' },
      'the text',
    ),
    plainly('a sender of 1 MB without an at sign', `Subject: long\r\nFrom: ${'a'.repeat(MEGABYTE)}`, {
      subject: 'long',
    }),
    plainly('a sender of 1 MB of at signs', `Subject: long\r\nFrom: <${'@'.repeat(MEGABYTE)}`, {
      subject: 'long',
    }),
    plainly('a field of 1 MB of blanks', `Subject: blank\r\nX-Blank: ${' '.repeat(MEGABYTE)}.`, {
      subject: 'blank',
    }),
  ];
}

function words(): HostileMail[] {
  const subject = (name: string, coded: string, read: string): HostileMail =>
    plainly(name, `From: ann@example.com\r\nSubject: ${coded}`, { subject: read });
  return [
    subject('a word that is not closed', '=?utf-8?Q?Gr=C3=BC', '=?utf-8?Q?Gr=C3=BC'),
    subject('a word in an unknown encoding', '=?utf-8?X?abc?=', '=?utf-8?X?abc?='),
    subject('a word in an unknown charset', '=?nonsense?Q?abc?=', 'abc'),
    subject('a word without a charset', '=??Q?abc?=', '=??Q?abc?='),
    subject('a word with blanks in it', '=?utf-8?Q?two words?=', 'two words'),
    subject('a word of broken base64', '=?utf-8?B?%%%?=!', '!'),
    subject('base64 without its padding', '=?utf-8?B?R3LDvMOfZQ?=', 'Grüße'),
    subject('a character split over two words', '=?utf-8?B?R3LD?= =?utf-8?B?vMOfZQ==?=', 'Grüße'),
    subject(
      'a character split over two words of the other encoding',
      '=?utf-8?Q?Gr=C3?=\r\n =?utf-8?Q?=BC=C3=9Fe?=',
      'Grüße',
    ),
    subject('words that touch', '=?utf-8?Q?a?==?utf-8?Q?b?=', 'ab'),
    subject('a word within a word', '=?utf-8?Q?=3D=3Futf-8=3FQ=3Fa=3F=3D?=', '=?utf-8?Q?a?='),
    subject('words with a language', '=?utf-8*de?Q?Gr=C3=BC=C3=9Fe?=', 'Grüße'),
    subject('a word that is folded within', '=?utf-8?Q?one\r\n two?=', 'one two'),
    subject('a word with wrong hex', '=?utf-8?Q?=ZZ=4?=', '=ZZ=4'),
    subject('a word with NUL in it', '=?utf-8?Q?a=00b?=', 'a\0b'),
    subject('a word with line ends in it', '=?utf-8?Q?a=0D=0ABcc:_x?=', 'a\r\nBcc: x'),
    plainly('40,000 words', `Subject: ${'=?utf-8?Q?a?= '.repeat(40_000)}`),
    plainly('200,000 beginnings of words', `Subject: ${'=?'.repeat(200_000)}`),
    plainly('a word of 1 MB that is not closed', `Subject: =?utf-8?B?${'A'.repeat(MEGABYTE)}`),
  ];
}

function names(): HostileMail[] {
  const all = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'toJSON',
    'then',
    'length',
  ];
  return [
    ...all.map((name) =>
      plainly(`a field called ${name}`, `Subject: s\r\n${name}: the value`, {
        subject: 's',
        header: [name.toLowerCase(), 'the value'],
      }),
    ),
    plainly('a list field called __proto__', 'Subject: s\r\nList-__proto__: <x>', {
      header: ['list-__proto__', '<x>'],
    }),
    plainly('fields without a name', ': none\r\n : none\r\nSubject: s', { subject: 's' }),
    plainly('fields with blanks in the name', 'Subject : s\r\nX One: 1', { subject: 's' }),
    plainly('lines that are no fields', 'no colon here\r\nSubject: s\r\nnone here', { subject: 's' }),
    plainly('a first line that is folded', ' folded\r\nSubject: s', { subject: 's' }),
    plainly(
      'every field twice',
      'Subject: one\r\nSubject: two\r\nFrom: a@example.com\r\nFrom: b@example.com',
      { subject: 'one', from: 'a@example.com' },
    ),
    plainly('a field in all capitals', 'SUBJECT: loud\r\nFROM: A@EXAMPLE.COM', { subject: 'loud' }),
  ];
}

function addresses(): HostileMail[] {
  const to = (name: string, list: string): HostileMail =>
    plainly(name, `From: ann@example.com\r\nTo: ${list}`, { from: 'ann@example.com' });
  return [
    to('20,000 addresses', Array.from({ length: 20_000 }, (_, i) => `n${i}@example.com`).join(',\r\n ')),
    to('groups', 'Friends: a@example.com, "B, C" <b@example.com>;, Nobody:;'),
    to('groups within groups', 'A: B: C: a@example.com;;;'),
    to('200 groups that are not closed', 'g: '.repeat(200)),
    to('5,000 quotes', '"'.repeat(5_000)),
    to('5,000 brackets', '<'.repeat(5_000)),
    to('5,000 comments', '('.repeat(5_000)),
    to('commas only', ','.repeat(5_000)),
    to('an address in an encoded word', '=?utf-8?B?PGV2aWxAZXhhbXBsZS5jb20+?='),
    to('a punycode address', 'a@xn--80ak6aa92e.com, b@xn--.com'),
    plainly('a sender without an address', 'From: undisclosed\r\nSubject: s', { from: 'undisclosed' }),
    plainly('an empty sender', 'From: \r\nSubject: s', { subject: 's' }),
  ];
}

function values(): HostileMail[] {
  const dates = ['yesterday', '99 Foo 99999 99:99:99 +9999', 'Thu, 01 Oct 275761 00:00:00 +0000', '-1', ''];
  return [
    ...dates.map((date) => plainly(`the date "${date}"`, `Subject: s\r\nDate: ${date}`, { subject: 's' })),
    plainly('a Message-ID of blanks', 'Subject: s\r\nMessage-ID:   ', { subject: 's' }),
    plainly('a Message-ID without brackets', 'Subject: s\r\nMessage-ID: a b', {
      header: ['message-id', 'a b'],
    }),
    plainly('NUL in a header', 'Sub\0ject: a\0b\r\nX-A: c\0d', { header: ['x-a', 'cd'] }),
    plainly('a bare CR in a header', 'X-A: one\rX-B: two', { header: ['x-b', 'two'] }),
    plainly('priorities', 'Subject: s\r\nX-Priority: 99999999999999999999\r\nImportance: \0', {
      subject: 's',
    }),
    plainly(
      'list fields',
      'Subject: s\r\nList-Unsubscribe: <mailto:x>, <https://example.com>, <<<\r\nList-: x',
      { subject: 's' },
    ),
    hostile(
      'lines that end with CR only',
      { subject: 'old', text: 'two' },
      'Subject: old\rFrom: a@example.com\r\rone\rtwo',
    ),
    hostile(
      'lines that end with LF only',
      { subject: 'unix', text: 'one\ntwo' },
      'Subject: unix\n\none\ntwo',
    ),
    hostile(
      'line ends of every kind',
      { subject: 'all', text: 'text' },
      'X-A: 1\rX-B: 2\nSubject: all\r\n\ntext',
    ),
    hostile(
      'a type without a value',
      { text: 'the text' },
      `${lines('Content-Type:', 'Subject: s', '', '')}the text`,
    ),
    hostile(
      'a type of nonsense',
      { text: 'the text' },
      `${lines('Content-Type: ;;;=;/', 'Subject: s', '', '')}the text`,
    ),
    hostile(
      'an encoding of nonsense',
      { text: 'the text' },
      head('s', 'Content-Transfer-Encoding: rot13'),
      'the text',
    ),
  ];
}
