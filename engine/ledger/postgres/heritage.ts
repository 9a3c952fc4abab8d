// What triggers left in the Postgres ledger that their workflow no longer has, and how another takes it over.
// Invariants: what a trigger left under the name of one that is there is taken over by that one only; no mail that a
// trigger had itself runs there a second time, because another had it, too; subscriptions are locked by id.
import { type NodeRow, nodeSubscription } from '../common/node-subscription';
import type { NewSubscription } from '../subscriptions';
import { HAD_ITSELF, SERVED_MS, type TriggerNode } from '../serving';
import { NOW, type Parameter, type Statements } from './connection';
import { dropContents } from './content';
import type { Method } from './part';
import { sourcesOfNode } from './subscriptions-of';

const IS_LEFT = `
  workflow_id = $1 and node_id <> all($2::text[])
    and (node_name is null or node_name = $4::text or node_name <> all($3::text[]))`;

const selectHeritage = `${sourcesOfNode} where ${IS_LEFT} order by subscription.id`;

// The one that had its name goes first, then the one that was there last.
const lockLeft = `
  with locked as materialized (
    select id, node_name, served_until from durable_mail.subscription
    where ${IS_LEFT} and source_id = $5
    order by id for update)
  select id from locked order by coalesce(node_name = $4::text, false) desc, served_until desc, id desc`;

// It has not subscribed to anything yet: it may have come for what was left.
const selectNewcomer = `
  select 1 as newcomer from unnest($2::text[]) present (id)
  where (
    select 1 from durable_mail.subscription where workflow_id = $1 and node_id = present.id limit 1) is null
  limit 1`;

const selectOwn = `select 1 as own from durable_mail.subscription where key = $1`;

const takeAsOwn = `update durable_mail.subscription set key = $1, node_id = $2 where id = $3`;

const takeOver = `
  update durable_mail.subscription
  set node_id = $1, served_since = ${NOW}, served_until = ${NOW} + ${SERVED_MS}, unserved_told = 0, reading = null
  where id = any($2)`;

// `limit 1` keeps each look-up a look-up.
const had = (of: string, key: string): string =>
  `(select 1 from durable_mail.${of} own where own.subscription_id = $1 and own.${key} limit 1) is not null`;

const endDoubles = `
  with doubled as materialized (
    select event.seq
    from durable_mail.subscription own
    join durable_mail.subscription on subscription.workflow_id = own.workflow_id
      and subscription.node_id = own.node_id and subscription.source_id = own.source_id and subscription.id <> own.id
    cross join lateral (
      select seq, identity, soft_identity from durable_mail.event
      where event.subscription_id = subscription.id and event.due_at is not null
      order by seq for update skip locked) event
    where own.id = $1 and (
      ${had('event', 'identity = event.identity')} or ${had('event', 'soft_identity = event.soft_identity')}
      or ${had('seen', 'key = event.identity')} or ${had('seen', 'key = event.soft_identity')}))
  update durable_mail.event set
    state = 'DONE', due_at = null, last_error = '${HAD_ITSELF}', settled_at = ${NOW}, reported_at = null
  from doubled where event.seq = doubled.seq
  returning event.message_id as "messageId"`;

const lockContents = `
  select message_id as "messageId" from durable_mail.content
  where message_id = any($1) order by message_id for update`;

export const heritage: Method<'heritage'> = async (statements, trigger) => {
  const asked = leftParameters(trigger);
  if (asked === null) return [];
  return (await statements.all<NodeRow>(selectHeritage, ...asked)).map(nodeSubscription);
};

/** What was left on the source is the trigger's own from now on. Only in the transaction that then subscribes. */
export async function inherit(
  statements: Statements,
  subscription: NewSubscription,
  sourceId: number,
  key: string,
): Promise<void> {
  const asked = leftParameters(subscription);
  if (asked === null) return;
  const left = (await statements.all<{ id: number }>(lockLeft, ...asked, sourceId)).map(({ id }) => id);
  const [newest] = left;
  if (newest === undefined) return;
  if (!(await statements.get(selectOwn, key))) {
    await statements.run(takeAsOwn, key, subscription.nodeId, newest);
    left.shift();
  }
  if (left.length === 0) return;
  const { workflowId, nodeId, present = [] } = subscription;
  const others = present.filter(({ id, disabled }) => !disabled && id !== nodeId).map(({ id }) => id);
  if (await statements.get(selectNewcomer, workflowId, others)) return;
  await statements.run(takeOver, nodeId, left);
}

/** Mails that the subscription has, and that another of the same trigger and source has, too, run once. */
export async function withoutDoubles(statements: Statements, subscriptionId: number): Promise<void> {
  const ended = await statements.all<{ messageId: number }>(endDoubles, subscriptionId);
  if (ended.length === 0) return;
  const ids = [...new Set(ended.map(({ messageId }) => messageId))];
  const locked = await statements.all<{ messageId: number }>(lockContents, ids);
  await dropContents(
    statements,
    locked.map(({ messageId }) => messageId),
  );
}

/** @returns null: nobody can see what the workflow has */
const leftParameters = ({
  workflowId,
  present,
  nodeName,
}: TriggerNode): [Parameter, Parameter, Parameter, Parameter] | null =>
  present
    ? [workflowId, present.map(({ id }) => id), present.map(({ name }) => name), nodeName ?? null]
    : null;
