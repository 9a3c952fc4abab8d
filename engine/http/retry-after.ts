// How long Google wants to be left alone, as its answer says.
import type { HttpAnswer } from './send';

/**
 * From Retry-After in either form (RFC 9110, 10.2.3), or from Gmail's own "Retry after <time>" in the error's message.
 * @param wallClock ms since 1970, for answers without a date of their own
 * @returns ms from now, 0 at least; null: it does not say
 */
export function retryAfterMs(answer: HttpAnswer, message: string, wallClock = Date.now): number | null {
  const said = answer.headers['retry-after']?.trim() ?? '';
  if (/^\d{1,9}$/.test(said)) return Number(said) * 1000;
  const until = Date.parse(said || (/retry after (\S+Z)/i.exec(message)?.[1] ?? ''));
  if (Number.isNaN(until)) return null;
  // The server's own time, where it tells it: this machine's clock may be wrong.
  const date = Date.parse(answer.headers['date'] ?? '');
  return Math.max(0, until - (Number.isNaN(date) ? wallClock() : date));
}
