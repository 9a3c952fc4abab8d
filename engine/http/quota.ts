// When the next request of one client may go, where its server lets it spend so much in so much time.
// Invariant: the server never sees more than the limit in any such time from this bucket, although requests take their
// time to get there; and new mail never waits behind older mail, neither for units nor for a place.
import { monotonicNow, pause } from '../runtime/time';
import { SlidingWindow } from './sliding-window';

/** Who goes first when the quota is short. */
export type Priority = 'new' | 'action' | 'backfill';

/** What a server lets one client spend, in units of its own. */
export interface QuotaLimit {
  readonly units: number;
  /** In any so many ms. */
  readonly inMs: number;
}

/** Requests may be on their way for so much longer than others: a window of theirs is wider than the server's. */
const JITTER_MS = 600;
/** Of the limit; the rest is for requests that take even longer. */
const SHARE = 0.98;
/** What is old leaves units for the next look at what is new, and for some of that. */
const SHARE_OF_BACKFILL = 0.967;
/**
 * So much of the limit within JITTER_MS. What is spent in a shorter time comes back in a shorter time,
 * JITTER_MS late, and a window that begins in between would be half empty.
 */
const SHARE_AT_ONCE = 0.04;

/** After a refusal: truncated exponential backoff with full jitter. */
const FIRST_PAUSE_MS = 2_000;
const MOST_PAUSE_MS = 64_000;
/** Nobody waits for the end of a longer pause. */
const LONGEST_WAIT_MS = 70_000;
/** A pause that the server asks for is not longer than this: it is asked again. */
const LONGEST_PAUSE_MS = 3_600_000;

const PRIORITIES = ['new', 'action', 'backfill'] as const satisfies readonly Priority[];

export interface QuotaTimes {
  /** Ms, monotonic. */
  readonly now: () => number;
  /** Resolves after so many ms, or when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** A request may go, now: what it costs is spent. */
export interface Permit {
  /** The server did not refuse it for the quota: its place is free. */
  done(): void;
  /**
   * The server wants fewer requests: its place is free, and no request of the client goes for a while.
   * @param retryAfterMs how long, as it says; null: it does not say
   */
  limited(retryAfterMs: number | null): void;
}

/** No request may go for longer than anybody waits. */
export class QuotaPaused extends Error {
  override readonly name = 'QuotaPaused';

  constructor(readonly forMs: number) {
    super(`There may be no requests for ${Math.ceil(forMs / 1000)} s`);
  }
}

interface Waiting {
  readonly units: number;
  readonly priority: Priority;
  readonly go: () => void;
  readonly fail: (error: Error) => void;
}

export class QuotaBucket {
  readonly #limit: QuotaLimit;
  readonly #places: number;
  readonly #times: QuotaTimes;
  readonly #window: SlidingWindow;
  readonly #moment = new SlidingWindow(JITTER_MS);
  readonly #waiting: Record<Priority, Waiting[]> = { new: [], action: [], backfill: [] };
  readonly #under: Record<Priority, number> = { new: 0, action: 0, backfill: 0 };
  #pausedUntil = -Infinity;
  /** Refusals in a row, those of requests that went together counted once; and when the last of them came. */
  #refusals = 0;
  #refusedAt = -Infinity;
  #alarm = new AbortController();

  /** @param places how many requests may be under way at once; one of them is for new mail only */
  constructor(limit: QuotaLimit, options: { readonly places?: number; readonly times?: QuotaTimes } = {}) {
    this.#limit = limit;
    this.#window = new SlidingWindow(limit.inMs + JITTER_MS);
    this.#places = options.places ?? 5;
    this.#times = options.times ?? { now: monotonicNow, pause, random: Math.random };
  }

  /**
   * Waits until a request of so many units may go; then it has to go at once.
   * @throws QuotaPaused; the signal's reason when it aborts
   */
  async take(units: number, priority: Priority, signal: AbortSignal): Promise<Permit> {
    signal.throwIfAborted();
    this.#refuseInLongPause();
    const queue = this.#waiting[priority];
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        const at = queue.indexOf(waiting);
        if (at >= 0) queue.splice(at, 1);
        reject(signal.reason instanceof Error ? signal.reason : new Error('It was stopped'));
        this.#next();
      };
      const waiting: Waiting = {
        units,
        priority,
        go: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
        fail: (error) => {
          signal.removeEventListener('abort', leave);
          reject(error);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      queue.push(waiting);
      this.#next();
    });
    return this.#permit(priority);
  }

  #permit(priority: Priority): Permit {
    const wentAt = this.#times.now();
    let open = true;
    const end = (): void => {
      if (open) this.#under[priority]--;
      open = false;
    };
    return {
      done: () => {
        end();
        if (wentAt > this.#refusedAt) this.#refusals = 0;
        this.#next();
      },
      limited: (retryAfterMs) => {
        end();
        this.#refuse(wentAt, retryAfterMs);
        this.#next();
      },
    };
  }

  #refuse(wentAt: number, retryAfterMs: number | null): void {
    const now = this.#times.now();
    if (wentAt > this.#refusedAt) {
      this.#refusals++;
      this.#refusedAt = now;
    } else if (retryAfterMs === null) return;
    const ceiling = Math.min(FIRST_PAUSE_MS * 2 ** (this.#refusals - 1), MOST_PAUSE_MS);
    // "At once" is no answer to a refusal.
    const forMs = Math.min(retryAfterMs || this.#times.random() * ceiling, LONGEST_PAUSE_MS);
    this.#pausedUntil = Math.max(this.#pausedUntil, now + forMs);
    if (forMs <= LONGEST_WAIT_MS) return;
    for (const queue of Object.values(this.#waiting)) {
      for (const waiting of queue.splice(0)) waiting.fail(new QuotaPaused(forMs));
    }
  }

  #refuseInLongPause(): void {
    const leftMs = this.#pausedUntil - this.#times.now();
    if (leftMs > LONGEST_WAIT_MS) throw new QuotaPaused(leftMs);
  }

  /** Lets go whatever may go, and looks again when the next one may. */
  #next(): void {
    this.#alarm.abort();
    for (let next = this.#first(); next; next = this.#first()) {
      const now = this.#times.now();
      const at = this.#readyAt(next, now);
      if (at > now) {
        this.#lookAgainIn(at - now);
        return;
      }
      this.#window.add(next.units, now);
      this.#moment.add(next.units, now);
      this.#under[next.priority]++;
      this.#waiting[next.priority].shift();
      next.go();
    }
  }

  /** Whose turn it is, if there is a place for it. Who comes first waits for units, and lets no other pass. */
  #first(): Waiting | undefined {
    const { new: fresh, action, backfill } = this.#under;
    if (fresh + action + backfill >= this.#places) return undefined;
    const others = action + backfill < Math.max(this.#places - 1, 1);
    const allowed = PRIORITIES.filter((priority) => priority === 'new' || others);
    return allowed.map((priority) => this.#waiting[priority][0]).find((waiting) => waiting !== undefined);
  }

  #readyAt({ units, priority }: Waiting, now: number): number {
    const share = priority === 'backfill' ? SHARE_OF_BACKFILL : SHARE;
    return Math.max(
      now,
      this.#pausedUntil,
      this.#window.readyAt(units, this.#limit.units * share, now),
      this.#moment.readyAt(units, this.#limit.units * SHARE_AT_ONCE, now),
    );
  }

  #lookAgainIn(ms: number): void {
    this.#alarm = new AbortController();
    const { signal } = this.#alarm;
    void this.#times.pause(Math.ceil(ms), signal).then(() => {
      if (!signal.aborted) this.#next();
    });
  }
}
