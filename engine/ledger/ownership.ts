// Whose the ledger is: one n8n's, or that of several who were all told to share it. Two of them that know nothing of each other
// would share one mailbox's mails between them, and each would call done what only the other has seen.
// Invariant: where the ledger is another's, nothing is recorded, offered, claimed or swept by this process; what it
// runs already may still end.

/** The id of all who share a ledger: one that was not told to is refused. */
export const SHARED_OWNER = 'several that share it';

/** An n8n, as a ledger knows it. */
export interface Instance {
  /** n8n's instance id: the same for its main process and its workers. */
  readonly id: string;
  /**
   * The process, where no other one of this n8n may listen: a second one is then a copy of it that has the same id (a
   * restored backup). Null: several may listen (multi-main), and a copy cannot be told from them.
   */
  readonly home: string | null;
  /** Whether that process is known to be no more. */
  readonly isGone: (home: string) => boolean | Promise<boolean>;
  /** The machine, for people. */
  readonly host: string;
}

export interface LedgerOwnership {
  /** The ledger's own id. */
  ledgerId(): Promise<string>;

  /**
   * Makes this n8n the owner where there is none, and says that it listens. To be called again every ten seconds.
   * @throws LedgerFault `foreign` if it is another's, `twin` if it is a living copy's of this n8n
   */
  own(): Promise<void>;

  /** Whether a process has said so within the last 40 s, whichever it is, and has not left. */
  isListenedTo(): Promise<boolean>;

  /** This process listens no more: another one of this n8n may begin at once. */
  leave(): Promise<void>;

  /** Makes this n8n the owner, whoever was: by a person's word. @returns the host of the one before, if any */
  takeOver(): Promise<string | null>;
}
