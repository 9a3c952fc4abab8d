// Mails with other mails in them, which are files as they were sent, whatever is to be shown of them.
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
const TEXT = textPart('the text');

export function forwardedMessages(): HostileMail[] {
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
