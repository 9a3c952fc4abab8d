// Texts that are coded otherwise than their header says, or in a way that hardly anybody reads.
import { bytes, hex, type HostileMail, lines, withBody } from './hostile';

export const codedTexts = (): HostileMail[] => [
  ...html(),
  ...types(),
  ...encodings(),
  ...footers(),
  ...flowed(),
];

const PRIVET = hex('cf f0 e8 e2 e5 f2');
const LATIN = hex('47 72 fc df 65');

function html(): HostileMail[] {
  const as = (
    name: string,
    type: string,
    wanted: string,
    ...body: readonly (string | Buffer)[]
  ): HostileMail => withBody(`HTML ${name}`, [type], { html: wanted }, ...body);
  const plain = 'Content-Type: text/html';
  const equiv = (content: string): string => `<meta http-equiv="Content-Type" content="${content}">`;
  return [
    as('whose meta names its charset', plain, 'Привет', '<meta charset="windows-1251">', PRIVET),
    as('whose meta names it without quotes', plain, 'Привет', '<META charset=windows-1251 />', PRIVET),
    as('whose meta is of the old kind', plain, 'Привет', equiv('text/html; charset=windows-1251'), PRIVET),
    as(
      'whose meta is of the old kind, turned round',
      plain,
      'Привет',
      "<meta content='text/html; charset=windows-1251' http-equiv=content-type>",
      PRIVET,
    ),
    as(
      'with an XML declaration',
      plain,
      'Привет',
      '<?xml version="1.0" encoding="windows-1251"?><p>',
      PRIVET,
    ),
    as(
      'whose header names another charset',
      `${plain}; charset=windows-1251`,
      'Привет',
      '<meta charset=iso-8859-1>',
      PRIVET,
    ),
    as(
      'whose header names nonsense',
      `${plain}; charset=nonsense`,
      'Привет',
      '<meta charset=windows-1251>',
      PRIVET,
    ),
    as(
      'whose header says UTF-8 and is wrong',
      `${plain}; charset=utf-8`,
      'Привет',
      '<meta charset=windows-1251>',
      PRIVET,
    ),
    as('whose meta is wrong', plain, 'Привет', '<meta charset=windows-1251>', 'Привет'),
    as('whose meta names nonsense', plain, 'Grüße', '<meta charset=nonsense>', LATIN),
    as('whose meta is in a comment', plain, 'Grüße', '<!-- <meta charset=windows-1251> -->', LATIN),
    as('in Korean of seven bits', plain, '한국', '<meta charset=iso-2022-kr>\n', hex('0e 47 51 31 39 0f')),
    as(
      'in Japanese of seven bits',
      plain,
      '日本',
      '<meta charset=iso-2022-jp>',
      hex('1b 24 42 46 7c 4b 5c 1b 28 42'),
    ),
    as('in UTF-16 with a byte order mark', plain, '<p>日本', hex('ff fe'), Buffer.from('<p>日本', 'utf16le')),
    as(
      'with the byte order mark of UTF-8',
      `${plain}; charset=iso-8859-1`,
      '<p>Grüße',
      hex('ef bb bf'),
      '<p>Grüße',
    ),
    withBody(
      'text that has a meta in it',
      ['Content-Type: text/plain'],
      { text: 'Grüße' },
      '<meta charset=windows-1251>',
      LATIN,
    ),
  ];
}

function types(): HostileMail[] {
  const junk = [
    'text',
    'plain text',
    'text/',
    '/plain',
    'text/plain/x',
    '',
    'nonsense',
    '"',
    '(only a comment)',
    ';',
    '=?nonsense',
  ];
  return [
    ...junk.map((type) =>
      withBody(
        `text of the type <${type}>`,
        [`Content-Type: ${type}`],
        { wholeText: 'Grüße', files: [] },
        'Grüße',
      ),
    ),
    withBody(
      'text of a type with a comment',
      ['Content-Type: text/plain (plain) ; charset="koi8-r" (Russian)'],
      { wholeText: 'Привет' },
      hex('f0 d2 c9 d7 c5 d4'),
    ),
    withBody(
      'text of a type in quotes',
      ['Content-Type: "text/plain"; charset=koi8-r'],
      { wholeText: 'Привет' },
      hex('f0 d2 c9 d7 c5 d4'),
    ),
    withBody(
      'HTML of a type without a semicolon',
      ['Content-Type: text/html charset=koi8-r'],
      { wholeHtml: '<p>Привет', files: [] },
      '<p>',
      hex('f0 d2 c9 d7 c5 d4'),
    ),
    withBody(
      'HTML of a type with a comma',
      ['Content-Type: text/html, charset=koi8-r'],
      { wholeHtml: '<p>Привет', files: [] },
      '<p>',
      hex('f0 d2 c9 d7 c5 d4'),
    ),
    withBody(
      'a file of a type that cannot be read',
      ['Content-Type: nonsense', 'Content-Disposition: attachment; filename="a.bin"'],
      { wholeText: '', attachment: { name: 'a.bin', content: LATIN } },
      LATIN,
    ),
  ];
}

function encodings(): HostileMail[] {
  const base64 = [
    'base64;',
    '"base64"',
    'base64 (comment)',
    '(comment) base64',
    'BASE64,',
    'base64; charset=utf-8',
    'x-base64',
    'base64 7bit',
  ];
  const quoted = [
    'quoted-printable,',
    '"quoted-printable"',
    'Quoted-Printable (really)',
    'quoted-printable; x=y',
  ];
  const encoded = (encoding: string, coded: string): HostileMail =>
    withBody(
      `an encoding that is written <${encoding}>`,
      [`Content-Transfer-Encoding: ${encoding}`],
      { wholeText: 'Grüße' },
      coded,
    );
  return [
    ...base64.map((encoding) => encoded(encoding, 'R3LDvMOfZQ==')),
    ...quoted.map((encoding) => encoded(encoding, 'Gr=C3=BC=C3=9Fe')),
    ...['base65', 'base64-like', 'x-nonsense', '7bit;', '(base64)'].map((encoding) =>
      encoded(encoding, 'Grüße'),
    ),
    withBody(
      'two encodings, the first of nonsense',
      ['Content-Transfer-Encoding: nonsense', 'Content-Transfer-Encoding: base64'],
      { wholeText: 'Grüße' },
      'R3LDvMOfZQ==',
    ),
  ];
}

function footers(): HostileMail[] {
  const base64 = ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64'];
  const long = 'Grüße aus einer Mail, die länger ist als eine Zeile von base64. '.repeat(3).trim();
  const coded = (text: string): string =>
    Buffer.from(text)
      .toString('base64')
      .replace(/(.{76})/g, '$1\r\n');
  const footer = ['____________', 'A list footer: https://lists.example.com/info', 'Regards', 'Bob'];
  const below = (name: string, wholeText: string, ...body: readonly string[]): HostileMail =>
    withBody(`base64 ${name}`, base64, { wholeText }, lines(...body));
  return [
    below('with a footer', ['Grüße', '', ...footer].join('\n'), coded('Grüße'), '', ...footer),
    below('of several lines with a footer', [long, ...footer].join('\n'), coded(long), ...footer),
    below(
      'with a footer of one line',
      `${long}\n-- to unsubscribe, write to us`,
      coded(long),
      '-- to unsubscribe, write to us',
    ),
    below('with a line before it', `[external mail]\n\n${long}`, '[external mail]', '', coded(long)),
    below(
      'with text between',
      `Grüße\nsome words between\n${long}`,
      coded('Grüße'),
      'some words between',
      coded(long),
    ),
    below('without padding, with a footer', 'abcdef\nthat was all.', 'YWJjZGVm', 'that was all.'),
    below(
      'with a damaged line in it',
      long,
      coded(long).replace(/\r\n./, (all) => `${all}!`),
    ),
    withBody(
      'base64 in another charset with a footer',
      ['Content-Type: text/plain; charset=koi8-r', 'Content-Transfer-Encoding: base64'],
      { wholeText: 'Привет\nTo leave this list, click here.' },
      lines('8NLJ18XU', 'To leave this list, click here.'),
    ),
    withBody(
      'HTML in base64 with a footer',
      ['Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: base64'],
      { wholeHtml: '<p>Grüße</p>\n<hr>The list, https://lists.example.com' },
      lines(coded('<p>Grüße</p>'), '<hr>The list, https://lists.example.com'),
    ),
  ];
}

function flowed(): HostileMail[] {
  const as = (name: string, parameters: string, wholeText: string, ...body: readonly string[]): HostileMail =>
    withBody(
      `flowed text ${name}`,
      [`Content-Type: text/plain; charset=utf-8; format=flowed${parameters}`],
      { wholeText },
      bytes(lines(...body)),
    );
  return [
    as('with quotes', '', '> one two\n> three\nfour five', '> one ', '> two', '> three', 'four ', 'five'),
    as(
      'with quotes of two depths',
      '',
      '>> one two\n> three four\nfive',
      '>> one ',
      '>> two',
      '> three ',
      '> four',
      'five',
    ),
    as('with quotes that stop flowing', '', '> one \ntwo', '> one ', 'two'),
    as(
      'with blanks that stuff it',
      '',
      'x\nFrom here > there\n> quoted?',
      'x',
      ' From here ',
      ' > there',
      ' > quoted?',
    ),
    as('with a signature', '', 'the end\n-- \nAnn\nBob', 'the end', '-- ', 'Ann', 'Bob'),
    as('that flows into a signature', '', 'the end \n-- \nAnn', 'the end ', '-- ', 'Ann'),
    as('with a quoted signature', '', '> the end\n> -- \n> Ann', '> the end', '> -- ', '> Ann'),
    as(
      'with quotes and without the blanks',
      '; DelSp=yes',
      '> onetwo\nthreefour',
      '> one ',
      '> two',
      'three ',
      'four',
    ),
    as('of several paragraphs', '', 'one two\n\nthree four', 'one ', 'two', '', 'three ', 'four'),
    as('that is called so in capitals', '; DELSP="YES"', 'onetwo', 'one ', 'two'),
  ];
}
