// The values of custom email rules: texts, numbers, keywords, UIDs and dates. Each is refused in words that follow its
// rule's name. Dates are read as node-imap read them: whatever JavaScript reads, as a day of this machine's time zone;
// one that names no time is that very day everywhere.
// Invariant: what JavaScript makes up (a day that the month does not have, a year that was not said) is refused.

// JavaScript takes any words to be part of a date: "order 66" is the year 2066 to it.
const WORDS =
  /^(jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|january|february|march|april|august|september|october|november|december|(mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?|t|z|utc?|gmt|am|pm|[ecmp][sd]t)$/i;

/**
 * The day, as `2026-05-20`. A text, for imapflow then leaves the time of day and zones out of it.
 * @param value a text, or ms since 1970
 * @throws Error that says how a date is written
 */
export function searchDate(value: unknown): string {
  const refuse = (why: string): never => {
    throw new Error(
      `${JSON.stringify(value)} is no date${why}. Write it as in "20-May-2026" or "2026-05-20".`,
    );
  };
  if (typeof value !== 'string' && typeof value !== 'number') return refuse('');
  const date = dayAlone(value) ?? new Date(value);
  const [year, day] = [date.getFullYear(), date.getDate()];
  if (Number.isNaN(date.getTime()) || year < 1 || year > 9999) return refuse('');
  if (typeof value === 'string') {
    // `new Date()` as a text ends in its time zone's name, in brackets.
    const words = value.replace(/\([^)]*\)/g, '').match(/[a-z]+/gi) ?? [];
    if (words.some((word) => !WORDS.test(word))) return refuse('');
    const numbers = (value.match(/\d+/g) ?? []).map(Number);
    const years = [year, date.getUTCFullYear()].flatMap((each) => [each, each % 100]);
    if (!numbers.some((number) => years.includes(number))) return refuse(': it has no year');
    // 30 February comes out as 2 March.
    const stray = numbers.some((number) => number > 12 && number !== day && !years.includes(number));
    if (!value.includes(':') && (stray || !numbers.includes(day))) return refuse(': there is no such day');
  }
  return [
    String(year).padStart(4, '0'),
    ...[date.getMonth() + 1, day].map((part) => String(part).padStart(2, '0')),
  ].join('-');
}

/** JavaScript takes 2026-05-20 for midnight at Greenwich, which is the 19th in America. */
function dayAlone(value: string | number): Date | undefined {
  const parts = /^\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*$/.exec(String(value));
  return parts ? new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3])) : undefined;
}

/** A set of UIDs or places, as in `3,5:7,9:*`; undefined where the values are none. */
export function sequenceSet(values: readonly unknown[]): string | undefined {
  const parts = values.flatMap((value) =>
    typeof value === 'string' || typeof value === 'number' ? String(value).split(',') : [''],
  );
  const isSet = parts.every((part) => /^([1-9]\d{0,9}|\*)(:([1-9]\d{0,9}|\*))?$/.test(part));
  return isSet ? parts.join(',') : undefined;
}

export const shown = (value: unknown): string => JSON.stringify(value);

export function textOf(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number')
    throw new Error(`${shown(value)} is no text. Write it in quotes.`);
  const found = String(value);
  if (found === '') throw new Error('the text is empty. Write what is looked for, or take the rule out.');
  // An IMAP string cannot hold these (RFC 3501 4.3).
  if (/[\r\n\0]/.test(found)) throw new Error('the text has a line break in it, which IMAP cannot look for.');
  return found;
}

export function wholeNumber(value: unknown, most: bigint): bigint {
  if (typeof value === 'number' && value > Number.MAX_SAFE_INTEGER)
    throw new Error(`${value} is more than JSON's numbers hold. Write it in quotes.`);
  const digits = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
  const number = /^\d{1,20}$/.test(digits) ? BigInt(digits) : 0n;
  if (number < 1n || number > most) throw new Error(`${shown(value)} is no whole number from 1 to ${most}.`);
  return number;
}

export function keywordOf(value: unknown): string {
  const found = textOf(value);
  if (found.startsWith('\\'))
    throw new Error(
      `${shown(value)} is a flag, no keyword. Flags have rules of their own, such as SEEN or FLAGGED.`,
    );
  if (!/^[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]+$/.test(found))
    throw new Error(
      `${shown(value)} is no keyword: it has letters, digits and signs such as $ and _, without spaces.`,
    );
  return found;
}

export function fieldName(value: unknown): string {
  const found = textOf(value).trim();
  if (!/^[!-9;-~]+$/.test(found))
    throw new Error(`${shown(value)} is no header field's name, such as "X-Spam-Flag": no spaces, no colon.`);
  return found;
}
