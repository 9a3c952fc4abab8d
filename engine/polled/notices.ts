// Notices of news, from when they come until what they announced is recorded. A notice is a hint: what counts is the
// history from the stored cursor on.
// Invariant: a notice is answered for by a look that began after it, and where that found nothing, by one more: the
// notice may have been faster than the history.

interface Notice {
  readonly recorded: () => void;
  readonly failed: (fault: Error) => void;
}

export class Notices {
  /** Came since the last look began. */
  #fresh: Notice[] = [];
  /** A look found nothing for them. */
  #early: Notice[] = [];

  /** One more look is due to them. */
  get areEarly(): boolean {
    return this.#early.length > 0;
  }

  /** @returns resolves when what it announced is recorded; rejects when this process does not do that any more */
  announce(): Promise<void> {
    return new Promise((recorded, failed) => this.#fresh.push({ recorded, failed }));
  }

  /**
   * A look begins.
   * @returns to be called with whether it found news, when all of it is recorded; if the look fails, not at all
   */
  look(): (news: boolean) => void {
    const [fresh, early] = [this.#fresh.length, this.#early.length];
    return (news) => {
      const looked = this.#fresh.splice(0, fresh);
      const again = this.#early.splice(0, early);
      for (const { recorded } of again) recorded();
      if (!news) this.#early.push(...looked);
      else for (const { recorded } of looked) recorded();
    };
  }

  /** Another process has the account now, or nobody listens any more. */
  drop(fault: Error): void {
    for (const { failed } of [...this.#fresh.splice(0), ...this.#early.splice(0)]) failed(fault);
  }
}
