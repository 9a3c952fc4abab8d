// What a comparison of a mailbox with the ledger comes to, whatever kind of mailbox it is.

/** Mails of the server, each counted once. */
export interface AuditCounts {
  /** All that were looked at; the sum of the others, without `recorded`. */
  listed: number;
  /** The ledger has, or had, them for each who takes them. */
  known: number;
  /** Nobody takes them: by their rules, or since they were there before. */
  notDue: number;
  /** Whoever collects has not come to them yet. */
  notYet: number;
  /** The server does not hand them out. */
  refused: number;
  /** Somebody takes them, is past them, and the ledger has never seen them. */
  missing: number;
  /** Of the missing: they were recorded now. */
  recorded: number;
}

export const noCounts = (): AuditCounts => ({
  ...{ listed: 0, known: 0, notDue: 0, notYet: 0, refused: 0, missing: 0, recorded: 0 },
});
