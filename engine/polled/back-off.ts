// How long a polled account that could not be read is left alone, and what ends that sooner.
// Invariants: however often somebody joins, it is not tried again before `leastRetryMs`; where every login is refused it is
// tried as soon as another one is stored, and those who own them were told by then.
import { monotonicNow, pause } from '../runtime/time';
import type { WatchedSource } from '../source/watched';
import type { Bell } from './bell';
import { AccountFault } from './fault';
import type { PolledSubscriber, PolledTypes } from './kind';
import { type PolledTimes, Retries } from './pace';
import type { Reach } from './reach';

export class BackOff<K extends PolledTypes> {
  readonly #source: WatchedSource<PolledSubscriber<K>>;
  readonly #reach: Reach<K>;
  readonly #bell: Bell;
  readonly #times: PolledTimes;
  readonly #retries: Retries;

  constructor(source: WatchedSource<PolledSubscriber<K>>, reach: Reach<K>, bell: Bell, times: PolledTimes) {
    this.#source = source;
    this.#reach = reach;
    this.#bell = bell;
    this.#times = times;
    this.#retries = new Retries(times);
  }

  /** It was read to its end. */
  succeeded(): void {
    this.#retries.succeeded();
  }

  /** A round failed. Resolves when the next one is due. */
  async failed(error: unknown, signal: AbortSignal): Promise<void> {
    const { leastRetryMs } = this.#times;
    const isOfAllLogins = error instanceof AccountFault && error.isOfAllLogins;
    const dueInMs = isOfAllLogins ? this.#reach.dueInMs(this.#source.subscribers()) : null;
    const delay = dueInMs === null ? this.#retries.failed(error) : Math.max(dueInMs, leastRetryMs);
    await this.#source.failed(error, delay, isOfAllLogins ? null : { needsPerson });
    const atLeast = Math.min(delay, leastRetryMs);
    await pause(atLeast, signal);
    // Who joins may bring a credential that works.
    await this.#waitFor(delay - atLeast, isOfAllLogins, signal);
  }

  /** Until somebody joins; where logins are refused, also until another one is stored. */
  async #waitFor(ms: number, isRefused: boolean, signal: AbortSignal): Promise<void> {
    const until = monotonicNow() + ms;
    const leftMs = (): number => until - monotonicNow();
    if (isRefused) await this.#reach.isStoredAnew(this.#source.subscribers());
    while (leftMs() > 0 && !signal.aborted) {
      const waitMs = isRefused ? Math.min(leftMs(), this.#times.storedMs) : leftMs();
      await this.#bell.wait(waitMs, ['joined'], signal);
      if (this.#bell.has('joined')) return;
      if (isRefused && (await this.#reach.isStoredAnew(this.#source.subscribers()))) return;
    }
  }
}

const needsPerson = (error: unknown): boolean => error instanceof AccountFault && error.needsPerson;
