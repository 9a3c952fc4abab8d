// How times are told: from now, in the reader's zone, in English.
// Invariant: a time is never told without its zone being the reader's; what is no time is told as nothing.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// As the reader writes times, where that is English; else as most of the world does.
const LOCALE = navigator.language.startsWith('en') ? navigator.language : 'en-GB';

const format = (options: Intl.DateTimeFormatOptions): ((at: number) => string) => {
  const told = new Intl.DateTimeFormat(LOCALE, options);
  return (at) => told.format(at);
};

const clock = format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const exactClock = format({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const day = format({ day: 'numeric', month: 'short' });
const dayOfYear = format({ day: 'numeric', month: 'short', year: 'numeric' });
const whole = format({ dateStyle: 'full', timeStyle: 'long', hourCycle: 'h23' });

/** @returns ms since 1970; null: it is no time */
export function timeOf(iso: string | null | undefined): number | null {
  const at = iso ? Date.parse(iso) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

/** @param ms how long; never less than nothing */
export function span(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} days`;
}

/** "4 min ago", or "in 12 s". */
export function fromNow(at: number, now: number): string {
  const ms = now - at;
  if (ms < -SECOND) return `in ${span(-ms)}`;
  return ms < 5 * SECOND ? 'just now' : `${span(ms)} ago`;
}

/** As short as it can be said on that day. */
export function shortTime(at: number, now: number): string {
  if (sameDay(at, now)) return exactClock(at);
  if (sameDay(at, now - DAY)) return `yesterday ${clock(at)}`;
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return `${(isThisYear ? day : dayOfYear)(at)}, ${clock(at)}`;
}

/** With the day, the seconds and the zone. */
export const wholeTime = (at: number): string => whole(at);

/** For a field of the kind `datetime-local`, in the reader's zone; empty: it is no time. */
export function fieldTime(iso: string): string {
  const at = timeOf(iso);
  if (at === null) return '';
  return new Date(at - new Date(at).getTimezoneOffset() * MINUTE).toISOString().slice(0, 16);
}

const sameDay = (one: number, other: number): boolean =>
  new Date(one).toDateString() === new Date(other).toDateString();

/** "14:03", or "28 Nov" at the beginning of a day. @param apart how far the next one is, s */
export function axisTime(at: number, apart: number): string {
  const time = new Date(at);
  if (apart < 60) return exactClock(at);
  return time.getHours() === 0 && time.getMinutes() === 0 ? day(at) : clock(at);
}
