// How closely an account is watched, and how long a failed round waits.
// Invariant: the most impatient of those who share an account decides; what fails again and again is tried less often.
import { LedgerFault } from '../ledger/fault';
import { backoffDelay, type BackoffRange } from '../runtime/backoff';
import { GmailFault } from '../gmail/api/fault';
import type { GmailReading } from '../gmail/read/reading';

export interface GmailTimes {
  /** How often a process that stands by asks for the account. */
  readonly standbyMs: number;
  /** How often it is looked for actions that nobody announced, and whether the account is still this process's. */
  readonly lookMs: number;
  /** How often it is looked whether mails have run, where older ones wait for that. */
  readonly olderMs: number;
  /** Notices that come sooner after a look wait so long: Pub/Sub may deliver thousands at once. */
  readonly leastLookMs: number;
  /** A notice may come before the history knows of it: it is asked once more after this time. */
  readonly earlyMs: number;
  /** Google drops notices above one a second: after one that brought news it is asked once more after this time. */
  readonly tailMs: number;
  /** How often the labels of the settings are compared with those of the account. */
  readonly labelsMs: number;
  /** While a login is refused, how often it is looked whether another one is stored. */
  readonly storedMs: number;
  /** With notifications, the poll underneath is no rarer than this, unless a person chose so. */
  readonly notifiedPollMs: number;
  /** The waits after rounds that failed; the last one is repeated. */
  readonly retryMs: readonly number[];
  /** After a rejected login: each try may be a refresh at Google's server, and only a person can help. */
  readonly rejectedMs: readonly number[];
  /** While the ledger cannot be reached: it is near, and what waits for it is a round that costs nothing. */
  readonly ledger: BackoffRange;
  /** However often somebody joins, a failed round is not tried again before this time. */
  readonly leastRetryMs: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

export const GMAIL_TIMES: GmailTimes = {
  standbyMs: 5 * SECOND,
  lookMs: MINUTE,
  olderMs: 5 * SECOND,
  leastLookMs: SECOND,
  earlyMs: 500,
  tailMs: 2 * SECOND,
  labelsMs: 4 * 60 * MINUTE,
  storedMs: MINUTE,
  notifiedPollMs: 5 * MINUTE,
  retryMs: [30 * SECOND, MINUTE, 5 * MINUTE],
  rejectedMs: [30 * SECOND, 5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 40 * MINUTE, 60 * MINUTE],
  ledger: { firstMs: SECOND, mostMs: 30 * SECOND },
  leastRetryMs: 5 * SECOND,
};

/** With notifications the poll is so much rarer than a person chose. */
const NOTIFIED_RARER = 5;

/** How long until the history is asked for again, ms. @param notified it is also asked for when Google says so */
export function pollMsOf(readings: readonly GmailReading[], times: GmailTimes, notified: boolean): number {
  const chosen = Math.min(60 * MINUTE, ...readings.map(({ pollMs }) => pollMs));
  return notified ? Math.max(chosen, Math.min(chosen * NOTIFIED_RARER, times.notifiedPollMs)) : chosen;
}

/** How long rounds that fail in a row wait; what fails for another reason than before begins anew. */
export class Retries {
  readonly #times: GmailTimes;
  #kind = '';
  #failures = 0;

  constructor(times: GmailTimes) {
    this.#times = times;
  }

  /** @returns the wait before the next try, ms */
  failed(error: unknown): number {
    const kind = kindOf(error);
    this.#failures = kind === this.#kind ? this.#failures + 1 : 1;
    this.#kind = kind;
    if (kind === 'ledger') return backoffDelay(this.#failures, this.#times.ledger);
    const waits = kind === 'login' ? this.#times.rejectedMs : this.#times.retryMs;
    const wait = waits[Math.min(this.#failures, waits.length) - 1] ?? MINUTE;
    return Math.round(wait * (0.9 + Math.random() / 5));
  }

  succeeded(): void {
    this.#failures = 0;
  }
}

function kindOf(error: unknown): 'ledger' | 'login' | 'any' {
  if (error instanceof LedgerFault && error.kind === 'unreachable') return 'ledger';
  return error instanceof GmailFault && error.kind === 'login' ? 'login' : 'any';
}
