// Who listens, in the Postgres ledger, and for what nobody does.
// Invariant: subscriptions are locked by id.
import { askableFilter } from '../askable';
import { TOLD } from '../common/stored';
import { KEEP_UNSERVED_MS, type NodeId, SERVED_MS, type Serving, type Unserved } from '../serving';
import { NOW } from './connection';
import type { Method, Part } from './part';

/** Of a subscription; one that says so for longer than it could was written under a clock that was set back since. */
export const IS_SERVED = `(served_until > ${NOW} and served_until <= ${NOW} + ${SERVED_MS})`;

/** The same, the other way round: by the index of these times. */
const IS_UNSERVED = `(served_until <= ${NOW} or served_until > ${NOW} + ${SERVED_MS})`;

/** When an unserved subscription goes. */
export const GOES_AT = `(subscription.served_until + greatest(subscription.retention_ms, ${KEEP_UNSERVED_MS}))`;

const lockedOf = (which: string): string => `
  with locked as materialized (
    select subscription.id
    from unnest($1::text[], $2::text[]) node (workflow_id, node_id)
    join durable_mail.subscription
      on subscription.workflow_id = node.workflow_id and subscription.node_id = node.node_id
    where ${which}
    order by subscription.id for no key update of subscription)`;

const serveNodes = `
  ${lockedOf(`served_until not between ${NOW} + ${(SERVED_MS * 2) / 3} and ${NOW} + ${SERVED_MS}`)}
  update durable_mail.subscription set
    served_since = case when ${IS_SERVED} then served_since else ${NOW} end, served_until = ${NOW} + ${SERVED_MS},
    unserved_told = 0
  from locked where subscription.id = locked.id`;

const unserveNodes = `
  ${lockedOf(`served_until > ${NOW}`)}
  update durable_mail.subscription set served_until = ${NOW}
  from locked where subscription.id = locked.id`;

// Each kind by its own index, which has nothing but what waits.
const DUE = `
  select 1 from durable_mail.event where event.subscription_id = subscription.id and event.due_at is not null`;
const LAPSED = `
  select 1 from durable_mail.event where event.subscription_id = subscription.id and event.lease_until <= ${NOW}`;

const takeUntold = (told: number, which: string): string => `
  with untold as materialized (
    select id from durable_mail.subscription
    where unserved_told < ${told} and ${which}
      and ((${DUE} limit 1) is not null or (${LAPSED} limit 1) is not null)
    order by id limit $1 for no key update skip locked),
  told as (
    update durable_mail.subscription set unserved_told = ${told}
    from untold where subscription.id = untold.id
    returning subscription.*)
  select subscription.id as "subscriptionId", workflow_id as "workflowId", node_id as "nodeId",
    node_name as "nodeName", account, mailbox, least(served_until, ${NOW}) as "servedAt", ${GOES_AT} as "goesAt",
    (select count(*) from (${DUE}) due) + (select count(*) from (${LAPSED}) lapsed) as waiting
  from told subscription join durable_mail.source on source.id = subscription.source_id
  order by subscription.id`;

const takeGone = takeUntold(TOLD.people, 'workflow_id = $2 and node_id <> all($3::text[])');

const takeLong = takeUntold(TOLD.log, `served_until <= ${NOW} - $2`);

const countUnserved = `
  select coalesce(sum(n), 0)::bigint as waiting
  from durable_mail.subscription
  join durable_mail.standing on standing.subscription_id = subscription.id and standing.state in ('PENDING', 'RETRY')
  where ${IS_UNSERVED} and ($1::text is null or workflow_id = $1)`;

const serve: Method<'serve'> = async (statements, nodes) => {
  if (nodes.length > 0) await statements.run(serveNodes, ...columns(nodes));
};

const unserve: Method<'unserve'> = async (statements, nodes) => {
  if (nodes.length > 0) await statements.run(unserveNodes, ...columns(nodes));
};

const takeUnserved: Method<'takeUnserved'> = async (connection, which, limit) => {
  if ('afterMs' in which) return connection.all<Unserved>(takeLong, limit, which.afterMs);
  if (!which.present) return [];
  return connection.all<Unserved>(
    takeGone,
    limit,
    which.workflowId,
    which.present.map(({ id }) => id),
  );
};

export const unserved: Method<'unserved'> = async (statements, filter) => {
  const { workflowId } = askableFilter(filter);
  return (await statements.get<{ waiting: number }>(countUnserved, workflowId ?? null))!.waiting;
};

const columns = (nodes: readonly NodeId[]): [string[], string[]] => [
  nodes.map(({ workflowId }) => workflowId),
  nodes.map(({ nodeId }) => nodeId),
];

export const served: Part<Serving> = { serve, unserve, takeUnserved };
