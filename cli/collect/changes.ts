// Changes of what is being done that take a while: one after the other.
// Invariants: no two are made at once; one that fails is told, and holds up none that comes after it; after `end` none is made.
export class Changes {
  readonly #failed: (error: unknown) => void;
  #last: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Resolves when it is made, or has failed. Never rejects. */
  make(change: () => Promise<void> | void): Promise<void> {
    this.#last = this.#last.then(() => (this.#isOver ? undefined : change())).catch(this.#failed);
    return this.#last;
  }

  /** The last one. Those that were to be made before it are. Never rejects. */
  end(change: () => Promise<void> | void): Promise<void> {
    return this.make(() => {
      this.#isOver = true;
      return change();
    });
  }
}
