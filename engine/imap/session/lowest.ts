// Keeps what a page needs of a listing of any length.

/** The lowest `most` of the numbers given to it. Servers send them in order, nearly always. */
export class Lowest {
  readonly #most: number;
  readonly #kept = new Set<number>();
  #highest = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Again is not twice. */
  add(number: number): void {
    if (this.#kept.size < this.#most) {
      this.#kept.add(number);
      this.#highest = Math.max(this.#highest, number);
    } else if (number < this.#highest && !this.#kept.has(number)) {
      this.#kept.delete(this.#highest);
      this.#kept.add(number);
      this.#highest = [...this.#kept].reduce((highest, kept) => Math.max(highest, kept), 0);
    }
  }

  /** Ascending. */
  get numbers(): number[] {
    return [...this.#kept].sort((a, b) => a - b);
  }
}
