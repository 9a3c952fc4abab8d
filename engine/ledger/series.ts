// The part of the ledger's port that tells how it went over time: sums of what was recorded and how runs ended, kept in steps of
// a minute for a day and of an hour for 32 days, so that what is asked costs the same however many mails there were.
// Invariants: a sum is added to in the transaction that makes it so; it costs a fixed amount a mail; times come from the
// database's clock; who asks for a day that the clock went through twice is told the sum of both.

export interface SeriesRequest {
  /** At or after, and before; ms since 1970. */
  readonly from: number;
  readonly until: number;
  readonly step: 'minute' | 'hour';
  readonly sourceId?: number;
  readonly workflowId?: string;
}

/** Seconds, from the sums of a histogram whose steps grow by a fixed factor of at most 1.5. */
export interface Spread {
  readonly p50: number;
  readonly p95: number;
}

/** Steps in which nothing happened are left out. */
export interface SeriesPoint {
  /** Its beginning, ms since 1970. */
  readonly at: number;
  readonly recorded: number;
  readonly done: number;
  /** Runs that failed, whether they are tried again or not. */
  readonly failed: number;
  readonly dead: number;
  /** How many more mails waited or ran at its end than at its beginning. */
  readonly growth: number;
  /** From recorded to claimed, of the mails whose first run began; null: none did. */
  readonly untilRun: Spread | null;
  /** From claimed to ended, of the runs that ended; null: none did. */
  readonly untilEnd: Spread | null;
}

export interface Series {
  /** The oldest first. */
  series(request: SeriesRequest): Promise<SeriesPoint[]>;

  /** How many mails waited or ran when the first of these steps began, as far back as the sums tell. */
  waitingBefore(request: SeriesRequest): Promise<number>;
}

/** So long a minute is told by itself, and an hour at all, ms. */
export const KEEP_MINUTES_MS = 86_400_000;
export const KEEP_HOURS_MS = 32 * 86_400_000;

/** Sums are small: so many are swept for one of anything else. */
export const SUMS_SWEPT = 10;
