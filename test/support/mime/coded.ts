// Texts and files whose types and encodings are written in ways that hardly anybody reads.
import { hex, type HostileMail, withBody } from './hostile';

export const oddCodings = (): HostileMail[] => [...types(), ...encodings()];

const LATIN = hex('47 72 fc df 65');

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
