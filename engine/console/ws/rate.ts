// How many messages somebody may send: some at once, and so many a second from then on.

export class Rate {
  readonly #burst: number;
  readonly #perMs: number;
  readonly #now: () => number;
  #left: number;
  #at: number;

  /** @param now ms, monotonic */
  constructor(burst: number, perSecond: number, now: () => number) {
    this.#burst = burst;
    this.#perMs = perSecond / 1_000;
    this.#now = now;
    this.#left = burst;
    this.#at = now();
  }

  /** @returns false: it is one too many */
  take(): boolean {
    const now = this.#now();
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perMs);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
