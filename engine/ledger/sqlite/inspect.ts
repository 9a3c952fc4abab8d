// What people see of the SQLite ledger: events, counts and sources.
import type { EventFilter, EventPage, EventRecord, SourceHealth } from '../inspection';
import type { EventState } from '../states';
import { type BackfillColumns, withBackfill } from '../backfill';
import type { SqliteConnection } from './connection';
import { IS_SERVED } from './serving';
import { condition, NOT_DONE, walkFor, windows } from './walk';

const facts = `
  select event.seq, event.id, event.state, event.attempt, event.failures,
    subscription.workflow_id as workflowId, subscription.node_id as nodeId,
    ${IS_SERVED} as served,
    event.execution_id as executionId, event.last_error as lastError, event.idempotency_key as idempotencyKey,
    event.created_at as recordedAt, event.due_at as dueAt, event.settled_at as settledAt,
    source.account, source.mailbox,
    message.uid, message.header_message_id as messageId, message.sender, message.subject,
    message.received_at as receivedAt, message.size,
    exists (select 1 from content where content.message_id = event.message_id) as hasContent
  from event
  join subscription on subscription.id = event.subscription_id
  join source on source.id = subscription.source_id
  join message on message.id = event.message_id`;

const selectEvent = `${facts} where event.id = ?`;

const selectEvents = `${facts} where event.seq in (select value from json_each(?)) order by event.seq desc`;

const countAll = 'select count(*) as total from event';

const countOfWorkflow = `
  select count(*) as total from event
  where subscription_id in (select id from subscription where workflow_id = ?)`;

const selectSources = `
  select id, kind, account, mailbox, state, connection, last_success_at as lastSuccessAt,
    last_error_at as lastErrorAt, last_error as lastError, backfill_read as backfillRead, backfill_left as backfillLeft,
    recovered, recovered_at as recoveredAt, notified_until as notifiedUntil,
    (select count(*) from mail_action where source_id = source.id) as actionsWaiting,
    (select mail_action.last_error from mail_action where source_id = source.id
      order by mail_action.last_error_at desc, id desc limit 1) as actionError,
    (select json_group_array(distinct workflow_id) from subscription where source_id = source.id) as workflowIds,
    exists (select 1 from subscription where source_id = source.id and ${IS_SERVED}) as served
  from source order by id`;

type Row = Omit<EventRecord, 'hasContent' | 'served'> & {
  readonly seq: number;
  readonly hasContent: number;
  readonly served: number;
};

export async function events(
  connection: SqliteConnection,
  filter: EventFilter,
  page: { readonly after?: number; readonly limit: number },
): Promise<EventPage> {
  const walk = walkFor(filter.states);
  const { sql, parameters } = condition(filter);
  const select = `select event.seq from ${walk.from} ${sql} order by event.seq desc limit ?`;
  const found: number[] = [];
  for await (const { low, high } of windows(connection, walk, page.after)) {
    const rest = page.limit + 1 - found.length;
    const rows = connection.all<{ seq: number }>(select, low, high, ...parameters, rest);
    found.push(...rows.map(({ seq }) => seq));
    if (found.length > page.limit) break;
  }
  const shown = found.slice(0, page.limit);
  const rows = connection.all<Row>(selectEvents, JSON.stringify(shown));
  return { events: rows.map(record), next: found.length > page.limit ? (shown.at(-1) ?? null) : null };
}

export function event(connection: SqliteConnection, id: string): EventRecord | null {
  const row = connection.get<Row>(selectEvent, id);
  return row ? record(row) : null;
}

export async function statistics(
  connection: SqliteConnection,
  { workflowId }: Pick<EventFilter, 'workflowId'>,
): Promise<Record<EventState, number>> {
  const counts = { PENDING: 0, QUEUED: 0, RUNNING: 0, RETRY: 0, DONE: 0, DEAD: 0, GONE: 0, UNKNOWN: 0 };
  const { sql, parameters } = condition(workflowId === undefined ? {} : { workflowId });
  const select = `select event.state, count(*) as n from ${NOT_DONE.from} ${sql} group by event.state`;
  let others = 0;
  for await (const { low, high } of windows(connection, NOT_DONE)) {
    for (const { state, n } of connection.all<{ state: EventState; n: number }>(
      select,
      low,
      high,
      ...parameters,
    )) {
      counts[state] += n;
      others += n;
    }
  }
  // What is not DONE is little, what is DONE is nearly all: counting it is left to the shortest index.
  const { total } =
    workflowId === undefined
      ? connection.get<{ total: number }>(countAll)!
      : connection.get<{ total: number }>(countOfWorkflow, workflowId)!;
  return { ...counts, DONE: Math.max(0, total - others) };
}

export function sources(connection: SqliteConnection): SourceHealth[] {
  const rows = connection.all<
    Omit<SourceHealth, 'workflowIds' | 'served'> &
      BackfillColumns & { readonly workflowIds: string; readonly served: number }
  >(selectSources);
  return rows.map((row) => ({
    ...withBackfill(row),
    workflowIds: JSON.parse(row.workflowIds) as string[],
    served: row.served === 1,
  }));
}

const record = ({ seq: _, hasContent, served, ...row }: Row): EventRecord => ({
  ...row,
  served: served === 1,
  hasContent: hasContent === 1,
});
