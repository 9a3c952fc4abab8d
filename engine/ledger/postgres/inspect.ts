// What people see of the Postgres ledger: events, how many there are, and sources.
import { askableIds } from '../askable';
import { annotationsOf } from '../common/annotation';
import { Look } from '../common/look';
import { type BackfillColumns, backfillOf, type ReaderColumns, unreadSinceOf } from '../common/stored';
import type { Counts, EventMail, EventRecord, Looks, SourceHealth } from '../inspection';
import type { EventState } from '../states';
import { NOW } from './connection';
import { FILTER, subscriptionsOf } from './filter';
import type { Method, Part } from './part';
import { IS_SERVED, unserved } from './serving';
import { walked, WINDOW } from './walk';

const STATES: readonly EventState[] = [
  ...(['PENDING', 'QUEUED', 'RUNNING', 'RETRY'] as const),
  ...(['DONE', 'DEAD', 'GONE', 'UNKNOWN'] as const),
];

const facts = (from: string): string => `
  select event.seq, event.id, event.state, event.attempt, event.failures,
    subscription.workflow_id as "workflowId", subscription.node_id as "nodeId", subscription.node_name as "nodeName",
    subscription.source_id as "sourceId", ${IS_SERVED} as served,
    event.execution_id as "executionId", event.last_error as "lastError",
    event.idempotency_key as "idempotencyKey", event.created_at as "recordedAt", event.began_at as "beganAt",
    event.due_at as "dueAt", event.settled_at as "settledAt", source.account, source.mailbox, message.uid,
    message.header_message_id as "messageId", message.sender, message.subject,
    message.received_at as "receivedAt", message.size,
    exists (select 1 from durable_mail.content where message_id = message.id) as "hasContent",
    (select json_agg(json_build_array(name, category, priority, summary, data, at) order by name)::text
      from durable_mail.annotation where event_seq = event.seq) as annotations
  from ${from}
  join durable_mail.subscription on subscription.id = event.subscription_id
  join durable_mail.message on message.id = event.message_id
  join durable_mail.source on source.id = message.source_id
  order by event.seq desc`;

const selectEvent = facts('(select * from durable_mail.event where id = $1) event');

const selectShown = facts('(select * from durable_mail.event where seq = any($1)) event');

const selectEvents = (window: string): string => `
  select seq from (${window}) event where ${FILTER} order by seq desc limit $12`;

const selectCount = (window: string): string => `
  select count(*) as n from (select 1 from (${window}) event where ${FILTER} limit $12) event`;

const selectMails = `
  select event.id as event, message.sender, message.subject
  from durable_mail.event join durable_mail.message on message.id = event.message_id
  where event.id = any($1)`;

// What has a lease is little, and has its index.
const countStates = `
  select state, sum(n)::bigint as count from durable_mail.standing
  where ($1::bigint[] is null or subscription_id = any($1)) group by state
  union all
  select state, count(*) from durable_mail.event
  where state in ('QUEUED', 'RUNNING') and ($1::bigint[] is null or subscription_id = any($1)) group by state`;

const selectSources = `
  select id, kind, account, mailbox, state, connection, coalesce(failing_since, read_since) as since,
    failing_since as "failingSince", next_try_at as "nextTryAt",
    case when held_until > ${NOW} then holder end as holder, coalesce(held_until, released_at) as "leftAt",
    case when last_mail_at > ${NOW} then ${NOW} else last_mail_at end as "lastMailAt",
    last_success_at as "lastSuccessAt",
    last_error_at as "lastErrorAt", last_error as "lastError",
    backfill_read as "backfillRead", backfill_left as "backfillLeft",
    recovered, recovered_at as "recoveredAt", notified_until as "notifiedUntil",
    (select count(*) from durable_mail.errand
      where lane = 'source:' || source.id and ended_at is null) as "actionsWaiting",
    (select errand.last_error from durable_mail.errand
      where lane = 'source:' || source.id and ended_at is null and errand.last_error_at is not null
      order by errand.last_error_at desc, errand.id desc limit 1) as "actionError",
    array(
      select distinct workflow_id from durable_mail.subscription where source_id = source.id order by 1
    ) as "workflowIds",
    (select min(coalesce(served_since, created_at)) from durable_mail.subscription
      where source_id = source.id and ${IS_SERVED}) as "servedSince"
  from durable_mail.source order by kind, account, mailbox`;

/** Of a page. So few first, that a filter which finds nothing shows how long it takes. */
const WINDOWS = { first: 2_000, most: WINDOW } as const;

type Row = Omit<EventRecord, 'annotations'> & { readonly seq: number; readonly annotations: string | null };

type SourceRow = Omit<SourceHealth, 'backfill' | 'unreadSince' | 'served'> & BackfillColumns & ReaderColumns;

const events: Method<'events'> = (connection, filter, page) =>
  connection.transaction(async (statements) => {
    const { select, walk } = await walked(statements, filter, selectEvents);
    // By the index of their states, a window is read to its end, and old ones lie far apart.
    const look = new Look({ ...WINDOWS, ...(walk.isWhole && { first: page.limit + 1 }) });
    const found: number[] = [];
    let before = page.after ?? null;
    do {
      const { size } = look;
      // One more than asked for tells whether there is a next page.
      const rest = page.limit + 1 - found.length;
      const rows = await statements.all<{ seq: number }>(select, ...walk.parameters(before, size), rest);
      found.push(...rows.map(({ seq }) => seq));
      before = found.length > page.limit ? found[page.limit - 1]! : await walk.endOf(before, size);
    } while (before !== null && found.length <= page.limit && look.goesOn());
    const rows = await statements.all<Row>(selectShown, found.slice(0, page.limit));
    return { events: rows.map(record), next: before };
  });

const event: Method<'event'> = async (connection, id) => {
  const row = await connection.get<Row>(selectEvent, id);
  return row ? record(row) : null;
};

const mailsOf: Method<'mailsOf'> = (connection, events) =>
  connection.all<EventMail>(selectMails, askableIds(events));

const count: Method<'count'> = async (connection, filter, most) => {
  let counted = 0;
  let before: number | null = null;
  do {
    before = await connection.transaction(async (statements) => {
      const { select, walk } = await walked(statements, filter, selectCount);
      const asked = [...walk.parameters(before, WINDOW), most - counted];
      counted += (await statements.get<{ n: number }>(select, ...asked))!.n;
      return walk.endOf(before, WINDOW);
    });
  } while (before !== null && counted < most);
  return counted;
};

const statistics: Method<'statistics'> = async (connection, filter) => {
  const rows = await connection.all<{ state: EventState; count: number }>(
    countStates,
    await subscriptionsOf(connection, filter),
  );
  const counts = new Map(rows.map(({ state, count }) => [state, count]));
  return Object.fromEntries(STATES.map((state) => [state, counts.get(state) ?? 0])) as Record<
    EventState,
    number
  >;
};

const sources: Method<'sources'> = async (connection) => {
  // Thousands of them are more than a plan may be said to cost before a server compiles it: in a transaction it does not.
  const rows = await connection.transaction((statements) => statements.all<SourceRow>(selectSources));
  return rows.map(({ backfillRead, backfillLeft, leftAt, servedSince, ...row }) => ({
    ...row,
    unreadSince: unreadSinceOf({ ...row, leftAt, servedSince }),
    backfill: backfillOf({ backfillRead, backfillLeft }),
    served: servedSince !== null,
  }));
};

const record = ({ seq: _, annotations, ...row }: Row): EventRecord => ({
  ...row,
  annotations: annotationsOf(annotations),
});

export const looks: Part<Looks & Counts> = { events, event, mailsOf, count, statistics, unserved, sources };
