// What of a text is stored: Postgres has no NUL in a text, and no half of a surrogate pair; so no ledger has.
// Invariant: what is looked for is changed in the same way, so that it is found again.
import { toUSVString } from 'node:util';
import { packedNow } from '../content';
import type { Candidate, NewMessage, PackedMessage } from '../recording';

export const withoutNul = (text: string): string => text.replaceAll('\0', '');

export const storable = <T extends string | null | undefined>(text: T): T =>
  typeof text === 'string' ? (toUSVString(withoutNul(text)) as T) : text;

export const storableJson = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) => (typeof item === 'string' ? storable(item) : item));

/** As it is looked for. */
export const storableCandidate = <T extends Candidate>(candidate: T): T => ({
  ...candidate,
  identity: storable(candidate.identity),
  softIdentity: storable(candidate.softIdentity),
  ...(candidate.seemsLike !== undefined && { seemsLike: storable(candidate.seemsLike) }),
});

/** As it is recorded: packing takes most of the time. */
export const storableMessage = ({ content, ...mail }: NewMessage): PackedMessage => ({
  ...storableCandidate(mail),
  content: content && packedNow(content),
  weakIdentity: storable(mail.weakIdentity),
  messageId: storable(mail.messageId),
  sender: storable(mail.sender),
  subject: storable(mail.subject),
  uidValidity: storable(mail.uidValidity),
  receivedAt: Number.isFinite(mail.receivedAt) ? Math.round(mail.receivedAt!) : null,
});
