// What people look for a mail by: who sent it, and its subject. Cut to a length that a mail cannot abuse.
// Invariant: both are stored for every mail, by n8n's main process: whatever a header holds, reading it takes time that
// grows with its length only, and gives a text that every database takes.
import type { MailHeaders } from './headers';
import { decodeWords } from './words';

// RFC 5321, 4.5.3.1: 64 characters, an @, and 255.
const MOST_ADDRESS_CHARACTERS = 320;
const MOST_SUBJECT_CHARACTERS = 500;
/** What is decoded of a subject: encoded words take up to 75 characters for one (RFC 2047, 2). */
const MOST_ENCODED_CHARACTERS = 75 * MOST_SUBJECT_CHARACTERS;

/** The address of the first From field, lower case; null where there is none. */
export function senderOf(headers: MailHeaders): string | null {
  const from = headers.get('from')?.[0] ?? '';
  const address = bracketed(from).find(isAddress) ?? from.split(/[\s<>,;:"()]/).find(isAddress);
  return address === undefined ? null : storable(address.toLowerCase(), MOST_ADDRESS_CHARACTERS);
}

/** What stands between < and >. Without a regular expression: those that find it can take forever. */
const bracketed = (text: string): string[] =>
  text
    .split('<')
    .slice(1)
    .flatMap((piece) => (piece.includes('>') ? [piece.slice(0, piece.indexOf('>')).trim()] : []));

function isAddress(text: string): boolean {
  const at = text.indexOf('@', 1);
  return at > 0 && at < text.length - 1 && !/\s/.test(text);
}

/** The subject, decoded; null where there is none. */
export async function subjectOf(headers: MailHeaders): Promise<string | null> {
  const subject = headers.get('subject')?.[0];
  if (!subject) return null;
  const decoded = await decodeWords(subject.slice(0, MOST_ENCODED_CHARACTERS));
  return storable(decoded, MOST_SUBJECT_CHARACTERS);
}

/** Encoded words can hold NUL, and cutting leaves halves of characters: databases refuse both. */
const storable = (text: string, mostCharacters: number): string =>
  Buffer.from(text.replaceAll('\0', '').slice(0, mostCharacters)).toString();
