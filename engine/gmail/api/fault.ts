// What can go wrong with Gmail, in words for people: what happened, in which account, and what to do.
// Invariant: no token and nothing of a mail's content stands in it.

import { AccountFault, type Purpose } from '../../polled/fault';

/**
 * - `login`: the access was revoked or never given; a person has to sign in again;
 * - `forbidden`: the account or its domain does not allow it; a person has to change something;
 * - `expired`: the history does not reach back so far;
 * - `refused`: the request is wrong (400, 404); trying again does not help;
 * - `busy`: too much was asked for, or Google has trouble; it passes;
 * - `unreachable`: there was no answer.
 */
export type GmailFaultKind = 'login' | 'forbidden' | 'expired' | 'refused' | 'busy' | 'unreachable';

export interface GmailFaultOptions extends ErrorOptions {
  readonly isOfQuota?: boolean;
  readonly isOfToken?: boolean;
  readonly isOfOtherTopic?: boolean;
  readonly isWhole?: boolean;
  readonly mayPass?: boolean;
}

export class GmailFault extends AccountFault {
  override readonly name = 'GmailFault';
  readonly kind: GmailFaultKind;
  /** Of `busy`: it is about the account's quota, and says nothing of what was asked for. */
  readonly isOfQuota: boolean;
  /** There was no token to ask with. */
  readonly isOfToken: boolean;
  /** Of `refused`: the account's notifications go to another topic, until they are stopped. */
  readonly isOfOtherTopic: boolean;
  /** The message says all of it: it is not the reason why the account is not read. */
  readonly isWhole: boolean;
  /** It looks as if a person had to act, and is as often Google's trouble of a while. */
  readonly mayPass: boolean;
  readonly isOfAllLogins: boolean = false;

  constructor(kind: GmailFaultKind, message: string, options: GmailFaultOptions = {}) {
    super(message, options);
    this.kind = kind;
    this.isOfQuota = options.isOfQuota ?? false;
    this.isOfToken = options.isOfToken ?? false;
    this.isOfOtherTopic = options.isOfOtherTopic ?? false;
    this.isWhole = options.isWhole ?? false;
    this.mayPass = options.mayPass ?? false;
  }

  /** It says something of the login that was used, and nothing of the account: another login may do. */
  get isOfLogin(): boolean {
    return this.kind === 'login' || this.kind === 'forbidden' || this.isOfQuota || this.isOfToken;
  }

  get isRejection(): boolean {
    return this.kind === 'login';
  }

  get needsPerson(): boolean {
    return (this.kind === 'login' || this.kind === 'forbidden') && !this.mayPass;
  }

  /** Without a token Gmail was not asked. */
  get isOutOfReach(): boolean {
    return this.kind === 'unreachable' && !this.isOfToken && !this.isOfAllLogins;
  }

  /** A topic has to be in the project of the login that asks: another login's may be the one. */
  isOfLoginFor(purpose: Purpose): boolean {
    return this.isOfLogin || (purpose === 'notify' && this.kind === 'refused' && !this.isOfOtherTopic);
  }

  inOtherWords(message: string, isWhole: boolean): GmailFault {
    return new GmailFault(this.kind, message, { cause: this, isWhole });
  }
}
