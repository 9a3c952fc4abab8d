// What is done beside the reading of an account, one thing at a time: its kind's chores, and what is due with mails after
// their runs. It keeps no new mail from being read, however long the server takes for it.
// Invariant: it may go on while this process loses the account: all of it may be done twice, and twice without harm.
import { LedgerFault } from '../ledger/fault';
import type { Bell } from '../runtime/bell';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow } from '../runtime/time';
import type { WatchedSource } from '../source/watched';
import type { PolledAccount, PolledCall, PolledSubscriber, PolledTypes, Reached } from './kind';
import { type PolledTimes, Retries } from './pace';

export class Aside<K extends PolledTypes> {
  readonly #source: WatchedSource<PolledSubscriber<K>>;
  readonly #account: PolledAccount<K>;
  readonly #bell: Bell<PolledCall>;
  readonly #times: PolledTimes;
  readonly #log: Log;
  readonly #retries: Retries;
  /** What is being done; null: nothing. */
  #doing: Promise<void> | null = null;
  /** Monotonic: when mails are acted on next, and not before when after a fault. */
  #actAt = -Infinity;
  #actNotBefore = -Infinity;

  constructor(
    source: WatchedSource<PolledSubscriber<K>>,
    account: PolledAccount<K>,
    bell: Bell<PolledCall>,
    times: PolledTimes,
    log: Log,
  ) {
    this.#source = source;
    this.#account = account;
    this.#bell = bell;
    this.#times = times;
    this.#log = log;
    this.#retries = new Retries(times);
  }

  get isBusy(): boolean {
    return this.#doing !== null;
  }

  /** Runs have ended after which something may be done with their mails. */
  actSoon(): void {
    this.#actAt = this.#actNotBefore;
  }

  /** Until something is due, ms. @param wasRead the account was read since this process has it */
  dueInMs(wasRead: boolean): number {
    if (this.isBusy) return Infinity;
    const chores = this.#account.chores.map((chore) => chore.dueInMs(wasRead));
    return Math.min(this.#actAt - monotonicNow(), ...chores);
  }

  /** Does what is due, while the reading goes on; rings when it is done. */
  begin(reached: Reached<K>, wasRead: boolean, signal: AbortSignal): void {
    if (this.dueInMs(wasRead) > 0) return;
    const chore = this.#account.chores.find((one) => one.dueInMs(wasRead) <= 0);
    const doing = chore ? chore.run(reached, signal) : this.#act(reached, signal);
    this.#doing = doing.finally(() => {
      this.#doing = null;
      this.#bell.ring('done');
    });
  }

  /** Resolves when nothing is under way. */
  async ended(): Promise<void> {
    await this.#doing;
  }

  async #act(reached: Reached<K>, signal: AbortSignal): Promise<void> {
    try {
      const mayBeMore = await this.#account.act(reached, signal);
      this.#retries.succeeded();
      this.#actAt = mayBeMore ? -Infinity : monotonicNow() + this.#times.lookMs;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof LedgerFault && error.kind === 'taken') this.#source.drop();
      const retryInMs = this.#retries.failed(error);
      this.#actNotBefore = monotonicNow() + retryInMs;
      this.#actAt = this.#actNotBefore;
      this.#log.warn(`Actions in the ${this.#source.name} wait: ${errorText(error)}`, { retryInMs });
    }
  }
}
