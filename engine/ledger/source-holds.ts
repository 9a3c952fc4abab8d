// The part of the ledger's port that says which process reads a source: a lease, fenced by a number, so that two
// processes with the same mailbox never record side by side.

/** The right to record for a source. It ends when another process takes the source: its fence is higher. */
export interface SourceHold {
  readonly sourceId: number;
  /** Grows by one with every new holder. */
  readonly fence: number;
}

export interface HoldRequest {
  readonly sourceId: number;
  /** Names the process, the same for all its sources. */
  readonly holder: string;
  readonly leaseMs: number;
  /** A holder that is known to be dead: it is not waited for. */
  readonly replacing?: string;
  /**
   * The lease of another process that was seen not to be renewed, as its `until`: only this one is taken over where it
   * ran out, or lies further ahead than any can, because the clock was set back. Null: none was seen for so long.
   * Default: any that ran out.
   */
  readonly unrenewed?: number | null;
}

/**
 * `heldBy`: another process holds it, or did until a moment ago; `until`, for who asks with `unrenewed`: ms since 1970,
 * the database's clock.
 */
type HoldAnswer = { readonly hold: SourceHold } | { readonly heldBy: string; readonly until?: number };

export interface SourceHolds {
  /** Takes a source that nobody holds, whose lease ran out, or that is one's own already (with its old fence). */
  holdSource(request: HoldRequest): Promise<HoldAnswer>;

  /** Renews leases. One that ran out still counts while nobody else has taken the source. @returns those that are still held */
  renewHolds(holds: readonly SourceHold[], leaseMs: number): Promise<SourceHold[]>;

  /** Gives sources free for the next process. A hold that was lost is left as it is. */
  releaseHolds(holds: readonly SourceHold[]): Promise<void>;
}
