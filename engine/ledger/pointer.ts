// What travels from the ledger to a run, and what the run gets for it.
import type { MailTraits } from './mail-traits';

/** What is emitted: this event, under this attempt. */
export interface Pointer {
  readonly event: string;
  readonly attempt: number;
}

/** A pointer that a run has won, with what is known of its mail. */
export interface Claim extends Pointer, MailTraits {
  readonly subscriptionId: number;
  readonly idempotencyKey: string;
  /** Where the mail is, or was: the source's account and mailbox. */
  readonly account: string;
  readonly mailbox: string;
  readonly messageId: string | null;
  /** As people read them; null: they are not known, or were forgotten. */
  readonly sender: string | null;
  readonly subject: string | null;
  /** Its content, packed, where it is stored and small (`CLAIMED_BYTES`): it need not be asked for. Else null. */
  readonly content: Buffer | null;
}
