// The names under which a ledger stores sources and subscriptions.
import type { NewSubscription, SourceKey } from './ledger';

/** One text for one source; no two sources share it, whatever is in their parts. */
export const sourceName = (key: SourceKey): string => JSON.stringify([key.kind, key.account, key.mailbox]);

/** One text for one subscription, the same in every ledger that this instance may have. */
export const subscriptionKey = (subscription: NewSubscription): string =>
  JSON.stringify([subscription.workflowId, subscription.nodeId, sourceName(subscription.source)]);
