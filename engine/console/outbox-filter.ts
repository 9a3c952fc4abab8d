// Which entries of the outbox are meant: the filter of an address, or of an action, in the ledger's words.
// Invariant: where recipient and subject are not shown, nobody finds out about them by looking for them.
import type { OutboxQuery } from './api';
import { eventIdOf } from '../ledger/askable';
import { ENTRY_STATES, type EntryFilter } from '../ledger/outbox';
import { type Asked, oneOf, shown, textIn, timeIn } from './query';
import { Refusal } from './refusal';

export const OUTBOX_NAMES = [
  ...['state', 'kind', 'workflow', 'event', 'recipient', 'subject', 'lane', 'messageId', 'since', 'until'],
] as readonly (keyof OutboxQuery)[];

/** Longer ones than any id, address or subject that people look for. */
const MOST_TEXT = 200;
/** As long as a line of a header may be. */
const MOST_MESSAGE_ID = 998;

type Written = { -readonly [Name in keyof EntryFilter]: EntryFilter[Name] };

/** @throws Refusal, LedgerFault `asked` */
export function outboxFilter(query: Asked<keyof OutboxQuery>, showMail: boolean): EntryFilter {
  const { state, kind, workflow, event, recipient, subject, lane, messageId, since, until } = query;
  if (!showMail && (recipient ?? subject) !== undefined) {
    throw new Refusal(
      400,
      'This console does not show recipients and subjects, so nothing can be looked for by them.',
    );
  }
  const filter: Written = {};
  if (state !== undefined) filter.states = statesIn(state);
  if (kind !== undefined) filter.kind = textIn(kind, 'kind', MOST_TEXT);
  if (workflow !== undefined) filter.workflowId = textIn(workflow, 'workflow', MOST_TEXT);
  if (event !== undefined) filter.event = eventIn(event);
  if (recipient !== undefined) filter.recipient = textIn(recipient, 'recipient', MOST_TEXT);
  if (subject !== undefined) filter.subject = textIn(subject, 'subject', MOST_TEXT);
  if (lane !== undefined) filter.lane = textIn(lane, 'lane', MOST_TEXT);
  if (messageId !== undefined) filter.messageId = textIn(messageId, 'messageId', MOST_MESSAGE_ID);
  if (since !== undefined) filter.from = timeIn(since, 'since');
  if (until !== undefined) filter.until = timeIn(until, 'until');
  if (filter.from !== undefined && filter.until !== undefined && filter.from >= filter.until) {
    throw new Refusal(400, '"since" has to be before "until".');
  }
  return filter;
}

function statesIn(value: string): NonNullable<EntryFilter['states']> {
  const states = value.split(',').map((name) => oneOf(name.trim().toUpperCase(), 'state', ENTRY_STATES));
  return [...new Set(states)];
}

function eventIn(value: string): string {
  const event = eventIdOf(value);
  if (event !== null) return event;
  throw new Refusal(400, `"event" has to be the id of a mail, and is "${shown(value)}".`);
}
