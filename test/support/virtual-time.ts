// A clock that stands still until everything waits, and then jumps to the next thing that is due: an hour of waiting
// takes no time, and always goes the same way.
import type { QuotaTimes } from '../../engine/http/quota';

interface Timer {
  readonly at: number;
  readonly ring: () => void;
}

export class VirtualTime implements QuotaTimes {
  #now = 1_000_000;
  readonly #timers = new Set<Timer>();
  /** How the dice fall, in [0, 1). */
  dice = 0.5;

  readonly now = (): number => this.#now;
  readonly random = (): number => this.dice;

  readonly pause = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const timer: Timer = { at: this.#now + ms, ring: resolve };
      this.#timers.add(timer);
      const stop = (): void => {
        this.#timers.delete(timer);
        resolve();
      };
      if (signal?.aborted) stop();
      else signal?.addEventListener('abort', stop, { once: true });
    });

  /** Lets time go by until the work is done. */
  async until<T>(work: Promise<T>): Promise<T> {
    const state = { isDone: false };
    const end = (): void => {
      state.isDone = true;
    };
    work.then(end, end);
    for (;;) {
      // Whatever goes on by itself has gone on when the event loop comes round.
      await new Promise((resolve) => setImmediate(resolve));
      if (state.isDone) return work;
      const timers = [...this.#timers];
      if (timers.length === 0) throw new Error('Nothing is due, and the work is not done');
      const next = timers.reduce((first, timer) => (timer.at < first.at ? timer : first));
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.ring();
    }
  }
}
