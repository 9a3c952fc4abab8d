// Mails with attachments that are meant to harm, by their names, types, sizes or number.
import { gzipSync } from 'node:zlib';
import {
  base64Lines,
  bytes,
  filePart,
  hex,
  type HostileMail,
  noise,
  parts,
  textPart,
  withBody,
} from './hostile';

const MEGABYTE = 1024 * 1024;
const FILE = noise(3_000);

export function hostileFiles(): HostileMail[] {
  const mixed = ['Content-Type: multipart/mixed; boundary=b'];
  const named = (what: string, written: string, name?: string): HostileMail =>
    withBody(
      `a file called ${what}`,
      mixed,
      { attachment: { content: FILE, ...(name !== undefined && { name }) } },
      parts('b', filePart(FILE, written)),
    );
  const typed = (type: string, content = FILE, ...more: string[]): Buffer =>
    parts('b', textPart('see it'), {
      fields: [`Content-Type: ${type}`, 'Content-Transfer-Encoding: base64', ...more],
      body: base64Lines(content),
    });
  const signed = ['Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b'];
  const bomb = gzipSync(Buffer.alloc(20 * MEGABYTE));
  return [
    named('../../etc/passwd', '../../etc/passwd', 'passwd'),
    named('C:\\Windows\\x.dll', 'C:\\\\Windows\\\\x.dll', 'x.dll'),
    named('..', '..'),
    named('__proto__', '__proto__', '__proto__'),
    named('constructor', 'constructor', 'constructor'),
    named('something with NUL in it', 'a\0b.txt', 'ab.txt'),
    named('an emoji', '=?utf-8?B?8J+YgC50eHQ=?=', '😀.txt'),
    named('what reads backwards', 'exe.\u202etxt.exe', 'exe.txt.exe'),
    named('10,000 letters', `${'n'.repeat(10_000)}.pdf`),
    withBody(
      'a file name in pieces and another charset',
      mixed,
      { attachment: { name: 'Grüße und mehr.txt', content: FILE } },
      parts('b', {
        fields: [
          'Content-Type: application/octet-stream',
          "Content-Disposition: attachment; filename*0*=iso-8859-1'de'Gr%FC%DFe%20; filename*1*=und%20; filename*2=mehr.txt",
          'Content-Transfer-Encoding: base64',
        ],
        body: base64Lines(FILE),
      }),
    ),
    withBody(
      'a file without a name',
      mixed,
      { text: 'see it', attachment: { content: FILE } },
      typed('application/pdf'),
    ),
    withBody(
      'a file with a type of nonsense',
      mixed,
      { text: 'see it', attachment: { content: FILE } },
      typed('../../x; y=\u0000', FILE, 'Content-Disposition: attachment'),
    ),
    withBody(
      'winmail.dat',
      mixed,
      { attachment: { name: 'winmail.dat', content: bytes(hex('78 9f 3e 22'), FILE) } },
      typed('application/ms-tnef; name="winmail.dat"', bytes(hex('78 9f 3e 22'), FILE)),
    ),
    withBody(
      'S/MIME, signed',
      signed,
      { text: 'see it', attachment: { name: 'smime.p7s', content: FILE } },
      typed('application/pkcs7-signature; name="smime.p7s"'),
    ),
    withBody(
      'S/MIME, enveloped',
      [
        'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"',
        'Content-Transfer-Encoding: base64',
      ],
      { attachment: { name: 'smime.p7m', content: FILE } },
      base64Lines(FILE),
    ),
    withBody(
      'a file that unpacks to a thousand times its size',
      mixed,
      { attachment: { name: 'bomb.gz', content: bomb } },
      parts('b', filePart(bomb, 'bomb.gz')),
    ),
    withBody(
      'a file of 3 MB',
      mixed,
      { attachment: { name: 'large.bin', content: noise(3 * MEGABYTE) } },
      parts('b', filePart(noise(3 * MEGABYTE), 'large.bin')),
    ),
    withBody(
      'an empty file',
      mixed,
      { attachment: { name: 'empty', content: Buffer.alloc(0) } },
      parts('b', filePart(Buffer.alloc(0), 'empty')),
    ),
    withBody(
      '500 files',
      mixed,
      { attachment: { name: 'f499', content: FILE } },
      parts('b', ...Array.from({ length: 500 }, (_, i) => filePart(FILE, `f${i}`))),
    ),
    withBody(
      '5,000 files',
      mixed,
      { files: Array.from({ length: 5_000 }, (_, i) => `f${i}`) },
      parts('b', ...Array.from({ length: 5_000 }, (_, i) => filePart(Buffer.from('x'), `f${i}`))),
    ),
    withBody(
      'a file of 8-bit bytes as they are',
      mixed,
      { attachment: { name: 'raw.bin', content: Buffer.from('\u00ff\u00fe line', 'latin1') } },
      parts('b', {
        fields: [
          'Content-Type: application/octet-stream',
          'Content-Disposition: attachment; filename=raw.bin',
          'Content-Transfer-Encoding: binary',
        ],
        body: Buffer.from('\u00ff\u00fe line', 'latin1'),
      }),
    ),
  ];
}
