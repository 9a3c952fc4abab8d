// Mails within mails, and mails that are hardly there.
import { bytes, CRLF, head, hostile, type HostileMail, parts, textPart, withBody } from './hostile';

const mixed = (boundary: string): string => `Content-Type: multipart/mixed; boundary="${boundary}"`;

export const messagesWithin = (): HostileMail[] => [...messages(), ...nothingThere()];

function messages(): HostileMail[] {
  const inner = (depth: number): Buffer =>
    depth === 0
      ? bytes(head('the innermost'), 'found')
      : bytes(
          head(`level ${depth}`, 'Content-Type: message/rfc822', 'Content-Disposition: inline'),
          inner(depth - 1),
        );
  const forwarded = bytes(head('inner'), 'the forwarded text');
  const asPart = (...fields: string[]): Buffer =>
    parts('b', { fields: ['Content-Type: message/rfc822', ...fields], body: forwarded });
  return [
    withBody(
      'a message as an attachment',
      [mixed('b')],
      { attachment: { name: 'message.eml', content: forwarded } },
      asPart('Content-Disposition: attachment'),
    ),
    withBody(
      'a message shown within',
      [mixed('b')],
      { wholeText: 'the forwarded text', attachment: { name: 'message.eml', content: forwarded } },
      asPart('Content-Disposition: inline'),
    ),
    withBody(
      'a message in base64',
      [mixed('b')],
      { attachment: { content: forwarded } },
      parts('b', {
        fields: ['Content-Type: message/rfc822', 'Content-Transfer-Encoding: base64'],
        body: forwarded.toString('base64'),
      }),
    ),
    withBody(
      'messages 200 deep',
      ['Content-Type: message/rfc822', 'Content-Disposition: inline'],
      { wholeText: 'found', attachment: { name: 'message.eml', content: inner(200) } },
      inner(200),
    ),
    withBody(
      'a message that is empty',
      [mixed('b')],
      { attachment: { content: Buffer.alloc(0) } },
      parts('b', { fields: ['Content-Type: message/rfc822'], body: '' }),
    ),
    withBody(
      'message/partial',
      ['Content-Type: message/partial; id="x"; number=1; total=2'],
      { attachment: { content: Buffer.from('half of it') } },
      'half of it',
    ),
    withBody(
      'message/external-body',
      ['Content-Type: message/external-body; access-type=local-file; name="/etc/passwd"'],
      { attachment: { name: 'passwd', content: Buffer.from('Content-Type: text/plain\r\n\r\n') } },
      'Content-Type: text/plain\r\n\r\n',
    ),
    withBody(
      'message/delivery-status',
      ['Content-Type: multipart/report; report-type=delivery-status; boundary=b'],
      { text: 'Final-Recipient: rfc822; bob@example.com' },
      parts('b', textPart('it failed'), {
        fields: ['Content-Type: message/delivery-status'],
        body: 'Final-Recipient: rfc822; bob@example.com',
      }),
    ),
  ];
}

function nothingThere(): HostileMail[] {
  return [
    hostile('nothing at all', { nothing: true }),
    hostile('one empty line', { nothing: true }, CRLF),
    hostile('a single NUL', { nothing: true }, '\0'),
    hostile('only headers', { subject: 'only headers' }, 'Subject: only headers\r\n'),
    hostile('headers without an end', { subject: 'no end' }, 'Subject: no end'),
    hostile('a body without headers', { text: 'the body' }, '\r\nthe body'),
    hostile(
      'text without an empty line',
      { text: 'no header at all' },
      'There is no header at all.\r\nNone.',
    ),
    hostile(
      'no empty line between header and body',
      { subject: 'run together', text: 'It begins here.' },
      'From: a@example.com\r\nSubject: run together\r\nIt begins here.\r\nAnd ends.\r\n',
    ),
    hostile('without From, Date, Subject, Message-ID', { text: 'nameless' }, 'X-Only: one\r\n\r\nnameless'),
    hostile(
      'an mbox line before the headers',
      { subject: 'from a file', text: 'x' },
      'From ann@example.com Thu Oct  1 10:00:00 2026\r\nSubject: from a file\r\n\r\nx',
    ),
    withBody(
      'an empty multipart',
      [mixed('b')],
      { missing: /announces parts/, files: ['message.eml'] },
      '--b--\r\n',
    ),
    withBody('a text of blank lines', [], { wholeText: '' }, CRLF.repeat(10_000)),
  ];
}
