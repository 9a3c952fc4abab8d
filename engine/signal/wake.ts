// Wake-ups inside one process: "there may be work for this subscription". A wake-up is a hint, never the
// truth: whoever waits also looks by itself after a time, so a lost one costs a delay and nothing else.

export interface Wake {
  /** Wakes whoever waits for these subscriptions. */
  notify(subscriptionIds: Iterable<number>): void;
  /** Calls back at every wake-up of the subscription, until the returned function is called. */
  listen(subscriptionId: number, listener: () => void): () => void;
  /** The same at every wake-up of which this process hears anyway, of whatever subscription. */
  listenToAll(listener: () => void): () => void;
  /** Whether other processes, too, may wait for what this one waits for. */
  share?(isShared: boolean): void;
}

export class ProcessWake implements Wake {
  readonly #listeners = new Map<number, Set<() => void>>();
  readonly #toAll = new Set<() => void>();

  notify(subscriptionIds: Iterable<number>): void {
    for (const id of new Set(subscriptionIds)) {
      for (const listener of this.#listeners.get(id) ?? []) listener();
    }
    for (const listener of this.#toAll) listener();
  }

  /** Whether anybody here waits for the subscription. */
  hears(subscriptionId: number): boolean {
    return this.#listeners.has(subscriptionId);
  }

  listen(subscriptionId: number, listener: () => void): () => void {
    const listeners = this.#listeners.get(subscriptionId) ?? new Set();
    this.#listeners.set(subscriptionId, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(subscriptionId) === listeners) {
        this.#listeners.delete(subscriptionId);
      }
    };
  }

  listenToAll(listener: () => void): () => void {
    this.#toAll.add(listener);
    return () => void this.#toAll.delete(listener);
  }
}
