// What can be done with a mail in its Gmail account after its run: as a trigger's settings say it, and the ledger keeps it.
// Invariant: labels stand there by their ids. The trash takes nothing away: mails there are read by their id as before.
import type { DueErrand } from '../../ledger/errands';

export type GmailMailAction =
  | { readonly kind: 'changeLabels'; readonly add: readonly string[]; readonly remove: readonly string[] }
  | { readonly kind: 'trash' };

/** A source has only what its own kind of trigger wrote. */
export type GmailDueErrand = DueErrand<GmailMailAction>;
