// What a database could not do, in words that tell a person what happened, where, and what to do.
// Invariant: no password and nothing of a mail stands in a message.

/**
 * - `full`: no space left; `readonly`: it takes no changes
 * - `unreachable`: no connection, or it was lost; `login`: user or password rejected; `tls`: no trusted encryption
 * - `rights`: the user may not do this; `schema`: written by a newer version, or not to be used by this one
 * - `taken`: another process holds the source by now
 * - `foreign`: the ledger is another n8n's; `twin`: a living copy's of this n8n
 * - `replaced`: its file was deleted, or another was put in its place, since it was opened
 * - `asked`: what was asked cannot be meant, or not be kept, by any database (askable.ts): a mistake of who asks
 * - `other`: anything else, with the database's own text
 */
export type LedgerFaultKind =
  | 'full'
  | 'readonly'
  | 'unreachable'
  | 'login'
  | 'tls'
  | 'rights'
  | 'schema'
  | 'taken'
  | 'foreign'
  | 'twin'
  | 'replaced'
  | 'asked'
  | 'other';

export class LedgerFault extends Error {
  constructor(
    readonly kind: LedgerFaultKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'LedgerFault';
  }
}

/** @param source undefined: the ledger does not know it */
export const takenFault = (source?: { readonly account: string; readonly mailbox: string }): LedgerFault =>
  new LedgerFault(
    'taken',
    `Another process reads ${source ? `${source.mailbox} of ${source.account}` : 'this mailbox'} by now. ` +
      'Nothing was recorded here; this process stands by, and goes on when the other one stops.',
  );

export const noSourceFault = (id: number): LedgerFault =>
  new LedgerFault('other', `The mail ledger has no source ${id}.`);

export const noSubscriptionFault = (id: number): LedgerFault =>
  new LedgerFault('other', `Mail is due to a subscription that is not in the mail ledger: ${id}.`);

/** A mistake of ours, and no fault of the database. */
export const closedError = (place: string): Error => new Error(`The mail ledger ${place} was closed.`);
