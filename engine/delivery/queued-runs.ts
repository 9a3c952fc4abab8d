// Runs that were handed to n8n, and that nobody was seen to have claimed or given up yet: their leases are renewed, so that
// they are not offered again while n8n may still start them.
// Invariant: the patience with n8n has an end, and it is longer with each attempt.
import { pointerName } from '../ledger/keys';
import type { Ledger } from '../ledger/ledger';
import type { OfferedRun } from '../ledger/offers';
import type { Log } from '../runtime/log';
import { monotonicNow } from '../runtime/time';
import { RENEW_MS } from './runs';

/** The lease of what was handed out: a process that dies then delays its mails by this much. */
export const QUEUED_LEASE_MS = 30_000;
/** How often the patience with n8n doubles at most. */
const MOST_DOUBLINGS = 6;
/**
 * After an outage of the ledger. n8n's database is often on the same server, and its processes come back one by one, up
 * to half a minute later than the ledger: what a worker takes until then is lost, and n8n may tell nobody.
 */
const AFTER_OUTAGE = { lastsMs: 60_000, patienceMs: 30_000 };

interface Queued {
  readonly run: OfferedRun;
  /** Monotonic. */
  readonly until: number;
}

export class QueuedRuns {
  readonly #mostQueuedMs: number;
  readonly #ledger: Pick<Ledger, 'renew'>;
  readonly #log: Pick<Log, 'warn'>;
  #queued: readonly Queued[] = [];
  /** Monotonic. */
  #renewedAt = -Infinity;
  /** Monotonic; until then n8n may lose what it is handed. */
  #losesUntil = -Infinity;

  /** @param mostQueuedMs the patience with a run's first attempt */
  constructor(mostQueuedMs: number, ledger: Pick<Ledger, 'renew'>, log: Pick<Log, 'warn'>) {
    this.#mostQueuedMs = mostQueuedMs;
    this.#ledger = ledger;
    this.#log = log;
  }

  get isEmpty(): boolean {
    return this.#queued.length === 0;
  }

  /** By their ids. */
  get runs(): readonly string[] {
    return this.#queued.map(({ run }) => run.id);
  }

  /** The ledger is there again: n8n may have lost what it was handed, and may go on so for a while. */
  wasAway(): void {
    const now = monotonicNow();
    this.#losesUntil = now + AFTER_OUTAGE.lastsMs;
    this.#queued = this.#queued.map(({ run, until }) => ({
      run,
      until: Math.min(until, now + this.#patience(run, now)),
    }));
  }

  add(run: OfferedRun): void {
    const now = monotonicNow();
    this.#queued = [...this.#queued, { run, until: now + this.#patience(run, now) }];
  }

  #patience({ pointers }: OfferedRun, now: number): number {
    const attempt = Math.max(...pointers.map((pointer) => pointer.attempt));
    const first =
      now < this.#losesUntil ? Math.min(AFTER_OUTAGE.patienceMs, this.#mostQueuedMs) : this.#mostQueuedMs;
    return first * 2 ** Math.min(attempt - 1, MOST_DOUBLINGS);
  }

  /** n8n is done with it. */
  remove(run: OfferedRun): void {
    this.#queued = this.#queued.filter((queued) => queued.run !== run);
  }

  /** These runs have their mails: a run claims all of them at once. */
  claimed(runs: ReadonlySet<string>): void {
    this.#queued = this.#queued.filter(({ run }) => !runs.has(run.id));
  }

  /**
   * Renews their leases in time, and gives up those that n8n has not started in time.
   * @param now also those that were renewed a moment ago, to see what became of them
   * @returns the runs whose pointers were found to wait no longer
   * @throws LedgerFault: all are kept
   */
  async renew(now: boolean): Promise<OfferedRun[]> {
    const from = monotonicNow();
    // What was offered since then has a fresh lease.
    if (!now && from - this.#renewedAt < RENEW_MS / 2) {
      this.#giveUp(from);
      return [];
    }
    const young = this.#queued.filter(({ until }) => from < until);
    const pointers = young.flatMap(({ run }) => run.pointers);
    // A mail that comes after a quiet time does not wait for an answer about nothing.
    const renewed = pointers.length > 0 ? await this.#ledger.renew(pointers, 'QUEUED', QUEUED_LEASE_MS) : [];
    const still = new Set(renewed.map(pointerName));
    this.#renewedAt = from;
    const waits = ({ run }: Queued): boolean =>
      run.pointers.some((pointer) => still.has(pointerName(pointer)));
    const over = young.filter((queued) => !waits(queued));
    this.#giveUp(from);
    // What was emitted or given up meanwhile keeps its place.
    this.#queued = this.#queued.filter((queued) => !over.includes(queued));
    return over.map(({ run }) => run);
  }

  #giveUp(now: number): void {
    const young = this.#queued.filter(({ until }) => now < until);
    const lost = this.#queued.length - young.length;
    if (lost > 0) this.#log.warn('Runs were not started in time; their mails are offered again', { lost });
    this.#queued = young;
  }
}
