// How n8n's thread waits for what a SQLite file's thread answers at once as a rule: its event loop turns on for a moment
// instead of going to sleep. A thread that sleeps wakes up late, for each call anew: on virtual machines by more than a
// tenth of what a commit takes.
// Invariant: nothing is held, whatever else there is to do has its turn. Where answers take longer, as on a slow disk, where
// several are waited for, or none, and where there is one processor only, the loop sleeps as it would.
import { availableParallelism } from 'node:os';
import { monotonicNow } from '../../../runtime/time';
import type { Call } from '../../common/parts';

/** Longer than a commit takes on a fast disk. */
const QUICK_MS = 1.5;
const HAS_SEVERAL_PROCESSORS = availableParallelism() > 1;

export class Awake {
  /** What was answered so quickly when it was last asked. */
  readonly #quick = new Set<Call>();
  #until = -Infinity;
  #isTurning = false;

  readonly #turn = (): void => {
    this.#isTurning = monotonicNow() < this.#until;
    // One that is unref'ed would let the loop sleep.
    if (this.#isTurning) setImmediate(this.#turn);
  };

  /**
   * Something is asked. @param isAlone nothing else is waited for: of several answers the first one wakes it up for all
   * @returns to be called when it is answered
   */
  asked(call: Call, isAlone: boolean): () => void {
    const began = monotonicNow();
    this.#until = HAS_SEVERAL_PROCESSORS && isAlone && this.#quick.has(call) ? began + QUICK_MS : -Infinity;
    if (!this.#isTurning) this.#turn();
    return () => {
      if (monotonicNow() - began < QUICK_MS) this.#quick.add(call);
      else this.#quick.delete(call);
    };
  }

  /** Nothing is waited for any more. */
  end(): void {
    this.#until = -Infinity;
  }
}
