// The built-in trigger's settings about its polls, as they are pasted: what can be kept is kept, the rest refused in words.
// Invariant: the options of this node come first.
import { type Parameters, collection } from '../../host/trigger/parameters';
import { NUMBERS, readNumber } from '../../host/trigger/numbers';
import { POLL_EVERY } from './watching';

/** n8n's "Poll Times": each says when to look. */
interface PollTime {
  readonly mode?: unknown;
  readonly value?: unknown;
  readonly unit?: unknown;
}

const MINUTE_S = 60;
const HOUR_S = 3_600;

/** How often to look, seconds; of several times the shortest. @throws Error that names the setting */
export function pollEvery(parameters: Parameters): number {
  const chosen = collection(parameters, 'options').get('pollEvery');
  if (chosen !== undefined) return readNumber(chosen, POLL_EVERY);
  const times = pollTimes(parameters.get('pollTimes'));
  return times.length === 0 ? POLL_EVERY.default : Math.min(...times.map(everySeconds));
}

function pollTimes(value: unknown): readonly PollTime[] {
  const items = typeof value === 'object' && value !== null && 'item' in value ? value.item : [];
  return Array.isArray(items) ? (items as readonly PollTime[]) : [];
}

function everySeconds({ mode, value, unit }: PollTime): number {
  switch (mode) {
    case 'everyMinute':
      return MINUTE_S;
    case 'everyHour':
      return HOUR_S;
    case 'everyX': {
      const seconds = Number(value) * (unit === 'minutes' ? MINUTE_S : HOUR_S);
      if (seconds >= POLL_EVERY.least && seconds <= POLL_EVERY.most) return seconds;
    }
  }
  throw new Error(
    `"Poll Times" of the built-in trigger, as "${String(mode)}", is not how this trigger works: it takes mail when it comes, ` +
      'and looks at least once an hour. Add the option "Poll Every" (in seconds), which takes its place. To work at certain ' +
      'times of the day only, let a Schedule Trigger start a workflow with the Gmail node.',
  );
}

/** How many mails may run at the same time: no more than the built-in trigger was to take with one poll. */
export function mostRuns(parameters: Parameters): number {
  const chosen = collection(parameters, 'options').get('mostInFlight');
  const most = parameters.get('maxResults');
  if (chosen !== undefined || most === undefined || most === '')
    return readNumber(chosen, NUMBERS.mostInFlight);
  return Math.min(NUMBERS.mostInFlight.default, readNumber(most, MAX_RESULTS) ?? Infinity);
}

const MAX_RESULTS = { shown: 'Max Emails per Poll', least: 1, most: 500, whole: true } as const;
