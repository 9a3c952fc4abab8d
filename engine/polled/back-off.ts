// How long a polled account that could not be read is left alone, and what ends that sooner.
// Invariants: who finds the server back calls those who could not reach it, and nobody else: no refusal and no quota is asked
// sooner for it; however often somebody joins, or a person asks, it is not tried again before `leastRetryMs`; where every login
// is refused it is tried as soon as another one is stored, and those who own them were told by then.
import type { Bell } from '../runtime/bell';
import { firstOf, monotonicNow, pause } from '../runtime/time';
import { foundBack } from '../source/found-back';
import type { WatchedSource } from '../source/watched';
import { AccountFault } from './fault';
import type { PolledCall, PolledSubscriber, PolledTypes } from './kind';
import { type PolledTimes, Retries } from './pace';
import type { Reach } from './reach';

/** What ends a wait. */
const CALLS: readonly PolledCall[] = ['joined', 'look'];

export class BackOff<K extends PolledTypes> {
  readonly #source: WatchedSource<PolledSubscriber<K>>;
  readonly #reach: Reach<K>;
  readonly #bell: Bell<PolledCall>;
  readonly #times: PolledTimes;
  readonly #retries: Retries;

  constructor(
    source: WatchedSource<PolledSubscriber<K>>,
    reach: Reach<K>,
    bell: Bell<PolledCall>,
    times: PolledTimes,
  ) {
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

  /**
   * A round failed. Resolves when the next one is due.
   * @param triedAt monotonic: when it began
   */
  async failed(error: unknown, triedAt: number, signal: AbortSignal): Promise<void> {
    const { leastRetryMs } = this.#times;
    // Whoever asked before has had this try.
    this.#bell.take('look');
    const isOfAllLogins = error instanceof AccountFault && error.isOfAllLogins;
    const dueInMs = isOfAllLogins ? this.#reach.dueInMs(this.#source.subscribers()) : null;
    const delay = dueInMs === null ? this.#retries.failed(error) : Math.max(dueInMs, leastRetryMs);
    await this.#source.failed(error, delay, isOfAllLogins ? null : { needsPerson });
    if (isOutOfReach(error)) await this.#source.outOfReach();
    const atLeast = Math.min(delay, leastRetryMs);
    await pause(atLeast, signal);
    const left = delay - atLeast;
    if (isOfAllLogins) await this.#untilStored(left, signal);
    else if (isOutOfReach(error)) await this.#untilFoundBack(left, triedAt, signal);
    else await this.#untilCalled(left, signal);
    if (this.#bell.has('look')) this.#reach.askAgain(this.#source.subscribers());
  }

  /** Who joins may bring a credential that works; and a person may know that it is time. */
  #untilCalled(ms: number, signal: AbortSignal): Promise<void> {
    return this.#bell.wait(ms, CALLS, signal);
  }

  async #untilFoundBack(ms: number, triedAt: number, signal: AbortSignal): Promise<void> {
    const { server } = this.#reach;
    await firstOf(signal, [
      (either) => this.#untilCalled(ms, either),
      ...(server === null
        ? []
        : [(either: AbortSignal) => foundBack().pause(server, this, { ms, triedAt }, either)]),
    ]);
  }

  /** Also until another login is stored. */
  async #untilStored(ms: number, signal: AbortSignal): Promise<void> {
    const until = monotonicNow() + ms;
    const leftMs = (): number => until - monotonicNow();
    await this.#reach.isStoredAnew(this.#source.subscribers());
    while (leftMs() > 0 && !signal.aborted) {
      await this.#untilCalled(Math.min(leftMs(), this.#times.storedMs), signal);
      if (CALLS.some((call) => this.#bell.has(call))) return;
      if (await this.#reach.isStoredAnew(this.#source.subscribers())) return;
    }
  }
}

const isOutOfReach = (error: unknown): boolean => error instanceof AccountFault && error.isOutOfReach;

const needsPerson = (error: unknown): boolean => error instanceof AccountFault && error.needsPerson;
