// What a kind of source (a mailbox of an IMAP server, a Gmail account) brings to a trigger that listens to it.
// Invariant: nothing is read before `start`, and nothing is recorded any more after `stop` has resolved.
import type { Ledger } from '../../../engine/ledger/ledger';
import type { Ended } from '../../../engine/ledger/runs';
import type { SourceKey } from '../../../engine/ledger/sources';
import type {
  NodeSubscription,
  Subscription,
  SubscriptionSettings,
} from '../../../engine/ledger/subscriptions';
import type { TriggerNode } from '../../../engine/ledger/serving';
import { CLOCK_MARGIN_MS } from '../../../engine/runtime/time';
import type { Start, Subscriber } from '../../../engine/source/source';
import type { Store } from '../store/store';

export interface Collector {
  /** What is watched, for people, at the beginning of a sentence: `Mailbox "INBOX"`. */
  watched(): string;
  /** Where a mail was, for people: `Mailbox "INBOX" of ann@example.com, UID 7`. */
  place(mail: Pick<Ended, 'account' | 'mailbox' | 'uid'>): string;
  /** Whether the fault says all that a person is to know; else it is why there is no reading. */
  isWhole?(error: unknown): boolean;
  /** Whether the fault goes away by itself; nobody is told of such a one before it has lasted. */
  heals(error: unknown): boolean;
  /**
   * Finds out whose mail it is to listen to. Called anew after every failure, and when the account has changed.
   * @throws Error: it cannot be found out now
   */
  collect(store: Store, ports: CollectorPorts): Promise<Collecting>;
}

interface Collecting {
  /** Subscribes, and joins the watch. @returns the trigger's subscriptions @throws LedgerFault */
  start(): Promise<readonly number[]>;
  stop(): Promise<unknown>;
}

/** How a collector speaks with the trigger that it works for. */
export interface CollectorPorts {
  /** The trigger; what its workflow has is seen when it was just started only. */
  readonly trigger: TriggerNode;
  readonly subscription: SubscriptionSettings;
  /** The trigger, as it listens to one source. */
  subscriber<Login, Reading extends BeginsSomewhere>(
    subscription: Subscription,
    listening: Listening<Login, Reading>,
    source: SourceKey,
  ): Subscriber<Login, Reading>;
  /** When people were told that the trigger listens, ms since 1970; null: they wait for it. */
  begunAt(): number | null;
  /** Every source that is there now was joined, or is known from before: nobody need wait for the others. */
  joined(): void;
  /** Sources were added: all subscriptions of the trigger. */
  changed(subscriptionIds: readonly number[]): void;
  /** There is no use in waiting: its place cannot be found now. */
  late(): void;
  /** A person is to know that it is not being read. */
  report(fault: Error): void;
  /** The login now leads to another account: `collect` is called anew. */
  moved(): void;
}

/** What the readings of all kinds of sources say of where they begin. */
export interface BeginsSomewhere {
  readonly skipWhileOff: boolean;
  readonly start: Start;
}

export type Listening<Login, Reading> = Pick<
  Subscriber<Login, Reading>,
  'reading' | 'login' | 'stored' | 'mostConnections' | 'readBy' | 'passesOverUntil'
>;

/** What the trigger has, or takes over: where its place is known, it goes on there. */
export const knownPlaces = async (
  ledger: Pick<Ledger, 'subscriptionsOf' | 'heritage'>,
  trigger: TriggerNode,
): Promise<readonly NodeSubscription[]> => {
  const known = await ledger.subscriptionsOf(trigger.workflowId, trigger.nodeId);
  return [...known, ...(await ledger.heritage(trigger))].filter(({ placed }) => placed);
};

/**
 * Where a subscription begins that was made only after people were told that the trigger listens: "from now on" was then.
 * @param toldAt ms since 1970; null: it was made before
 */
export const fromWhenTold = <Reading extends { readonly start: Start }>(
  reading: Reading,
  toldAt: number | null,
): Reading =>
  toldAt === null || reading.start.kind !== 'new'
    ? reading
    : { ...reading, start: { kind: 'since', at: toldAt - CLOCK_MARGIN_MS } };
