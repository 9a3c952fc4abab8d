// What makes a mail the same mail. The strong identity is the server's own; the soft one catches a mail
// that came back under another number (a renumbered mailbox, a re-upload by an antivirus).
// Invariant: Message-ID alone is never a key: senders reuse, omit and forge it.
import { hash } from 'node:crypto';
import type { MailHeaders } from './headers';

export interface ImapPlace {
  readonly mailbox: string;
  readonly uidValidity: string;
  readonly uid: number;
  /** EMAILID (RFC 8474) or X-GM-MSGID (Gmail), where the server has one. */
  readonly emailId?: string | undefined;
}

/** The strongest identity an IMAP server gives a mail, unique within one account. */
export function imapIdentity(place: ImapPlace): string {
  if (place.emailId) return `id:${place.emailId}`;
  return `uid:${place.uidValidity}:${place.uid}:${place.mailbox}`;
}

/** Whether it is the server's own id, which names the mail in every mailbox of the account. */
export const isAccountWide = (identity: string): boolean => identity.startsWith('id:');

/**
 * The soft identity: a digest of Message-ID, From, Date, Subject and size. Null where the mail has no
 * Message-ID: two such mails that look alike may well be two mails.
 * @param size octets of the message (RFC822.SIZE)
 */
export function softIdentity(headers: MailHeaders, size: number): string | null {
  const messageId = messageIdOf(headers);
  if (!messageId) return null;
  const parts = [
    messageId,
    ...['from', 'date', 'subject'].map((name) => headers.get(name)?.[0] ?? ''),
    String(size),
  ];
  return digest(parts.join('\n'));
}

/**
 * Of a mail without Message-ID: a digest of its whole header, which has the marks of its delivery (Received), and its
 * size. Copies put into a mailbox by hand may share it: it only tells a renumbered mailbox's mails.
 * @param block the header block, with or without the empty line that ends it
 */
export function weakIdentity(block: Buffer, size: number): string {
  const text = block.toString('latin1').trim().replace(/\r\n/g, '\n');
  return digest(`${size}\n${text}`);
}

/** The Message-ID, without white space, or null. */
export function messageIdOf(headers: MailHeaders): string | null {
  return headers.get('message-id')?.[0]?.replace(/\s+/g, '') || null;
}

/** A key for one mail in one subscription that outlives the ledger: what a workflow can deduplicate by. */
export function idempotencyKey(subscription: string, identity: string): string {
  return digest(`${subscription}\n${identity}`);
}

const digest = (text: string): string => hash('sha256', text, 'hex').slice(0, 40);
