// What an answer to a mail needs to know of it (RFC 5322, 3.6.4): its Message-ID, the References before it, its subject, and whom
// an answer goes to. Read from the mail itself, as the ledger has it, whatever the workflow has made of its item.
// Invariant: what cannot be read is left out; an answer without a thread is still an answer.
import { rawMailIn, unpackContent } from '../../../engine/ledger/content';
import type { Looks } from '../../../engine/ledger/inspection';
import type { Runs } from '../../../engine/ledger/runs';
import { headerBlock, readHeaders } from '../../../engine/mail/headers';
import { decodeWords } from '../../../engine/mail/words';
import { errorText } from '../../../engine/runtime/log';
import { log } from '../n8n/log';

export interface AnsweredMail {
  /** With angle brackets; null: it has none. */
  readonly messageId: string | null;
  /** For the answer, the oldest first, the mail itself last. */
  readonly references: readonly string[];
  readonly subject: string;
  /** Its From and Reply-To, as they stand there. */
  readonly from: string;
  readonly replyTo: string;
}

export type AnsweredLedger = Pick<Runs, 'contentPiece'> & Pick<Looks, 'event'>;

/** The longest that is kept of a thread (some servers take no longer line): its first mail, and the last ones. */
const MOST_REFERENCES = 20;

/** @returns null: the ledger does not know the mail any more */
export async function answeredMail(ledger: AnsweredLedger, event: string): Promise<AnsweredMail | null> {
  try {
    const piece = await ledger.contentPiece(event, 0);
    if (piece) return await fromHead(headerBlock(rawMailIn(await unpackContent(piece.gzip))));
  } catch (error) {
    log.debug(`What an answer needs of its mail could not be read: ${errorText(error)}`, { event });
  }
  // It was deleted, or never stored, since it was too large: the ledger still knows its name.
  const known = await ledger.event(event);
  if (!known) return null;
  const { messageId, subject, sender } = known;
  const id = messageId === null ? null : (idsIn(messageId)[0] ?? null);
  return {
    ...{ messageId: id, references: id === null ? [] : [id] },
    ...{ subject: subject ?? '', from: sender ?? '', replyTo: '' },
  };
}

async function fromHead(head: Buffer): Promise<AnsweredMail> {
  const fields = readHeaders(head);
  const first = (name: string): string => fields.get(name)?.[0] ?? '';
  const messageId = idsIn(first('message-id'))[0] ?? null;
  // One that names no References may name whom it answers itself.
  const before = idsIn(first('references'));
  const answers = idsIn(first('in-reply-to'));
  const thread = before.length > 0 || answers.length !== 1 ? before : answers;
  return {
    messageId,
    references: shortened([...new Set([...thread, ...(messageId === null ? [] : [messageId])])]),
    subject: await decodeWords(first('subject')),
    from: first('from'),
    replyTo: first('reply-to'),
  };
}

const idsIn = (value: string): string[] => value.match(/<[^<>\s\u0000-\u001f\u007f-\u009f]+>/gu) ?? [];

const shortened = (ids: readonly string[]): readonly string[] =>
  ids.length <= MOST_REFERENCES ? ids : [ids[0]!, ...ids.slice(1 - MOST_REFERENCES)];

/** `Re: ` before it, once. */
export const answerSubject = (subject: string): string =>
  /^\s*re\s*:/i.test(subject) ? subject.trim() : `Re: ${subject.trim()}`.trim();
