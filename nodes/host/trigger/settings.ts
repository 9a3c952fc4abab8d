// What all mail triggers let a person set: how runs are offered and tried again, what the ledger keeps, where to begin,
// which attachments are handed out, and when people hear of an outage.
import { type ITriggerFunctions, tryToParseDateTime } from 'n8n-workflow';
import type { DispatcherSettings } from '../../../engine/delivery/dispatcher';
import { DEFAULT_RETRY_SCHEDULE, parseRetrySchedule } from '../../../engine/delivery/retry-schedule';
import type { Guarantee, SubscriptionSettings } from '../../../engine/ledger/subscriptions';
import type { OutageReporting, Start } from '../../../engine/source/source';
import { isSwitchedOn } from '../n8n/activation';
import { type AttachmentFilter, parseAttachmentTypes } from '../items/attachments';
import { DAY_MS, MEGABYTE, MINUTE_MS, readNumber, START_COUNT } from './numbers';
import { numberOption, optionOrBefore, type Parameters, parsed, text } from './parameters';
import { AUTOMATIC, MOST_AUTOMATIC } from './run-options';

/** What came while the trigger was switched off is passed over. */
export const skipsWhileOff = (context: ITriggerFunctions, options: Parameters): boolean =>
  isSwitchedOn(context) && options.get('whileOff') === 'skip';

/** @throws Error that names the setting */
export const delivery = (options: Parameters): DispatcherSettings => ({
  mostRuns: numberOption(options, 'mostInFlight'),
  ...(options.get(AUTOMATIC) === true
    ? { mailsPerRun: MOST_AUTOMATIC, fewAlone: true }
    : { mailsPerRun: numberOption(options, 'mailsPerRun') }),
  mostQueuedMs: numberOption(options, 'startWithin') * MINUTE_MS,
});

/** @throws Error that names the setting */
export const runsAndRetention = (
  options: Parameters,
): Omit<SubscriptionSettings, 'afterSuccess' | 'whenDead'> => ({
  retryDelaysMs: retryDelays(options),
  guarantee: guarantee(options),
  keepContentMs: Math.round(numberOption(options, 'keepContentDays') * DAY_MS),
  retentionMs: Math.round(numberOption(options, 'keepEventsDays') * DAY_MS),
});

const guarantee = (options: Parameters): Guarantee =>
  options.get('guarantee') === 'atMostOnce' ? 'atMostOnce' : 'atLeastOnce';

function retryDelays(options: Parameters): number[] {
  const entered = options.get('retrySchedule');
  const schedule = typeof entered === 'string' ? entered : DEFAULT_RETRY_SCHEDULE;
  return parsed(options, '"Retry After"', () => parseRetrySchedule(schedule));
}

/** @throws Error that names the setting */
export function outage(options: Parameters): OutageReporting {
  const reportAfter = numberOption(options, 'reportAfter');
  return {
    afterMs: reportAfter === 0 ? null : Math.round(reportAfter * MINUTE_MS),
    whenOver: options.get('reportOver') !== false,
  };
}

/** What people are told of runs. */
export interface RunTelling {
  /** n8n's error workflow hears of every try that fails; else of mails that are given up only. */
  readonly everyTry: boolean;
  /** The execution shows sender and subject. */
  readonly showsMail: boolean;
}

export const runTelling = (options: Parameters): RunTelling => ({
  everyTry: options.get('errorWorkflow') === 'everyTry',
  showsMail: showsMail(options, 'executions'),
});

/** Where people may see a mail's sender and subject. */
export function showsMail(options: Parameters, place: 'executions' | 'alarms'): boolean {
  const places = options.get('showMailIn');
  return Array.isArray(places) ? places.includes(place) : place === 'executions';
}

/** A mail above this size is not stored. Octets. @throws Error that names the setting */
export const mostStoredBytes = (options: Parameters): number =>
  Math.round(numberOption(options, 'storeUpTo') * MEGABYTE);

/** A mail above this size is handed out without its body. Octets. @throws Error that names the setting */
export const truncatedAbove = (options: Parameters): number =>
  Math.round(numberOption(options, 'truncateAbove') * MEGABYTE);

/**
 * @param onlyMarkedByDefault only what the sender calls an attachment, where nobody chose
 * @returns null: all @throws Error that names the setting
 */
export function attachmentFilter(options: Parameters, onlyMarkedByDefault = false): AttachmentFilter | null {
  const chosen = options.get('inlineAttachments');
  const onlyMarked = chosen === undefined && onlyMarkedByDefault;
  const inline = !onlyMarked && chosen !== false;
  const mostBytes = Math.round(numberOption(options, 'attachmentMostSize') * MEGABYTE) || null;
  const entered = text(options, 'attachmentTypes');
  const types = entered ? parsed(options, '"Attachment Types"', () => parseAttachmentTypes(entered)) : [];
  return inline && mostBytes === null && types.length === 0
    ? null
    : { inline, ...(onlyMarked && { onlyMarked }), mostBytes, types };
}

/** Where a new subscription begins. @param timeZone of a date without one @throws Error that names the setting */
export function start(node: Parameters, timeZone: string): Start {
  const parameters = optionOrBefore(node);
  switch (parameters.get('start')) {
    case 'last':
      return { kind: 'last', count: readNumber(parameters.get('startCount'), START_COUNT) };
    case 'since':
      return { kind: 'since', at: date(parameters.get('startDate'), timeZone) };
    case 'everything':
      return { kind: 'everything' };
    default:
      return { kind: 'new' };
  }
}

/** As far as the clocks of a mail server and of this machine may be apart. */
const CLOCKS_APART_MS = 10 * 60_000;

/**
 * For a person who publishes or tests; a trigger that listens is not refused. A date in the future is one of another time
 * zone, as a rule: n8n's own is New York's, where nobody has set one. The mail up to now would be passed over in silence.
 * @throws Error that names the setting
 */
export function refuseStartToCome(begin: Start, timeZone: string): void {
  const now = Date.now();
  if (begin.kind !== 'since' || begin.at <= now + CLOCKS_APART_MS) return;
  const zoned = (ms: number): string =>
    new Date(ms).toLocaleString('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  throw new Error(
    `"Start With: Since" lies in the future: ${zoned(begin.at)}. It counts in the time zone of the workflow, ${timeZone}, ` +
      `where it is ${zoned(now)} now. Choose an earlier date, or set the time zone in the settings of the workflow.`,
  );
}

function date(value: unknown, timeZone: string): number {
  if (value === undefined || value === '') throw new Error('"Start With: Since" is empty. Choose a date.');
  try {
    // A text without a year is none, whatever Date.parse makes of it.
    if (typeof value !== 'string' || /\d{4}/.test(value)) return toMs(value, timeZone);
  } catch {
    // It is none.
  }
  throw new Error('"Start With: Since" is not a date. Enter one such as 2026-05-20 or 2026-05-20T08:00:00.');
}

/** n8n's types name those of a library that is not installed with them. */
const toMs = (value: unknown, timeZone: string): number =>
  (tryToParseDateTime(value, timeZone) as { toMillis(): number }).toMillis();
