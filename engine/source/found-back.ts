// The servers that were found back after an outage: who waits to try one again is woken when somebody else has reached it.
// Invariants: only the word of who reached a server shortens a wait, never beyond its end, and never to nothing for all at
// once: those who wait for one server are spread evenly. Somebody is woken once a minute at most, so that a server that comes
// and goes is not asked much more often than by the waits alone.
import { Bell } from '../runtime/bell';
import { processWide } from '../runtime/process-wide';
import { monotonicNow, pause } from '../runtime/time';

/** Everybody has tried once by then. */
const SPREAD_MS = 14_000;
const LEAST_BETWEEN_MS = 60_000;

export interface FoundBackTimes {
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
}

interface Waiting {
  readonly who: object;
  /** When it is woken; Infinity: nobody has reached the server yet. */
  dueAt: number;
  /** Its time was set. */
  readonly bell: Bell<'called'>;
}

export class FoundBack {
  readonly #times: FoundBackTimes;
  readonly #waiting = new Map<string, Set<Waiting>>();
  /** When a server was last reached. */
  readonly #reachedAt = new Map<string, number>();
  readonly #wokenAt = new WeakMap<object, number>();

  constructor(times: FoundBackTimes = { now: monotonicNow, pause, random: Math.random }) {
    this.#times = times;
  }

  /** Somebody has reached it, whoever it is. @param server names it, such as by its host and port */
  reached(server: string): void {
    this.#reachedAt.set(server, this.#times.now());
    const asleep = [...(this.#waiting.get(server) ?? [])].filter(({ dueAt }) => dueAt === Infinity);
    for (const [place, waiting] of asleep.entries()) this.#call(waiting, place, asleep.length);
  }

  /**
   * Waits until it is to be tried again: for `ms`, or less, as soon as others have reached it. Never rejects.
   * @param who waits; the same object for every try
   * @param triedAt monotonic: when the try began that failed; who reached the server since then found it back
   */
  async pause(
    server: string,
    who: object,
    { ms, triedAt }: { readonly ms: number; readonly triedAt: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { now } = this.#times;
    const until = now() + ms;
    const waiting: Waiting = { who, dueAt: Infinity, bell: new Bell(this.#times.pause) };
    const all = this.#waiting.get(server) ?? new Set();
    this.#waiting.set(server, all.add(waiting));
    if ((this.#reachedAt.get(server) ?? -Infinity) > triedAt) this.#call(waiting, 0, 1);
    try {
      while (!signal.aborted) {
        waiting.bell.take('called');
        const left = Math.min(until, waiting.dueAt) - now();
        if (left <= 0) break;
        await waiting.bell.wait(left, ['called'], signal);
      }
      if (waiting.dueAt <= now()) this.#wokenAt.set(who, now());
    } finally {
      all.delete(waiting);
      if (all.size === 0) this.#waiting.delete(server);
    }
  }

  /** Each of those who wait has a part of the time for itself. */
  #call(waiting: Waiting, place: number, count: number): void {
    const { now, random } = this.#times;
    const spread = now() + ((place + random()) / count) * SPREAD_MS;
    waiting.dueAt = Math.max(spread, (this.#wokenAt.get(waiting.who) ?? -Infinity) + LEAST_BETWEEN_MS);
    waiting.bell.ring('called');
  }
}

/** That of this process: also those hear of it who do not share an account. */
export const foundBack = (): FoundBack => processWide('found-back/1', () => new FoundBack());
