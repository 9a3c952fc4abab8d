// Collects for triggers of the ledger, wherever they listen, whose accounts somebody has a login for: n8n's main then
// delivers only. What they take is data in the ledger (engine/ledger/readings.ts).
// Invariants: it has no subscription of its own, and reads under the same leases as everybody; what cannot be collected
// for one trigger keeps nobody else from their mail.
import type { ImapLogin } from '../imap/session/login';
import type { Log } from '../runtime/log';
import type { Engine } from './engine';

/** An account that somebody has a login for. */
export interface AccountToCollect {
  readonly kind: 'imap';
  /** As the ledger names it: `accountName` of the login. */
  readonly account: string;
  /** As it is stored now: asked before every connect. */
  readonly login: () => Promise<ImapLogin>;
}

export interface CollectingForTriggers {
  /** The list of accounts may have changed: it is asked for anew at once. */
  refresh(): void;
  /** Resolves when nothing is read or recorded any more, and every connection is closed. */
  stop(): Promise<void>;
}

/** @param accounts asked again every minute, and whenever triggers come and go */
export function collectForTriggers(
  engine: Pick<Engine, 'ledger' | 'wake' | 'imap'>,
  accounts: () => readonly AccountToCollect[],
  log: Log,
): CollectingForTriggers {
  void engine;
  void accounts;
  void log;
  return { refresh: () => undefined, stop: () => Promise.resolve() };
}
