// One polled account, for as long as anybody listens to it: ask what is new, read that and a page of what is old, rest
// until something calls, and again, without end; beside it (aside.ts), act on mails whose runs have ended.
// It follows the account while this process has it, stands by while another has it, and backs off after a fault.
// Invariants: only `stop` ends it; never more than one round at a time, and what asks for one meanwhile is served by
// the next; without the account's lease there is no call at all.
import { LedgerFault } from '../ledger/fault';
import type { Log } from '../runtime/log';
import { pause } from '../runtime/time';
import type { WatchedSource } from '../source/watched';
import { Aside } from './aside';
import { BackOff } from './back-off';
import type { Bell, Call } from './bell';
import type { PolledAccount, PolledKind, PolledSubscriber, PolledTypes, Reached } from './kind';
import { Looks } from './looks';
import type { Notices } from './notices';
import { type PolledTimes, pollMsOf } from './pace';
import { Reach } from './reach';

const WHILE_BUSY: readonly Call[] = ['joined', 'notice', 'done'];
const WHILE_IDLE: readonly Call[] = ['joined', 'notice', 'actions'];
/** Who moved to another account leaves within this time. */
const MOVING_MS = 1_000;

export interface PolledLoopParts<K extends PolledTypes> {
  readonly kind: PolledKind<K>;
  readonly source: WatchedSource<PolledSubscriber<K>>;
  readonly account: PolledAccount<K>;
  readonly bell: Bell;
  readonly notices: Notices;
  readonly times: PolledTimes;
  readonly log: Log;
}

export class PolledLoop<K extends PolledTypes> {
  readonly #server: string;
  readonly #source: WatchedSource<PolledSubscriber<K>>;
  readonly #account: PolledAccount<K>;
  readonly #bell: Bell;
  readonly #notices: Notices;
  readonly #times: PolledTimes;
  readonly #reach: Reach<K>;
  readonly #looks: Looks;
  readonly #aside: Aside<K>;
  readonly #failures: BackOff<K>;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;

  constructor({ kind, source, account, bell, notices, times, log }: PolledLoopParts<K>) {
    const address = source.key.account;
    this.#server = kind.names(address).server;
    this.#source = source;
    this.#account = account;
    this.#bell = bell;
    this.#notices = notices;
    this.#times = times;
    this.#reach = new Reach(address, source.name, kind.reaching, times, (tell) => source.tell(tell));
    this.#looks = new Looks(times);
    this.#aside = new Aside(source, account, bell, times, log);
    this.#failures = new BackOff(source, this.#reach, bell, times);
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
    await this.#aside.ended();
  }

  /** Rounds, until another process has the account. @throws AccountFault, LedgerFault */
  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#bell.take('joined')) this.#looks.refresh();
      const held = await this.#source.held();
      if (held === 'no') return;
      if (held === 'anew') this.#looks.refresh();
      if (this.#bell.take('notice')) this.#looks.noticed();
      this.#bell.take('done');
      if (!this.#aside.isBusy && this.#bell.take('actions')) this.#aside.actSoon();
      const readInMs = this.#readInMs();
      const asideInMs = this.#aside.dueInMs(!this.#looks.isFresh);
      if (Math.min(readInMs, asideInMs) <= 0) await this.#round(readInMs <= 0, signal);
      else {
        const calls = this.#aside.isBusy ? WHILE_BUSY : WHILE_IDLE;
        await this.#bell.wait(Math.min(readInMs, asideInMs), calls, signal);
      }
    }
  }

  async #round(reads: boolean, signal: AbortSignal): Promise<void> {
    const { announcing } = this.#account;
    if (this.#looks.isFresh)
      await this.#source.standing.is('gap_checking', 'connecting', { notifiedUntil: announcing.until });
    const reached = await this.#reach.account(this.#source.subscribers(), signal);
    if (!reached) {
      // Everybody moved to another account and is leaving.
      await pause(MOVING_MS, signal);
      return;
    }
    announcing.want(reached);
    if (reads) await this.#read(reached, signal);
    if (!signal.aborted) this.#aside.begin(reached, !this.#looks.isFresh, signal);
  }

  async #read({ api, subscribers: reached }: Reached<K>, signal: AbortSignal): Promise<void> {
    const { announcing } = this.#account;
    const look = this.#looks.begin();
    const looked = this.#notices.look();
    const connection = announcing.isWorking ? 'idling' : 'polling';
    const subscribers = this.#source.accepted(reached);
    const end =
      subscribers.length === 0
        ? await this.#allAreRefused(connection)
        : await this.#account.read({ api, subscribers, connection }, signal);
    if (signal.aborted) return;
    if (subscribers.length > 0) await this.#source.wasRead(subscribers, end, connection);
    if (this.#isStopping) return;
    looked(end.news);
    if (look.isPoll && end.news) announcing.missed();
    this.#failures.succeeded();
    look.ended(end, this.#notices.areEarly);
  }

  async #allAreRefused(connection: 'idling' | 'polling'): Promise<typeof NOTHING> {
    const error = `${this.#server} refuses the settings of every trigger that listens to it`;
    await this.#source.standing.is('error', connection, { error });
    return NOTHING;
  }

  #readInMs(): number {
    const readings = this.#source.subscribers().map(({ reading }) => reading);
    return this.#looks.dueInMs(pollMsOf(readings, this.#times, this.#account.announcing.isWorking));
  }

  async #backOff(error: unknown, signal: AbortSignal): Promise<void> {
    this.#looks.refresh();
    if (error instanceof LedgerFault && error.kind === 'taken') {
      this.#source.drop();
      return;
    }
    await this.#failures.failed(error, signal);
  }

  /** The account is not this process's any more. */
  async #leave(): Promise<void> {
    this.#looks.refresh();
    await this.#account.announcing.leave();
    this.#notices.drop(new Error(`This process does not read the ${this.#source.name} any more`));
  }
}

const NOTHING = { older: null, recovered: null, againInMs: null, news: false } as const;
