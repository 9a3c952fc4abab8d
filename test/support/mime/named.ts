// Mails with texts that have a file name, and are to be shown within the mail, or not to be shown at all.
import { base64Lines, type HostileMail, type Part, parts, textPart, withBody } from './hostile';

const mixed = 'Content-Type: multipart/mixed; boundary=m';
const NOTES = 'notes of the meeting';
const TEXT = textPart('the text');

export const namedTexts = (): HostileMail[] => [...texts(), ...onlyTexts()];

function texts(): HostileMail[] {
  const named = (what: string, name: string, ...fields: readonly string[]): HostileMail =>
    withBody(
      `a text with a name ${what}`,
      [mixed],
      { wholeText: 'the text', files: [name], attachment: { name, content: Buffer.from(NOTES) } },
      parts('m', TEXT, { fields, body: NOTES }),
    );
  const inline = 'Content-Disposition: inline';
  return [
    named('in its disposition', 'n.txt', 'Content-Type: text/plain', `${inline}; filename=n.txt`),
    named('in its type', 'n.csv', 'Content-Type: text/plain; name="n.csv"'),
    named('in its type, shown within', 'n.txt', 'Content-Type: text/plain; name=n.txt', inline),
    named(
      'in encoded words',
      'Grüße.txt',
      `Content-Type: text/plain; name="=?utf-8?Q?Gr=C3=BC=C3=9Fe.txt?="`,
    ),
    named(
      'in the manner of RFC 2231',
      'Grüße.txt',
      'Content-Type: text/plain',
      `${inline}; filename*=utf-8''Gr%C3%BC%C3%9Fe.txt`,
    ),
    named(
      'in two pieces',
      'one two.txt',
      'Content-Type: text/plain',
      `${inline}; filename*0="one "; filename*1="two.txt"`,
    ),
    named(
      'behind a comment',
      'n.txt',
      'Content-Type: text/plain (plain)',
      `${inline} (shown); filename=n.txt (notes)`,
    ),
    named(
      'that has brackets in it',
      'notes (1).txt',
      'Content-Type: text/plain',
      `${inline}; filename=notes (1).txt`,
    ),
    named('and no type', 'n.txt', `${inline}; filename=n.txt`),
    named('and a type of nonsense', 'n.txt', 'Content-Type: nonsense', `${inline}; filename=n.txt`),
    named(
      'of Korean letters',
      '한국.txt',
      'Content-Type: text/plain; name="=?iso-2022-kr?B?GyQpQw5HUTE5Dw==?=.txt"',
    ),
    withBody(
      'an HTML with a name',
      [mixed],
      { wholeText: 'the text', wholeHtml: '', attachment: { name: 'r.html', content: Buffer.from('<h1>r') } },
      parts('m', TEXT, {
        fields: ['Content-Type: text/html; name=r.html', 'Content-Disposition: inline'],
        body: '<h1>r',
      }),
    ),
    withBody(
      'a text with a name, in base64 and another charset',
      [mixed],
      { wholeText: 'the text', attachment: { name: 'n.txt', content: Buffer.from('Grüße', 'latin1') } },
      parts('m', TEXT, {
        fields: [
          'Content-Type: text/plain; charset=iso-8859-1; name=n.txt',
          'Content-Transfer-Encoding: base64',
        ],
        body: base64Lines(Buffer.from('Grüße', 'latin1')),
      }),
    ),
  ];
}

function onlyTexts(): HostileMail[] {
  const named: Part = { fields: ['Content-Type: text/plain; name=n.txt'], body: NOTES };
  const pdf: Part = { fields: ['Content-Type: application/pdf; name=a.pdf'], body: 'PDF' };
  return [
    withBody('a text with a name that is the mail', named.fields, { wholeText: NOTES, files: [] }, NOTES),
    withBody(
      'a text with a name that is the only one',
      [mixed],
      { wholeText: NOTES, files: ['a.pdf'] },
      parts('m', named, pdf),
    ),
    withBody(
      'two texts with names, and no other',
      [mixed],
      { wholeText: '', files: ['n.txt', 'n.txt'] },
      parts('m', named, named),
    ),
    withBody(
      'HTML with a name that is a form of the text',
      ['Content-Type: multipart/alternative; boundary=m'],
      { wholeText: 'the text', wholeHtml: '<p>the text', files: [] },
      parts('m', TEXT, { fields: ['Content-Type: text/html; name=body.html'], body: '<p>the text' }),
    ),
  ];
}
