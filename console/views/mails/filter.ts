// The filter of the mails, as it stands in the address: what is asked for, and how it is said in words.
// Invariant: what is shown, counted and acted on is of one filter, the address's; a name that is none of the filter's is dropped.
import type { MailQuery } from '../../../engine/console/api';
import { sourceName, workflowName } from '../../parts/names';
import { go, route } from '../../route';
import { wholeTime, timeOf } from '../../words/time';
import { STATES, type State } from '../../words/states';

type Name = keyof MailQuery;

const LABELS: Readonly<Record<Name, string>> = {
  state: 'State',
  workflow: 'Workflow',
  source: 'Mailbox',
  sender: 'Sender has',
  subject: 'Subject has',
  failures: 'Failed at least',
  annotation: 'Annotation',
  since: 'Recorded since',
  until: 'Recorded before',
};

const NAMES = Object.keys(LABELS) as readonly Name[];

export function filterOf(query: Readonly<Record<string, string>>): MailQuery {
  const named = NAMES.map((name) => [name, query[name]?.trim() ?? ''] as const);
  return Object.fromEntries(named.filter(([, value]) => value !== ''));
}

export function setFilter(change: { readonly [Known in Name]?: string }): void {
  const query = { ...filterOf(route.value.query), ...change };
  go({ view: 'mails', id: route.value.id, query });
}

/** @returns each part of the filter in words; none: it lets everything through */
export function inWords(filter: MailQuery): readonly string[] {
  return NAMES.flatMap((name) => {
    const value = filter[name];
    return value === undefined ? [] : [`${LABELS[name]}: ${worded(name, value)}`];
  });
}

function worded(name: Name, value: string): string {
  if (name === 'state')
    return statesOf(value)
      .map((state) => STATES[state].word)
      .join(', ');
  if (name === 'source') return sourceName(value);
  if (name === 'workflow') return workflowName(value);
  if (name === 'failures') return value === '1' ? 'once' : `${value} times`;
  if (name === 'annotation') return annotationOf(value).filter(Boolean).join(', ');
  const at = name === 'since' || name === 'until' ? timeOf(value) : null;
  return at === null ? value : wholeTime(at);
}

export const statesOf = (value = ''): readonly State[] =>
  value.split(',').filter((state): state is State => state in STATES);

/** Name, category and priority. */
export function annotationOf(value = ''): readonly [name: string, category: string, priority: string] {
  const [name = '', category = '', priority = ''] = value
    .split(':')
    .map((part) => part.replaceAll('%3A', ':'));
  return [name, category, priority];
}

export function annotationValue(parts: readonly string[]): string {
  return parts.some(Boolean) ? parts.map((part) => part.replaceAll(':', '%3A')).join(':') : '';
}
