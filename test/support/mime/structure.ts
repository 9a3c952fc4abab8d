// Mails whose parts are nested too deep, cut off, or not where they are said to be.
import { CRLF, filePart, type HostileMail, lines, noise, parts, textPart, withBody } from './hostile';

const FILE = noise(500);
const mixed = (boundary: string): string => `Content-Type: multipart/mixed; boundary="${boundary}"`;

export function brokenStructure(): HostileMail[] {
  return [...boundaries(), ...nesting()];
}

function boundaries(): HostileMail[] {
  const two = (boundary: string): Buffer => parts(boundary, textPart('the text'), filePart(FILE, 'a.bin'));
  const both = { text: 'the text', attachment: { name: 'a.bin', content: FILE } };
  const none = { missing: /announces parts/, files: ['message.eml'] };
  const cut = (from: Buffer, less: number): Buffer => from.subarray(0, from.length - less);
  return [
    withBody('multipart without a boundary', ['Content-Type: multipart/mixed'], both, two('b')),
    withBody(
      'multipart with an empty boundary',
      ['Content-Type: multipart/mixed; boundary=""'],
      both,
      two(''),
    ),
    withBody('boundary that never comes', [mixed('b')], none, 'no part of it'),
    withBody('boundary never closed', [mixed('b')], both, cut(two('b'), 7)),
    withBody('cut off in the last line of a boundary', [mixed('b')], both, cut(two('b'), 3)),
    withBody('cut off in an attachment', [mixed('b')], { text: 'the text' }, cut(two('b'), 300)),
    withBody(
      'cut off in the header of a part',
      [mixed('b')],
      { text: 'the text' },
      lines('--b', '', 'the text', '--b', 'Content-Ty'),
    ),
    withBody(
      'boundary that begins another',
      [mixed('b')],
      { text: 'inner' },
      parts('b', { fields: [mixed('bb')], body: parts('bb', textPart('inner')) }, textPart('outer')),
    ),
    withBody(
      'boundary that another begins with',
      [mixed('bb')],
      { text: 'outer' },
      parts('bb', { fields: [mixed('b')], body: parts('b', textPart('inner')) }, textPart('outer')),
    ),
    withBody(
      'the same boundary within itself',
      [mixed('b')],
      { text: 'inner' },
      parts('b', { fields: [mixed('b')], body: parts('b', textPart('inner')) }),
    ),
    withBody('boundary with blanks at its end', [mixed('b  ')], both, two('b  ')),
    withBody(
      'boundary lines followed by blanks',
      [mixed('b')],
      both,
      two('b').toString('latin1').replaceAll('--b\r', '--b  \r'),
    ),
    withBody('boundary of 5,000 characters', [mixed('b'.repeat(5_000))], both, two('b'.repeat(5_000))),
    withBody('boundary of odd characters', [mixed("'()+_,-./:=?")], both, two("'()+_,-./:=?")),
    withBody('boundary that is declared twice', [mixed('b'), mixed('c')], both, two('c')),
    withBody(
      'boundary in two pieces',
      ['Content-Type: multipart/mixed; boundary*0="b"; boundary*1="c"'],
      both,
      two('bc'),
    ),
    withBody(
      'boundary with bare LF lines',
      [mixed('b')],
      both,
      two('b').toString('latin1').replaceAll(CRLF, '\n'),
    ),
    withBody('text before and after the parts', [mixed('b')], both, 'before\r\n', two('b'), 'after'),
    withBody('closing boundary first', [mixed('b')], both, '--b--\r\n', two('b')),
    withBody('closing boundary twice', [mixed('b')], both, two('b'), '--b--\r\n'),
    withBody(
      'parts without headers',
      [mixed('b')],
      { text: 'one' },
      lines('--b', '', 'one', '--b', '', 'two', '--b--'),
    ),
    withBody(
      'parts without an empty line',
      [mixed('b')],
      { wholeText: 'one\ntwo' },
      lines('--b', 'one', '--b', 'two', '--b--'),
    ),
    withBody(
      'parts without anything',
      [mixed('b')],
      { text: 'end' },
      lines('--b', '--b', '--b', '', 'end', '--b--'),
    ),
    withBody('a hundred closings', [mixed('b')], { text: 'the text' }, two('b'), `--b--${CRLF}`.repeat(100)),
  ];
}

function nested(depth: number, innermost: Buffer): Buffer {
  let inner = innermost;
  for (let level = depth; level > 0; level--) {
    inner = parts(`n${level}`, { fields: [mixed(`n${level + 1}`)], body: inner });
  }
  return inner;
}

function nesting(): HostileMail[] {
  const deep = (depth: number): Buffer => nested(depth, parts(`n${depth + 1}`, textPart('the bottom')));
  const open = (depth: number): string =>
    Array.from({ length: depth }, (_, i) => lines(`--o${i}`, mixed(`o${i + 1}`), '', '')).join('');
  const closed = (depth: number): string =>
    Array.from({ length: depth + 1 }, (_, i) => `--o${depth - i}--${CRLF}`).join('');
  const many = (count: number): Buffer =>
    parts('b', ...Array.from({ length: count }, (_, i) => textPart(`part ${i}.`)));
  return [
    withBody('nested 20 deep', [mixed('n1')], { text: 'the bottom' }, deep(20)),
    withBody('nested 200 deep', [mixed('n1')], { text: 'the bottom' }, deep(200)),
    withBody(
      'nested 5,000 deep and never closed',
      [mixed('o0')],
      { missing: /parts of its own/, files: ['message.eml'] },
      open(5_000),
      'text',
    ),
    withBody(
      'nested 5,000 deep',
      [mixed('o0')],
      { wholeText: 'the bottom' },
      open(5_000),
      lines('--o5000', '', 'the bottom', ''),
      closed(5_000),
    ),
    withBody('900 parts', [mixed('b')], { text: 'part 899.' }, many(900)),
    withBody('5,000 parts', [mixed('b')], { text: 'part 4999.' }, many(5_000)),
    withBody(
      'alternatives within alternatives',
      ['Content-Type: multipart/alternative; boundary=a'],
      { text: 'plain', html: '<b>rich</b>' },
      parts('a', {
        fields: ['Content-Type: multipart/alternative; boundary=i'],
        body: parts('i', textPart('plain'), { fields: ['Content-Type: text/html'], body: '<b>rich</b>' }),
      }),
    ),
    withBody(
      'multipart in base64',
      [mixed('b'), 'Content-Transfer-Encoding: base64'],
      { wholeText: 'part 0.' },
      Buffer.from(many(1)).toString('base64'),
    ),
    withBody(
      'type multipart without a subtype',
      ['Content-Type: multipart; boundary=b'],
      { wholeText: 'part 0.', files: [] },
      many(1),
    ),
  ];
}
