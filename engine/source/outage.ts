// When a person is told about a source that fails: once an outage, never for a blip.
import { monotonicNow } from '../runtime/time';
import type { Subscriber } from './source';

/** An outage is reported when it has lasted this long. */
const LASTING_MS = 15 * 60_000;

type Listener = Pick<Subscriber<never>, 'subscription' | 'report'>;

export class Outage {
  #since: number | undefined;
  #failures = 0;
  readonly #told = new WeakSet<Listener>();
  readonly #everSynced = new WeakSet<Listener>();
  readonly #now: () => number;

  constructor(now: () => number = monotonicNow) {
    this.#now = now;
  }

  /**
   * A try failed. Those are told who have just set up something that does not work, all when the fault needs
   * a person (a rejected password) and came twice in a row, and all when it has lasted.
   */
  failed(fault: Error, needsPerson: boolean, listeners: readonly Listener[]): void {
    this.#since ??= this.#now();
    this.#failures++;
    const lasting = (needsPerson && this.#failures > 1) || this.#now() - this.#since >= LASTING_MS;
    for (const listener of listeners) {
      const isNew = listener.subscription.cursor === null && !this.#everSynced.has(listener);
      if (this.#told.has(listener) || !(lasting || isNew)) continue;
      this.#told.add(listener);
      listener.report(fault);
    }
  }

  /** The source was read to its end: whatever was wrong is over. */
  over(listeners: readonly Listener[]): void {
    this.#since = undefined;
    this.#failures = 0;
    for (const listener of listeners) {
      this.#told.delete(listener);
      this.#everSynced.add(listener);
    }
  }
}
