// A subscription with its reading, from the columns that both ledgers have of it.
import type { ReadSubscription } from '../readings';
import type { NodeId } from '../serving';
import type { NodeSubscription, Reading, SubscriptionSettings } from '../subscriptions';
import { parseErrand } from './stored';

/** What is JSON is text. */
export interface StoredReading
  extends NodeId, Pick<SubscriptionSettings, 'guarantee' | 'keepContentMs' | 'retentionMs'> {
  readonly nodeName: string | null;
  readonly createdAt: number;
  readonly retryDelays: string;
  readonly afterSuccess: string | null;
  readonly whenDead: string | null;
  readonly reading: string;
}

export function readSubscription(
  subscription: NodeSubscription,
  row: StoredReading,
  served: boolean,
): ReadSubscription {
  const { workflowId, nodeId, nodeName, createdAt, guarantee, keepContentMs, retentionMs } = row;
  const { afterSuccess, whenDead } = row;
  return {
    ...subscription,
    ...{ workflowId, nodeId, nodeName, createdAt, served },
    settings: {
      ...{ retryDelaysMs: JSON.parse(row.retryDelays) as number[], guarantee, keepContentMs, retentionMs },
      afterSuccess: afterSuccess === null ? null : parseErrand(afterSuccess),
      whenDead: whenDead === null ? null : parseErrand(whenDead),
    },
    reading: JSON.parse(row.reading) as Reading,
  };
}
