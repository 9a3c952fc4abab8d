// Keeps what a page needs of a listing of any length.

/** The lowest `most` of the numbers given to it. Servers send them in order, nearly always. */
export class Lowest {
  readonly #most: number;
  readonly #kept: number[] = [];
  #highest = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(number: number): void {
    if (this.#kept.length < this.#most) {
      this.#kept.push(number);
      this.#highest = Math.max(this.#highest, number);
    } else if (number < this.#highest) {
      this.#kept[this.#kept.indexOf(this.#highest)] = number;
      this.#highest = this.#kept.reduce((highest, kept) => Math.max(highest, kept), 0);
    }
  }

  get numbers(): number[] {
    return this.#kept.sort((a, b) => a - b);
  }
}
