// Mails with texts and messages that have a file name, and are to be shown within the mail, or not to be shown at all.
import {
  base64Lines,
  bytes,
  head,
  type HostileMail,
  lines,
  type Part,
  parts,
  textPart,
  withBody,
} from './hostile';

const mixed = 'Content-Type: multipart/mixed; boundary=m';
const NOTES = 'notes of the meeting';
const TEXT = textPart('the text');

export const namedParts = (): HostileMail[] => [...texts(), ...onlyTexts(), ...messages()];

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

function messages(): HostileMail[] {
  const inner = bytes(
    head('inner', 'Content-Type: multipart/mixed; boundary=i'),
    parts('i', textPart('the forwarded text'), {
      fields: ['Content-Type: application/pdf; name=c.pdf'],
      body: 'PDF',
    }),
  );
  const html: Part = { fields: ['Content-Type: text/html'], body: '<p>the text' };
  const within = (what: string, wanted: HostileMail['wanted'], ...fields: readonly string[]): HostileMail =>
    withBody(
      `a message ${what}`,
      [mixed],
      { wholeHtml: '<p>the text', ...wanted },
      parts('m', html, { fields: ['Content-Type: message/rfc822', ...fields], body: inner }),
    );
  const file = { wholeText: '', files: ['p.eml'], attachment: { name: 'p.eml', content: inner } };
  const nameless = { attachment: { name: 'message.eml', content: inner } };
  return [
    within('with a name, shown within', file, 'Content-Disposition: inline; filename=p.eml'),
    within('with a name, attached', file, 'Content-Disposition: attachment; filename=p.eml'),
    withBody(
      'a message with a name, and no disposition',
      [mixed],
      { wholeHtml: '<p>the text', ...file },
      parts('m', html, { fields: ['Content-Type: message/rfc822; name=p.eml'], body: inner }),
    ),
    within('without a name, and no disposition', { ...nameless, wholeText: '', files: ['message.eml'] }),
    withBody(
      'a message without a name, shown within',
      [mixed],
      { ...nameless, wholeText: 'the text\nthe forwarded text', files: ['message.eml', 'c.pdf'] },
      parts('m', TEXT, {
        fields: ['Content-Type: message/rfc822', 'Content-Disposition: inline'],
        body: inner,
      }),
    ),
    withBody(
      'a message in base64, shown within',
      [mixed],
      { ...file, wholeText: 'the text' },
      parts('m', TEXT, {
        fields: [
          'Content-Type: message/rfc822',
          'Content-Disposition: inline; filename=p.eml',
          'Content-Transfer-Encoding: base64',
        ],
        body: base64Lines(inner),
      }),
    ),
    withBody(
      'a message shown within a message',
      [mixed],
      { wholeText: 'found', files: ['message.eml'] },
      parts('m', {
        fields: ['Content-Type: message/rfc822', 'Content-Disposition: inline'],
        body: lines(
          'Subject: one',
          'Content-Type: message/rfc822',
          'Content-Disposition: inline',
          '',
          'Subject: two',
          '',
          'found',
        ),
      }),
    ),
  ];
}
