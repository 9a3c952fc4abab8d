// What becomes of an entry after a try, or after it was looked for: the schedule in one place, without clock and ledger.
// Invariants: what may have arrived, by whichever try, is never FAILED, and is sent again only where its sender says so; one that
// is not there was looked for several times before that is believed, since a receiver may show it late; that nobody could look
// never means that; what cannot be begun, since what it takes is not here, has failed in the end: nobody would hear of it.
import { type Entry, type EntryOutcome, type DueEntry, MOST_ENTRY_TEXT } from '../ledger/outbox';
import { type Counted, delayBefore } from './delay';
import { LACKING_MS, type Sender, type TryEnd, type TrySchedule } from './sender';

/** Before each look for one in doubt, ms: some servers copy into the Sent mailbox late. */
const LOOKS_MS = [10_000, 60_000, 5 * 60_000, 30 * 60_000];
/** That one is not there is believed in the third look, after some 6 min, at the soonest; and only where it is seen twice. */
const LEAST_LOOKS = 3;
const DAY_MS = 24 * 3_600_000;
/** One in doubt is sent again for so long; then a person decides. */
const MOST_AGAIN_MS = DAY_MS;
/** These are kept behind an error, so that whoever looks next, in whatever process, knows of it. */
const NOT_THERE = 'It was looked for, and was not there.';
const CANNOT = 'It could not be looked for:';
const MOST_CANNOT = 400;
/** Before an error, so that whoever looks next knows that it is not to be sent again: it was refused, or its tries are used up. */
const EARLIER = 'An earlier try may have arrived. The last one: ';
/** Once a minute for a day: so often it was taken, and what it takes was not here. By times, since nobody looks where nothing runs. */
const MOST_LACKED = DAY_MS / LACKING_MS;
const ASIDE = 'It may have arrived: look whether it did, then mark it as sent or send it again.';

/** As the last answer of one in doubt; behind it stands what was heard before. */
const NO_ANSWER = 'It has not answered.';
const FOUND = 'It was in doubt; it was looked for and is there.';

type Tried = Pick<DueEntry, 'tries' | 'refusals' | 'mayHaveArrived' | 'ageMs' | 'request' | 'fence'>;
type Looked = Omit<Tried, 'refusals' | 'mayHaveArrived' | 'fence'> & Pick<Entry, 'lastError' | 'lastAnswer'>;
type Answered = { readonly answer?: string };
export type Found = Awaited<ReturnType<NonNullable<Sender['look']>>>;

/** @param random a number in [0, 1) @returns what is to be stored */
export function afterTry(
  entry: Tried,
  end: TryEnd,
  sender: Sender,
  random: () => number = Math.random,
): EntryOutcome {
  switch (end.end) {
    case 'sent':
      return { became: 'SENT', answer: end.answer };
    case 'refused':
      return over(entry, end.error, answerOf(end), sender);
    case 'returned':
      if (end.isLacking && entry.fence > MOST_LACKED && entry.ageMs > DAY_MS)
        return over(entry, lackedFor(entry, end.error), {}, sender);
      return { became: 'QUEUED', error: end.error, delayMs: within(end.afterMs), isReturned: true };
    case 'failed': {
      const delay = nextDelay(sender.schedule(entry), end.why, entry, random);
      if (delay === null) return over(entry, usedUp(entry, end.error), answerOf(end), sender);
      const delayMs = Math.max(delay, within(end.afterMs ?? 0));
      return {
        became: 'QUEUED',
        error: end.error,
        ...answerOf(end),
        delayMs,
        isRefusal: end.why === 'refused',
      };
    }
    case 'unknown': {
      const answer = end.heard === undefined ? {} : { answer: NO_ANSWER + end.heard };
      if (canBeLookedFor(entry, sender))
        return { became: 'UNKNOWN', error: end.error, ...answer, lookAfterMs: LOOKS_MS[0] ?? 0 };
      const delayMs = nextDelay(sender.schedule(entry), 'connection', entry, random);
      if (sender.inDoubt(entry) !== 'again' || delayMs === null) return aside(end.error, [], answer);
      return { became: 'QUEUED', error: end.error, ...answer, delayMs, mayHaveArrived: true };
    }
  }
}

/** No further try is made. */
function over(entry: Tried, error: string, answer: Answered, sender: Sender): EntryOutcome {
  if (!entry.mayHaveArrived) return { became: 'FAILED', error, ...answer };
  const told = (EARLIER + error).slice(0, MOST_ENTRY_TEXT);
  if (!canBeLookedFor(entry, sender)) return aside(told, [], answer);
  return { became: 'UNKNOWN', error: told, ...answer, lookAfterMs: LOOKS_MS[0] ?? 0 };
}

/**
 * @param entry is UNKNOWN; its `tries` say which look this was, from 1
 * @param found undefined: it cannot be looked for
 */
export function afterLook(entry: Looked, found: Found | undefined, sender: Sender): EntryOutcome {
  if (found === 'sent') return { became: 'SENT', answer: FOUND + heardOf(entry) };
  const before = entry.lastError ?? 'Its sending was cut off.';
  const wasNotThere = before.includes(NOT_THERE);
  const isNotThere = found === 'notSent' && wasNotThere && entry.tries >= LEAST_LOOKS;
  const notes = [
    ...(wasNotThere || found === 'notSent' ? [NOT_THERE] : []),
    ...(typeof found === 'object' && found
      ? [`${CANNOT} ${sentence(found.cannot.slice(0, MOST_CANNOT))}`]
      : []),
  ];
  const lookAfterMs = found === undefined || isNotThere ? undefined : LOOKS_MS[entry.tries];
  if (lookAfterMs !== undefined) return { became: 'UNKNOWN', error: noted(before, notes), lookAfterMs };
  if (before.startsWith(EARLIER))
    return isNotThere
      ? { became: 'FAILED', error: noted(before.slice(EARLIER.length), notes) }
      : aside(before, notes);
  const inDoubt = sender.inDoubt(entry);
  const mayAgain = inDoubt === 'again' || (inDoubt === 'againIfNotThere' && isNotThere);
  if (mayAgain && entry.ageMs < MOST_AGAIN_MS)
    return {
      became: 'QUEUED',
      error: noted(before, notes),
      delayMs: 0,
      ...(isNotThere ? { mayHaveArrived: false } : {}),
    };
  return aside(before, notes);
}

/** Of the try that is in doubt: what was answered to one before it is not of this one. */
const heardOf = ({ lastAnswer }: Looked): string =>
  lastAnswer?.startsWith(NO_ANSWER) === true ? lastAnswer.slice(NO_ANSWER.length) : '';

/** Undefined: each of its kind can. */
export const canBeLookedFor = (entry: Pick<DueEntry, 'request'>, sender: Sender): boolean =>
  sender.look !== undefined && sender.canLook?.(entry) !== false;

const aside = (error: string, notes: readonly string[] = [], answer: Answered = {}): EntryOutcome => ({
  became: 'UNKNOWN',
  error: noted(error, [...notes, ASIDE]),
  ...answer,
  lookAfterMs: null,
});

/** What it had failed with, and what the last look came to in the place of the one before; all within what is kept. */
function noted(before: string, notes: readonly string[]): string {
  const added = notes.map((note) => ` ${note}`).join('');
  const ends = [NOT_THERE, CANNOT].map((note) => before.indexOf(` ${note}`)).filter((at) => at >= 0);
  return before.slice(0, Math.min(MOST_ENTRY_TEXT - added.length, ...ends)) + added;
}

/** Null: none is left. Never before its time, up to a fifth later: what failed together does not come back together. */
function nextDelay(
  schedule: TrySchedule,
  why: keyof TrySchedule,
  entry: Counted,
  random: () => number,
): number | null {
  const delay = delayBefore(schedule, why, entry);
  return delay === undefined ? null : Math.round(delay * (1 + random() / 5));
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

const within = (ms: number): number => Math.min(Math.max(ms, 0), DAY_MS);

const answerOf = ({ answer }: Answered): Answered => (answer === undefined ? {} : { answer });

const lackedFor = ({ ageMs }: Tried, error: string): string =>
  `What it takes was not there, ${duration(ageMs)} after it was queued, and it waits no longer: ${error}`;

function usedUp({ tries, ageMs }: Tried, error: string): string {
  if (tries <= 1) return error;
  const text = `It was tried ${tries} times in ${duration(ageMs)}. The last time: `;
  return text + error.slice(0, MOST_ENTRY_TEXT - text.length);
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}
