// What people, workflows and addresses ask the ledger with, as far as every database takes it alike: the one place where it is
// looked at, for each text and each number of a filter, for ids, and for what is noted.
// Invariant: what no database has, or only one has, is refused in words: one would leave it out, or end the text there, and
// find, or say, something else than was meant.
import { toUSVString } from 'node:util';
import { LedgerFault } from './fault';
import type { EventFilter } from './inspection';

/** Half of a surrogate pair becomes U+FFFD, as it does in what is stored. @throws LedgerFault `asked` */
export function askableText(text: string, what: string): string {
  if (!text.includes('\0')) return toUSVString(text);
  throw new LedgerFault(
    'asked',
    `"${what}" has a sign that no text of a mail has: NUL (U+0000). Leave it out.`,
  );
}

const EVENT_ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** An event's id, in any case, as it is stored; null: it is none. */
export function eventIdOf(text: string): string | null {
  const id = text.toLowerCase();
  return EVENT_ID.test(id) ? id : null;
}

/** No event has an id with a NUL, and a database would leave it out. */
export const askableIds = (ids: readonly string[]): readonly string[] =>
  ids.filter((id) => !id.includes('\0'));

const NUMBERS = ['sourceId', 'leastFailures', 'since', 'until'] as const satisfies (keyof EventFilter)[];
const TEXTS = ['workflowId', 'sender', 'subject'] as const satisfies (keyof EventFilter)[];

/** @returns the same filter @throws LedgerFault `asked` */
export function askableFilter<Filter extends EventFilter>(filter: Filter): Filter {
  for (const name of NUMBERS) {
    const number = filter[name];
    if (number === undefined || Number.isSafeInteger(number)) continue;
    throw new LedgerFault('asked', `"${name}" has to be a whole number, and is ${number}.`);
  }
  const texts = TEXTS.flatMap((name): [string, string][] => {
    const text = filter[name];
    return text === undefined ? [] : [[name, askableText(text, name)]];
  });
  const { annotation } = filter;
  const noted = Object.entries(annotation ?? {}).flatMap(
    ([name, text]: [string, string | undefined]): [string, string][] =>
      text === undefined ? [] : [[name, askableText(text, `annotation: ${name}`)]],
  );
  return {
    ...filter,
    ...Object.fromEntries(texts),
    ...(annotation !== undefined && { annotation: Object.fromEntries(noted) }),
  };
}
