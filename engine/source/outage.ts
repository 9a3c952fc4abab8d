// When a person is told about a source that fails: once an outage, never for a blip; and once more when it is over,
// if they want to know.
import { monotonicNow } from '../runtime/time';
import type { Subscriber } from './source';

type Listener = Pick<Subscriber<never, never>, 'subscription' | 'outage' | 'report' | 'reportOver'>;

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
   * a person (a rejected password) and came twice in a row, and each when it has lasted as long as they said.
   * @param own what is wrong for one of them alone
   */
  failed<L extends Listener>(
    fault: Error,
    needsPerson: boolean,
    listeners: readonly L[],
    own: (listener: L) => Error | undefined = () => undefined,
  ): void {
    this.#since ??= this.#now();
    this.#failures++;
    const lasted = this.#now() - this.#since;
    for (const listener of listeners) {
      const { afterMs } = listener.outage;
      const isNew = listener.subscription.cursor === null && !this.#everSynced.has(listener);
      const isLasting = afterMs !== null && lasted >= afterMs;
      if (this.#told.has(listener) || !(isNew || isLasting || (needsPerson && this.#failures > 1))) continue;
      this.#told.add(listener);
      listener.report(own(listener) ?? fault);
    }
  }

  /** The source was read to its end: whatever was wrong is over. */
  over(listeners: readonly Listener[]): void {
    const lasted = this.#since === undefined ? 0 : this.#now() - this.#since;
    this.#since = undefined;
    this.#failures = 0;
    for (const listener of listeners) {
      if (this.#told.delete(listener) && listener.outage.whenOver) listener.reportOver(lasted);
      this.#everSynced.add(listener);
    }
  }
}
