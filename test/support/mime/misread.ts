// Mails whose parts are all there, but not written as RFC 2046 has it: a reader that goes by the letter finds none of them.
import {
  base64Lines,
  bytes,
  CRLF,
  filePart,
  type HostileMail,
  lines,
  noise,
  type Part,
  parts,
  quotedPrintable,
  textPart,
  withBody,
} from './hostile';

const FILE = noise(300);
const both = { wholeText: 'the text', attachment: { name: 'a.bin', content: FILE }, files: ['a.bin'] };
const none = { wholeText: '', files: ['message.eml'], missing: /announces parts/ };
const mixed = (boundary: string): string => `Content-Type: multipart/mixed; boundary="${boundary}"`;
const two = (boundary: string): Buffer => parts(boundary, textPart('the text'), filePart(FILE, 'a.bin'));
const twoAs = (change: (text: string) => string): Buffer =>
  Buffer.from(change(two('b').toString('latin1')), 'latin1');
const within = (fields: readonly string[], body: Buffer): Buffer => parts('outer', { fields, body });

export const misreadStructure = (): HostileMail[] => [
  ...padded(),
  ...declared(),
  ...unparted(),
  ...coded(),
  ...unclosed(),
  ...notThere(),
];

function padded(): HostileMail[] {
  const nested = (change: (text: string) => string): Buffer =>
    Buffer.from(change(within([mixed('b')], two('b')).toString('latin1')), 'latin1');
  return [
    withBody(
      'tabs behind the boundary',
      [mixed('b')],
      both,
      twoAs((text) => text.replaceAll('--b\r', '--b\t \t\r')),
    ),
    withBody(
      'blanks behind the closing boundary',
      [mixed('b')],
      both,
      twoAs((text) => text.replace('--b--', '--b-- \t')),
    ),
    withBody(
      '200 blanks behind the boundary',
      [mixed('b')],
      both,
      twoAs((text) => text.replaceAll('--b\r', `--b${' '.repeat(200)}\r`)),
    ),
    withBody(
      'blanks behind boundaries of LF lines',
      [mixed('b')],
      both,
      twoAs((text) => text.replaceAll('--b', '--b ').replaceAll(' --\r', '--\r').replaceAll(CRLF, '\n')),
    ),
    withBody(
      'blanks behind the inner boundary',
      [mixed('outer')],
      both,
      nested((text) => text.replaceAll('--b\r', '--b \r')),
    ),
    withBody(
      'blanks behind the outer boundary',
      [mixed('outer')],
      both,
      nested((text) => text.replaceAll('--outer\r', '--outer  \r')),
    ),
  ];
}

function declared(): HostileMail[] {
  const as = (type: string): string => `Content-Type: ${type}`;
  const spelled: readonly (readonly [name: string, type: string, boundary?: string])[] = [
    ['without quotes, and with odd characters', 'multipart/mixed; boundary=a=b?c/d:e', 'a=b?c/d:e'],
    ['in capitals', 'MULTIPART/MIXED; BOUNDARY=b'],
    ['on a line of its own', 'multipart/mixed;\r\n\tboundary="b"'],
    ['behind an equals sign with blanks', 'multipart/mixed ; boundary = "b"'],
    ['in the manner of RFC 2231', "multipart/mixed; boundary*=us-ascii'en'a%20b", 'a b'],
    ['that is not closed', 'multipart/mixed; boundary="b'],
    ['twice in one field', 'multipart/mixed; boundary=a; boundary=b; boundary=c'],
    ['behind a comment', 'multipart/mixed; (a comment) boundary="b"'],
    ['before comments', 'multipart/mixed; boundary="b" (one) (two)'],
    ['before a comment, without quotes', 'multipart/mixed; boundary=b(the boundary)'],
    ['among comments within comments', 'multipart/mixed (a (b (c)) \\) d); (e) boundary=b'],
    ['with brackets that are no comment', 'multipart/mixed; boundary="(b)"', '(b)'],
    ['without a semicolon before it', 'multipart/mixed boundary="b"'],
    ['of an unknown kind of multipart', 'multipart/x-parallel; boundary=b'],
    ['of a type that is no multipart', 'text/plain; boundary=b'],
    ['that is another one', 'multipart/mixed; boundary="not this one"'],
    ['that is written in another case', 'multipart/mixed; boundary="B"'],
    ['that is missing', 'multipart/mixed; charset=utf-8'],
    ['in single quotes', "multipart/mixed; boundary='b'"],
  ];
  const inner = (...fields: string[]): Buffer => within(fields, two('b'));
  return [
    ...spelled.map(([name, type, boundary = 'b']) =>
      withBody(`a boundary ${name}`, [as(type)], both, two(boundary)),
    ),
    withBody('two types, the first is meant', [mixed('b'), mixed('one')], both, two('b')),
    withBody('two types, one is no multipart', [as('text/plain'), mixed('b')], both, two('b')),
    withBody('two types, none a multipart', [as('nonsense'), as('text/html')], { wholeHtml: '<b>' }, '<b>'),
    withBody('two types, and no parts', [mixed('b'), as('text/plain')], { wholeText: 'words' }, 'words'),
    withBody('two types within', [mixed('outer')], both, inner(mixed('one'), mixed('b'))),
    withBody(
      'a comment within',
      [mixed('outer')],
      both,
      inner('Content-Type: multipart/mixed (c); boundary=b'),
    ),
    withBody('another boundary within', [mixed('outer')], both, inner(mixed('another'))),
    withBody(
      'a boundary within that begins as the outer one',
      [mixed('outer')],
      both,
      within([mixed('outer-1')], two('outer-1')),
    ),
  ];
}

function unparted(): HostileMail[] {
  const under = (fields: string, body: Buffer): Buffer =>
    bytes('--outer\r\n', fields, CRLF, body, '--outer--\r\n');
  const right = withBody('a boundary right under the header', [], both);
  const head = (type: string): string => right.raw.toString().replace(/\r\n\r\n$/, `${CRLF}${type}${CRLF}`);
  const direct = (name: string, type: string, change = (text: string): string => text): HostileMail => ({
    ...{ name, wanted: { ...both, subject: right.name } },
    raw: Buffer.from(change(`${head(type)}${two('b').toString('latin1')}`), 'latin1'),
  });
  return [
    direct(right.name, mixed('b')),
    direct('a boundary right under a header of LF lines', mixed('b'), (text) => text.replaceAll(CRLF, '\n')),
    direct('another boundary right under the header', mixed('a')),
    direct('a boundary with blanks right under the header', mixed('b'), (text) =>
      text.replaceAll('--b\r', '--b \r'),
    ),
    withBody(
      'a boundary right under the header of a part',
      [mixed('outer')],
      both,
      under(mixed('b'), two('b')),
    ),
    withBody(
      'a part without an empty line behind its header',
      [mixed('b')],
      { wholeText: 'Hello Bob,\n\nthe text' },
      lines('--b', 'Content-Type: text/plain', 'Hello Bob,', '', 'the text', '--b--', ''),
    ),
    withBody(
      'a part with nonsense in its header',
      [mixed('b')],
      { wholeText: 'Grüße' },
      lines(
        '--b',
        'nonsense',
        'Content-Type: text/plain',
        'Content-Transfer-Encoding: base64',
        '',
        'R3LDvMOfZQ==',
        '--b--',
        '',
      ),
    ),
  ];
}

function coded(): HostileMail[] {
  const base64 = 'Content-Transfer-Encoding: base64';
  const quoted = 'Content-Transfer-Encoding: quoted-printable';
  const asBase64 = (body: Buffer): Buffer => Buffer.from(base64Lines(body));
  const asQuoted = (body: Buffer): Buffer => Buffer.from(quotedPrintable(body.toString('latin1')));
  const text: Part = { fields: ['Content-Type: text/plain; charset="utf-8"'], body: 'the text' };
  return [
    withBody('a multipart in base64', [mixed('b'), base64], both, asBase64(two('b'))),
    withBody(
      'a multipart in base64 with junk behind its name',
      [mixed('b'), `${base64};`],
      both,
      asBase64(two('b')),
    ),
    withBody(
      'a multipart in quoted-printable',
      [mixed('b'), quoted],
      both,
      asQuoted(parts('b', text, filePart(FILE, 'a.bin'))),
    ),
    withBody('a multipart that says base64 and is not', [mixed('b'), base64], both, two('b')),
    withBody('a multipart that says quoted-printable and is not', [mixed('b'), quoted], both, two('b')),
    withBody(
      'a multipart in base64 within',
      [mixed('outer')],
      both,
      within([mixed('b'), base64], asBase64(two('b'))),
    ),
    withBody(
      'a multipart in base64 within one in base64',
      [mixed('outer'), base64],
      both,
      asBase64(within([mixed('b'), base64], asBase64(two('b')))),
    ),
    withBody('a multipart in base64 with another boundary', [mixed('a'), base64], both, asBase64(two('b'))),
    withBody(
      'a multipart in base64 with blanks behind its boundaries',
      [mixed('b'), base64],
      both,
      asBase64(twoAs((all) => all.replaceAll('--b\r', '--b \r'))),
    ),
  ];
}

function unclosed(): HostileMail[] {
  const open = (boundary: string): Buffer => {
    const all = two(boundary);
    return all.subarray(0, all.length - `--${boundary}--\r\n`.length);
  };
  return [
    withBody(
      'an inner boundary that is never closed',
      [mixed('outer')],
      { ...both, wholeText: 'the text\nand more' },
      parts('outer', { fields: [mixed('b')], body: open('b') }, textPart('and more')),
    ),
    withBody(
      'an inner boundary that is closed by the outermost',
      [mixed('outer')],
      both,
      bytes(
        '--outer\r\n',
        mixed('middle'),
        '\r\n\r\n--middle\r\n',
        mixed('b'),
        '\r\n\r\n',
        open('b'),
        '--outer--\r\n',
      ),
    ),
  ];
}

function notThere(): HostileMail[] {
  const other = bytes('no part of it');
  return [
    withBody('a multipart of other text', [mixed('b')], none, 'This is a multi-part message in MIME format.'),
    withBody(
      'a multipart without a boundary, of text with dashes',
      ['Content-Type: multipart/mixed'],
      none,
      '-- \r\nAnn\r\n--------\r\n-- x --\r\n',
    ),
    withBody(
      'a multipart in base64 of other text',
      [mixed('b'), 'Content-Transfer-Encoding: base64'],
      none,
      base64Lines(other),
    ),
    withBody(
      'a multipart within that is other text',
      [mixed('outer')],
      {
        wholeText: 'the text',
        files: ['message.eml'],
        missing: /A part of the mail announces parts of its own/,
      },
      parts('outer', textPart('the text'), { fields: [mixed('b')], body: other }),
    ),
    withBody(
      'a multipart within that is empty',
      [mixed('outer')],
      { wholeText: 'the text', files: [] },
      parts('outer', { fields: [mixed('b')], body: CRLF }, textPart('the text')),
    ),
  ];
}
