// The part of the ledger's port that hands due events to n8n, as pointers of runs.
// Invariant: only `offer` makes QUEUED, and every offer of an event is a new attempt.
import type { Pointer } from './pointer';

/** The lease of a run, as it was seen. */
export interface SeenLease {
  /** The offered run's id. */
  readonly run: string;
  /** Until when it holds, ms since 1970, the database's clock. */
  readonly until: number;
}

export interface RunningLease extends SeenLease {
  /** Below 0: it has run out. */
  readonly lapsesInMs: number;
}

export interface OfferRequest {
  readonly subscriptionIds: readonly number[];
  /** The most runs of these subscriptions at once. Counted are those QUEUED or RUNNING under a lease. */
  readonly mostRuns: number;
  /** The most of them that this offer begins; what is due beyond it is due at once (`nextInMs`). Default: all. */
  readonly mostNew?: number;
  /** The most mails in one run. A mail whose run failed before runs alone, so that it spoils no other's. */
  readonly mailsPerRun: number;
  /** While few mails are due each runs alone; the more there are, the more of them go together. Default: false. */
  readonly fewAlone?: boolean;
  /**
   * How long n8n has to start the run before its events are offered again, unless renewed. No lease of an event is
   * longer by more than a minute: one that lies further ahead is from before the clock was set back, and has run out.
   */
  readonly leaseMs: number;
  /**
   * Leases that were seen not to be renewed: only runs that still have these are settled where they ran out.
   * Default: all whose lease ran out. The clock may have jumped, and who lives is to renew before it counts.
   */
  readonly unrenewed?: readonly SeenLease[];
}

/** Pointers that n8n is to run together. */
export interface OfferedRun {
  /** Unique among all runs ever offered. */
  readonly id: string;
  readonly pointers: readonly Pointer[];
}

export interface Offer {
  readonly runs: readonly OfferedRun[];
  /** RUNNING events found whose lease had run out, because their process died or stalled. */
  readonly lapsed: number;
  /** When something may next be due or lapse, in ms from now; null: nothing is waiting. */
  readonly nextInMs: number | null;
  /** Some ended without success, and nobody was told of them (`takeEnded`). */
  readonly untold: boolean;
  /** What is RUNNING now, for who asks with `unrenewed`; its leases are not in `nextInMs` then. */
  readonly running?: readonly RunningLease[];
}

export interface Offers {
  /** How many events of the subscriptions wait to be offered (PENDING, RETRY), counted up to `most`. */
  waiting(subscriptionIds: readonly number[], most: number): Promise<number>;

  /**
   * Settles runs whose lease ran out, then makes due events QUEUED under a new attempt, the oldest first. Due is also
   * what waits for a time further ahead than its longest wait: the clock was set back.
   */
  offer(request: OfferRequest): Promise<Offer>;
}
