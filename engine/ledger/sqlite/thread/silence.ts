// Notices that a thread has fallen silent: it was asked, and for long nothing of that is answered, nor whether it is there, as
// on a disk that does not answer. Whoever waits is told then, as by a connection that was cut: what it asked for may have been done, or not.
// Invariants: any answer counts for all who wait; a process that itself stood still holds that against no thread: silence is
// counted in short ticks, of which it had none meanwhile.

import { monotonicNow } from '../../../runtime/time';

/** No step of what is asked takes so long by itself, on a disk that is only slow; between two steps it answers others. */
export const SILENT_MS = 60_000;
const TICKS = 12;

export class Silence {
  readonly #mostMs: number;
  readonly #ask: () => Promise<unknown>;
  readonly #fallen: () => Error;
  readonly #waiting = new Set<(fault: Error) => void>();
  #ticking: NodeJS.Timeout | undefined;
  #ticks = 0;
  /** Monotonic: since the first of these ticks. */
  #since = 0;

  /**
   * @param ask asks it something that takes no time
   * @param fallen it has fallen silent: called once. @returns what those who wait are told
   */
  constructor(mostMs: number, ask: () => Promise<unknown>, fallen: () => Error) {
    this.#mostMs = mostMs;
    this.#ask = ask;
    this.#fallen = fallen;
  }

  /** The answer; rejects with what `fallen` said where the thread falls silent first. */
  unless<T>(answer: Promise<T>): Promise<T> {
    this.#ticking ??= setInterval(() => this.#tick(), this.#mostMs / TICKS).unref();
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      const heard = (): void => {
        this.#waiting.delete(reject);
        this.#ticks = 0;
      };
      answer.then(heard, heard);
      answer.then(resolve, reject);
    });
  }

  #tick(): void {
    if (this.#waiting.size > 0) {
      if (this.#ticks++ === 0) this.#since = monotonicNow();
      if (this.#ticks === TICKS / 2) this.#lookWhetherItIsThere();
      // Ticks that come together, as of a clock that jumps, are no time.
      if (this.#ticks <= TICKS || monotonicNow() - this.#since < this.#mostMs * 0.9) return;
    }
    clearInterval(this.#ticking);
    this.#ticking = undefined;
    if (this.#waiting.size === 0) return;
    const fault = this.#fallen();
    for (const tell of this.#waiting) tell(fault);
    this.#waiting.clear();
  }

  /** Whatever it says. */
  #lookWhetherItIsThere(): void {
    const heard = (): void => {
      this.#ticks = 0;
    };
    this.#ask().then(heard, heard);
  }
}
