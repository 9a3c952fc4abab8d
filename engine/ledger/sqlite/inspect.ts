// What people see of the SQLite ledger: events, counts and sources.
import { monotonicNow } from '../../runtime/time';
import { askableFilter, askableIds } from '../askable';
import { annotationsOf } from '../common/annotation';
import { LOOK_MS } from '../common/look';
import { backfillOf, unreadSinceOf } from '../common/stored';
import type { Counts, EventMail, EventRecord, Looks, SourceHealth } from '../inspection';
import type { ConnectionState, EventState, SourceState } from '../states';
import { limitOf, NOW } from './connection';
import type { Method, Part } from './part';
import { IS_SERVED, unserved } from './serving';
import { condition, walkFor, windows } from './walk';

const facts = `
  select event.seq, event.id, event.state, event.attempt, event.failures,
    subscription.workflow_id as workflowId, subscription.node_id as nodeId, subscription.node_name as nodeName,
    subscription.source_id as sourceId, ${IS_SERVED} as served,
    event.execution_id as executionId, event.last_error as lastError, event.idempotency_key as idempotencyKey,
    event.created_at as recordedAt, event.began_at as beganAt, event.due_at as dueAt, event.settled_at as settledAt,
    source.account, source.mailbox,
    message.uid, message.header_message_id as messageId, message.sender, message.subject,
    message.received_at as receivedAt, message.size,
    exists (select 1 from content where content.message_id = event.message_id) as hasContent,
    (select json_group_array(json_array(name, category, priority, summary, data, at)) from (
      select * from annotation where event_seq = event.seq order by name)) as annotations
  from event
  join subscription on subscription.id = event.subscription_id
  join source on source.id = subscription.source_id
  join message on message.id = event.message_id`;

const selectEvent = `${facts} where event.id = ?`;

const selectEvents = `${facts} where event.seq in (select value from json_each(?)) order by event.seq desc`;

const selectMails = `
  select event.id as event, message.sender, message.subject
  from event join message on message.id = event.message_id
  where event.id in (select value from json_each(?))`;

// What has a lease is little, and has its index.
const countStates = `
  with asked as materialized (select id from subscription where ?1 is null or workflow_id = ?1)
  select state, sum(n) as count from asked cross join standing on standing.subscription_id = asked.id group by state
  union all
  select state, count(*) from asked cross join event indexed by event_leased
    on event.subscription_id = asked.id and lease_until is not null
  group by state`;

// One text: SQLite and the thread take four times as long for thousands of rows with names.
const selectSources = `
  select json_group_array(json_array(
    id, kind, account, mailbox, state, connection, coalesce(failing_since, read_since), failing_since, next_try_at,
    iif(held_until > ${NOW}, holder, null), coalesce(held_until, released_at), min(last_mail_at, ${NOW}),
    last_success_at, last_error_at, last_error,
    backfill_read, backfill_left, recovered, recovered_at, notified_until,
    (select count(*) from errand where lane = 'source:' || source.id and ended_at is null),
    (select errand.last_error from errand
      where lane = 'source:' || source.id and ended_at is null and errand.last_error_at is not null
      order by errand.last_error_at desc, errand.id desc limit 1),
    (select json_group_array(workflow_id) from (
      select distinct workflow_id from subscription where source_id = source.id order by 1)),
    (select min(coalesce(served_since, created_at)) from subscription
      where source_id = source.id and ${IS_SERVED}))) as listed
  from (select * from source order by kind, account, mailbox) source`;

type Row = Omit<EventRecord, 'annotations' | 'hasContent' | 'served'> & {
  readonly seq: number;
  readonly annotations: string;
  readonly hasContent: number;
  readonly served: number;
};

const events: Method<'events'> = async (connection, filter, page) => {
  const walk = walkFor(filter.states);
  const { sql, parameters } = condition(filter);
  const select = `select event.seq from ${walk.from} ${sql} order by event.seq desc ${limitOf('?')}`;
  const began = monotonicNow();
  const found: number[] = [];
  let next: number | null = null;
  for await (const { low, high } of windows(connection, walk, page.after)) {
    const rest = page.limit + 1 - found.length;
    const rows = connection.all<{ seq: number }>(select, low, high, ...parameters, rest);
    found.push(...rows.map(({ seq }) => seq));
    if (found.length > page.limit || monotonicNow() - began > LOOK_MS) {
      next = found.length > page.limit ? found[page.limit - 1]! : low;
      break;
    }
  }
  const rows = connection.all<Row>(selectEvents, JSON.stringify(found.slice(0, page.limit)));
  return { events: rows.map(record), next };
};

const count: Method<'count'> = async (connection, filter, most) => {
  const walk = walkFor(filter.states);
  const { sql, parameters } = condition(filter);
  const select = `select count(*) as n from (select 1 from ${walk.from} ${sql} ${limitOf('?')})`;
  let counted = 0;
  for await (const { low, high } of windows(connection, walk)) {
    counted += connection.get<{ n: number }>(select, low, high, ...parameters, most - counted)!.n;
    if (counted >= most) break;
  }
  return counted;
};

const event: Method<'event'> = (connection, id) => {
  const row = connection.get<Row>(selectEvent, id);
  return row ? record(row) : null;
};

const mailsOf: Method<'mailsOf'> = (connection, events) =>
  connection.all<EventMail>(selectMails, JSON.stringify(askableIds(events)));

const statistics: Method<'statistics'> = (connection, filter) => {
  const { workflowId } = askableFilter(filter);
  const counts = { PENDING: 0, QUEUED: 0, RUNNING: 0, RETRY: 0, DONE: 0, DEAD: 0, GONE: 0, UNKNOWN: 0 };
  const rows = connection.all<{ state: EventState; count: number }>(countStates, workflowId ?? null);
  for (const { state, count } of rows) counts[state] = count;
  return counts;
};

type Listed = readonly [
  ...(readonly [id: number, kind: string, account: string, mailbox: string]),
  ...(readonly [state: SourceState, connection: ConnectionState]),
  ...(readonly [since: number | null, failingSince: number | null, nextTryAt: number | null]),
  ...(readonly [holder: string | null, leftAt: number | null, mailAt: number | null]),
  ...(readonly [successAt: number | null, errorAt: number | null, error: string | null]),
  ...(readonly [backfillRead: number | null, backfillLeft: number | null]),
  ...(readonly [recovered: number | null, recoveredAt: number | null, notifiedUntil: number | null]),
  ...(readonly [waiting: number, actionError: string | null, workflowIds: readonly string[]]),
  servedSince: number | null,
];

const sources: Method<'sources'> = (connection) => {
  const { listed } = connection.get<{ listed: string }>(selectSources)!;
  return (JSON.parse(listed) as Listed[]).map(health);
};

const health = ([id, kind, account, mailbox, state, connection, ...more]: Listed): SourceHealth => {
  const [since, failingSince, nextTryAt, holder, leftAt, lastMailAt, ...others] = more;
  const [lastSuccessAt, lastErrorAt, lastError, backfillRead, backfillLeft, ...rest] = others;
  const [recovered, recoveredAt, notifiedUntil, actionsWaiting, actionError, workflowIds, servedSince] = rest;
  return {
    id,
    kind,
    account,
    mailbox,
    state,
    connection,
    since,
    failingSince,
    nextTryAt,
    holder,
    unreadSince: unreadSinceOf({ holder, leftAt, lastSuccessAt, servedSince }),
    lastMailAt,
    lastSuccessAt,
    lastErrorAt,
    lastError,
    backfill: backfillOf({ backfillRead, backfillLeft }),
    recovered,
    recoveredAt,
    notifiedUntil,
    actionsWaiting,
    actionError,
    workflowIds,
    served: servedSince !== null,
  };
};

const record = ({ seq: _, annotations, hasContent, served, ...row }: Row): EventRecord => ({
  ...row,
  annotations: annotationsOf(annotations),
  served: served === 1,
  hasContent: hasContent === 1,
});

export const looks: Part<Looks & Counts> = { events, event, mailsOf, count, statistics, unserved, sources };
