// Mails whose boundaries are not written as RFC 2046 has it, or not named as they are: a reader that goes by the letter finds no part.
import {
  bytes,
  CRLF,
  filePart,
  type HostileMail,
  lines,
  messageIdField,
  noise,
  parts,
  textPart,
  withBody,
} from './hostile';

const FILE = noise(300);
const both = { wholeText: 'the text', attachment: { name: 'a.bin', content: FILE }, files: ['a.bin'] };
const mixed = (boundary: string): string => `Content-Type: multipart/mixed; boundary="${boundary}"`;
const two = (boundary: string): Buffer => parts(boundary, textPart('the text'), filePart(FILE, 'a.bin'));
const twoAs = (change: (text: string) => string): Buffer =>
  Buffer.from(change(two('b').toString('latin1')), 'latin1');
const within = (fields: readonly string[], body: Buffer): Buffer => parts('outer', { fields, body });

export const oddBoundaries = (): HostileMail[] => [...padded(), ...declared(), ...unparted()];

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
  const head = (name: string, type: string): string =>
    right.raw
      .toString()
      .replace(/^Message-ID: .*$/m, messageIdField(name))
      .replace(/\r\n\r\n$/, `${CRLF}${type}${CRLF}`);
  const direct = (name: string, type: string, change = (text: string): string => text): HostileMail => ({
    ...{ name, wanted: { ...both, subject: right.name } },
    raw: Buffer.from(change(`${head(name, type)}${two('b').toString('latin1')}`), 'latin1'),
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
