// How long n8n waits for a new trigger to find its place in its mail, before it says that the trigger is active.
// Invariant: who begins with "now" has seen it before people are told that the trigger listens, unless that cannot be, or
// takes too long: then it is read from the subscription's beginning, by date.
import { pause } from '../../../engine/runtime/time';

/** n8n would give up after 84 s. */
const BEGIN_MS = 10_000;

export class PlaceInMail {
  /** Aborted when there is nothing more to wait for: the place is known, or cannot be yet. */
  readonly #over = new AbortController();
  /** Subscriptions whose place is not known yet; the collector counts until it has joined them all. */
  readonly #awaited = new Set<number | 'collector'>(['collector']);
  #begunAt: number | null = null;

  /** When people were told that the trigger listens, ms since 1970; null: they wait for it. */
  get begunAt(): number | null {
    return this.#begunAt;
  }

  /** Waits for it, but not for long. From now on people are told that the trigger listens. @returns when, if it is known */
  async begin(): Promise<number | null> {
    await pause(BEGIN_MS, this.#over.signal);
    this.#begunAt = Date.now();
    return this.#awaited.size === 0 ? this.#begunAt : null;
  }

  /** This one has no place yet. */
  awaits(subscriptionId: number): void {
    this.#awaited.add(subscriptionId);
  }

  /** @param place of one subscription, or of all that the collector joins now */
  found(place: number | 'collector'): void {
    this.#awaited.delete(place);
    if (this.#awaited.size === 0) this.#over.abort();
  }

  /** There is no use in waiting: it cannot be found now. */
  giveUp(): void {
    this.#over.abort();
  }
}
