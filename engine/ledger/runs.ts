// The part of the ledger's port that a run asks from its beginning to its end, and that tells who is to be told of it.
// Invariant: only `claim` makes RUNNING, only the holder of (event, attempt) leaves RUNNING.
import type { ContentPiece, PackedContent } from './content';
import type { Claim, Pointer } from './pointer';
import type { EventState } from './states';

/** `gone`: the mail is neither in the ledger nor on its server any more. */
export type Outcome =
  | { readonly kind: 'success' }
  | { readonly kind: 'failure'; readonly error: string }
  | { readonly kind: 'gone' };

export interface Settled extends Pointer {
  readonly state: EventState;
}

/** An event that ended without success. */
export interface Ended {
  readonly event: string;
  readonly state: 'DEAD' | 'UNKNOWN';
  readonly failures: number;
  readonly executionId: string | null;
  readonly account: string;
  readonly mailbox: string;
  readonly uid: number | null;
  /** What its last run failed with, the step first; null: it did not say. */
  readonly lastError: string | null;
  readonly sender: string | null;
  readonly subject: string | null;
}

export interface Runs {
  /**
   * Wins pointers for a run: those of them that were not claimed, settled or offered again since, in their
   * order. Late is fine: a lease that ran out still counts while nobody has offered the event again.
   * @param endIsTold whether this process will hear how the run ends; else whoever emitted it settles it
   */
  claim(
    pointers: readonly Pointer[],
    executionId: string,
    leaseMs: number,
    endIsTold?: boolean,
  ): Promise<Claim[]>;

  /** The raw messages of events, packed, by event id; one that is not stored is missing. */
  contents(events: readonly string[]): Promise<ReadonlyMap<string, PackedContent>>;

  /**
   * One piece of the content of an event, so that a large one need not be whole anywhere. @param place 0: the first
   * @returns null: it is not stored, or has no such piece
   */
  contentPiece(event: string, place: number): Promise<ContentPiece | null>;

  /** Renews the leases of pointers still in that state. @returns those that are */
  renew(pointers: readonly Pointer[], state: 'QUEUED' | 'RUNNING', leaseMs: number): Promise<Pointer[]>;

  /**
   * Ends a run: DONE, GONE, RETRY, or DEAD when the retries are used up or there are none (`atMostOnce`).
   * @returns those that changed; a pointer that no longer held its event is missing
   */
  settle(pointers: readonly Pointer[], outcome: Outcome): Promise<Settled[]>;

  /** DEAD and UNKNOWN events that nobody was told of, those that were recorded first before others. Each is handed out once. */
  takeEnded(subscriptionIds: readonly number[], limit: number): Promise<Ended[]>;
}
