// What the node takes from its mailboxes, and how closely it watches them: as data, which is compiled where it is used.
import type { ImapFilterData, ImapReadingData, ImapTaking } from '../../../engine/imap/read/reading-data';
import { rulesFromJson } from '../../../engine/imap/rules/criteria';
import type { MailboxChoice } from '../../../engine/imap/session/mailboxes';
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

/** What is known besides the parameters. */
interface Circumstances {
  readonly mailboxes: MailboxChoice;
  /** What came before, while the trigger was switched off, is passed over; ms since 1970, null: nothing is. */
  readonly skipBefore: number | null;
  /** The workflow's time zone: that of a date without one. */
  readonly timeZone: string;
}

/** @throws Error that names the setting */
export function reading(
  parameters: Parameters,
  { mailboxes, skipBefore, timeZone }: Circumstances,
): ImapReadingData {
  const options = collection(parameters, 'options');
  const heartbeat = readNumber(options.get('heartbeat'), WATCH_NUMBERS.heartbeat);
  const reconnect = readNumber(options.get('forceReconnect'), WATCH_NUMBERS.forceReconnect);
  return {
    v: 1,
    mailboxes,
    start: beginning(parameters, timeZone),
    skipBefore,
    mostStoredBytes: mostStoredBytes(options),
    ...wanted(parameters),
    heartbeatMs: heartbeat === null ? null : heartbeat * SECOND_MS,
    commandMs: readNumber(options.get('answerWithin'), WATCH_NUMBERS.answerWithin) * SECOND_MS,
    reconnectMs: reconnect ? Math.round(reconnect * MINUTE_MS) : null,
  };
}

/** What the node takes; also of the mails that a test in the editor looks at. @throws Error that names the setting */
export function wanted(parameters: Parameters): ImapTaking {
  const options = collection(parameters, 'options');
  const byDefault = takesOldMail(parameters) || isLikeBuiltIn(parameters) ? UNREAD_RULES : '';
  const rules = text(options, 'customEmailConfig') || byDefault;
  return {
    filter: filter(collection(parameters, 'filters')),
    rules: rules ? parsed(options, '"Custom Email Rules"', () => rulesFromJson(rules)) : null,
  };
}

/** As the built-in trigger does if it is told to; "Start With", if it was changed, says more than that. */
const takesOldMail = (parameters: Parameters): boolean =>
  collection(parameters, 'options').get('trackLastMessageId') === false &&
  (text(optionOrBefore(parameters), 'start') || 'new') === 'new';

/** @throws Error that names the setting */
export const beginning = (parameters: Parameters, timeZone: string): Start =>
  takesOldMail(parameters) ? { kind: 'everything' } : start(parameters, timeZone);

function filter(filters: Parameters): ImapFilterData | null {
  const attachment = text(filters, 'hasAttachment') || 'any';
  const larger = readNumber(filters.get('largerThan'), LARGER_THAN);
  const smaller = readNumber(filters.get('smallerThan'), SMALLER_THAN);
  if (larger !== null && smaller !== null && larger >= smaller) {
    throw new Error(`No email is both larger than ${larger} KB and smaller than ${smaller} KB.`);
  }
  const from = text(filters, 'from');
  const to = text(filters, 'to');
  const subject = text(filters, 'subject');
  const filter: ImapFilterData = {
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
