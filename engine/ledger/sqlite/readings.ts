// What triggers take, in the SQLite ledger, for whoever collects for them.
import { type NodeRow, nodeSubscription } from '../common/node-subscription';
import { readSubscription, type StoredReading } from '../common/read-subscription';
import type { Readings } from '../readings';
import type { Method, Part } from './part';
import { IS_SERVED } from './serving';
import { NODE_FACTS } from './subscriptions-of';

const selectReadings = `
  select ${NODE_FACTS},
    workflow_id as workflowId, node_id as nodeId, node_name as nodeName, created_at as createdAt,
    ${IS_SERVED} as served, retry_delays_ms as retryDelays, guarantee, keep_content_ms as keepContentMs,
    retention_ms as retentionMs, after_success as afterSuccess, when_dead as whenDead, reading
  from source join subscription on subscription.source_id = source.id
  where source.kind = ? and source.account = ? and reading is not null
  order by subscription.id`;

const forgetReadings = `
  update subscription set reading = null
  where workflow_id = ? and node_id = ? and reading is not null and id not in (select value from json_each(?))`;

type ReadingRow = NodeRow & StoredReading & { readonly served: number };

const readings: Method<'readings'> = (connection, { kind, account }) =>
  connection
    .all<ReadingRow>(selectReadings, kind, account)
    .map((row) => readSubscription(nodeSubscription(row), row, row.served === 1));

const listensWith: Method<'listensWith'> = (connection, { workflowId, nodeId }, subscriptionIds) => {
  connection.run(forgetReadings, workflowId, nodeId, JSON.stringify(subscriptionIds));
};

export const read: Part<Readings> = { readings, listensWith };
