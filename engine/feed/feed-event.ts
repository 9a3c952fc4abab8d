// What the feed tells: the ledger's changes in the words that others build on.
// Invariants: never a body; sender and subject only where the feed's settings show them; a form that changes gets a new `v`.

export type FeedEventType =
  | ('email.new' | 'email.started' | 'email.done' | 'email.failed' | 'email.dead' | 'email.updated')
  | 'email.classified'
  | ('source.state' | 'source.recovered')
  | (
      | 'outbox.queued'
      | 'outbox.sent'
      | 'outbox.failed'
      | 'outbox.unknown'
      | 'outbox.bounced'
      | 'outbox.updated'
    )
  | ('template.changed' | 'endpoint.changed')
  | ('sync.started' | 'sync.first_batch' | 'sync.progress' | 'sync.completed' | 'sync.error');

/** One event of the feed, as JSON. Its name as a server-sent event is its type. */
export interface FeedEvent {
  readonly v: 1;
  /** To go on after it (`Last-Event-ID`): the ledger's position, opaque. */
  readonly id: string;
  readonly type: FeedEventType;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly source: number | null;
  readonly workflow: string | null;
  readonly event: string | null;
  /** As engine/ledger/changes.ts says for the type; times as ISO 8601. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Told to everybody at most once a second, without an id: it is no change, and nothing is resumed after it. */
export interface FeedStats {
  readonly v: 1;
  readonly type: 'stats';
  readonly time: string;
  readonly data: {
    readonly waiting: number;
    readonly active: number;
    readonly completed: number;
    readonly failed: number;
    readonly delayed: number;
  };
}

/**
 * Told to one whose position is not kept any more (or is none): what it has is to be thrown away and asked for anew, and the
 * feed goes on after `id`.
 */
export interface FeedReset {
  readonly v: 1;
  readonly type: 'reset';
  readonly id: string;
  readonly time: string;
}
