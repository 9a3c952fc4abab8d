// How many mails one FETCH asks for: fewer after the connection broke under one, more again when it goes well. Some
// servers hang up where one command asks for many.

/** So many FETCHes in a row have to go well before more is tried; twice as many after each break. */
const FIRST_PATIENCE = 5;
const MOST_PATIENCE = 1_000;
/** Nobody asks for so many in one FETCH: above this there is no limit. */
const UNLIMITED = 2_000;

export class Portion {
  #most = Infinity;
  #patience = FIRST_PATIENCE;
  #wentWell = 0;

  /** The most that may be asked for; Infinity: as many as one likes. */
  get most(): number {
    return this.#most;
  }

  /** @param asked so many mails were being asked for */
  broke(asked: number): void {
    if (this.#most < Infinity) this.#patience = Math.min(this.#patience * 2, MOST_PATIENCE);
    this.#most = Math.max(1, Math.floor(Math.min(asked, this.#most) / 2));
    this.#wentWell = 0;
  }

  wentWell(): void {
    if (this.#most === Infinity || ++this.#wentWell < this.#patience) return;
    this.#wentWell = 0;
    this.#most = this.#most * 2 > UNLIMITED ? Infinity : this.#most * 2;
  }
}
