// What triggers left in the SQLite ledger that their workflow no longer has, and how another takes it over.
// Invariant: what a trigger left under the name of one that is there is taken over by that one only; and no mail that a
// trigger had itself runs there a second time, because another had it, too.
import { type NodeRow, nodeSubscription } from '../common/node-subscription';
import type { NewSubscription } from '../subscriptions';
import { HAD_ITSELF, SERVED_MS, type TriggerNode } from '../serving';
import { NOW, type SqliteConnection } from './connection';
import type { Method } from './part';
import { releaseContent } from './settle';
import { sourcesOfNode } from './subscriptions-of';

const isLeft = `
  workflow_id = ?1 and node_id not in (select value ->> 'id' from json_each(?2))
    and (node_name is null or node_name = ?3
      or node_name not in (select value ->> 'name' from json_each(?2)))`;

const selectHeritage = `${sourcesOfNode} where ${isLeft} order by subscription.id`;

// The one that had its name goes first, then the one that was there last. By the source's index: a trigger may have
// thousands of sources, and this is asked for each.
const selectLeft = `
  select id from subscription indexed by subscription_source where ${isLeft} and source_id = ?4
  order by node_name is ?3 desc, served_until desc, id desc`;

// It has not subscribed to anything yet: it may have come for what was left.
const selectNewcomer = `
  select 1 as newcomer from json_each(?2) present
  where coalesce(present.value ->> 'disabled', 0) = 0 and present.value ->> 'id' <> ?3
    and not exists (
      select 1 from subscription where workflow_id = ?1 and node_id = present.value ->> 'id')
  limit 1`;

const selectOwn = `select 1 as own from subscription where key = ?`;

const takeAsOwn = `update subscription set key = ?1, node_id = ?2 where id = ?3`;

const takeOver = `
  update subscription set
    node_id = ?1, served_since = ${NOW}, served_until = ${NOW} + ${SERVED_MS}, unserved_told = 0, reading = null
  where id in (select value from json_each(?2))`;

const had = (of: string, key: string): string =>
  `exists (select 1 from ${of} own where own.subscription_id = ?1 and own.${key})`;

// `materialized`: SQLite would read the whole table of events otherwise.
const endDoubles = `
  with doubled as materialized (
    select event.seq
    from subscription own
    cross join subscription indexed by subscription_source on subscription.source_id = own.source_id
      and subscription.workflow_id = own.workflow_id and subscription.node_id = own.node_id and subscription.id <> own.id
    cross join event on event.subscription_id = subscription.id and event.due_at is not null
    where own.id = ?1 and (
      ${had('event', 'identity = event.identity')} or ${had('event', 'soft_identity = event.soft_identity')}
      or ${had('seen', 'key = event.identity')} or ${had('seen', 'key = event.soft_identity')}))
  update event set
    state = 'DONE', due_at = null, last_error = '${HAD_ITSELF}', settled_at = ${NOW}, reported_at = null
  from doubled where event.seq = doubled.seq and event.state in ('PENDING', 'RETRY')
  returning message_id as messageId`;

export const heritage: Method<'heritage'> = (connection, trigger) => {
  const asked = leftParameters(trigger);
  return asked === null ? [] : connection.all<NodeRow>(selectHeritage, ...asked).map(nodeSubscription);
};

/** What was left on the source is the trigger's own from now on. Only in the transaction that then subscribes. */
export function inherit(
  connection: SqliteConnection,
  subscription: NewSubscription,
  sourceId: number,
  key: string,
): void {
  const asked = leftParameters(subscription);
  if (asked === null) return;
  const left = connection.all<{ id: number }>(selectLeft, ...asked, sourceId).map(({ id }) => id);
  const [newest] = left;
  if (newest === undefined) return;
  if (!connection.get(selectOwn, key)) {
    connection.run(takeAsOwn, key, subscription.nodeId, newest);
    left.shift();
  }
  const [workflowId, present] = asked;
  if (left.length > 0 && !connection.get(selectNewcomer, workflowId, present, subscription.nodeId))
    connection.run(takeOver, subscription.nodeId, JSON.stringify(left));
}

/** Mails that the subscription has, and that another of the same trigger and source has, too, run once. */
export function withoutDoubles(connection: SqliteConnection, subscriptionId: number): void {
  const ended = connection.all<{ messageId: number }>(endDoubles, subscriptionId);
  if (ended.length > 0)
    releaseContent(
      connection,
      ended.map(({ messageId }) => messageId),
    );
}

/** @returns null: nobody can see what the workflow has */
const leftParameters = ({
  workflowId,
  present,
  nodeName,
}: TriggerNode): [string, string, string | null] | null =>
  present ? [workflowId, JSON.stringify(present), nodeName ?? null] : null;
