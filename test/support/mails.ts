// Mails for tests, written out as they would come.
import { randomUUID } from 'node:crypto';

export interface TestMail {
  readonly subject: string;
  readonly text?: string;
  readonly messageId?: string;
  readonly attachment?: { readonly name: string; readonly content: Buffer };
  readonly date?: Date;
}

/** The raw mail (RFC 5322). */
export function rawMail({
  subject,
  text = 'Hello',
  messageId,
  attachment,
  date = new Date(),
}: TestMail): string {
  const head = [
    'From: "Ann Sender" <ann@example.com>',
    'To: "Bob Receiver" <bob@example.com>',
    'Cc: carol@example.com',
    `Subject: ${subject}`,
    `Message-ID: ${messageId ?? `<${randomUUID()}@example.com>`}`,
    `Date: ${date.toUTCString()}`,
    'X-Test: one',
    'MIME-Version: 1.0',
  ];
  const plain = ['Content-Type: text/plain; charset=utf-8', '', text, ''];
  if (!attachment) return [...head, ...plain].join('\r\n');
  const boundary = 'boundary-of-the-test';
  return [
    ...head,
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    ...plain,
    `--${boundary}`,
    `Content-Type: application/octet-stream; name="${attachment.name}"`,
    `Content-Disposition: attachment; filename="${attachment.name}"`,
    'Content-Transfer-Encoding: base64',
    '',
    attachment.content.toString('base64').replace(/(.{76})/g, '$1\r\n'),
    `--${boundary}--`,
    '',
  ].join('\r\n');
}
