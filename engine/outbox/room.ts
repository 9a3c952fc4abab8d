// How much content of what is being sent lies in memory at once.
// Invariant: whoever is let in gets at least one octet, and so one entry, whatever its size: more than the room lies in memory
// only by what was let in last.
const ROOM_BYTES = 64 * 1024 * 1024;
/** For one batch. */
const PORTION_BYTES = 16 * 1024 * 1024;

export class Room {
  #free: number;
  readonly #portion: number;
  #waiting: (() => void)[] = [];

  constructor(bytes = ROOM_BYTES, portion = PORTION_BYTES) {
    this.#free = bytes;
    this.#portion = portion;
  }

  /** Waits until there is some. @returns how much; 0: the signal has aborted */
  async take(signal: AbortSignal): Promise<number> {
    while (this.#free <= 0 && !signal.aborted) {
      await new Promise<void>((go) => {
        const called = (): void => {
          signal.removeEventListener('abort', called);
          go();
        };
        this.#waiting.push(called);
        signal.addEventListener('abort', called, { once: true });
      });
    }
    if (signal.aborted) return 0;
    const taken = Math.min(this.#free, this.#portion);
    this.#free -= taken;
    return taken;
  }

  /** @param bytes less than none: more was taken than was thought */
  give(bytes: number): void {
    this.#free += bytes;
    if (this.#free <= 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }
}
