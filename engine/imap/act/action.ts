// What can be done with a mail on an IMAP server after its run: as a trigger's settings say it, and the ledger keeps it.
// Invariant: what takes a mail away from its mailbox comes last: another workflow may want it marked first.
import type { DueErrand, Errand } from '../../ledger/errands';

export type ImapMailAction =
  | { readonly kind: 'markRead' }
  | { readonly kind: 'flag' }
  | { readonly kind: 'addKeyword'; readonly keyword: string }
  | { readonly kind: 'move'; readonly mailbox: string }
  | { readonly kind: 'copy'; readonly mailbox: string }
  | { readonly kind: 'delete' };

const ORDER: readonly ImapMailAction['kind'][] = ['markRead', 'flag', 'addKeyword', 'copy', 'move', 'delete'];

/** The lower, the sooner. */
export const rankOf = ({ kind }: ImapMailAction): number => ORDER.indexOf(kind);

/** As the ledger keeps it. */
export const errandOf = (action: ImapMailAction | null): Errand | null =>
  action?.kind === 'move' || action?.kind === 'delete' ? { ...action, takesAway: true } : action;

/** A source has only what its own kind of trigger wrote. */
export type ImapDueErrand = DueErrand<ImapMailAction>;
