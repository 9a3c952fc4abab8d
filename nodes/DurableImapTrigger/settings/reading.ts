// What the node takes from its mailboxes, and how closely it watches them.
import { parseCriteria, type SearchCriteria } from '../../../engine/imap/rules/criteria';
import type { ImapReading } from '../../../engine/imap/read/reading';
import { type MailFilter, parseTextMatch, type TextMatch } from '../../../engine/mail/filter';
import type { Start } from '../../../engine/source/source';
import { KILOBYTE, MINUTE_MS, readNumber, SECOND_MS } from '../../host/trigger/numbers';
import {
  collection,
  isLikeBuiltIn,
  optionOrBefore,
  type Parameters,
  parsed,
  text,
} from '../../host/trigger/parameters';
import { mostStoredBytes, start } from '../../host/trigger/settings';
import { LARGER_THAN, SMALLER_THAN, WATCH_NUMBERS } from './numbers';

/** The rules of the built-in trigger where nobody wrote any. */
const UNREAD_RULES = '["UNSEEN"]';

/** What the node takes; also of the mails that a test in the editor looks at. */
interface Wanted {
  readonly filter: MailFilter | null;
  readonly criteria: SearchCriteria | null;
}

/** What n8n tells besides the parameters. */
interface Circumstances {
  /** What came while the trigger was switched off is passed over. */
  readonly skipWhileOff: boolean;
  /** The workflow's time zone: that of a date without one. */
  readonly timeZone: string;
}

/** @throws Error that names the setting */
export function reading(parameters: Parameters, { skipWhileOff, timeZone }: Circumstances): ImapReading {
  const options = collection(parameters, 'options');
  const heartbeat = readNumber(options.get('heartbeat'), WATCH_NUMBERS.heartbeat);
  const reconnect = readNumber(options.get('forceReconnect'), WATCH_NUMBERS.forceReconnect);
  return {
    start: beginning(parameters, timeZone),
    skipWhileOff,
    mostStoredBytes: mostStoredBytes(options),
    ...wanted(parameters),
    heartbeatMs: heartbeat === null ? null : heartbeat * SECOND_MS,
    commandMs: readNumber(options.get('answerWithin'), WATCH_NUMBERS.answerWithin) * SECOND_MS,
    reconnectMs: reconnect ? Math.round(reconnect * MINUTE_MS) : null,
  };
}

/** @throws Error that names the setting */
export function wanted(parameters: Parameters): Wanted {
  const options = collection(parameters, 'options');
  const byDefault = takesOldMail(parameters) || isLikeBuiltIn(parameters) ? UNREAD_RULES : '';
  const rules = text(options, 'customEmailConfig') || byDefault;
  return {
    filter: filter(collection(parameters, 'filters')),
    criteria: rules ? parsed(options, '"Custom Email Rules"', () => parseCriteria(rules)) : null,
  };
}

/** As the built-in trigger does if it is told to; "Start With", if it was changed, says more than that. */
const takesOldMail = (parameters: Parameters): boolean =>
  collection(parameters, 'options').get('trackLastMessageId') === false &&
  (text(optionOrBefore(parameters), 'start') || 'new') === 'new';

const beginning = (parameters: Parameters, timeZone: string): Start =>
  takesOldMail(parameters) ? { kind: 'everything' } : start(parameters, timeZone);

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
