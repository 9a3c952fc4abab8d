// Who may listen to the feed, and what to. The feed knows nothing of HTTP: a client is whatever takes octets, and says when
// it has not got rid of them.

export interface FeedClient {
  /** Never waits, never throws. @returns false: there is a lot unsent; `onDrain` tells when it is not */
  write(chunk: Buffer): boolean;
  /** Octets that wait to be sent. */
  unsent(): number;
  /** All that was written is still sent. */
  end(): void;
  /** At once, with what is unsent: it does not read. */
  cut(): void;
  /** Calls back whenever nothing is unsent any more, after a `write` that said false. */
  onDrain(listener: () => void): void;
  /**
   * Once, when it is known where it begins: between what is looked up from then on and what it is told there is no hole.
   * @param position all that became so after it is told
   */
  begin?(position: string): void;
}

/** What is left out lets everything through. Without `after` and `since`: what becomes so from now on. */
export interface FeedAsk {
  /** Go on after this id (`Last-Event-ID`); what is none, or is not kept any more, is answered with a `reset`. */
  readonly after?: string;
  /** At or after, ms since 1970. Counts where there is no `after`. */
  readonly since?: number;
  /** Types of events; `stats`, too, comes only where it is named. */
  readonly types?: readonly string[];
  readonly sourceId?: number;
  readonly workflowId?: string;
}

/** The clock of a feed. */
export interface FeedTimes {
  /** ms, monotonic. */
  readonly now: () => number;
  /** Resolves after so many ms, or when the signal aborts. Never rejects. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** A number in [0, 1). */
  readonly random: () => number;
}
