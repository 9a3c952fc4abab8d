// The part of the ledger's port that says who listens: a subscription is served while its trigger listens, wherever it
// does, and by nobody after that.
// Invariant: what a trigger left, its waiting mails, its place and what identifies its mails, is taken over by one trigger
// of the same workflow at most, and goes only when nobody has served it for its retention, and for KEEP_UNSERVED_MS.
/** How long a subscription counts as served after its trigger last said so: longer than between two of these. */
export const SERVED_MS = 90 * 60_000;

/**
 * How long at least a subscription is kept that nobody serves: a workflow that was unpublished for a season goes on where
 * it stopped.
 */
export const KEEP_UNSERVED_MS = 90 * 86_400_000;

/** What a mail says that the trigger which took it over had had itself. */
export const HAD_ITSELF = 'Not run: the trigger that took it over had this mail itself.';

export interface NodeId {
  readonly workflowId: string;
  readonly nodeId: string;
}

/** A trigger among those of its workflow. */
export interface TriggerNode extends NodeId {
  /** What people call it; undefined: nobody knows. */
  readonly nodeName?: string;
  /**
   * The triggers that its workflow has now, it among them. Undefined: nobody can see them. What is left by others, they
   * are gone.
   */
  readonly present?: readonly PresentTrigger[];
}

export interface PresentTrigger {
  readonly id: string;
  readonly name: string;
  /** It does not listen. */
  readonly disabled?: boolean;
}

/** A subscription for which mails wait, and nobody listens. */
export interface Unserved extends NodeId {
  readonly subscriptionId: number;
  /** What people called the trigger; null: nobody knows. */
  readonly nodeName: string | null;
  readonly account: string;
  readonly mailbox: string;
  /** How many mails wait. */
  readonly waiting: number;
  /** When it was last served, about; ms since 1970. */
  readonly servedAt: number;
  /** When it goes with all its mails, if nobody serves it before; ms since 1970. */
  readonly goesAt: number;
}

export interface Serving {
  /**
   * The triggers listen: what they have is served from now on, for SERVED_MS. What is for long enough already is not
   * written. One statement for them all.
   */
  serve(nodes: readonly NodeId[]): Promise<void>;

  /** The triggers listen no more. */
  unserve(nodes: readonly NodeId[]): Promise<void>;

  /**
   * Subscriptions for which mails wait, and that nobody serves: those of triggers that the workflow no longer has, or
   * of any after so many ms. Each is handed out once, until somebody serves it again.
   */
  takeUnserved(
    which: Pick<TriggerNode, 'workflowId' | 'present'> | { readonly afterMs: number },
    limit: number,
  ): Promise<Unserved[]>;
}
