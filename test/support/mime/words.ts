// Mails with broken encoded words (RFC 2047), and with fields that have the names of what objects inherit.
import { type HostileMail, plainly } from './hostile';

const MEGABYTE = 1024 * 1024;

export const hostileWords = (): HostileMail[] => [...words(), ...names()];

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
