// One watched account, for as long as anybody listens to it: ask the history, read what is new and a page of what is
// old, rest until something calls, and again, without end; beside it, act on mails whose runs have ended.
// Invariants: only `stop` ends it; never more than one round at a time, and what asks for one meanwhile is served by
// the next; without the account's lease there is no call at all.
import { LedgerFault } from '../ledger/fault';
import { monotonicNow, pause } from '../runtime/time';
import type { GmailSyncEnd } from '../gmail/read/job';
import type { WatchedAccount } from '../gmail/watch/account';
import type { Bell, Call } from './bell';
import type { Notices } from './notices';
import type { Notifying } from '../gmail/watch/notifying';
import { LabelWatch } from '../gmail/watch/labels';
import { type GmailTimes, pollMsOf, Retries } from './pace';
import { Reach, type Reached } from './reach';
import { AllRefused } from '../gmail/watch/shared-api';

const WHILE_BUSY: readonly Call[] = ['joined', 'notice', 'done'];
const WHILE_IDLE: readonly Call[] = ['joined', 'notice', 'actions'];
/** Who moved to another account leaves within this time. */
const MOVING_MS = 1_000;

export class GmailLoop {
  readonly #account: WatchedAccount;
  readonly #bell: Bell;
  readonly #notices: Notices;
  readonly #notifying: Notifying;
  readonly #times: GmailTimes;
  readonly #reach: Reach;
  readonly #labels: LabelWatch;
  readonly #retries: Retries;
  readonly #actionRetries: Retries;
  /** Not all accounts of a process in one instant; never sooner than chosen, so that an idle minute costs one poll. */
  readonly #jitter = 1 + Math.random() / 20;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  /** Somebody joined, another process had it, or a round failed: what came meanwhile is not known. */
  #isFresh = true;
  /** Monotonic: when it was last read to its end; and when it is to be read again, whatever the poll says. */
  #readAt = -Infinity;
  #againAt = -Infinity;
  /** Monotonic: when it was last asked, and when the notices that came since are to be answered. */
  #lookedAt = -Infinity;
  #noticeAt = Infinity;
  /** News was announced: more of it may come that is not. */
  #tailAt = Infinity;
  #actAt = -Infinity;
  #actNotBefore = -Infinity;
  /** What is done beside the reading, one thing at a time. */
  #aside: Promise<void> = Promise.resolve();
  #isBusyAside = false;

  constructor(
    account: WatchedAccount,
    bell: Bell,
    notices: Notices,
    notifying: Notifying,
    times: GmailTimes,
  ) {
    this.#account = account;
    this.#bell = bell;
    this.#notices = notices;
    this.#notifying = notifying;
    this.#times = times;
    this.#reach = new Reach(account.key.account, times, (tell) => account.tell(tell));
    this.#labels = new LabelWatch(
      account.name,
      times.labelsMs,
      (fault, one) => account.warn(fault, [one]),
      account.notes,
    );
    this.#retries = new Retries(times);
    this.#actionRetries = new Retries(times);
    this.#ended = this.#run();
  }

  /** Resolves when nothing is read or recorded any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
        await this.#leave();
        await this.#bell.wait(this.#times.standbyMs, ['joined'], signal);
      } catch (error) {
        if (!this.#isStopping) await this.#backOff(error, signal);
      }
    }
    await this.#leave();
    await this.#aside;
  }

  /** Rounds, until another process has the account. @throws GmailFault, LedgerFault */
  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#bell.take('joined')) this.#isFresh = true;
      const held = await this.#account.held();
      if (held === 'no') return;
      if (held === 'anew') this.#isFresh = true;
      if (this.#bell.take('notice')) this.#wasNoticed();
      this.#bell.take('done');
      if (!this.#isBusyAside && this.#bell.take('actions')) this.#actAt = this.#actNotBefore;
      const readsNow = this.#isFresh || this.#readInMs() <= 0;
      if (readsNow || this.#otherwiseInMs() <= 0) await this.#round(readsNow, signal);
      else {
        const restMs = Math.min(this.#readInMs(), this.#otherwiseInMs());
        await this.#bell.wait(restMs, this.#isBusyAside ? WHILE_BUSY : WHILE_IDLE, signal);
      }
    }
  }

  async #round(reads: boolean, signal: AbortSignal): Promise<void> {
    if (this.#isFresh) await this.#account.checking(this.#notifying.until);
    const reached = await this.#reach.account(this.#account.subscribers(), signal);
    if (!reached) {
      // Everybody moved to another account and is leaving.
      await pause(MOVING_MS, signal);
      return;
    }
    this.#notifying.want(reached);
    if (reads) await this.#read(reached, signal);
    if (!signal.aborted) this.#doAside(reached, signal);
  }

  /**
   * What keeps no new mail from being read, however long Gmail takes for it. It goes on while this process loses the
   * account: both may be done twice, and twice without harm.
   */
  #doAside(reached: Reached, signal: AbortSignal): void {
    if (this.#otherwiseInMs() > 0) return;
    this.#isBusyAside = true;
    this.#aside = this.#asideNow(reached, signal).finally(() => {
      this.#isBusyAside = false;
      this.#bell.ring('done');
    });
  }

  #asideNow(reached: Reached, signal: AbortSignal): Promise<void> {
    if (this.#notifying.dueInMs() <= 0) return this.#notifying.renew(reached, signal);
    return this.#labelsInMs() <= 0 ? this.#compareLabels(reached, signal) : this.#act(reached, signal);
  }

  async #compareLabels({ api }: Reached, signal: AbortSignal): Promise<void> {
    try {
      await this.#labels.compare(api, this.#account.accepted());
    } catch (error) {
      // The reading says what is wrong; a label may be compared some hours later as well.
      if (!signal.aborted) this.#account.labelsNotCompared(error);
    }
  }

  /** Not before the account was read. */
  #labelsInMs(): number {
    return this.#isFresh ? Infinity : this.#labels.dueInMs(this.#account.accepted());
  }

  async #read({ api, subscribers }: Reached, signal: AbortSignal): Promise<void> {
    this.#lookedAt = monotonicNow();
    const noticed = this.#noticeAt <= this.#lookedAt;
    if (noticed) this.#noticeAt = Infinity;
    const isPoll = !this.#isFresh && !noticed && this.#againAt > monotonicNow();
    const looked = this.#notices.look();
    const connection = this.#notifying.isWorking ? 'idling' : 'polling';
    const end = await this.#account.read(api, subscribers, connection, signal);
    if (signal.aborted) return;
    looked(end.news);
    if (isPoll && end.news) this.#notifying.missed();
    this.#isFresh = false;
    this.#retries.succeeded();
    const now = monotonicNow();
    this.#readAt = now;
    const wasTail = this.#tailAt <= this.#lookedAt;
    if (end.news && (noticed || wasTail)) this.#tailAt = now + this.#times.tailMs;
    else if (wasTail) this.#tailAt = Infinity;
    const isEarly = (noticed && !end.news) || this.#notices.areEarly;
    this.#againAt =
      now + Math.min(isEarly ? this.#times.earlyMs : Infinity, this.#tailAt - now, this.#moreInMs(end));
  }

  /** When there is more to be read than the next poll would bring, ms. */
  #moreInMs({ older, againInMs }: GmailSyncEnd): number {
    // What could not be read holds up the older mails, too.
    if (older?.waits) return againInMs ?? this.#times.olderMs;
    return older ? 0 : (againInMs ?? Infinity);
  }

  #readInMs(): number {
    const readings = this.#account.subscribers().map(({ reading }) => reading);
    const pollMs = pollMsOf(readings, this.#times, this.#notifying.isWorking);
    const at = Math.min(this.#readAt + pollMs * this.#jitter, this.#againAt, this.#noticeAt);
    return at - monotonicNow();
  }

  #wasNoticed(): void {
    const at = Math.max(monotonicNow(), this.#lookedAt + this.#times.leastLookMs);
    this.#noticeAt = Math.min(this.#noticeAt, at);
  }

  /** Until something else is due than reading, ms. */
  #otherwiseInMs(): number {
    if (this.#isBusyAside) return Infinity;
    return Math.min(this.#actAt - monotonicNow(), this.#notifying.dueInMs(), this.#labelsInMs());
  }

  async #act(reached: Reached, signal: AbortSignal): Promise<void> {
    try {
      const mayBeMore = await this.#account.act(reached, signal);
      this.#actionRetries.succeeded();
      this.#actAt = mayBeMore ? -Infinity : monotonicNow() + this.#times.lookMs;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof LedgerFault && error.kind === 'taken') this.#account.drop();
      const delay = this.#actionRetries.failed(error);
      this.#actNotBefore = monotonicNow() + delay;
      this.#actAt = this.#actNotBefore;
      this.#account.notActed(error, delay);
    }
  }

  async #backOff(error: unknown, signal: AbortSignal): Promise<void> {
    this.#isFresh = true;
    if (error instanceof LedgerFault && error.kind === 'taken') {
      this.#account.drop();
      return;
    }
    const { leastRetryMs } = this.#times;
    const dueInMs = error instanceof AllRefused ? this.#reach.dueInMs(this.#account.subscribers()) : null;
    const delay = dueInMs === null ? this.#retries.failed(error) : Math.max(dueInMs, leastRetryMs);
    await this.#account.failed(error, delay);
    const atLeast = Math.min(delay, leastRetryMs);
    await pause(atLeast, signal);
    // Who joins may bring a credential that works.
    await this.#waitFor(delay - atLeast, error instanceof AllRefused, signal);
  }

  /** Until somebody joins; where logins are refused, also until another one is stored. */
  async #waitFor(ms: number, isRefused: boolean, signal: AbortSignal): Promise<void> {
    const until = monotonicNow() + ms;
    const leftMs = (): number => until - monotonicNow();
    if (isRefused) await this.#reach.isStoredAnew(this.#account.subscribers());
    while (leftMs() > 0 && !signal.aborted) {
      await this.#bell.wait(
        isRefused ? Math.min(leftMs(), this.#times.storedMs) : leftMs(),
        ['joined'],
        signal,
      );
      if (this.#bell.has('joined')) return;
      if (isRefused && (await this.#reach.isStoredAnew(this.#account.subscribers()))) return;
    }
  }

  /** The account is not this process's any more. */
  async #leave(): Promise<void> {
    this.#isFresh = true;
    await this.#notifying.leave();
    this.#notices.drop(new Error(`This process does not read the ${this.#account.name} any more`));
  }
}
