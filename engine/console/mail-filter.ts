// Which mails are meant: the filter of an address, or of an action, in the ledger's words.
import type { AnnotationFilter } from '../ledger/annotations';
import type { EventFilter } from '../ledger/inspection';
import type { EventState } from '../ledger/states';
import type { MailQuery } from './api';
import { type Asked, numberIn, oneOf, textIn, timeIn } from './query';
import { Refusal } from './refusal';

export const FILTER_NAMES = [
  ...['state', 'workflow', 'source', 'sender', 'subject', 'failures', 'annotation', 'since', 'until'],
] as readonly (keyof MailQuery)[];

const STATES = [
  ...['PENDING', 'QUEUED', 'RUNNING', 'RETRY', 'DONE', 'DEAD', 'GONE', 'UNKNOWN'],
] as readonly EventState[];

/** Longer ones than any id, address or subject that people look for. */
const MOST_TEXT = 200;

export const NUMBERS = { least: 1, most: Number.MAX_SAFE_INTEGER } as const;

type Written = { -readonly [Name in keyof EventFilter]: EventFilter[Name] };

/** @throws Refusal, LedgerFault `asked` */
export function mailFilter(query: Asked<keyof MailQuery>): EventFilter {
  const filter: Written = {};
  const { state, workflow, source, sender, subject, failures, annotation, since, until } = query;
  if (state !== undefined) filter.states = statesIn(state);
  if (workflow !== undefined) filter.workflowId = textIn(workflow, 'workflow', MOST_TEXT);
  if (source !== undefined) filter.sourceId = numberIn(source, 'source', NUMBERS);
  if (sender !== undefined) filter.sender = textIn(sender, 'sender', MOST_TEXT);
  if (subject !== undefined) filter.subject = textIn(subject, 'subject', MOST_TEXT);
  if (failures !== undefined)
    filter.leastFailures = numberIn(failures, 'failures', { least: 0, most: 1_000_000 });
  if (annotation !== undefined) filter.annotation = annotationIn(annotation);
  if (since !== undefined) filter.since = timeIn(since, 'since');
  if (until !== undefined) filter.until = timeIn(until, 'until');
  if (filter.since !== undefined && filter.until !== undefined && filter.since >= filter.until) {
    throw new Refusal(400, '"since" has to be before "until".');
  }
  return filter;
}

/** @throws Refusal */
export function statesIn(value: string): readonly EventState[] {
  const states = value.split(',').map((name) => oneOf(name.trim().toUpperCase(), 'state', STATES));
  return [...new Set(states)];
}

function annotationIn(value: string): AnnotationFilter {
  const parts = textIn(value, 'annotation', MOST_TEXT).split(':').map(unescaped);
  const [name = '', category = '', priority = '', ...more] = parts;
  if (more.length > 0 || (name === '' && category === '' && priority === '')) {
    throw new Refusal(
      400,
      '"annotation" has to be name:category:priority, each of which may be empty, but not all; a colon within is %3A.',
    );
  }
  return {
    ...(name !== '' && { name }),
    ...(category !== '' && { category }),
    ...(priority !== '' && { priority }),
  };
}

function unescaped(part: string): string {
  return textIn(decoded(part), 'annotation', MOST_TEXT);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Refusal(400, '"annotation" has a % with no two digits after it; % itself is %25.');
  }
}
