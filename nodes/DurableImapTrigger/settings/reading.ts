// What the node takes from its mailboxes, and how closely it watches them.
import { tryToParseDateTime } from 'n8n-workflow';
import { parseCriteria, type SearchCriteria } from '../../../engine/imap/rules/criteria';
import type { ImapReading, Start } from '../../../engine/imap/read/reading';
import { type MailFilter, parseTextMatch, type TextMatch } from '../../../engine/mail/filter';
import {
  KILOBYTE,
  LARGER_THAN,
  MEGABYTE,
  MINUTE_MS,
  readNumber,
  SECOND_MS,
  SMALLER_THAN,
  START_COUNT,
} from './numbers';
import { collection, numberOption, optionalNumber, type Parameters, parsed, text } from './parameters';

/** The rules of the built-in trigger where nobody wrote any. */
const UNREAD_RULES = '["UNSEEN"]';

/** What the node takes; also of the mails that a test in the editor looks at. */
interface Wanted {
  readonly filter: MailFilter | null;
  readonly criteria: SearchCriteria | null;
}

/** What n8n tells besides the parameters. */
interface Circumstances {
  /** A person published the workflow just now: n8n is not only starting again. */
  readonly isSwitchedOn: boolean;
  /** The workflow's time zone: that of a date without one. */
  readonly timeZone: string;
}

/** @throws Error that names the setting */
export function reading(parameters: Parameters, { isSwitchedOn, timeZone }: Circumstances): ImapReading {
  const options = collection(parameters, 'options');
  const heartbeat = optionalNumber(options, 'heartbeat');
  const reconnect = optionalNumber(options, 'forceReconnect');
  return {
    start: start(parameters, timeZone),
    skipWhileOff: isSwitchedOn && options.get('whileOff') === 'skip',
    mostStoredBytes: Math.round(numberOption(options, 'storeUpTo') * MEGABYTE),
    ...wanted(parameters),
    heartbeatMs: heartbeat === null ? null : heartbeat * SECOND_MS,
    commandMs: numberOption(options, 'answerWithin') * SECOND_MS,
    reconnectMs: reconnect ? Math.round(reconnect * MINUTE_MS) : null,
  };
}

/** @throws Error that names the setting */
export function wanted(parameters: Parameters): Wanted {
  const options = collection(parameters, 'options');
  const rules = text(options, 'customEmailConfig') || (takesOldMail(parameters) ? UNREAD_RULES : '');
  return {
    filter: filter(collection(parameters, 'filters')),
    criteria: rules ? parsed(options, '"Custom Email Rules"', () => parseCriteria(rules)) : null,
  };
}

/** As the built-in trigger does if it is told to; "Start With", if it was changed, says more than that. */
const takesOldMail = (parameters: Parameters): boolean =>
  collection(parameters, 'options').get('trackLastMessageId') === false &&
  (text(parameters, 'start') || 'new') === 'new';

function start(parameters: Parameters, timeZone: string): Start {
  if (takesOldMail(parameters)) return { kind: 'everything' };
  switch (parameters.get('start')) {
    case 'last':
      return { kind: 'last', count: readNumber(parameters.get('startCount'), START_COUNT)! };
    case 'since':
      return { kind: 'since', at: date(parameters.get('startDate'), timeZone) };
    case 'everything':
      return { kind: 'everything' };
    default:
      return { kind: 'new' };
  }
}

function date(value: unknown, timeZone: string): number {
  if (value === undefined || value === '') throw new Error('"Since" is empty. Choose a date.');
  try {
    // A text without a year is none, whatever Date.parse makes of it.
    if (typeof value !== 'string' || /\d{4}/.test(value)) return toMs(value, timeZone);
  } catch {
    // It is none.
  }
  throw new Error('"Since" is not a date. Enter one such as 2026-05-20 or 2026-05-20T08:00:00.');
}

/** n8n's types name those of a library that is not installed with them. */
const toMs = (value: unknown, timeZone: string): number =>
  (tryToParseDateTime(value, timeZone) as { toMillis(): number }).toMillis();

function filter(filters: Parameters): MailFilter | null {
  const attachment = text(filters, 'hasAttachment') || 'any';
  const larger = readNumber(filters.get('largerThan'), LARGER_THAN);
  const smaller = readNumber(filters.get('smallerThan'), SMALLER_THAN);
  if (larger !== null && smaller !== null && larger >= smaller) {
    throw new Error(`No email is both larger than ${larger} KB and smaller than ${smaller} KB.`);
  }
  const from = textMatch(filters, 'from', 'From');
  const to = textMatch(filters, 'to', 'To');
  const subject = textMatch(filters, 'subject', 'Subject');
  const filter: MailFilter = {
    ...(from && { from }),
    ...(to && { to }),
    ...(subject && { subject }),
    ...(attachment !== 'any' && { hasAttachment: attachment === 'yes' }),
    ...(filters.get('unreadOnly') === true && { unreadOnly: true }),
    ...(larger !== null && { largerThan: Math.round(larger * KILOBYTE) }),
    ...(smaller !== null && { smallerThan: Math.round(smaller * KILOBYTE) }),
  };
  return Object.keys(filter).length > 0 ? filter : null;
}

function textMatch(filters: Parameters, name: string, shown: string): TextMatch | undefined {
  const entered = text(filters, name);
  if (entered === '') return undefined;
  return parsed(filters, `The filter "${shown}"`, () => parseTextMatch(entered));
}
