// Which events a person means: a selection as the first parameters of a statement.
import type { Selection } from '../inspection';
import type { Parameter, Statements } from './connection';

// A condition whose parameter is null is dropped before the plan is made.
export const FILTER = `
  ($1::text[] is null or event.id = any($1))
  and ($2::text[] is null or event.state = any($2))
  and ($3::bigint[] is null or event.subscription_id = any($3))
  and ($4::text is null or exists (
    select 1 from durable_mail.message where message.id = event.message_id and message.sender ilike $4))
  and ($5::bigint is null or event.created_at >= $5)
  and ($6::bigint is null or event.created_at < $6)`;

const selectSubscriptions = `select id from durable_mail.subscription where workflow_id = $1`;

/** `$1` to `$6` of FILTER. */
export async function filterParameters(
  statements: Statements,
  selection: Selection,
): Promise<[Parameter, Parameter, Parameter, Parameter, Parameter, Parameter]> {
  if ('ids' in selection) return [selection.ids, null, null, null, null, null];
  const { states, workflowId, sender, since, until } = selection.filter;
  return [
    null,
    states ?? null,
    await subscriptionsOf(statements, workflowId),
    sender === undefined ? null : `%${sender.replace(/[\\%_]/g, '\\$&')}%`,
    since ?? null,
    until ?? null,
  ];
}

export async function subscriptionsOf(
  statements: Statements,
  workflowId: string | undefined,
): Promise<number[] | null> {
  if (workflowId === undefined) return null;
  return (await statements.all<{ id: number }>(selectSubscriptions, workflowId)).map(({ id }) => id);
}
