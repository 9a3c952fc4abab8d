// What whoever watches a polled account has to know of a fault, whatever kind of account it is: when it is tried again,
// with which login, and who is told.
// Invariant: what is only the login's says nothing of the account.

/** What a login may be good for, or not: to read, to change mail, to ask for notifications. */
export type Purpose = 'read' | 'change' | 'notify';

export abstract class AccountFault extends Error {
  /** The login is not accepted: each try may cost something, and only a person can help. */
  abstract readonly isRejection: boolean;
  /** Only a person can mend it. */
  abstract readonly needsPerson: boolean;
  /** There was no answer from the account's server, whoever asks: as soon as somebody has one, it is asked again. */
  abstract readonly isOutOfReach: boolean;
  /** All logins are refused; each of their owners was told. */
  abstract readonly isOfAllLogins: boolean;

  /** Another login may do: it says nothing of the account itself. */
  abstract isOfLoginFor(purpose: Purpose): boolean;

  /** The same fault in other words. @param isWhole they say all that a person is to know */
  abstract inOtherWords(message: string, isWhole: boolean): AccountFault;
}
