// A rest that somebody can end by calling, under a name.
// Invariants: a call that comes while nobody rests, or while something else is done, is kept until it is taken, so that no
// call is lost and many are one; a rest that is over leaves neither a timer nor a listener behind.
import { pause } from './time';

export class Bell<Call extends string> {
  readonly #calls = new Set<Call>();
  readonly #resting = new Set<() => void>();
  readonly #pause: typeof pause;

  /** @param pauseFor waits for so many ms, or until the signal aborts */
  constructor(pauseFor: typeof pause = pause) {
    this.#pause = pauseFor;
  }

  ring(call: Call): void {
    this.#calls.add(call);
    for (const look of this.#resting) look();
  }

  /** Whether it was called so; from now on it is not. */
  take(call: Call): boolean {
    return this.#calls.delete(call);
  }

  has(call: Call): boolean {
    return this.#calls.has(call);
  }

  /** Until one of the calls comes, or is there already, or the signal aborts; at most `ms`. Takes none. Never rejects. */
  async wait(ms: number, calls: readonly Call[], signal: AbortSignal): Promise<void> {
    const isCalled = (): boolean => calls.some((call) => this.#calls.has(call));
    if (ms <= 0 || signal.aborted || isCalled()) return;
    const called = new AbortController();
    const end = (): void => called.abort();
    const look = (): void => {
      if (isCalled()) end();
    };
    this.#resting.add(look);
    signal.addEventListener('abort', end, { once: true });
    try {
      await this.#pause(ms, called.signal);
    } finally {
      this.#resting.delete(look);
      signal.removeEventListener('abort', end);
    }
  }
}
