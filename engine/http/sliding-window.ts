// How much was spent in the last stretch of time. Spendings close together are kept as one, so that it stays small.
// Invariant: what was spent counts for at least the whole stretch, never less.

/** Spendings that lie within so many ms count as one, from the first of them until the last has passed. */
const SLOT_MS = 50;

interface Slot {
  readonly from: number;
  units: number;
}

export class SlidingWindow {
  readonly #ms: number;
  #slots: Slot[] = [];
  #used = 0;

  /** @param ms how long the stretch is */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /** @param now by the monotonic clock, as in all that follows; never less than before */
  add(units: number, now: number): void {
    this.#forget(now);
    const last = this.#slots.at(-1);
    if (last && now - last.from < SLOT_MS) last.units += units;
    else this.#slots.push({ from: now, units });
    this.#used += units;
  }

  /** When there is room for `units` more under `most`: `now`, or later. What could never fit waits for an empty window. */
  readyAt(units: number, most: number, now: number): number {
    this.#forget(now);
    let over = this.#used + Math.min(units, most) - most;
    let at = now;
    for (const slot of this.#slots) {
      if (over <= 0) break;
      over -= slot.units;
      at = this.#endOf(slot);
    }
    return at;
  }

  #endOf(slot: Slot): number {
    return slot.from + SLOT_MS + this.#ms;
  }

  #forget(now: number): void {
    const kept = this.#slots.findIndex((slot) => this.#endOf(slot) > now);
    const gone = this.#slots.splice(0, kept < 0 ? this.#slots.length : kept);
    for (const slot of gone) this.#used -= slot.units;
  }
}
