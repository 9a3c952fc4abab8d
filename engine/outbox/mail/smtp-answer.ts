// What the log keeps of a server's answer to a mail that it has taken: its words, and who of the recipients was refused.
// Invariant: what was written is read back, so that a workflow can tell who has not got it: who finds no room by his address is there
// by his place among the recipients, and where that finds none either, it says how many.
import { MOST_ENTRY_TEXT } from '../../ledger/outbox';
import { saidBy, type SmtpLogin } from './smtp-login';
import type { RefusedRecipient } from './smtp-session';

export interface MailAnswer {
  /** The server's own words. */
  readonly response: string;
  /** In the order of the mail. */
  readonly refused: readonly { readonly address: string; readonly response: string }[];
  /** Others that were refused, by their place among the recipients, from 0. */
  readonly places: readonly number[];
  /** How many more were, of whom no more is known. */
  readonly uncounted: number;
}

const NOT_TO = 'Not to ';
const MORE = /^Not to (\d+) more(?:: recipients ([\d, -]+))?$/;

/** A line for the answer, and those of who was refused. */
export function writeAnswer(
  response: string,
  refused: readonly RefusedRecipient[],
  login: SmtpLogin,
): string {
  const said = saidBy(response, login);
  return said + refusedLines(refused, login, MOST_ENTRY_TEXT - said.length);
}

/** A line for each, as far as there is room, and one for the others. @param room in characters */
export function refusedLines(refused: readonly RefusedRecipient[], login: SmtpLogin, room: number): string {
  const lines = refused.map((one) => `\n${NOT_TO}${refusedText(one, login)}`);
  for (const others of [othersByPlace, othersCounted]) {
    let fits: string | undefined;
    let shown = '';
    for (let at = 0; at <= lines.length && shown.length <= room; at++) {
      const text = shown + others(refused.slice(at));
      if (text.length <= room) fits = text;
      shown += lines[at] ?? '';
    }
    if (fits !== undefined) return fits;
  }
  return '';
}

const othersCounted = ({ length }: readonly RefusedRecipient[]): string =>
  length === 0 ? '' : `\n${NOT_TO}${length} more`;

function othersByPlace(others: readonly RefusedRecipient[]): string {
  const places = others.flatMap(({ at }) => at ?? []);
  const isComplete = others.length > 0 && places.length === others.length;
  return othersCounted(others) + (isComplete ? `: recipients ${rangesOf(places)}` : '');
}

/** As people count them: `2-4, 9`. */
function rangesOf(places: readonly number[]): string {
  const ranges: { readonly first: number; last: number }[] = [];
  for (const place of places) {
    const range = ranges.at(-1);
    if (range?.last === place) range.last++;
    else ranges.push({ first: place + 1, last: place + 1 });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(', ');
}

export const refusedText = (
  { address, response }: Pick<RefusedRecipient, 'address' | 'response'>,
  login: SmtpLogin,
): string => `${address}: ${saidBy(response, login)}`;

/** Of an entry's `lastAnswer`. */
export function readAnswer(answer: string): MailAnswer {
  const [response = '', ...lines] = answer.split('\n');
  const refused: { address: string; response: string }[] = [];
  const places: number[] = [];
  let uncounted = 0;
  for (const line of lines.filter((one) => one.startsWith(NOT_TO))) {
    const [, count, ranges] = MORE.exec(line) ?? [];
    if (ranges !== undefined) places.push(...placesOf(ranges));
    else if (count !== undefined) uncounted += Number(count);
    else {
      const [address = '', ...said] = line.slice(NOT_TO.length).split(': ');
      refused.push({ address, response: said.join(': ') });
    }
  }
  return { response, refused, places, uncounted };
}

const placesOf = (ranges: string): readonly number[] =>
  ranges.split(', ').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first - 1 + at);
  });
