// Who listens, in the SQLite ledger, and for what nobody does.
import { askableFilter } from '../askable';
import { TOLD } from '../common/stored';
import { KEEP_UNSERVED_MS, SERVED_MS, type Serving, type Unserved } from '../serving';
import { limitOf, NOW, type SqliteConnection } from './connection';
import type { Method, Part } from './part';

/** Of a subscription; one that says so for longer than it could was written under a clock that was set back since. */
export const IS_SERVED = `(served_until > ${NOW} and served_until <= ${NOW} + ${SERVED_MS})`;

const ofNodes = `
  from json_each(?1) node
  where subscription.workflow_id = node.value ->> 'workflowId' and subscription.node_id = node.value ->> 'nodeId'`;

const serveNodes = `
  update subscription set
    served_since = iif(${IS_SERVED}, served_since, ${NOW}), served_until = ${NOW} + ${SERVED_MS}, unserved_told = 0
  ${ofNodes} and served_until not between ${NOW} + ${(SERVED_MS * 2) / 3} and ${NOW} + ${SERVED_MS}`;

const unserveNodes = `update subscription set served_until = ${NOW} ${ofNodes} and served_until > ${NOW}`;

/** The same, the other way round: by the index of these times. */
const IS_UNSERVED = `(served_until <= ${NOW} or served_until > ${NOW} + ${SERVED_MS})`;

/** When an unserved subscription goes. */
export const GOES_AT = `(subscription.served_until + max(subscription.retention_ms, ${KEEP_UNSERVED_MS}))`;

// Each kind by its own index, which has nothing but what waits.
const DUE = `select 1 from event where subscription_id = subscription.id and event.due_at is not null`;
const LAPSED = `select 1 from event where subscription_id = subscription.id and event.lease_until <= ${NOW}`;

// The sign keeps SQLite from going through all of them in the order of their ids.
const selectUntold = (told: number, which: string): string => `
  select subscription.id as subscriptionId, workflow_id as workflowId, node_id as nodeId, node_name as nodeName,
    account, mailbox, min(served_until, ${NOW}) as servedAt, ${GOES_AT} as goesAt,
    (select count(*) from (${DUE})) + (select count(*) from (${LAPSED})) as waiting
  from subscription join source on source.id = subscription.source_id
  where unserved_told < ${told} and ${which} and (exists (${DUE}) or exists (${LAPSED}))
  order by +subscription.id ${limitOf('?3')}`;

const selectGone = selectUntold(
  TOLD.people,
  `workflow_id = ?1 and node_id not in (select value ->> 'id' from json_each(?2))`,
);

const selectLong = selectUntold(TOLD.log, `?2 is null and served_until <= ${NOW} - ?1`);

const markTold = `
  update subscription set unserved_told = ? where id in (select value from json_each(?))`;

const countUnserved = `
  select coalesce(sum(n), 0) as waiting
  from subscription cross join standing on standing.subscription_id = subscription.id
    and standing.state in ('PENDING', 'RETRY')
  where ${IS_UNSERVED} and (?1 is null or workflow_id = ?1)`;

const selectServed = `
  select id from subscription where id in (select value from json_each(?)) and ${IS_SERVED}`;

const serve: Method<'serve'> = (connection, nodes) => {
  if (nodes.length > 0) connection.run(serveNodes, JSON.stringify(nodes));
};

const unserve: Method<'unserve'> = (connection, nodes) => {
  if (nodes.length > 0) connection.run(unserveNodes, JSON.stringify(nodes));
};

const takeUnserved: Method<'takeUnserved'> = (connection, which, limit) => {
  return connection.transaction(() => {
    const rows =
      'afterMs' in which
        ? connection.all<Unserved>(selectLong, which.afterMs, null, limit)
        : which.present
          ? connection.all<Unserved>(selectGone, which.workflowId, JSON.stringify(which.present), limit)
          : [];
    if (rows.length > 0)
      connection.run(
        markTold,
        'afterMs' in which ? TOLD.log : TOLD.people,
        JSON.stringify(rows.map(({ subscriptionId }) => subscriptionId)),
      );
    return rows;
  });
};

export const unserved: Method<'unserved'> = (connection, filter) =>
  connection.get<{ waiting: number }>(countUnserved, askableFilter(filter).workflowId ?? null)!.waiting;

/** Those of the subscriptions that somebody serves. */
export const servedOf = (connection: SqliteConnection, ids: readonly number[]): Set<number> =>
  new Set(connection.all<{ id: number }>(selectServed, JSON.stringify(ids)).map(({ id }) => id));

export const served: Part<Serving> = { serve, unserve, takeUnserved };
