// What an account's requests cost, and when the next may go: https://developers.google.com/gmail/api/reference/quota.
// Invariant: Google never sees more than the limit in any 60 s from this bucket, although requests take their time to
// get there; and new mail never waits behind older mail, neither for units nor for a place.
import { processWide } from '../runtime/process-wide';
import { monotonicNow, pause } from '../runtime/time';
import type { Priority } from '../gmail/api/api';
import type { QuotaTable } from '../gmail/api/login';
import { SlidingWindow } from './sliding-window';

/** In quota units; the tables differ in what a message costs only. */
const SHARED = {
  history: 2,
  list: 5,
  profile: 1,
  labels: 1,
  modify: 5,
  batchModify: 50,
  trash: 5,
  watch: 100,
} as const;

export const COSTS = {
  new: { ...SHARED, get: 20 },
  old: { ...SHARED, get: 5 },
} as const satisfies Record<QuotaTable, Record<string, number>>;

/** Units in a minute, for each user and project. */
const LIMITS: Readonly<Record<QuotaTable, number>> = { new: 6_000, old: 15_000 };

/** Requests may be on their way for so much longer than others: a window of theirs is wider than Google's. */
const JITTER_MS = 600;
const WINDOW_MS = 60_000 + JITTER_MS;
/** Of the limit; the rest is for requests that take even longer. */
const SHARE = 0.98;
/** Older mail leaves units for the next poll and a few new mails. */
const SHARE_OF_BACKFILL = 0.967;
/**
 * So much of the limit within JITTER_MS, about 20 mails a second under the new table. What is spent in a shorter
 * time comes back in a shorter time, JITTER_MS late, and a minute that begins in between would be half empty.
 */
const SHARE_AT_ONCE = 0.04;

/** After a refusal: truncated exponential backoff with full jitter. */
const FIRST_PAUSE_MS = 2_000;
const MOST_PAUSE_MS = 64_000;
/** Nobody waits for the end of a longer pause. */
const LONGEST_WAIT_MS = 70_000;
/** A pause that Google asks for is not longer than this: it is asked again. */
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
  /** Google did not refuse it for the quota: its place is free. */
  done(): void;
  /**
   * Google wants fewer requests: its place is free, and no request of the account goes for a while.
   * @param retryAfterMs how long, as Google says; null: it does not say
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
  readonly #limit: number;
  readonly #places: number;
  readonly #times: QuotaTimes;
  readonly #minute = new SlidingWindow(WINDOW_MS);
  readonly #moment = new SlidingWindow(JITTER_MS);
  readonly #waiting: Record<Priority, Waiting[]> = { new: [], action: [], backfill: [] };
  readonly #under: Record<Priority, number> = { new: 0, action: 0, backfill: 0 };
  #pausedUntil = -Infinity;
  /** Refusals in a row, those of requests that went together counted once; and when the last of them came. */
  #refusals = 0;
  #refusedAt = -Infinity;
  #alarm = new AbortController();

  /** @param places how many requests may be under way at once; one of them is for new mail only */
  constructor(table: QuotaTable, options: { readonly places?: number; readonly times?: QuotaTimes } = {}) {
    this.#limit = LIMITS[table];
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
      this.#minute.add(next.units, now);
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
      this.#minute.readyAt(units, this.#limit * share, now),
      this.#moment.readyAt(units, this.#limit * SHARE_AT_ONCE, now),
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

/** One for each login, account and table, shared by all that ask for it in this process. */
const buckets = (): Map<string, QuotaBucket> =>
  processWide('gmail-quota/1', () => new Map<string, QuotaBucket>());

/**
 * @param endpoint where the API is; other endpoints have quotas of their own
 * @param credential id: Google counts for each user and project, and a credential is of one project
 */
export function quotaOf(endpoint: string, address: string, table: QuotaTable, credential = ''): QuotaBucket {
  const key = [endpoint, address, table, credential].join(' ');
  const known = buckets().get(key) ?? new QuotaBucket(table);
  buckets().set(key, known);
  return known;
}
