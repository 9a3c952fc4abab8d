// Mails whose parts are coded as a whole, or never closed, or not there at all.
import {
  base64Lines,
  bytes,
  CRLF,
  filePart,
  type HostileMail,
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

export const misreadStructure = (): HostileMail[] => [...coded(), ...unclosed(), ...notThere()];

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
