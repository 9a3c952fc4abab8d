// One watch for one source in this process, however many subscribers it has. The first one starts it, the
// last one to leave stops it; who listens in other processes is read for as long as somebody here does.
import { sourceName } from '../ledger/keys';
import type { SourceKey } from '../ledger/sources';
import type { Wake } from '../signal/wake';
import type { Guests, WatchedGuests } from './guests';
import { accountKey } from './notices';
import type { StartWatch, Subscriber, Watch } from './source';

interface Watched<Login, Reading> {
  readonly watch: Watch;
  readonly subscribers: Set<Subscriber<Login, Reading>>;
  readonly guests: WatchedGuests<Login, Reading> | undefined;
}

/** What it takes to read for the triggers of other processes, and to be read for by them. */
export interface Sharing<Login, Reading> {
  readonly guests: Guests<Login, Reading>;
  readonly wake: Wake;
}

/** What a trigger leaves is served by nobody after that. */
const UNSERVED_MS = 2_000;

export class SourceRegistry<Login, Reading> {
  readonly #sources = new Map<string, Watched<Login, Reading>>();
  readonly #start: StartWatch<Login, Reading>;
  readonly #sharing: Sharing<Login, Reading> | undefined;

  /** @param sharing left out: only who listens here is read for */
  constructor(start: StartWatch<Login, Reading>, sharing?: Sharing<Login, Reading>) {
    this.#start = start;
    this.#sharing = sharing;
  }

  /** @returns leaves; resolves when the source is closed, if nobody else listens to it */
  join(key: SourceKey, subscriber: Subscriber<Login, Reading>): () => Promise<void> {
    const name = sourceName(key);
    const existing = this.#sources.get(name);
    if (existing) {
      existing.subscribers.add(subscriber);
      existing.watch.nudge();
    } else {
      this.#sources.set(name, this.#begin(key, subscriber));
    }
    this.#tell(key);
    return () => this.#leave(key, subscriber);
  }

  #begin(key: SourceKey, first: Subscriber<Login, Reading>): Watched<Login, Reading> {
    const subscribers = new Set([first]);
    const login = (): Promise<Login> => [...subscribers][0]?.login() ?? first.login();
    const guests = this.#sharing?.guests.watch(key, {
      login,
      changed: () => watch.nudge(),
      isHeld: () => watch.isHeld,
    });
    const all = (): readonly Subscriber<Login, Reading>[] =>
      subscribers.size === 0 ? [] : [...subscribers, ...(guests?.besides(subscribers) ?? [])];
    const watch = this.#start(key, first.subscription.sourceId, all);
    return { subscribers, watch, guests };
  }

  async #leave(key: SourceKey, subscriber: Subscriber<Login, Reading>): Promise<void> {
    const name = sourceName(key);
    const watched = this.#sources.get(name);
    if (!watched?.subscribers.delete(subscriber)) return;
    watched.guests?.left(subscriber.subscription.id);
    this.#tell(key);
    if (this.#sharing) setTimeout(() => this.#tell(key), UNSERVED_MS).unref();
    if (watched.subscribers.size > 0) return;
    this.#sources.delete(name);
    watched.guests?.close();
    await watched.watch.stop();
  }

  /** Whoever reads the account elsewhere looks for whom. */
  #tell({ kind, account }: SourceKey): void {
    this.#sharing?.wake.notify([accountKey(kind, account)]);
  }
}
