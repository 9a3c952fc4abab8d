// What calls a watch from its rest. Invariant: a call that comes while the watch is busy is kept until it is taken, so
// that no call is lost and many are one.
import { pause } from '../runtime/time';

/**
 * - `joined`: somebody listens who did not;
 * - `notice`: there may be news in the account;
 * - `actions`: runs have ended, after which something may have to be done with their mails;
 * - `done`: what was done beside the reading has ended.
 */
export type Call = 'joined' | 'notice' | 'actions' | 'done';

export class Bell {
  readonly #calls = new Set<Call>();
  #wake: (() => void) | undefined;

  ring(call: Call): void {
    this.#calls.add(call);
    this.#wake?.();
  }

  /** Whether it was called so; from now on it is not. */
  take(call: Call): boolean {
    return this.#calls.delete(call);
  }

  has(call: Call): boolean {
    return this.#calls.has(call);
  }

  /** Until one of the calls comes, or is there already; at most `ms`. */
  async wait(ms: number, calls: readonly Call[], signal: AbortSignal): Promise<void> {
    const isCalled = (): boolean => calls.some((call) => this.#calls.has(call));
    if (ms <= 0 || signal.aborted || isCalled()) return;
    const waking = new AbortController();
    const wake = (): void => waking.abort();
    this.#wake = () => {
      if (isCalled()) wake();
    };
    signal.addEventListener('abort', wake, { once: true });
    try {
      await pause(ms, waking.signal);
    } finally {
      this.#wake = undefined;
      signal.removeEventListener('abort', wake);
    }
  }
}
