// How long it is looked for what a filter lets through before it is told where to go on, and how far at a time.
// Invariant: a look ends about when its time is over: what is looked at next is no more than the time that is left is enough
// for, by how long the last part took. How long that is, a filter, a disk and the others on the machine tell together.
import { monotonicNow } from '../../runtime/time';

/**
 * Less than one and a half times what it takes to look through 10,000 mails: so a page of a filter that finds next to nothing
 * among millions takes little longer than one that looks at all there is.
 */
export const LOOK_MS = 40;
/** Less is not worth a statement. */
const LEAST = 500;

export class Look {
  readonly #now: () => number;
  readonly #began: number;
  readonly #most: number;
  #lookedAt: number;
  #size: number;

  /** @param first nobody knows yet how long it takes @param now monotonic, ms */
  constructor({ first, most }: { readonly first: number; readonly most: number }, now = monotonicNow) {
    this.#now = now;
    this.#began = now();
    this.#lookedAt = this.#began;
    this.#size = first;
    this.#most = most;
  }

  /** How many to look at next. */
  get size(): number {
    return this.#size;
  }

  /** The last part was looked at. @returns there is time for another */
  goesOn(): boolean {
    const now = this.#now();
    const left = LOOK_MS - (now - this.#began);
    const enough = (this.#size * left) / Math.max(now - this.#lookedAt, 0.1);
    // What was cached was quicker than what comes may be.
    this.#size = Math.floor(Math.min(enough, 3 * this.#size, this.#most));
    this.#lookedAt = now;
    return this.#size >= LEAST;
  }
}
