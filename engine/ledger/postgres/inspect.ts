// What people see of the Postgres ledger: events, how many there are, and sources.
import type { EventFilter, EventPage, EventRecord, SourceHealth } from '../inspection';
import type { EventState } from '../states';
import { type BackfillColumns, withBackfill } from '../backfill';
import type { PostgresConnection } from './connection';
import { IS_SERVED } from './serving';
import { FILTER, filterParameters, subscriptionsOf } from './filter';

const STATES: readonly EventState[] = [
  ...(['PENDING', 'QUEUED', 'RUNNING', 'RETRY'] as const),
  ...(['DONE', 'DEAD', 'GONE', 'UNKNOWN'] as const),
];

const selectEvents = `
  select event.seq, event.id, event.state, event.attempt, event.failures,
    subscription.workflow_id as "workflowId", subscription.node_id as "nodeId",
    ${IS_SERVED} as served,
    event.execution_id as "executionId", event.last_error as "lastError",
    event.idempotency_key as "idempotencyKey", event.created_at as "recordedAt", event.due_at as "dueAt",
    event.settled_at as "settledAt", source.account, source.mailbox, message.uid,
    message.header_message_id as "messageId", message.sender, message.subject,
    message.received_at as "receivedAt", message.size,
    exists (select 1 from durable_mail.content where message_id = message.id) as "hasContent"
  from (
    select * from durable_mail.event
    where ${FILTER} and ($7::bigint is null or event.seq < $7)
    order by seq desc limit $8) event
  join durable_mail.subscription on subscription.id = event.subscription_id
  join durable_mail.message on message.id = event.message_id
  join durable_mail.source on source.id = message.source_id
  order by event.seq desc`;

// DONE is nearly all there is: counted are the entries of an index, less the others that are settled.
const countStates = `
  select 'settled' as state, count(*) as count from durable_mail.event
  where settled_at is not null and ($1::bigint[] is null or subscription_id = any($1))
  union all
  select state, count(*) from durable_mail.event
  where state <> 'DONE' and ($1::bigint[] is null or subscription_id = any($1))
  group by state`;

const selectSources = `
  select id, kind, account, mailbox, state, connection, last_success_at as "lastSuccessAt",
    last_error_at as "lastErrorAt", last_error as "lastError",
    backfill_read as "backfillRead", backfill_left as "backfillLeft",
    recovered, recovered_at as "recoveredAt", notified_until as "notifiedUntil",
    (select count(*) from durable_mail.mail_action where source_id = source.id) as "actionsWaiting",
    (select mail_action.last_error from durable_mail.mail_action where source_id = source.id
      order by mail_action.last_error_at desc nulls last, mail_action.id desc limit 1) as "actionError",
    array(
      select distinct workflow_id from durable_mail.subscription where source_id = source.id order by 1
    ) as "workflowIds",
    exists (select 1 from durable_mail.subscription where source_id = source.id and ${IS_SERVED}) as served
  from durable_mail.source order by kind, account, mailbox`;

export async function events(
  connection: PostgresConnection,
  filter: EventFilter,
  page: { readonly after?: number; readonly limit: number },
): Promise<EventPage> {
  const filters = await filterParameters(connection, { filter });
  // One more than asked for tells whether there is a next page.
  const rows = await connection.all<EventRecord & { seq: number }>(
    selectEvents,
    ...filters,
    page.after ?? null,
    page.limit + 1,
  );
  const shown = rows.slice(0, page.limit);
  return {
    events: shown.map(withoutSeq),
    next: rows.length > page.limit ? (shown.at(-1)?.seq ?? null) : null,
  };
}

export async function event(connection: PostgresConnection, id: string): Promise<EventRecord | null> {
  const filters = await filterParameters(connection, { ids: [id] });
  const row = await connection.get<EventRecord & { seq: number }>(selectEvents, ...filters, null, 1);
  return row ? withoutSeq(row) : null;
}

export async function statistics(
  connection: PostgresConnection,
  filter: Pick<EventFilter, 'workflowId'>,
): Promise<Record<EventState, number>> {
  const rows = await connection.all<{ state: EventState | 'settled'; count: number }>(
    countStates,
    await subscriptionsOf(connection, filter.workflowId),
  );
  const counts = new Map(rows.map(({ state, count }) => [state, count]));
  const of = (state: EventState | 'settled'): number => counts.get(state) ?? 0;
  const done = of('settled') - of('DEAD') - of('GONE') - of('UNKNOWN');
  return Object.fromEntries(STATES.map((state) => [state, state === 'DONE' ? done : of(state)])) as Record<
    EventState,
    number
  >;
}

export async function sources(connection: PostgresConnection): Promise<SourceHealth[]> {
  const rows = await connection.all<Omit<SourceHealth, 'backfill'> & BackfillColumns>(selectSources);
  return rows.map(withBackfill);
}

const withoutSeq = ({ seq: _, ...record }: EventRecord & { seq: number }): EventRecord => record;
