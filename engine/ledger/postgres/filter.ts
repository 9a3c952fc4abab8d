// Which events a person means: a selection as the first parameters of a statement.
import { askableFilter, askableIds } from '../askable';
import { addressOf, regexOf } from '../common/any-case';
import type { EventFilter, Selection } from '../inspection';
import type { Parameter, Statements } from './connection';

// A condition whose parameter is null is dropped before the plan is made. `limit 1` keeps a look-up one.
export const FILTER = `
  ($1::text[] is null or event.id = any($1))
  and ($2::text[] is null or event.state = any($2))
  and ($3::bigint[] is null or event.subscription_id = any($3))
  and ($4::text is null or (
    select 1 from durable_mail.message where message.id = event.message_id and message.sender ~ $4 limit 1) is not null)
  and ($5::bigint is null or event.created_at >= $5)
  and ($6::bigint is null or event.created_at < $6)
  and ($7::text is null or (
    select 1 from durable_mail.message where message.id = event.message_id and message.subject ~ $7 limit 1) is not null)
  and ($8::bigint is null or event.failures >= $8)
  and ($9::text[] is null or (
    select 1 from durable_mail.annotation
    where annotation.event_seq = event.seq and (($9)[1] is null or annotation.name = ($9)[1])
      and (($9)[2] is null or annotation.category = ($9)[2]) and (($9)[3] is null or annotation.priority = ($9)[3])
    limit 1) is not null)`;

const selectSubscriptions = `
  select id from durable_mail.subscription
  where ($1::text is null or workflow_id = $1) and ($2::bigint is null or source_id = $2)`;

/** `$1` to `$9` of FILTER. */
export type FilterParameters = readonly [
  ...[ids: Parameter, states: Parameter, subscriptions: Parameter],
  ...[sender: Parameter, since: Parameter, until: Parameter],
  ...[subject: Parameter, leastFailures: Parameter, annotation: Parameter],
];

export async function filterParameters(
  statements: Statements,
  selection: Selection,
): Promise<FilterParameters> {
  if ('ids' in selection)
    return [askableIds(selection.ids), selection.states ?? null, null, null, null, null, null, null, null];
  const { states, sender, since, until, subject, leastFailures, annotation } = askableFilter(
    selection.filter,
  );
  return [
    null,
    states ?? null,
    await subscriptionsOf(statements, selection.filter),
    sender === undefined ? null : regexOf(addressOf(sender)),
    since ?? null,
    until ?? null,
    subject === undefined ? null : regexOf(subject),
    leastFailures ?? null,
    annotation ? [annotation.name, annotation.category, annotation.priority].map((one) => one ?? null) : null,
  ];
}

export async function subscriptionsOf(
  statements: Statements,
  filter: Pick<EventFilter, 'workflowId' | 'sourceId'>,
): Promise<number[] | null> {
  const { workflowId, sourceId } = askableFilter(filter);
  if (workflowId === undefined && sourceId === undefined) return null;
  const rows = await statements.all<{ id: number }>(
    selectSubscriptions,
    workflowId ?? null,
    sourceId ?? null,
  );
  return rows.map(({ id }) => id);
}
