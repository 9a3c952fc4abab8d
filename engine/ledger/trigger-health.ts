// The part of the ledger's port that tells how the triggers of workflows are doing, for people.

/** One trigger node of a workflow. Times in ms since 1970. */
export interface TriggerHealth {
  readonly workflowId: string;
  readonly nodeId: string;
  /** As it was named when it was published; null: a version before this did not note it. */
  readonly nodeName: string | null;
  readonly sourceIds: readonly number[];
  /** It listens. */
  readonly served: boolean;
  /** PENDING and QUEUED; of these, since when the oldest waits. */
  readonly waiting: number;
  readonly oldestWaitingAt: number | null;
  readonly running: number;
  readonly retrying: number;
  /** Counted up to 1,000,000. */
  readonly dead: number;
  readonly unknown: number;
  /** Of the last hour, from the sums (series.ts). */
  readonly doneLately: number;
  readonly failedLately: number;
  /** When a run last ended well, and when one last failed, and why. */
  readonly lastDoneAt: number | null;
  readonly lastFailedAt: number | null;
  readonly lastError: string | null;
}

export interface TriggersHealth {
  /** By workflow and node. */
  triggers(): Promise<TriggerHealth[]>;
}
