// A subscription with its source, from the columns that both ledgers have of it.
import type { SourceKey } from '../sources';
import type { NodeSubscription } from '../subscriptions';

export interface NodeRow extends SourceKey, Omit<NodeSubscription, 'source' | 'placed'> {
  /** SQLite has no booleans. */
  readonly placed: boolean | 0 | 1;
}

export const nodeSubscription = ({
  id,
  sourceId,
  lastSuccessAt,
  placed,
  kind,
  account,
  mailbox,
}: NodeRow): NodeSubscription => ({
  id,
  sourceId,
  source: { kind, account, mailbox },
  placed: Boolean(placed),
  lastSuccessAt,
});
