// The names of sources, subscriptions and pointers: one text for one of each.
import type { Pointer } from './pointer';
import type { SourceKey } from './sources';
import type { NewSubscription } from './subscriptions';

/** One text for one source; no two sources share it, whatever is in their parts. */
export const sourceName = (key: SourceKey): string => JSON.stringify([key.kind, key.account, key.mailbox]);

/** One text for one subscription, the same in every ledger that this instance may have. */
export const subscriptionKey = (subscription: NewSubscription): string =>
  JSON.stringify([subscription.workflowId, subscription.nodeId, sourceName(subscription.source)]);

/** One text for one offer of one event: unique among all that were ever emitted. */
export const pointerName = ({ event, attempt }: Pointer): string => `${event}:${attempt}`;
