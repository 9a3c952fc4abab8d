// Times for people and programs, as ISO 8601 in UTC.

/** A calendar ends there, ms from 1970. */
const MOST_MS = 8.64e15;

/** One that no calendar has, as a clock that was set wrong may leave it, is the last that there is: it is seen to be wrong. */
export function isoTime(ms: number): string;
export function isoTime(ms: number | null): string | null;
export function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(Math.min(MOST_MS, Math.max(-MOST_MS, ms))).toISOString();
}
