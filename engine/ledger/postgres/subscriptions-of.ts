// The subscriptions of a trigger in the Postgres ledger, with their sources.
import type { NodeSubscription, SourceKey } from '../ledger';
import type { Statements } from './connection';

export const sourcesOfNode = `
  select subscription.id, source.id as "sourceId", source.kind, source.account, source.mailbox,
    source.last_success_at as "lastSuccessAt", subscription.cursor is not null as placed
  from durable_mail.subscription join durable_mail.source on source.id = subscription.source_id`;

const selectOfNode = `${sourcesOfNode} where workflow_id = $1 and node_id = $2 order by subscription.id`;

export type NodeRow = SourceKey & Omit<NodeSubscription, 'source'>;

export async function subscriptionsOf(
  statements: Statements,
  workflowId: string,
  nodeId: string,
): Promise<NodeSubscription[]> {
  return (await statements.all<NodeRow>(selectOfNode, workflowId, nodeId)).map(nodeSubscription);
}

export const nodeSubscription = ({
  id,
  sourceId,
  lastSuccessAt,
  placed,
  ...source
}: NodeRow): NodeSubscription => ({ id, sourceId, source, placed, lastSuccessAt });
