// A mail that is to be sent, as the bytes that the server gets (RFC 5322), made once, when it is enqueued.
// Invariants: its Message-ID and date are fixed then, so that each try sends the same mail; no file and no URL is read for it; no
// text of it can become a header field or another recipient; who gets a blind copy stands in the envelope only.
import { randomUUID } from 'node:crypto';
import { inAscii, mailboxes, theOne } from './address-field';
import { asOneLine, aText, DraftFault, ofOneLine } from './draft-fault';
import { composerClass, type ComposerOptions } from './nodemailer';

export interface MailAttachment {
  readonly filename: string;
  /** Null, or what is no media type: by the name. */
  readonly contentType: string | null;
  readonly content: Buffer;
  /** For `cid:…` in the HTML. Undefined: a file of its own. */
  readonly cid?: string;
}

/** As a person has filled it in; addresses as in a mail (`Ann <ann@example.com>, bob@example.com`), '' for none. */
export interface MailDraft {
  readonly from: string;
  readonly to: string;
  readonly cc?: string;
  readonly bcc?: string;
  readonly replyTo?: string;
  readonly subject: string;
  readonly text?: string;
  readonly html?: string;
  readonly attachments?: readonly MailAttachment[];
  /** More header fields, in order. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Message-IDs with angle brackets: of the mail that it answers, and of those before that. */
  readonly inReplyTo?: string;
  readonly references?: readonly string[];
  /** Those it has in any case. By default a new one, and now. */
  readonly messageId?: string;
  /** Or what stands before its `@`. */
  readonly messageName?: string;
  readonly date?: Date;
}

export interface Envelope {
  /** '': the null sender. */
  readonly from: string;
  readonly to: readonly string[];
}

/** What is sent. */
export interface BuiltMail {
  readonly envelope: Envelope;
  readonly raw: Buffer;
  readonly messageId: string;
  readonly subject: string;
}

/** @throws DraftFault */
export async function buildMail(draft: MailDraft): Promise<BuiltMail> {
  const [from, to, cc, bcc, replyTo] = await Promise.all([
    mailboxes('From', draft.from),
    mailboxes('To', draft.to),
    mailboxes('CC', draft.cc),
    mailboxes('BCC', draft.bcc),
    mailboxes('Reply To', draft.replyTo),
  ]);
  const sender = inAscii(theOne(from, draft.from).address);
  if (to.length + cc.length + bcc.length === 0)
    throw new DraftFault('The mail has no recipient: fill in "To", "CC" or "BCC".');
  const messageId = draft.messageId ?? messageIdOf(draft.messageName ?? randomUUID(), sender);
  const subject = subjectLine(draft.subject);
  const options: ComposerOptions = {
    ...{ from: [...from], to: [...to], cc: [...cc], bcc: [...bcc], replyTo: [...replyTo] },
    ...{ subject, messageId: idOf('Message-ID', messageId), date: draft.date ?? new Date() },
    ...(draft.inReplyTo !== undefined && { inReplyTo: idOf('In-Reply-To', draft.inReplyTo) }),
    ...(draft.references && { references: draft.references.map((id) => idOf('References', id)) }),
    ...(draft.text !== undefined && { text: aText('Text', draft.text) }),
    ...(draft.html !== undefined && { html: aText('HTML', draft.html) }),
    attachments: (draft.attachments ?? []).map(attached),
    headers: (draft.headers ?? []).map(([name, value]) => extraHeader(name, value)),
    ...{ disableFileAccess: true, disableUrlAccess: true, newline: 'windows' },
  };
  const Composer = await composerClass();
  const message = new Composer(options).compile();
  // Its domains in ASCII (IDNA), each address once.
  const envelope = message.getEnvelope();
  return {
    envelope: { from: envelope.from || sender, to: envelope.to },
    ...{ raw: await message.build(), messageId, subject },
  };
}

/** Of the sender's domain, as spam filters like it. */
const messageIdOf = (name: string, sender: string): string =>
  `<${name}@${/@([a-z0-9.-]+)$/.exec(sender)?.[1] ?? 'localhost'}>`;

/** What people take for a subject may have come with newlines, from another mail or a form. */
export const subjectLine = (subject: string): string => asOneLine(aText('Subject', subject));

/**
 * As n8n's Send Email names those without a name. A name that was read in a wrong charset, as of a form or a header, has controls in
 * it: nobody typed them, and the file is to be sent all the same.
 */
export const fileNameLine = (name: string | undefined): string =>
  asOneLine(aText('File Name', name ?? '')) || 'unknown';

function idOf(field: string, id: string): string {
  if (/^<[^<>\s]+>$/.test(ofOneLine(field, id))) return id;
  throw new DraftFault(
    `"${field}" is no Message-ID: it looks like <something@host>, with the angle brackets.`,
  );
}

/** These have a field of their own, or would tell who gets a blind copy, or break the mail's parts. */
const OWN_FIELDS =
  /^(from|sender|to|cc|bcc|reply-to|subject|date|message-id|in-reply-to|references|mime-version|content-.*)$/i;

function extraHeader(name: string, value: string): { key: string; value: string } {
  if (!/^[!-9;-~]+$/.test(name))
    throw new DraftFault(`"${name.slice(0, 100)}" is no name of a header field.`);
  if (OWN_FIELDS.test(name))
    throw new DraftFault(`The header "${name}" cannot be added: the mail's own settings make it.`);
  return { key: name, value: ofOneLine(name, value) };
}

/** A file is no part that has parts. */
const MEDIA_TYPE = /^(?!multipart)[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/i;

function attached({
  filename,
  contentType,
  content,
  cid,
}: MailAttachment): NonNullable<ComposerOptions['attachments']>[number] {
  if (!Buffer.isBuffer(content)) throw new DraftFault(`The attachment "${filename}" has no content.`);
  return {
    filename: fileNameLine(filename),
    content,
    ...(contentType !== null && MEDIA_TYPE.test(contentType) && { contentType }),
    ...(cid !== undefined && { cid: ofOneLine('Content-ID', cid) }),
  };
}
