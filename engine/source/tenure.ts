// Whether this process reads a source, or stands by because another one does.
// Invariant: at its end the lease is given back, also one that was still being asked for.
import type { SourceHold } from '../ledger/source-holds';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow } from '../runtime/time';
import type { SourceLease, SourceLeases } from './leases';

/** By then the other process has crashed and its lease run out, if it was no more than that. */
const LONG_STANDBY_MS = 15 * 60_000;

export interface TenureSettings {
  readonly sourceId: number;
  /** For people, to go after "the": `mailbox "INBOX" of …`. */
  readonly name: string;
  /** Another watch of the source in this process, which has the same lease, is still ending. */
  readonly before: Promise<unknown> | undefined;
  /** Another process has been reading it for long. */
  readonly warn: (fault: Error) => void;
}

export class Tenure {
  readonly #settings: TenureSettings;
  readonly #leases: SourceLeases;
  readonly #log: Log;
  #lease: SourceLease | null = null;
  #taking: Promise<void> | undefined;
  #isEarly: boolean;
  #isOver = false;
  /** Monotonic. */
  #standbySince: number | undefined;

  constructor(settings: TenureSettings, leases: SourceLeases, log: Log) {
    this.#settings = settings;
    this.#leases = leases;
    this.#log = log;
    this.#isEarly = settings.before !== undefined;
    void settings.before?.then(() => (this.#isEarly = false));
  }

  /** While this process has the source. */
  get hold(): SourceHold | null {
    return this.#lease?.hold ?? null;
  }

  get isStandingBy(): boolean {
    return !this.#lease && this.#standbySince !== undefined;
  }

  /**
   * Whether it is this process that reads the source; asks for the lease where it is free.
   * @returns `anew`: another process had it until now @throws LedgerFault
   */
  async held(): Promise<'yes' | 'anew' | 'no'> {
    if (this.#lease?.lost) {
      this.#log.warn(`Another process reads the ${this.#settings.name} now; this one stands by`);
      this.#lease = null;
    }
    if (this.#isEarly) return 'no';
    if (!this.#lease && !this.#isOver) await this.#take();
    if (this.#isOver) return 'no';
    if (!this.hold) {
      this.#standBy();
      return 'no';
    }
    const isAnew = this.#standbySince !== undefined;
    this.#standbySince = undefined;
    return isAnew ? 'anew' : 'yes';
  }

  /** It was found out that another process has the source. */
  drop(): void {
    this.#lease?.drop();
  }

  /** From now on no lease is asked for. Resolves when it is known whether there is one. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#taking?.catch(() => undefined);
  }

  async release(): Promise<void> {
    try {
      await this.#lease?.release();
    } catch (error) {
      // It runs out by itself.
      this.#log.debug(`The lease of the ${this.#settings.name} was not given back: ${errorText(error)}`);
    }
    this.#lease = null;
  }

  /** One at a time. */
  #take(): Promise<void> {
    return (this.#taking ??= this.#leases
      .take(this.#settings.sourceId)
      .then((lease) => void (this.#lease = lease))
      .finally(() => (this.#taking = undefined)));
  }

  /** One process of an instance reads a source; for long nobody waits but an instance that shares another's ledger. */
  #standBy(): void {
    const now = monotonicNow();
    this.#standbySince ??= now;
    if (now - this.#standbySince < LONG_STANDBY_MS) return;
    this.#standbySince = Infinity;
    this.#settings.warn(
      new Error(
        `Another process has been reading the ${this.#settings.name} for ${LONG_STANDBY_MS / 60_000} minutes. ` +
          'If it belongs to another n8n, give each n8n a schema of its own in the Mail Store credential.',
      ),
    );
  }
}
