// Who listens now, and how each of them is told. A listener is in one of these at a time:
// - `waiting`: begins with what comes from now on, and it is not known yet where that is
// - `behind`: goes on after a position of its own, or a time, page by page, as fast as it reads (catching-up.ts)
// - `near`: was told all that there was, and is taken in by the next look of those who are told live
// - `live`: is told what becomes so, as it does (live.ts)
// Invariant: who is gone is in none.
import { setImmediate as turn } from 'node:timers/promises';
import { monotonicNow } from '../runtime/time';
import { letsThrough } from './asked';
import { bufferOf } from './frames';
import type { Listener } from './listener';
import type { Worded } from './wording';

export type Place = 'waiting' | 'behind' | 'near' | 'live';

export class Audience {
  readonly waiting: ReadonlySet<Listener> = new Set();
  readonly behind: ReadonlySet<Listener> = new Set();
  readonly near: ReadonlySet<Listener> = new Set();
  readonly live: ReadonlySet<Listener> = new Set();
  readonly #places = new Map<Listener, Set<Listener>>();

  get size(): number {
    return this.#places.size;
  }

  all(): Listener[] {
    return [...this.#places.keys()];
  }

  /** Behind all others who are there. One who is gone stays so. */
  move(listener: Listener, place: Place): void {
    this.leave(listener);
    if (listener.isGone) return;
    const set = this[place] as Set<Listener>;
    this.#places.set(listener, set);
    set.add(listener);
  }

  leave(listener: Listener): void {
    this.#places.get(listener)?.delete(listener);
    this.#places.delete(listener);
  }
}

/** Node.js puts what is written to a response on the wire when the code that wrote it is done: many are a long turn. */
const MOST_AT_ONCE = 250;
/** So many take no time to speak of. */
const FEW = 25;

/**
 * Each is told what it asked for of the page that ends there; one buffer for all who ask the same.
 * @returns ms that it took
 */
export function tell(
  page: readonly Worded[],
  position: string,
  listeners: readonly Listener[],
): Promise<number> {
  const buffers = new Map<string, Buffer | null>();
  return toEach(listeners, (listener) => {
    let buffer = buffers.get(listener.key);
    if (buffer === undefined) {
      const frames = page.filter(({ event }) => letsThrough(listener.ask, event)).map(({ frame }) => frame);
      buffer = frames.length > 0 ? bufferOf(frames.join('')) : null;
      buffers.set(listener.key, buffer);
    }
    listener.tell(buffer, position);
  });
}

/**
 * Whatever else goes on in the process has its turn between them.
 * @returns ms that it took, until all that was written had gone to the system
 */
export async function toEach(
  listeners: readonly Listener[],
  work: (listener: Listener) => void,
): Promise<number> {
  const began = monotonicNow();
  for (let at = 0; at < listeners.length; at += MOST_AT_ONCE) {
    for (const listener of listeners.slice(at, at + MOST_AT_ONCE)) if (!listener.isGone) work(listener);
    if (listeners.length > FEW) await turn();
  }
  return monotonicNow() - began;
}
