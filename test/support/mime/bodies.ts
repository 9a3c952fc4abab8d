// Mails whose bodies are not coded as they are said to be, or that are meant to keep a reader busy.
import {
  base64Lines,
  bytes,
  CRLF,
  hex,
  type HostileMail,
  noise,
  type Part,
  parts,
  withBody,
} from './hostile';

const MEGABYTE = 1024 * 1024;
const FILE = noise(3_000);

export function hostileBodies(): HostileMail[] {
  return [...encodings(), ...texts()];
}

function encodings(): HostileMail[] {
  const base64 = ['Content-Transfer-Encoding: base64'];
  const quoted = ['Content-Transfer-Encoding: quoted-printable'];
  const coded = Buffer.from('the text of it').toString('base64');
  return [
    withBody(
      'base64 with garbage between',
      base64,
      { text: 'the text of it' },
      coded.replace(/(.{3})/g, '$1 !\r\n'),
    ),
    withBody(
      'a text in base64 without its padding',
      base64,
      { text: 'the text of it' },
      coded.replace(/=+$/, ''),
    ),
    withBody(
      'base64 in one line of 1 MB',
      base64,
      { text: 'aaaa' },
      Buffer.from('a'.repeat(MEGABYTE)).toString('base64'),
    ),
    withBody(
      'base64 with padding in the middle',
      base64,
      { text: 'one' },
      `${Buffer.from('one!').toString('base64')}${CRLF}${coded}`,
    ),
    withBody(
      'base64 that is none',
      base64,
      { wholeText: 'this is plainly no base64 at all, is it?' },
      'this is plainly no base64 at all, is it?',
    ),
    withBody('quoted-printable that ends with a soft break', quoted, { text: 'the end' }, 'the end='),
    withBody('quoted-printable with wrong hex', quoted, { text: '100%' }, '=ZZ 100% =4'),
    withBody('quoted-printable in small letters', quoted, { text: 'Grüße' }, 'Gr=c3=bc=c3=9fe'),
    withBody('quoted-printable with blanks at line ends', quoted, { text: 'onetwo' }, 'one=   \r\ntwo'),
    withBody('quoted-printable in one line of 1 MB', quoted, { text: 'ÄÄÄ' }, '=C3=84'.repeat(MEGABYTE / 6)),
    withBody(
      'an encoding with a comment',
      ['Content-Transfer-Encoding: 7bit (plain)'],
      { text: 'the text' },
      'the text',
    ),
    withBody('uuencode', [], { text: 'begin 644 a.txt' }, 'begin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\n'),
    withBody(
      'yEnc',
      [],
      { text: '=ybegin' },
      bytes('=ybegin line=128 size=4 name=a\r\n', hex('9e9f a0 a1'), '\r\n=yend size=4\r\n'),
    ),
    withBody('NUL between all letters', [], { text: 't\0e\0x\0t' }, 't\0e\0x\0t'),
    withBody('NUL bytes, 1 MB of them', [], { text: '\0'.repeat(MEGABYTE) }, Buffer.alloc(MEGABYTE)),
    withBody('bare CR and LF', [], { text: 'end' }, 'a\rb\nc\r\r\nd\n\re end'),
    withBody('a line of 2 MB', [], { text: 'xxx' }, 'x'.repeat(2 * MEGABYTE)),
    withBody(
      'flowed text',
      ['Content-Type: text/plain; format=flowed; delsp=yes'],
      { text: 'onetwo' },
      'one \r\ntwo',
    ),
  ];
}

function texts(): HostileMail[] {
  const html = ['Content-Type: text/html; charset=utf-8'];
  const related = (one: Part, ...rest: Part[]): Buffer => parts('r', one, ...rest);
  const script = '<script>alert(1)</script><img src=x onerror=alert(1)>';
  const picture: Part = {
    fields: ['Content-Type: image/png', 'Content-ID: <p>', 'Content-Transfer-Encoding: base64'],
    body: base64Lines(FILE),
  };
  return [
    withBody('HTML with scripts', html, { html: script }, script),
    withBody('HTML 20,000 deep', html, { html: 'the bottom' }, '<div>'.repeat(20_000), 'the bottom'),
    withBody('HTML that is never closed', html, { html: '<a href="' }, 'x <a href="'),
    withBody(
      'HTML of 3 MB',
      html,
      { html: '<td>cell</td>' },
      '<table><tr><td>cell</td></tr></table>'.repeat((3 * MEGABYTE) / 37),
    ),
    withBody(
      'HTML without a charset in Windows-1252',
      ['Content-Type: text/html'],
      { html: 'Grüße' },
      hex('3c 70 3e 47 72 fc df 65'),
    ),
    withBody(
      'HTML that shows a picture 10,000 times',
      ['Content-Type: multipart/related; boundary=r'],
      { html: '<img', attachment: { content: FILE } },
      related({ fields: html, body: '<img src="cid:p">'.repeat(10_000) }, picture),
    ),
    withBody(
      'text that looks like 20,000 addresses',
      [],
      { text: 'www.example.com' },
      'http://www.example.com/a@b.example '.repeat(20_000),
    ),
    withBody('text of dots', [], { text: 'a.a.a' }, 'a.'.repeat(100_000)),
    withBody(
      'text of blanks and line ends',
      [],
      { text: 'end' },
      `${' \t'.repeat(1_000)}${CRLF}`.repeat(100),
      'end',
    ),
    withBody(
      'text with ANSI and other controls',
      [],
      { text: 'red' },
      '\u001b[31mred\u001b[0m\b\u0007\u0085',
    ),
    withBody(
      'a calendar entry',
      ['Content-Type: text/calendar; method=REQUEST'],
      { attachment: { content: Buffer.from('BEGIN:VCALENDAR') } },
      'BEGIN:VCALENDAR',
    ),
  ];
}
