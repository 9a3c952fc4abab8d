// How the thread of a SQLite file waits for what it is asked next: a moment awake, where that comes at once as a rule, as
// what is next for one mail does. A thread that sleeps wakes up later than that comes.
// Invariants: a thread that has nothing to do sleeps, and so does one whose calls come one by one; its event loop turns
// also while one call follows the other for long.
import { availableParallelism } from 'node:os';
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { monotonicNow } from '../../../runtime/time';
import type { Call } from '../../common/parts';

const LINGER_MS = 0.3;
/** What is seen to come so soon was worth waiting for: a thread that sleeps sees it late. */
const FOLLOWS_MS = 0.5;
/** What else its event loop has to do waits no longer. */
const MOST_MS = 20;
/** With one processor, nobody could ask meanwhile. */
const HAS_SEVERAL_PROCESSORS = availableParallelism() > 1;

export class Linger<Message extends { readonly kind: string }> {
  readonly #port: MessagePort;
  readonly #take: (message: Message) => void;
  /** The calls that another one followed at once, when they were last made. */
  readonly #followed = new Set<Call>();
  #last: Call | null = null;
  #answeredAt = -Infinity;
  #turnedAt = -Infinity;

  /** @param take what is done with each message, in their order */
  constructor(port: MessagePort, take: (message: Message) => void) {
    this.#port = port;
    this.#take = take;
    port.on('message', (message: Message) => {
      this.#turnedAt = monotonicNow();
      this.#learn(message);
      take(message);
    });
  }

  /** A call was answered, and there is no other to answer. */
  answered(call: Call): void {
    this.#last = call;
    this.#answeredAt = monotonicNow();
    if (!HAS_SEVERAL_PROCESSORS || !this.#followed.has(call) || this.#answeredAt - this.#turnedAt > MOST_MS) {
      return;
    }
    do {
      const next = receiveMessageOnPort(this.#port) as { readonly message: Message } | undefined;
      if (next) {
        this.#learn(next.message);
        this.#take(next.message);
        return;
      }
    } while (monotonicNow() - this.#answeredAt < LINGER_MS);
  }

  #learn({ kind }: Message): void {
    if (this.#last === null) return;
    if (kind === 'call' && monotonicNow() - this.#answeredAt < FOLLOWS_MS) this.#followed.add(this.#last);
    else this.#followed.delete(this.#last);
    this.#last = null;
  }
}
