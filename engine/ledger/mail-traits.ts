// What the ledger knows of a mail, to tell it from others wherever it is now.

export interface MailTraits {
  readonly identity: string;
  readonly softIdentity: string | null;
  readonly uid: number | null;
  readonly uidValidity: string | null;
  /** When the server received it, ms since 1970. */
  readonly receivedAt: number | null;
  /** Octets. */
  readonly size: number;
}
