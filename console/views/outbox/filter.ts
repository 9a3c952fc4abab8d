// The filter of the outbox, as it stands in the address: what is asked for, and how it is said in words.
// Invariant: what is shown, counted and acted on is of one filter, the address's; a name that is none of the filter's is dropped.
import type { OutboxQuery } from '../../../engine/console/api';
import type { EntryState } from '../../../engine/console/outbox-api';
import { workflowName } from '../../parts/names';
import { go, route } from '../../route';
import { ENTRY_STATES } from '../../words/entries';
import { timeOf, wholeTime } from '../../words/time';

type Name = keyof OutboxQuery;

const LABELS: Readonly<Record<Name, string>> = {
  state: 'State',
  kind: 'Kind',
  workflow: 'Workflow',
  event: 'Answers the mail',
  recipient: 'Recipient has',
  subject: 'Subject has',
  lane: 'By way of',
  messageId: 'Message-ID',
  since: 'Queued since',
  until: 'Queued before',
};

const NAMES = Object.keys(LABELS) as readonly Name[];

export function entryFilterOf(query: Readonly<Record<string, string>>): OutboxQuery {
  const named = NAMES.map((name) => [name, query[name]?.trim() ?? ''] as const);
  return Object.fromEntries(named.filter(([, value]) => value !== ''));
}

export function setEntryFilter(change: { readonly [Known in Name]?: string }): void {
  const query = { ...entryFilterOf(route.value.query), ...change };
  go({ view: 'outbox', id: route.value.id, query });
}

/** @returns each part of the filter in words; none: it lets everything through */
export function entriesInWords(filter: OutboxQuery): readonly string[] {
  return NAMES.flatMap((name) => {
    const value = filter[name];
    return value === undefined ? [] : [`${LABELS[name]}: ${worded(name, value)}`];
  });
}

function worded(name: Name, value: string): string {
  if (name === 'state')
    return entryStatesOf(value)
      .map((state) => ENTRY_STATES[state].word)
      .join(', ');
  if (name === 'workflow') return workflowName(value);
  const at = name === 'since' || name === 'until' ? timeOf(value) : null;
  return at === null ? value : wholeTime(at);
}

export const entryStatesOf = (value = ''): readonly EntryState[] =>
  value.split(',').filter((state): state is EntryState => state in ENTRY_STATES);
