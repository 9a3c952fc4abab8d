// Calls whoever watches a source when runs have ended after which something may be done with their mails.
// Invariant: where one subscriber wants that, the runs of all count: a mail of one workflow may wait for another's run.
import type { Wake } from '../signal/wake';
import type { Subscriber } from './source';

type Listener = Pick<Subscriber<never, never>, 'subscription' | 'hasActions'>;

export class ActionCalls {
  readonly #subscribers: () => readonly Listener[];
  readonly #wake: Pick<Wake, 'listen'>;
  readonly #called: () => void;
  readonly #listening = new Map<number, () => void>();
  #isOver = false;

  constructor(subscribers: () => readonly Listener[], wake: Pick<Wake, 'listen'>, called: () => void) {
    this.#subscribers = subscribers;
    this.#wake = wake;
    this.#called = called;
    this.listen();
  }

  /** Also to those who have joined since. */
  listen(): void {
    if (this.#isOver) return;
    const subscribers = this.#subscribers();
    if (!subscribers.some(({ hasActions }) => hasActions)) return;
    for (const { subscription } of subscribers) {
      if (this.#listening.has(subscription.id)) continue;
      this.#listening.set(subscription.id, this.#wake.listen(subscription.id, this.#called));
    }
  }

  end(): void {
    this.#isOver = true;
    for (const stop of this.#listening.values()) stop();
    this.#listening.clear();
  }
}
