// Mails whose header is too large, broken, or meant to harm.
import { plainly, head, hostile, type HostileMail, lines, withBody } from './hostile';

const MEGABYTE = 1024 * 1024;

export function hostileHeaders(): HostileMail[] {
  return [...sizes(), ...addresses(), ...values()];
}

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
      { attachment: { content: Buffer.from('the text') } },
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
