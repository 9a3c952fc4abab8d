// What triggers take, in the Postgres ledger, for whoever collects for them.
// Invariant: subscriptions are locked by id.
import { type NodeRow, nodeSubscription } from '../common/node-subscription';
import { readSubscription, type StoredReading } from '../common/read-subscription';
import type { Readings } from '../readings';
import type { Method, Part } from './part';
import { IS_SERVED } from './serving';
import { NODE_FACTS } from './subscriptions-of';

const selectReadings = `
  select ${NODE_FACTS},
    workflow_id as "workflowId", node_id as "nodeId", node_name as "nodeName", created_at as "createdAt",
    ${IS_SERVED} as served, retry_delays_ms as "retryDelays", guarantee, keep_content_ms as "keepContentMs",
    retention_ms as "retentionMs", after_success as "afterSuccess", when_dead as "whenDead", reading
  from durable_mail.source join durable_mail.subscription on subscription.source_id = source.id
  where source.kind = $1 and source.account = $2 and reading is not null
  order by subscription.id`;

const forgetReadings = `
  with locked as materialized (
    select id from durable_mail.subscription
    where workflow_id = $1 and node_id = $2 and reading is not null and id <> all($3)
    order by id for no key update)
  update durable_mail.subscription set reading = null from locked where subscription.id = locked.id`;

type ReadingRow = NodeRow & StoredReading & { readonly served: boolean };

const readings: Method<'readings'> = async (connection, { kind, account }) => {
  const rows = await connection.all<ReadingRow>(selectReadings, kind, account);
  return rows.map((row) => readSubscription(nodeSubscription(row), row, row.served));
};

const listensWith: Method<'listensWith'> = async (connection, { workflowId, nodeId }, subscriptionIds) => {
  await connection.run(forgetReadings, workflowId, nodeId, subscriptionIds);
};

export const read: Part<Readings> = { readings, listensWith };
