// The subscriptions of a trigger in the Postgres ledger, with their sources.
import { type NodeRow, nodeSubscription } from '../common/node-subscription';
import type { Method } from './part';

/** What is told of a subscription and its source, by the names of their tables. */
export const NODE_FACTS = `
  subscription.id, source.id as "sourceId", source.kind, source.account, source.mailbox,
  source.last_success_at as "lastSuccessAt", subscription.cursor is not null as placed`;

export const sourcesOfNode = `
  select ${NODE_FACTS}
  from durable_mail.subscription join durable_mail.source on source.id = subscription.source_id`;

const selectOfNode = `${sourcesOfNode} where workflow_id = $1 and node_id = $2 order by subscription.id`;

export const subscriptionsOf: Method<'subscriptionsOf'> = async (statements, workflowId, nodeId) => {
  return (await statements.all<NodeRow>(selectOfNode, workflowId, nodeId)).map(nodeSubscription);
};
