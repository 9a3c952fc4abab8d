// Bounces as mail servers write them: shaped after what Postfix, Exim, Exchange Online, Gmail, Sendmail and qmail send.
import { lines } from './mime/hostile';

export const BOUNCED_ID = '<0e6c1c1e-5f7a-4f0e-9a53-2f2f5f1b7a11@shop.example>';

interface ReportOptions {
  readonly head?: readonly string[];
  readonly type?: string;
  readonly text?: readonly string[];
  /** Of the delivery-status part. Undefined: there is none. */
  readonly status?: readonly string[];
  /** What is returned, and as what. Null: nothing is. */
  readonly original?: { readonly type: string; readonly body: readonly string[] } | null;
}

export const HEADER = [
  'Return-Path: <ann@shop.example>',
  'From: Ann <ann@shop.example>',
  'To: bob@example.org',
];
export const ORIGINAL = [...HEADER, `Message-ID: ${BOUNCED_ID}`, 'Subject: Your order'];

export function report({
  head = ['From: MAILER-DAEMON@mx.example.net (Mail Delivery System)'],
  type = 'multipart/report; report-type=delivery-status',
  text = ['It could not be delivered.'],
  status,
  original = { type: 'message/rfc822', body: [...ORIGINAL, '', 'Thank you.'] },
}: ReportOptions = {}): Buffer {
  const part = (contentType: string, body: readonly string[]): string[] => [
    ...['--=_b', `Content-Type: ${contentType}`, '', ...body, ''],
  ];
  const parts = [
    ...part('text/plain; charset=us-ascii', text),
    ...(status ? part('message/delivery-status', status) : []),
    ...(original ? part(original.type, original.body) : []),
  ];
  const fields = [...head, 'To: ann@shop.example', 'Subject: Undelivered Mail Returned to Sender'];
  return Buffer.from(
    lines(
      ...fields,
      'MIME-Version: 1.0',
      `Content-Type: ${type}; boundary="=_b"`,
      '',
      ...parts,
      '--=_b--',
      '',
    ),
  );
}

export const plain = (head: readonly string[], body: readonly string[]): Buffer =>
  Buffer.from(lines(...head, '', ...body, ''));

export const POSTFIX_STATUS = [
  ...[
    'Reporting-MTA: dns; mx.example.net',
    'X-Postfix-Queue-ID: 12632412E9',
    'Arrival-Date: Wed, 26 Jan 2022',
    '',
  ],
  ...[
    'Final-Recipient: rfc822; bob@example.org',
    'Original-Recipient: rfc822;bob@example.org',
    'Action: failed',
  ],
  ...[
    'Status: 5.1.1',
    'Remote-MTA: dns; mx.example.org',
    'Diagnostic-Code: smtp; 550 5.1.1 <bob@example.org>: Recipient',
  ],
  '    address rejected: User unknown',
];

export const postfix = (): Buffer => report({ head: ['Return-Path: <>'], status: POSTFIX_STATUS });

export const exchangeOnline = (): Buffer =>
  report({
    head: [
      'From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@shop.example>',
      `In-Reply-To: ${BOUNCED_ID}`,
      `References: ${BOUNCED_ID}`,
      'Auto-Submitted: auto-replied',
    ],
    text: ['Your message to bob@example.org couldn’t be delivered.'],
    status: [
      ...[
        'Reporting-MTA: dns;AM0PR01MB1.prod.exchangelabs.com',
        'Received-From-MTA: dns;mail.example.net',
        '',
      ],
      ...['Final-Recipient: rfc822;bob@example.org', 'Action: failed', 'Status: 5.1.10'],
      'Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
      'X-Display-Name: bob@example.org',
    ],
    // It may leave the original out.
    original: null,
  });

export const gmail = (): Buffer =>
  report({
    head: [
      'From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>',
      'X-Failed-Recipients: bob@example.org',
      `In-Reply-To: ${BOUNCED_ID}`,
      'Auto-Submitted: auto-replied',
    ],
    type: 'multipart/report; report-type="delivery-status"',
    text: ['** Address not found **', '', "Your message wasn't delivered to bob@example.org"],
    status: [
      ...['Reporting-MTA: dns; googlemail.com', 'Arrival-Date: Sat, 02 May 2026 03:04:05 -0700 (PDT)'],
      ...[
        `X-Original-Message-ID: ${BOUNCED_ID}`,
        '',
        'Final-Recipient: rfc822; bob@example.org',
        'Action: failed',
      ],
      ...[
        'Status: 5.1.1',
        'Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist.',
      ],
    ],
    original: { type: 'message/rfc822', body: ORIGINAL },
  });

/** Only the header of the original comes back. */
export const headersOnly = (): Buffer =>
  report({ status: POSTFIX_STATUS, original: { type: 'text/rfc822-headers', body: ORIGINAL } });

export const exim = (): Buffer =>
  plain(
    [
      ...['Return-Path: <>', 'X-Failed-Recipients: bob@example.org', 'Auto-Submitted: auto-replied'],
      ...['From: Mail Delivery System <Mailer-Daemon@mx.example.net>', 'To: ann@shop.example'],
      'Subject: Mail delivery failed: returning message to sender',
    ],
    [
      ...['This message was created automatically by mail delivery software.', ''],
      ...[
        'A message that you sent could not be delivered to one or more of its',
        'recipients. This is a permanent error.',
      ],
      ...[
        'The following address(es) failed:',
        '',
        '  bob@example.org',
        '    host mx.example.org [192.0.2.1]',
      ],
      ...[
        '    SMTP error from remote mail server after RCPT TO:<bob@example.org>:',
        '    550 5.1.1 User unknown',
        '',
      ],
      ...[
        '------ This is a copy of the message, including all the headers. ------',
        '',
        ...ORIGINAL,
        '',
        'Thank you.',
      ],
    ],
  );

export const qmail = (): Buffer =>
  plain(
    [
      'Return-Path: <>',
      'From: MAILER-DAEMON@mx.example.net',
      'To: ann@shop.example',
      'Subject: failure notice',
    ],
    [
      'Hi. This is the qmail-send program at mx.example.net.',
      "I'm afraid I wasn't able to deliver your message to the following addresses.",
      "This is a permanent error; I've given up. Sorry it didn't work out.",
      ...[
        '',
        '<bob@example.org>:',
        '192.0.2.1 does not like recipient.',
        'Remote host said: 550 5.1.1 No such user',
      ],
      ...[
        'Giving up on 192.0.2.1.',
        '',
        '--- Below this line is a copy of the message.',
        '',
        ...ORIGINAL,
        '',
        'Thank you.',
      ],
    ],
  );

/** Of a language that nobody reads here: its header says who has not got it. */
export const eximInFrench = (): Buffer =>
  plain(
    [
      ...['Return-Path: <>', 'X-Failed-Recipients: bob@example.org', 'Auto-Submitted: auto-replied'],
      ...['From: Mail Delivery System <Mailer-Daemon@mx.example.fr>', 'Subject: Echec de remise du message'],
    ],
    [
      ...["Un message que vous avez envoyé n'a pas pu être remis à un destinataire :", ''],
      ...['  bob@example.org', '    550 5.1.1 Utilisateur inconnu', ''],
      ...['------ Ceci est une copie du message ------', '', ...ORIGINAL],
    ],
  );

/** Its original has an id of theirs, and ours beside it. */
export const outlookCom = (): Buffer =>
  report({
    status: POSTFIX_STATUS,
    original: {
      type: 'message/rfc822',
      body: [
        ...[...HEADER, 'Message-ID: <AM0PR01MB5555@AM0PR01MB5555.eurprd01.prod.exchangelabs.com>'],
        `X-Microsoft-Original-Message-ID: ${BOUNCED_ID}`,
      ],
    },
  });

export const DAEMON = ['Return-Path: <>', 'From: MAILER-DAEMON@mx.example.net'];

/** Our subject, which it repeats, says what a delay says. */
export const ofADelayedOrder = (): Buffer =>
  plain(
    [...DAEMON, 'Subject: Undeliverable: Your delivery is delayed'],
    [
      ...['The message could not be delivered.', 'Subject: Your delivery is delayed', ''],
      ...[
        '<bob@example.org>:',
        '550 5.1.1 no such user',
        '',
        '--- Below this line is a copy of the message.',
      ],
      ...['', ...ORIGINAL],
    ],
  );

export const htmlOnly = (): Buffer =>
  plain(
    [...DAEMON, 'Subject: x', `In-Reply-To: ${BOUNCED_ID}`, 'Content-Type: text/html'],
    ['<p>Your message could not be delivered:</p><p>&lt;bob@example.org&gt;<br>', '550 5.1.1 unknown</p>'],
  );
