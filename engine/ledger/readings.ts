// The part of the ledger's port that keeps readings: what a trigger takes from its sources, and how they are read, so that
// another process can collect for it.
// Invariants: a reading is the collector's own, and handed out as it was given; only the subscriptions that a trigger
// listens with have one, so that nobody collects for those it has left.
import type { NodeId } from './serving';
import type { SourceKey } from './sources';
import type { NodeSubscription, Reading, SubscriptionSettings } from './subscriptions';

/** A subscription that a trigger listens with, and all that it takes to collect for it. */
export interface ReadSubscription extends NodeSubscription, NodeId {
  /** What people call the trigger; null: nobody knows. */
  readonly nodeName: string | null;
  /** When it was first made, ms since 1970, the database's clock. */
  readonly createdAt: number;
  /** Its trigger listens now. */
  readonly served: boolean;
  readonly settings: SubscriptionSettings;
  readonly reading: Reading;
}

export interface Readings {
  /**
   * The subscriptions on an account's sources that their triggers listen with, or did when they were stopped. Those that
   * only an older version has made are left out: nobody knows what they take until their trigger subscribes again.
   */
  readings(account: Pick<SourceKey, 'kind' | 'account'>): Promise<ReadSubscription[]>;

  /**
   * The trigger listens with these of its subscriptions only. What it has besides, as of another mailbox that it was moved
   * away from, it still runs; nothing more is collected for that.
   */
  listensWith(node: NodeId, subscriptionIds: readonly number[]): Promise<void>;
}
