// One watch for one source in this process, however many subscribers it has. The first one starts it, the
// last one to leave stops it.
import { sourceName } from '../ledger/keys';
import type { SourceKey } from '../ledger/sources';
import type { StartWatch, Subscriber, Watch } from './source';

interface Watched<Login, Reading> {
  readonly watch: Watch;
  readonly subscribers: Set<Subscriber<Login, Reading>>;
}

export class SourceRegistry<Login, Reading> {
  readonly #sources = new Map<string, Watched<Login, Reading>>();
  readonly #start: StartWatch<Login, Reading>;

  constructor(start: StartWatch<Login, Reading>) {
    this.#start = start;
  }

  /** @returns leaves; resolves when the source is closed, if nobody else listens to it */
  join(key: SourceKey, subscriber: Subscriber<Login, Reading>): () => Promise<void> {
    const name = sourceName(key);
    const existing = this.#sources.get(name);
    if (existing) {
      existing.subscribers.add(subscriber);
      existing.watch.nudge();
    } else {
      const subscribers = new Set([subscriber]);
      const watch = this.#start(key, subscriber.subscription.sourceId, () => [...subscribers]);
      this.#sources.set(name, { subscribers, watch });
    }
    return () => this.#leave(name, subscriber);
  }

  async #leave(name: string, subscriber: Subscriber<Login, Reading>): Promise<void> {
    const watched = this.#sources.get(name);
    if (!watched?.subscribers.delete(subscriber) || watched.subscribers.size > 0) return;
    this.#sources.delete(name);
    await watched.watch.stop();
  }
}
