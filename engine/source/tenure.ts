// Whether this process reads a source, or stands by because another one does, or passes it on to one that has less to read.
// Invariants: at its end the lease is given back, also one that was still being asked for; what is to be passed on is read no
// more, and given away only when whoever reads says that nothing of it is open any more.
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
  /** Another process has been reading it for long, and for its own subscriptions alone. */
  readonly warn: (fault: Error) => void;
  /** Whether it is this process's turn, as far as can be known without asking for the lease. */
  readonly mayTake?: () => boolean;
  /** Whoever reads it now does so for all its subscriptions. */
  readonly isCollectedFor?: () => boolean;
  /** The lease does not count any more, though nobody here has given it away. */
  readonly lost?: () => void;
}

export class Tenure {
  readonly #settings: TenureSettings;
  readonly #leases: SourceLeases;
  readonly #log: Log;
  #lease: SourceLease | null = null;
  #taking: Promise<void> | undefined;
  #isEarly: boolean;
  #wasLost = false;
  /** Whom it is to be passed on to. */
  #heir: string | null = null;
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
    return this.#lease && !this.#lease.lost ? this.#lease.hold : null;
  }

  get isStandingBy(): boolean {
    return !this.#lease && this.#standbySince !== undefined;
  }

  /**
   * Whether it is this process that reads the source; asks for the lease where it is free.
   * @returns `anew`: another process had it until now @throws LedgerFault
   */
  async held(): Promise<'yes' | 'anew' | 'no'> {
    this.#forgetLost();
    if (this.#isEarly) return 'no';
    if (!this.#lease && !this.#isOver && (this.#settings.mayTake?.() ?? true)) await this.#take();
    if (this.#isOver) return 'no';
    if (!this.hold) {
      if (this.#wasLost)
        this.#log.warn(`Another process reads the ${this.#settings.name} now; this one stands by`);
      this.#wasLost = false;
      this.#standBy();
      return 'no';
    }
    this.#wasLost = false;
    if (this.#heir !== null) return 'no';
    const isAnew = this.#standbySince !== undefined;
    this.#standbySince = undefined;
    return isAnew ? 'anew' : 'yes';
  }

  /** It is to be passed on to another process; null: it is not, or not any more. */
  passTo(heir: string | null): void {
    this.#heir = this.#lease && !this.#isOver ? heir : null;
  }

  get isPassing(): boolean {
    return this.#heir !== null;
  }

  /**
   * Nothing of it is open here any more. @param give asks the ledger to give it to that process
   * @returns that process has it now @throws LedgerFault
   */
  async passOn(give: (hold: SourceHold, heir: string) => Promise<boolean>): Promise<boolean> {
    const heir = this.#heir;
    const lease = this.#lease;
    if (heir === null || !lease || this.#isOver) return false;
    this.#heir = null;
    if (!(await give(lease.hold, heir))) return false;
    this.#lease = this.#heir = null;
    lease.forget();
    return true;
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

  #forgetLost(): void {
    if (!this.#lease?.lost) return;
    this.#lease = null;
    this.#heir = null;
    this.#wasLost = true;
  }

  /** One at a time. */
  #take(): Promise<void> {
    return (this.#taking ??= this.#leases
      .take(this.#settings.sourceId, () => this.#settings.lost?.())
      .then((lease) => void (this.#lease = lease))
      .finally(() => (this.#taking = undefined)));
  }

  /** Who collects for itself alone is of a version that knows nothing of others, or of an n8n that shares another's ledger. */
  #standBy(): void {
    const now = monotonicNow();
    this.#standbySince ??= now;
    if (this.#settings.isCollectedFor?.()) {
      // As if it had begun now: another one may come.
      if (this.#standbySince !== Infinity) this.#standbySince = now;
      return;
    }
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
