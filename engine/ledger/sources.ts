// The part of the ledger's port that says what is watched, and how that is doing.
// Invariant: the kind of a source is a part of its name. The ledger stores it, and asks nothing about it.
import type { SourceHold } from './source-holds';
import type { Backfill, ConnectionState, SourceState } from './states';

/**
 * What is watched: a mailbox of an account. `account` names the login, without secrets; `kind` says who watches it: it
 * is a part of the name, and nothing here asks what it is.
 */
export interface SourceKey {
  readonly kind: string;
  readonly account: string;
  readonly mailbox: string;
}

export interface SourceReport {
  readonly state: SourceState;
  readonly connection: ConnectionState;
  /** A fault just seen, without secrets; undefined: none. */
  readonly error?: string;
  /** Until the next try, ms; undefined: nothing is tried again. */
  readonly retryInMs?: number;
  /** The source was just read to its end. */
  readonly synced?: boolean;
  /** How far older mail was read; null: there is none to read; undefined: as it was. */
  readonly backfill?: Backfill | null;
  /** How many mails a recovery has just found that the source no longer announces by itself; undefined: as it was. */
  readonly recovered?: number;
  /** Until when the source's server sends notifications, ms since 1970; null: it does not; undefined: as it was. */
  readonly notifiedUntil?: number | null;
}

export interface Sources {
  /** Stores how a source is doing, for people; nothing, if another process holds it by now. */
  reportSource(hold: SourceHold, report: SourceReport): Promise<void>;
}
