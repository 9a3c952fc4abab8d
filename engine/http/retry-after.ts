// How long a server wants to be left alone, as its answer says.
import type { HttpAnswer } from './send';

/** Ms of more are no number that can be counted with. */
const MOST_S = 999_999_999;
/** As servers write it, and as old ones do (RFC 9110, 5.6.7). */
const HTTP_DATE = /^[A-Z][a-z]{2,8}, \d\d(?: [A-Z][a-z]{2} \d{4}|-[A-Z][a-z]{2}-\d\d) \d\d:\d\d:\d\d GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/**
 * From Retry-After in either form (RFC 9110, 10.2.3). What is neither says nothing.
 * @param elsewhere a date that the answer tells in another place, where it has no such header
 * @param wallClock ms since 1970, for answers without a date of their own
 * @returns ms from now, 0 at least; null: it does not say
 */
export function retryAfterMs(
  { headers }: Pick<HttpAnswer, 'headers'>,
  elsewhere = '',
  wallClock = Date.now,
): number | null {
  const said = headers['retry-after']?.trim() ?? '';
  if (/^\d+$/.test(said)) return Math.min(Number(said), MOST_S) * 1000;
  const until = said === '' ? Date.parse(elsewhere) : httpDate(said);
  if (Number.isNaN(until)) return null;
  // The server's own time, where it tells it: this machine's clock may be wrong.
  const date = Date.parse(headers['date'] ?? '');
  return Math.max(0, until - (Number.isNaN(date) ? wallClock() : date));
}

/** @returns ms since 1970; NaN: it is none. `Date.parse` alone takes "-5" and "12.5" for years. */
function httpDate(text: string): number {
  if (HTTP_DATE.test(text)) return Date.parse(text);
  return ASCTIME.test(text) ? Date.parse(`${text} GMT`) : NaN;
}
