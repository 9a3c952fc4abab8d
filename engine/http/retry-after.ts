// How long a server wants to be left alone, as its answer says.
import type { HttpAnswer } from './send';

/**
 * From Retry-After in either form (RFC 9110, 10.2.3).
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
  if (/^\d{1,9}$/.test(said)) return Number(said) * 1000;
  const until = Date.parse(said || elsewhere);
  if (Number.isNaN(until)) return null;
  // The server's own time, where it tells it: this machine's clock may be wrong.
  const date = Date.parse(headers['date'] ?? '');
  return Math.max(0, until - (Number.isNaN(date) ? wallClock() : date));
}
