// One polled account, for as long as anybody listens to it: ask what is new, read that and a page of what is old, rest
// until something calls, and again, without end; beside it (aside.ts), act on mails whose runs have ended.
// It is in one mode at a time:
// - `resting`: this process has the account, and nothing is due; leads to `reading`, or to `standing by`;
// - `reading`: a round is under way (round.ts); leads to `resting`, or to `moving`;
// - `moving`: everybody moved to another account, and is leaving; leads to `resting`;
// - `standing by`: another process has the account; stays so, or leads to `resting`;
// - `backing off`: any of these failed (back-off.ts); leads to `resting`;
// - `ended`: by `stop`; leads nowhere.
// Invariants: only `stop` ends it; never more than one round at a time, and what asks for one meanwhile is served by
// the next; without the account's lease there is no call at all.
import { LedgerFault } from '../ledger/fault';
import type { Bell } from '../runtime/bell';
import type { Log } from '../runtime/log';
import { monotonicNow, pause } from '../runtime/time';
import type { WatchedSource } from '../source/watched';
import { Aside } from './aside';
import { BackOff } from './back-off';
import type { PolledAccount, PolledCall, PolledKind, PolledSubscriber, PolledTypes } from './kind';
import { Looks } from './looks';
import type { Notices } from './notices';
import { type PolledTimes, pollMsOf } from './pace';
import { Reach } from './reach';
import { Round } from './round';

const WHILE_BUSY: readonly PolledCall[] = ['joined', 'notice', 'look', 'done'];
const WHILE_IDLE: readonly PolledCall[] = ['joined', 'notice', 'look', 'actions'];
/** Who moved to another account leaves within this time. */
const MOVING_MS = 1_000;

export interface PolledLoopParts<K extends PolledTypes> {
  readonly kind: PolledKind<K>;
  readonly source: WatchedSource<PolledSubscriber<K>>;
  readonly account: PolledAccount<K>;
  readonly bell: Bell<PolledCall>;
  readonly notices: Notices;
  readonly times: PolledTimes;
  readonly log: Log;
}

type Resting = { readonly is: 'resting' };
type Reading = {
  readonly is: 'reading';
  /** False: only what is done beside the reading is due. */
  readonly reads: boolean;
};
type Moving = { readonly is: 'moving' };
type StandingBy = { readonly is: 'standing by' };
type BackingOff = { readonly is: 'backing off'; readonly error: unknown; readonly triedAt: number };
type Ended = { readonly is: 'ended' };
type Mode = Resting | Reading | Moving | StandingBy | BackingOff | Ended;

const RESTING: Resting = { is: 'resting' };
const STANDING_BY: StandingBy = { is: 'standing by' };

export class PolledLoop<K extends PolledTypes> {
  readonly #source: WatchedSource<PolledSubscriber<K>>;
  readonly #account: PolledAccount<K>;
  readonly #bell: Bell<PolledCall>;
  readonly #notices: Notices;
  readonly #times: PolledTimes;
  readonly #looks: Looks;
  readonly #aside: Aside<K>;
  readonly #round: Round<K>;
  readonly #backOff: BackOff<K>;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #mode: Mode = RESTING;

  constructor({ kind, source, account, bell, notices, times, log }: PolledLoopParts<K>) {
    const address = source.key.account;
    const { server } = kind.names(address);
    const reach = new Reach(address, source.name, kind.reaching, times, (tell) => source.tell(tell));
    this.#source = source;
    this.#account = account;
    this.#bell = bell;
    this.#notices = notices;
    this.#times = times;
    this.#looks = new Looks(times);
    this.#aside = new Aside(source, account, bell, times, log);
    const parts = { server, source, account, notices, reach, looks: this.#looks, aside: this.#aside };
    this.#round = new Round(parts);
    this.#backOff = new BackOff(source, reach, bell, times);
    this.#ended = this.#run();
  }

  get mode(): Mode['is'] {
    return this.#mode.is;
  }

  /** Resolves when nothing is read or recorded any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#mode.is !== 'ended') {
      const next = await this.#next(this.#mode, signal);
      this.#mode = signal.aborted ? { is: 'ended' } : next;
    }
    await this.#leave();
    await this.#aside.ended();
  }

  async #next(mode: Exclude<Mode, Ended>, signal: AbortSignal): Promise<Mode> {
    const beganAt = monotonicNow();
    try {
      switch (mode.is) {
        case 'resting':
          return await this.#rest(signal);
        case 'reading':
          return await this.#read(mode, signal);
        case 'moving':
          await pause(MOVING_MS, signal);
          return RESTING;
        case 'standing by':
          return await this.#standBy(signal);
        case 'backing off':
          await this.#backOff.failed(mode.error, mode.triedAt, signal);
          return RESTING;
      }
    } catch (error) {
      return this.#failed(error, beganAt, signal);
    }
  }

  /** Until something is due. @throws LedgerFault */
  async #rest(signal: AbortSignal): Promise<Resting | Reading | StandingBy> {
    if (!(await this.#holds())) return STANDING_BY;
    if (this.#bell.take('notice')) this.#looks.noticed();
    if (this.#bell.take('look')) this.#looks.asked();
    this.#bell.take('done');
    if (!this.#aside.isBusy && this.#bell.take('actions')) this.#aside.actSoon();
    const readInMs = this.#readInMs();
    const inMs = Math.min(readInMs, this.#aside.dueInMs(!this.#looks.isFresh));
    if (inMs <= 0) return { is: 'reading', reads: readInMs <= 0 };
    await this.#bell.wait(inMs, this.#aside.isBusy ? WHILE_BUSY : WHILE_IDLE, signal);
    return RESTING;
  }

  /** @throws AccountFault, LedgerFault */
  async #read({ reads }: Reading, signal: AbortSignal): Promise<Resting | Moving> {
    if ((await this.#round.go(reads, signal)) === 'moved') return { is: 'moving' };
    if (reads && !signal.aborted) this.#backOff.succeeded();
    return RESTING;
  }

  /** @throws LedgerFault */
  async #standBy(signal: AbortSignal): Promise<Resting | StandingBy> {
    await this.#leave();
    await this.#source.passOn();
    await this.#bell.wait(this.#times.standbyMs, ['joined'], signal);
    return !signal.aborted && (await this.#holds()) ? RESTING : STANDING_BY;
  }

  #failed(error: unknown, triedAt: number, signal: AbortSignal): Resting | BackingOff {
    if (signal.aborted) return RESTING;
    this.#looks.refresh();
    if (!(error instanceof LedgerFault) || error.kind !== 'taken')
      return { is: 'backing off', error, triedAt };
    this.#source.drop();
    return RESTING;
  }

  /** Whether this process has the account. @throws LedgerFault */
  async #holds(): Promise<boolean> {
    if (this.#bell.take('joined')) this.#looks.refresh();
    const held = await this.#source.held();
    if (held === 'anew') this.#looks.refresh();
    return held !== 'no';
  }

  #readInMs(): number {
    const readings = this.#source.subscribers().map(({ reading }) => reading);
    return this.#looks.dueInMs(pollMsOf(readings, this.#times, this.#account.announcing.isWorking));
  }

  /** The account is not this process's any more. */
  async #leave(): Promise<void> {
    this.#looks.refresh();
    await this.#account.announcing.leave();
    this.#notices.drop(new Error(`This process does not read the ${this.#source.name} any more`));
  }
}
