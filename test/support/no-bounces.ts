// Mails that have not come back, though servers write the same, or persons what servers write.
import { BOUNCED_ID, DAEMON, HEADER, ORIGINAL, plain, postfix, POSTFIX_STATUS, report } from './bounces';
import { lines } from './mime/hostile';

const GIVEN_UP = ['It could not be delivered:', '', '<bob@example.org>:', '550 5.1.1 No such user'];
const answered = (head: readonly string[], text: readonly string[]): Buffer =>
  plain([...head, `In-Reply-To: ${BOUNCED_ID}`], text);
const late = (...text: string[]): Buffer =>
  plain([...DAEMON, 'Subject: Delivery status'], [...GIVEN_UP.slice(0, 3), ...text, '', ...ORIGINAL]);

export const NO_BOUNCES: Readonly<Record<string, Buffer>> = {
  'a delay of Postfix': report({
    status: POSTFIX_STATUS.map((line) => line.replace('failed', 'delayed').replace('5.1.1', '4.4.1')),
  }),
  'one that was delivered': report({
    status: POSTFIX_STATUS.map((line) => line.replace('failed', 'delivered')),
  }),
  'one that was relayed': report({ status: POSTFIX_STATUS.map((line) => line.replace('failed', 'relayed')) }),
  'one that was expanded': report({
    status: POSTFIX_STATUS.map((line) => line.replace('failed', 'expanded')),
  }),
  'a delay of Exim': plain(
    [
      'Return-Path: <>',
      'From: Mail Delivery System <Mailer-Daemon@mx.example.net>',
      'Subject: Warning: message 1abc delayed 24 hours',
    ],
    [
      'A message that you sent has not yet been delivered to one or more of its',
      'recipients. Delivery attempts will continue.',
      '',
      ...ORIGINAL,
    ],
  ),
  'that it was read': report({
    head: ['From: bob@example.org', `In-Reply-To: ${BOUNCED_ID}`],
    type: 'multipart/report; report-type=disposition-notification',
    text: ['Your message was displayed; it is undeliverable no more.'],
  }),
  'an answer of somebody who is away': plain(
    [
      'Return-Path: <>',
      'From: bob@example.org',
      `In-Reply-To: ${BOUNCED_ID}`,
      'Auto-Submitted: auto-replied',
      'Subject: Away',
    ],
    ['I am away until Monday.'],
  ),
  'an answer that repeats our subject': answered(
    [
      ...['Return-Path: <>', 'From: Bob <bob@example.org>', 'X-Auto-Response-Suppress: All'],
      'Subject: Automatic reply: Your parcel could not be delivered to <bob@example.org>',
    ],
    ['I am away until Monday.'],
  ),
  'an answer that says what servers say': answered(
    ['Return-Path: <>', 'From: Bob <bob@example.org>', 'Auto-Submitted: auto-replied', 'Subject: Away'],
    GIVEN_UP,
  ),
  'an answer that quotes our mail': answered(
    [...DAEMON, 'Subject: Your order'],
    ['I am away.', '', ...GIVEN_UP.map((line) => `> ${line}`)],
  ),
  'an answer of a postmaster': answered(
    ['From: Postmaster <postmaster@example.org>', 'Subject: Re: Unable to deliver'],
    GIVEN_UP,
  ),
  'an answer of a daemon that says that it answers': answered(
    [...DAEMON, 'X-Autoreply: yes', 'Subject: Your order'],
    GIVEN_UP,
  ),
  'a daemon that names neither whom nor why': answered(
    [...DAEMON, 'Subject: Undeliverable'],
    ['It could not be delivered on 5 May.'],
  ),
  'a delay that is tried again': late('We will try again for another 2 days.'),
  'a delay, going on': late('The server will continue trying.'),
  'a delay, by its hours': late('It was not taken for the past 4 hours.'),
  'a delay, by its warning': late('Warning: could not send message, 4 hours old'),
  'a delay, by its subject': plain(
    [...DAEMON, 'Subject: Warning: could not send message for past 4 hours'],
    [...GIVEN_UP, '', ...ORIGINAL],
  ),
  'a bounce that somebody hands on': Buffer.concat([
    Buffer.from(
      lines(
        ...['From: bob@example.org', 'Subject: Why?', 'Content-Type: multipart/mixed; boundary="=_o"', ''],
        ...[
          '--=_o',
          'Content-Type: text/plain',
          '',
          'Look at this.',
          '--=_o',
          'Content-Type: message/rfc822',
          '',
          '',
        ],
      ),
    ),
    postfix(),
    Buffer.from('\r\n--=_o--\r\n'),
  ]),
  'a bounce of a mail that nobody knows': report({
    status: POSTFIX_STATUS,
    original: { type: 'message/rfc822', body: HEADER },
  }),
};
