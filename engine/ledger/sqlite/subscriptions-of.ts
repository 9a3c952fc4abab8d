// The subscriptions of a trigger in the SQLite ledger, with their sources.
import type { NodeSubscription, SourceKey } from '../ledger';
import type { SqliteConnection } from './connection';

export const sourcesOfNode = `
  select subscription.id, source.id as sourceId, source.kind, source.account, source.mailbox,
    source.last_success_at as lastSuccessAt, subscription.cursor is not null as placed
  from subscription join source on source.id = subscription.source_id`;

const selectOfNode = `${sourcesOfNode} where workflow_id = ? and node_id = ? order by subscription.id`;

export interface NodeRow extends SourceKey {
  readonly id: number;
  readonly sourceId: number;
  readonly lastSuccessAt: number | null;
  readonly placed: number;
}

export const subscriptionsOf = (
  connection: SqliteConnection,
  workflowId: string,
  nodeId: string,
): NodeSubscription[] => connection.all<NodeRow>(selectOfNode, workflowId, nodeId).map(nodeSubscription);

export const nodeSubscription = ({
  id,
  sourceId,
  lastSuccessAt,
  placed,
  ...source
}: NodeRow): NodeSubscription => ({
  id,
  sourceId,
  source,
  placed: placed === 1,
  lastSuccessAt,
});
