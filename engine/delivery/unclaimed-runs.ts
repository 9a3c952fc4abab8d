// What is done when n8n ends runs before their first step could take its mails: a worker without the mail ledger, a
// database that only this process can reach. Such a run costs its mails no try, so it would be offered for ever.
// Invariants: after a few in a row one run at a time is tried, after ever longer waits, and a person is told, once;
// a wait is longer than the one before only where a run was tried in between: runs that began together, and end so one after the
// other, are one try; the first run that takes its mails ends it.
import { monotonicNow } from '../runtime/time';

const FEW = 3;
/** Half as long again each time: a fault that was put right soon is noticed soon. */
const WAIT = { firstMs: 10_000, growth: 1.5, mostMs: 5 * 60_000 };

export class UnclaimedRuns {
  readonly #tell: (error: string, runs: number) => void;
  readonly #now: () => number;
  #inARow = 0;
  #waits = 0;
  /** One was tried since the wait began. */
  #isTried = false;
  #told = false;
  /** Monotonic: no run is tried before. */
  #until = -Infinity;

  constructor(tell: (error: string, runs: number) => void, now: () => number = monotonicNow) {
    this.#tell = tell;
    this.#now = now;
  }

  /** Whether a few have ended so, in a row. */
  get areMany(): boolean {
    return this.#inARow >= FEW;
  }

  /** The most runs at once now. @param mostRuns as the settings say */
  limit(mostRuns: number): number {
    if (!this.areMany) return mostRuns;
    return this.#now() < this.#until ? 0 : 1;
  }

  /** How long nothing is tried, ms. */
  get waitMs(): number {
    return this.areMany ? Math.max(0, this.#until - this.#now()) : 0;
  }

  /** A run is handed out. */
  began(): void {
    this.#isTried = true;
  }

  /** Runs have ended so. @param errors what n8n says of each */
  ended(errors: readonly string[]): void {
    const [error] = errors;
    if (error === undefined) return;
    const were = this.areMany;
    this.#inARow += errors.length;
    if (!this.areMany || (were && !this.#isTried)) return;
    this.#isTried = false;
    this.#until = this.#now() + Math.min(WAIT.mostMs, WAIT.firstMs * WAIT.growth ** this.#waits++);
    if (this.#told) return;
    this.#told = true;
    this.#tell(error, this.#inARow);
  }

  /** A run has taken its mails. @returns whether there were many before that had not */
  claimed(): boolean {
    const were = this.areMany;
    this.#inARow = 0;
    this.#waits = 0;
    this.#told = false;
    return were;
  }
}
