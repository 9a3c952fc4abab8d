// Hands the mails of jobs over, each by what its place asks for.
// Invariant: the mails of a subscription are handed over in one way at a time.
import type { Delivering } from './delivering';
import type { Place } from './destination-of';
import type { Streams } from './streams';

export class HandingOver {
  readonly #delivering: Delivering;
  readonly #streams: Streams;

  constructor(delivering: Delivering, streams: Streams) {
    this.#delivering = delivering;
    this.#streams = streams;
  }

  /** From now on, and to another place from now on. */
  serve(subscriptionIds: readonly number[], place: Place): void {
    if ('take' in place) {
      void this.#streams.leave(subscriptionIds);
      this.#delivering.serve(subscriptionIds, place);
    } else {
      void this.#delivering.leave(subscriptionIds);
      this.#streams.serve(subscriptionIds, place);
    }
  }

  /** Those of a job that is not there any more: nothing of it is begun. */
  async leave(subscriptionIds: readonly number[]): Promise<void> {
    await Promise.all([this.#delivering.leave(subscriptionIds), this.#streams.leave(subscriptionIds)]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#delivering.stop(), this.#streams.stop()]);
  }
}
