// What people look for a mail by: who sent it, and its subject. Cut to a length that a mail cannot abuse.
import type { MailHeaders } from './headers';
import { decodeWords } from './words';

// RFC 5321, 4.5.3.1: 64 characters, an @, and 255.
const MOST_ADDRESS_CHARACTERS = 320;
const MOST_SUBJECT_CHARACTERS = 500;

/** The address of the first From field, lower case; null where there is none. */
export function senderOf(headers: MailHeaders): string | null {
  const from = headers.get('from')?.[0] ?? '';
  const [, bracketed] = /<\s*([^<>\s]+@[^<>\s]+)\s*>/.exec(from) ?? [];
  const address = bracketed ?? /[^\s<>,;:"()]+@[^\s<>,;:"()]+/.exec(from)?.[0];
  return address?.toLowerCase().slice(0, MOST_ADDRESS_CHARACTERS) ?? null;
}

/** The subject, decoded; null where there is none. */
export async function subjectOf(headers: MailHeaders): Promise<string | null> {
  const subject = headers.get('subject')?.[0];
  return subject ? (await decodeWords(subject)).slice(0, MOST_SUBJECT_CHARACTERS) : null;
}
