// What a server refuses to do for a workflow, and who was told: a person hears of it once, not each time that it is
// tried again.
import type { Log } from '../runtime/log';
import { monotonicNow } from '../runtime/time';

/** A subscription whose settings the server does not accept is left out for this time, then tried again. */
const REFUSED_MS = 10 * 60_000;
/** A person hears again after this time of what the server still refuses. */
export const TELL_AGAIN_MS = 24 * 60 * 60_000;

export class Complaints {
  readonly #what: string;
  readonly #log: Log;
  readonly #tell: (subscriptionId: number, fault: Error, isNews: boolean) => void;
  /** Until when, on the monotonic clock, subscriptions are left out. */
  readonly #refused = new Map<number, number>();
  readonly #refusalsTold = new Map<number, string>();
  /** When (monotonic). */
  readonly #actionsTold = new Map<string, number>();

  /** @param what may be refused, and of which source, for people, as a plural: `email rules for the mailbox …` */
  constructor(what: string, log: Log, tell: (subscriptionId: number, fault: Error, isNews: boolean) => void) {
    this.#what = what;
    this.#log = log;
    this.#tell = tell;
  }

  /** Whether the subscription is left out for now. */
  isRefused(subscriptionId: number): boolean {
    return (this.#refused.get(subscriptionId) ?? 0) > monotonicNow();
  }

  /** What the subscription asks for cannot be applied on this server. */
  refused(subscriptionId: number, fault: Error): void {
    this.#refused.set(subscriptionId, monotonicNow() + REFUSED_MS);
    const text = `The ${this.#what} cannot be used, so no mail of it runs: ${fault.message}`;
    this.#log.warn(text);
    const isNews = this.#refusalsTold.get(subscriptionId) !== text;
    this.#refusalsTold.set(subscriptionId, text);
    this.#tell(subscriptionId, new Error(text, { cause: fault }), isNews);
  }

  /** It could be applied. */
  accepted(subscriptionId: number): void {
    this.#refused.delete(subscriptionId);
    this.#refusalsTold.delete(subscriptionId);
  }

  /** What is to be done with mails after their run was refused. */
  action(subscriptionId: number, fault: Error): void {
    // Whatever words the server finds for it.
    const said = `${subscriptionId} ${fault.message.replace(/\(.*\)/s, '')}`;
    const now = monotonicNow();
    if (now - (this.#actionsTold.get(said) ?? -Infinity) < TELL_AGAIN_MS) return;
    this.#actionsTold.set(said, now);
    this.#tell(subscriptionId, fault, true);
  }
}
