// What can go wrong with Gmail, in words for people: what happened, in which account, and what to do.
// Invariant: no token and nothing of a mail's content stands in it.

/**
 * - `login`: the access was revoked or never given; a person has to sign in again;
 * - `forbidden`: the account or its domain does not allow it; a person has to change something;
 * - `expired`: the history does not reach back so far;
 * - `refused`: the request is wrong (400, 404); trying again does not help;
 * - `busy`: too much was asked for, or Google has trouble; it passes;
 * - `unreachable`: there was no answer.
 */
export type GmailFaultKind = 'login' | 'forbidden' | 'expired' | 'refused' | 'busy' | 'unreachable';

export class GmailFault extends Error {
  override readonly name = 'GmailFault';
  readonly kind: GmailFaultKind;
  /** Of `busy`: it is about the account's quota, and says nothing of what was asked for. */
  readonly isOfQuota: boolean;

  constructor(
    kind: GmailFaultKind,
    message: string,
    options: ErrorOptions & { readonly isOfQuota?: boolean } = {},
  ) {
    super(message, options);
    this.kind = kind;
    this.isOfQuota = options.isOfQuota ?? false;
  }
}
