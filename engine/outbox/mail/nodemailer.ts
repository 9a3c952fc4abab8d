// What is used of nodemailer: how a mail is written, and one connection to an SMTP server. The only file that imports it, and only
// when something is sent: every process of n8n loads every node file.
// Its pool and its tries are not used: they do not tell whether the server had taken the mail (measured with 10.6.1: cut after the
// final dot is ECONNECTION, silence after it ETIMEDOUT, as before it).
import type { MailboxAddress } from 'nodemailer/lib/addressparser';
import type { MailComposerOptions } from 'nodemailer/lib/mail-composer';
import type MailComposer from 'nodemailer/lib/mail-composer';
import type { SMTPConnectionOptions, SMTPConnectionSendInfo } from 'nodemailer/lib/smtp-connection';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';

/** One of an address field; `address` is '' where there is none. */
export type Mailbox = MailboxAddress;
export type ComposerOptions = MailComposerOptions;
export type Connection = SMTPConnection;
export type ConnectionOptions = SMTPConnectionOptions;
export type SendInfo = SMTPConnectionSendInfo;

export async function composerClass(): Promise<typeof MailComposer> {
  return (await import('nodemailer/lib/mail-composer')).default;
}

export async function connectionClass(): Promise<typeof SMTPConnection> {
  return (await import('nodemailer/lib/smtp-connection')).default;
}

/** Those of an address field, groups taken apart (RFC 5322, 3.4). Nothing is left out, nor checked. */
export async function mailboxesOf(field: string): Promise<readonly Mailbox[]> {
  const { default: parse } = await import('nodemailer/lib/addressparser');
  return parse(field, { flatten: true });
}
