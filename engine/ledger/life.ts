// The part of the ledger's port that tells the life of one event, for people: each try, what people did with it, and what is
// done or to be done with its mail on the server.
// Invariant: a try is written in the transaction that settles it, a deed in the one that does it; both go with the event.
import type { EventState } from './states';

/** A run that had its mail. Times in ms since 1970, the database's clock. */
export interface Try {
  readonly attempt: number;
  readonly executionId: string | null;
  /** When the run claimed it; null: a version before this did not note it. */
  readonly beganAt: number | null;
  readonly endedAt: number;
  /** What the event became by it. */
  readonly state: EventState;
  /** Why it failed; null: it did not. */
  readonly error: string | null;
}

/** What was done with the event by hand. */
export interface Deed {
  readonly at: number;
  readonly what: 'replay' | 'retryNow' | 'markDone' | 'forget';
  /** Who, as the one who asked named them, up to 100 characters: "console (operate)", "workflow abc"; null: nobody said. */
  readonly by: string | null;
}

/** What is to be done with its mail on the server, or was, within the last hour. */
export interface ActionRecord {
  readonly kind: string;
  readonly askedAt: number;
  readonly tries: number;
  readonly endedAt: number | null;
  readonly error: string | null;
}

export interface EventLife {
  /** The oldest first. */
  readonly tries: readonly Try[];
  readonly deeds: readonly Deed[];
  readonly actions: readonly ActionRecord[];
}

export interface Lives {
  /** null: there is no such event. */
  life(event: string): Promise<EventLife | null>;
}
