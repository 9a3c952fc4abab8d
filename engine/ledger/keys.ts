// The names of sources, subscriptions and pointers: one text for one of each.
import type { NewSubscription, Pointer, SourceKey } from './ledger';

/** One text for one source; no two sources share it, whatever is in their parts. */
export const sourceName = (key: SourceKey): string => JSON.stringify([key.kind, key.account, key.mailbox]);

/** One text for one subscription, the same in every ledger that this instance may have. */
export const subscriptionKey = (subscription: NewSubscription): string =>
  JSON.stringify([subscription.workflowId, subscription.nodeId, sourceName(subscription.source)]);

/** One text for one offer of one event: unique among all that were ever emitted. */
export const pointerName = ({ event, attempt }: Pointer): string => `${event}:${attempt}`;

/** The rows in the order of their pointers, each once; a pointer without a row is left out. */
export function inOrder<T extends Pointer>(pointers: readonly Pointer[], rows: readonly T[]): T[] {
  const found = new Map(rows.map((row) => [pointerName(row), row]));
  const names = new Set(pointers.map(pointerName));
  return [...names].flatMap((name) => found.get(name) ?? []);
}
