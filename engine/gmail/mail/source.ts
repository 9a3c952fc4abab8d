// How the ledger names a watched Gmail account.
import type { SourceKey } from '../../ledger/sources';

/** It has no mailboxes, but labels: it is watched as a whole, under Gmail's own name for that. */
export const GMAIL_MAILBOX = 'All Mail';

/** @param address lower case */
export const gmailSource = (address: string): SourceKey => ({
  kind: 'gmail',
  account: address,
  mailbox: GMAIL_MAILBOX,
});
