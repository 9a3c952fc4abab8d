// The part of the ledger's port that keeps subscriptions: which trigger listens to which source, how its events are
// dealt with, and from where on it has read.
// Invariant: a trigger that comes back finds its subscription, and the place where it stopped.
import type { Errand } from './errands';
import type { TriggerNode } from './serving';
import type { SourceKey } from './sources';

/** Where a subscription stands in its source. Only the collector that wrote it can read it. */
export type Cursor = Readonly<Record<string, string | number>>;

/**
 * - `atLeastOnce`: a run that failed, or whose end nobody knows, is run again;
 * - `atMostOnce`: a mail whose run has begun is never run again by itself: DEAD if it failed, UNKNOWN if
 *   nobody knows.
 */
export type Guarantee = 'atLeastOnce' | 'atMostOnce';

/** What a trigger's settings say about its events. A change holds for events that are there already, too. */
export interface SubscriptionSettings {
  /**
   * Waits before the second, third, … try, in ms; up to a tenth is added at random. A run that fails after the
   * last one makes its event DEAD.
   */
  readonly retryDelaysMs: readonly number[];
  readonly guarantee: Guarantee;
  /** How long a mail's content is kept after its last event is DONE, ms; 0: not at all. */
  readonly keepContentMs: number;
  /** How long settled events are kept, ms. What identifies their mails is kept for good. */
  readonly retentionMs: number;
  /** What is done with a mail on its server when its run has succeeded; null: nothing. */
  readonly afterSuccess: Errand | null;
  /** What is done with it when its tries are used up (DEAD); null: nothing. */
  readonly whenDead: Errand | null;
}

/** What is taken, and how it is read: JSON. Only the collectors of its kind of source read more than what stands here. */
export interface Reading {
  /** The form that the rest of it has. */
  readonly v: number;
}

export interface NewSubscription extends SubscriptionSettings, TriggerNode {
  readonly source: SourceKey;
  /** What it takes from the source, and how that is read; left out: nobody else can collect for it. */
  readonly reading?: Reading;
}

export interface Subscription {
  readonly id: number;
  readonly sourceId: number;
  readonly cursor: Cursor | null;
  /** When it was first made, ms since 1970, the database's clock. */
  readonly createdAt: number;
  /**
   * It, those of the same node on other sources, and what it took over from triggers that are gone: a trigger that was
   * moved to another mailbox finishes what it took from the old one, also when that is replayed.
   */
  readonly nodeIds: readonly number[];
}

export interface NodeSubscription {
  readonly id: number;
  readonly sourceId: number;
  readonly source: SourceKey;
  /** Its place in the source is known. */
  readonly placed: boolean;
  /** When the source was last read to its end, ms since 1970; null: never. */
  readonly lastSuccessAt: number | null;
}

export interface Subscriptions {
  /**
   * Makes the subscription and its source, or finds them again and takes over the new settings. It is served from now on.
   * What triggers of the workflow left on this source that are gone is its own then: where it has none there yet, it goes
   * on where the one that was served last stopped. What else was left it serves, too, unless the workflow has a new
   * trigger that may have come for it; of mails that it had itself, those that wait there are DONE without a run.
   */
  subscribe(subscription: NewSubscription): Promise<Subscription>;

  /** The subscriptions that a trigger has, or had. */
  subscriptionsOf(workflowId: string, nodeId: string): Promise<NodeSubscription[]>;

  /**
   * What triggers of the workflow left that are gone, on any source, as far as this one may take it over: it does so
   * when it subscribes to that source. What was left under the name of another that is there is that one's.
   */
  heritage(trigger: TriggerNode): Promise<NodeSubscription[]>;

  /** Where the subscriptions stand now. */
  cursors(subscriptionIds: readonly number[]): Promise<ReadonlyMap<number, Cursor | null>>;
}
