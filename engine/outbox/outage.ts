// A ledger that was away: nobody could renew what he held, or say what became of it. So that this is not held against whoever
// lives, nothing is taken for a moment after it.
// Invariant: the moment is longer than a living process waits before it asks the ledger again (held.ts, settling.ts).
import { monotonicNow, pause } from '../runtime/time';

const SPARE_MS = 5_000;
/** A shorter outage leaves leases well alive. */
const SHORT_MS = 10_000;

export class Outage {
  readonly #now: () => number;
  readonly #pause: typeof pause;
  #since: number | null = null;
  #spareUntil = 0;

  constructor(now = monotonicNow, pauseFor = pause) {
    this.#now = now;
    this.#pause = pauseFor;
  }

  failed(): void {
    this.#since ??= this.#now();
  }

  answered(): void {
    if (this.#since !== null && this.#now() - this.#since > SHORT_MS)
      this.#spareUntil = this.#now() + SPARE_MS;
    this.#since = null;
  }

  /** Until something may be taken. */
  async over(signal: AbortSignal): Promise<void> {
    await this.#pause(Math.max(0, this.#spareUntil - this.#now()), signal);
  }
}
