// The ledger's port: what the product may ask of its truth, in the domain's words. One adapter for each
// database; test/ledger/contract.ts holds them to this text.
//
// Invariants (docs/architecture.md has all of them):
// - messages, their content, events and the cursor past them commit in one transaction (`record`);
// - one event for one mail and one subscription, by identity and by soft identity;
// - only `offer` makes QUEUED, only `claim` makes RUNNING, only the holder of (event, attempt) leaves RUNNING;
// - all times are the database's.

export type EventState = 'PENDING' | 'QUEUED' | 'RUNNING' | 'RETRY' | 'DONE' | 'DEAD' | 'GONE' | 'UNKNOWN';

type SourceState =
  'pending' | 'syncing' | 'idle' | 'gap_checking' | 'gap_syncing' | 'error' | 'retry_scheduled';

type ConnectionState = 'connecting' | 'idling' | 'polling' | 'backing_off' | 'closed';

/** What is watched: a mailbox of an account. `account` names the login, without secrets. */
export interface SourceKey {
  readonly kind: 'imap';
  readonly account: string;
  readonly mailbox: string;
}

/** Where a subscription stands in its source. Only the collector that wrote it can read it. */
export type Cursor = Readonly<Record<string, string | number>>;

export interface NewSubscription {
  readonly workflowId: string;
  readonly nodeId: string;
  readonly source: SourceKey;
  /** Waits before the second, third, … try, in ms. A run that fails after the last one makes its event DEAD. */
  readonly retryDelaysMs: readonly number[];
}

export interface Subscription {
  readonly id: number;
  readonly sourceId: number;
  /** Names the subscription wherever it is stored; stable if the ledger is lost. */
  readonly key: string;
  readonly cursor: Cursor | null;
  /** When it was first made, ms since 1970, the database's clock. */
  readonly createdAt: number;
  /**
   * It, and those of the same node on other sources that still have events to run: a trigger that was moved
   * to another mailbox finishes what it took from the old one.
   */
  readonly openIds: readonly number[];
}

export interface NewMessage {
  readonly identity: string;
  readonly softIdentity: string | null;
  /** The Message-ID field, for people to search by. */
  readonly messageId: string | null;
  readonly uid: number | null;
  readonly uidValidity: string | null;
  /** When the server received it, ms since 1970. */
  readonly receivedAt: number | null;
  /** Octets on the server. */
  readonly size: number;
  /** The raw message, gzip; only its headers where `truncated`. */
  readonly content: Buffer;
  readonly truncated: boolean;
  /** The subscriptions it is due to. */
  readonly due: readonly number[];
}

export interface Candidate {
  readonly identity: string;
  readonly softIdentity: string | null;
  readonly due: readonly number[];
}

export interface RecordBatch {
  readonly sourceId: number;
  readonly messages: readonly NewMessage[];
  readonly cursors: readonly { readonly subscriptionId: number; readonly cursor: Cursor }[];
}

/** What is emitted: this event, under this attempt. */
export interface Pointer {
  readonly event: string;
  readonly attempt: number;
}

export interface OfferRequest {
  readonly subscriptionIds: readonly number[];
  /** The most events of these subscriptions that may be QUEUED or RUNNING at once. */
  readonly mostInFlight: number;
  /** How long n8n has to start the run before the event is offered again, unless renewed. */
  readonly leaseMs: number;
}

export interface Offer {
  readonly pointers: readonly Pointer[];
  /** When something may next be due or lapse, in ms from now; null: nothing is waiting. */
  readonly nextInMs: number | null;
}

/** A pointer that a run has won, with the mail that it is about. */
export interface Claim extends Pointer {
  readonly subscriptionId: number;
  /** Failed runs so far. */
  readonly failures: number;
  readonly idempotencyKey: string;
  readonly receivedAt: number | null;
  readonly uid: number | null;
  readonly size: number;
  /** The raw message, gzip; null: somebody took it out of the database. */
  readonly content: Buffer | null;
  readonly truncated: boolean;
}

export type Outcome = { readonly kind: 'success' } | { readonly kind: 'failure'; readonly error: string };

export interface SourceReport {
  readonly state: SourceState;
  readonly connection: ConnectionState;
  /** A fault just seen, without secrets; undefined: none. */
  readonly error?: string;
  /** The source was just read to its end. */
  readonly synced?: boolean;
}

export interface Ledger {
  /** Makes the subscription and its source, or finds them again and takes over the new settings. */
  subscribe(subscription: NewSubscription): Promise<Subscription>;

  /** Where the subscriptions stand now. */
  cursors(subscriptionIds: readonly number[]): Promise<ReadonlyMap<number, Cursor | null>>;

  /**
   * Which of the candidates are not recorded yet: the same candidates in the same order, each with only
   * those subscriptions that have no event for it. One query for the whole batch.
   */
  unrecorded<T extends Candidate>(candidates: readonly T[]): Promise<T[]>;

  /**
   * Records messages, makes an event for each subscription they are due to, and moves cursors, in one
   * transaction. What is recorded already is left as it is.
   * @returns the subscriptions that have new events
   */
  record(batch: RecordBatch): Promise<readonly number[]>;

  /** Makes due events QUEUED under a new attempt, the oldest first. */
  offer(request: OfferRequest): Promise<Offer>;

  /**
   * Wins the pointer for a run, or null: it was claimed, settled or offered again since.
   * Late is fine: a lease that ran out still counts while nobody has offered the event again.
   */
  claim(pointer: Pointer, executionId: string, leaseMs: number): Promise<Claim | null>;

  /** Renews the leases of pointers still in that state. @returns those that are */
  renew(pointers: readonly Pointer[], state: 'QUEUED' | 'RUNNING', leaseMs: number): Promise<Pointer[]>;

  /**
   * Ends a run: DONE, or RETRY, or DEAD when the retries are used up.
   * @returns the new state, or null: the pointer no longer held the event, and nothing changed
   */
  settle(pointer: Pointer, outcome: Outcome): Promise<EventState | null>;

  /**
   * Finds RUNNING events whose lease ran out, because their process died or stalled, and counts it as a
   * failed run. @returns how many
   */
  lapse(subscriptionIds: readonly number[]): Promise<number>;

  /** Stores how a source is doing, for people. */
  reportSource(sourceId: number, report: SourceReport): Promise<void>;

  close(): Promise<void>;
}
