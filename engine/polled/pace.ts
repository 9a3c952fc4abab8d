// How closely an account is watched, and how long a failed round waits.
// Invariant: the most impatient of those who share an account decides; what fails again and again is tried less often.
import { LedgerFault } from '../ledger/fault';
import { backoffDelay, type BackoffRange } from '../runtime/backoff';
import { AccountFault } from './fault';
import type { PolledReading } from './kind';

export interface PolledTimes {
  /** How often a process that stands by asks for the account. */
  readonly standbyMs: number;
  /** How often it is looked for actions that nobody announced, and whether the account is still this process's. */
  readonly lookMs: number;
  /** How often it is looked whether mails have run, where older ones wait for that. */
  readonly olderMs: number;
  /** Notices that come sooner after a look wait so long: thousands may be delivered at once. */
  readonly leastLookMs: number;
  /** A notice may come before the account knows of its news: it is asked once more after this time. */
  readonly earlyMs: number;
  /** Not every notice is delivered: after one that brought news it is asked once more after this time. */
  readonly tailMs: number;
  /** While a login is refused, how often it is looked whether another one is stored. */
  readonly storedMs: number;
  /** With notifications, the poll underneath is no rarer than this, unless a person chose so. */
  readonly notifiedPollMs: number;
  /** The waits after rounds that failed; the last one is repeated. */
  readonly retryMs: readonly number[];
  /** After a rejected login: each try may be a refresh at the server, and only a person can help. */
  readonly rejectedMs: readonly number[];
  /** While the ledger cannot be reached: it is near, and what waits for it is a round that costs nothing. */
  readonly ledger: BackoffRange;
  /** However often somebody joins, a failed round is not tried again before this time. */
  readonly leastRetryMs: number;
}

/** Whatever a person chose. */
const LONGEST_POLL_MS = 3_600_000;
/** With notifications the poll is so much rarer than a person chose. */
const NOTIFIED_RARER = 5;

/** How long until the account is asked again, ms. @param notified it is also asked when news is announced */
export function pollMsOf(readings: readonly PolledReading[], times: PolledTimes, notified: boolean): number {
  const chosen = Math.min(LONGEST_POLL_MS, ...readings.map(({ pollMs }) => pollMs));
  return notified ? Math.max(chosen, Math.min(chosen * NOTIFIED_RARER, times.notifiedPollMs)) : chosen;
}

/** How long rounds that fail in a row wait; what fails for another reason than before begins anew. */
export class Retries {
  readonly #times: PolledTimes;
  #kind = '';
  #failures = 0;

  constructor(times: PolledTimes) {
    this.#times = times;
  }

  /** @returns the wait before the next try, ms */
  failed(error: unknown): number {
    const kind = kindOf(error);
    this.#failures = kind === this.#kind ? this.#failures + 1 : 1;
    this.#kind = kind;
    if (kind === 'ledger') return backoffDelay(this.#failures, this.#times.ledger);
    const waits = kind === 'login' ? this.#times.rejectedMs : this.#times.retryMs;
    const wait = waits[Math.min(this.#failures, waits.length) - 1] ?? this.#times.leastRetryMs;
    return Math.round(wait * (0.9 + Math.random() / 5));
  }

  succeeded(): void {
    this.#failures = 0;
  }
}

function kindOf(error: unknown): 'ledger' | 'login' | 'any' {
  if (error instanceof LedgerFault && error.kind === 'unreachable') return 'ledger';
  return error instanceof AccountFault && error.isRejection ? 'login' : 'any';
}
