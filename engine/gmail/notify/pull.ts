// Notifications that this process fetches itself: one loop for each Pub/Sub subscription, shared by the accounts whose
// notices come over it. Invariant: a message is acknowledged only after what it announced is recorded, or if nobody
// here can ever use it. Whatever becomes of one costs only speed: the poll goes on underneath.
import { backoffDelay, type BackoffRange } from '../../runtime/backoff';
import { errorText, type Log } from '../../runtime/log';
import { monotonicNow, pause } from '../../runtime/time';
import { GmailFault } from '../api/fault';
import { AccountNotices, type NoticeTimes } from './account-notices';
import { Pubsub, type PubsubLogin, type PulledMessage } from './pubsub';
import { readNotice } from './push';

export interface PullListener {
  /** There may be news of the account. Resolves when they are recorded; rejects if that failed. */
  readonly onNotice: () => Promise<void>;
  /**
   * The subscription cannot be read, in words for a person: told once for each outage; at once where a person has to
   * act, after three tries and a minute where it may pass.
   */
  readonly onFault: (fault: GmailFault) => void;
  /** It can be read: told at the first answer, and when what `onFault` told is over. */
  readonly onWorking: () => void;
}

export interface PullTimes extends NoticeTimes {
  /** How long a pull may take; Pub/Sub itself answers after about 90 s. */
  readonly pullMs: number;
  /** Empty answers come no faster than this. */
  readonly restMs: number;
  readonly retry: BackoffRange;
  /** A fault that may pass is told when it has lasted for so long. */
  readonly tellAfterMs: number;
}

const TIMES: PullTimes = {
  pullMs: 100_000,
  restMs: 1_000,
  retry: { firstMs: 1_000, mostMs: 60_000 },
  tellAfterMs: 60_000,
  extendAfterMs: 5_000,
  extendEveryMs: 30_000,
  extendForMs: 60_000,
  extendMostMs: 10 * 60_000,
  noticeRetry: { firstMs: 1_000, mostMs: 60_000 },
};
const TELL_AFTER_TRIES = 3;

export class PullSubscriptions {
  readonly #log: Log;
  readonly #times: PullTimes;
  readonly #loops = new Map<string, PullLoop>();

  constructor(ports: { readonly log: Log; readonly times?: Partial<PullTimes> }) {
    this.#log = ports.log;
    this.#times = { ...TIMES, ...ports.times };
  }

  /**
   * Listens for news of an account over a subscription, with the login that joined last.
   * @param address of the account
   * @returns leaves it; resolves when nothing is asked for any more on its behalf
   */
  join(login: PubsubLogin, address: string, listener: PullListener): () => Promise<void> {
    const name = JSON.stringify([login.pubsubUrl, login.subscription]);
    let loop = this.#loops.get(name);
    if (!loop) {
      loop = new PullLoop(login.subscription, this.#log, this.#times);
      this.#loops.set(name, loop);
    }
    const joined = loop;
    const leave = joined.join({ login, address: address.toLowerCase(), listener });
    return async () => {
      leave();
      if (joined.isUsed) return;
      if (this.#loops.get(name) === joined) this.#loops.delete(name);
      await joined.end();
    };
  }
}

interface Member {
  readonly login: PubsubLogin;
  readonly address: string;
  readonly listener: PullListener;
}

class PullLoop {
  readonly #subscription: string;
  readonly #log: Log;
  readonly #times: PullTimes;
  /** The newest is the last. */
  readonly #members: Member[] = [];
  readonly #accounts = new Map<string, AccountNotices>();
  readonly #ended = new AbortController();
  #pubsub: Pubsub | undefined;
  #running: Promise<void> | undefined;
  #wake = new AbortController();
  #state: 'unknown' | 'working' | GmailFault = 'unknown';
  #failures = 0;
  #failingSince = 0;

  constructor(subscription: string, log: Log, times: PullTimes) {
    this.#subscription = subscription;
    this.#log = log;
    this.#times = times;
  }

  get isUsed(): boolean {
    return this.#members.length > 0;
  }

  join(member: Member): () => void {
    const { address, listener } = member;
    this.#members.push(member);
    // Each joins under its own name, though two may give the same function.
    const onNotice = async (): Promise<void> => listener.onNotice();
    const account = this.#accounts.get(address) ?? new AccountNotices(this.#log, this.#times);
    this.#accounts.set(address, account);
    account.add(onNotice);
    this.#changed();
    const state = this.#state;
    if (state !== 'unknown') queueMicrotask(() => this.#tell([member], state));
    this.#running ??= this.#run();
    return () => {
      const at = this.#members.indexOf(member);
      if (at < 0) return;
      this.#members.splice(at, 1);
      if (!account.remove(onNotice)) this.#accounts.delete(address);
      this.#changed();
    };
  }

  async end(): Promise<void> {
    this.#ended.abort();
    this.#wake.abort();
    await this.#running;
  }

  /** Another login may do: it is tried at once. */
  #changed(): void {
    this.#pubsub = undefined;
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  /** With the newest login; with the one before after a fault, and so on. */
  #client(): Pubsub {
    const count = this.#members.length;
    const member = this.#members[count - 1 - (this.#failures % Math.max(count, 1))];
    if (member) this.#pubsub ??= new Pubsub(member.login);
    if (!this.#pubsub) throw new Error('Nobody listens any more');
    return this.#pubsub;
  }

  #isEnded(): boolean {
    return this.#ended.signal.aborted;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    while (!this.#isEnded()) {
      const began = monotonicNow();
      try {
        const pubsub = this.#client();
        const messages = await pubsub.pull(this.#times.pullMs, signal);
        if (this.#isEnded()) return;
        this.#answered();
        this.#deliver(messages, pubsub);
        const restMs = this.#times.restMs - (monotonicNow() - began);
        if (messages.length === 0 && restMs > 0) await pause(restMs, signal);
      } catch (error) {
        if (this.#isEnded()) return;
        await this.#failed(error);
      }
    }
  }

  #deliver(messages: readonly PulledMessage[], pubsub: Pubsub): void {
    const byAddress = new Map<string, string[]>();
    const useless: string[] = [];
    for (const { ackId, data } of messages) {
      const notice = readNotice(data);
      if (notice && this.#accounts.has(notice.address)) {
        const ackIds = byAddress.get(notice.address) ?? [];
        byAddress.set(notice.address, ackIds);
        ackIds.push(ackId);
        continue;
      }
      if (!notice) {
        this.#log.warn(
          'A message that is no notice of Gmail came over a Pub/Sub subscription; it is passed over',
          {
            subscription: this.#subscription,
          },
        );
      }
      useless.push(ackId);
    }
    if (useless.length > 0) void this.#passOver(useless, pubsub);
    for (const [address, ackIds] of byAddress) this.#accounts.get(address)!.take(ackIds, pubsub);
  }

  async #passOver(ackIds: readonly string[], pubsub: Pubsub): Promise<void> {
    try {
      await pubsub.acknowledge(ackIds);
    } catch (error) {
      this.#log.debug(`Notices could not be acknowledged; they will be delivered again: ${errorText(error)}`);
    }
  }

  #answered(): void {
    this.#failures = 0;
    if (this.#state === 'working') return;
    this.#state = 'working';
    this.#tell(this.#members, 'working');
  }

  async #failed(error: unknown): Promise<void> {
    const fault =
      error instanceof GmailFault
        ? error
        : new GmailFault(
            'unreachable',
            `The Pub/Sub subscription ${this.#subscription} cannot be read: ${errorText(error)}`,
          );
    if (this.#failures++ === 0) this.#failingSince = monotonicNow();
    this.#pubsub = undefined;
    const { subscription, failures } = { subscription: this.#subscription, failures: this.#failures };
    this.#log.debug(fault.message, { subscription, failures });
    if (this.#isToBeTold(fault)) {
      this.#state = fault;
      this.#tell(this.#members, fault);
    }
    await pause(backoffDelay(this.#failures, this.#times.retry), this.#wake.signal);
  }

  #isToBeTold(fault: GmailFault): boolean {
    const passes = fault.kind === 'busy' || fault.kind === 'unreachable';
    const told = this.#state instanceof GmailFault ? this.#state : undefined;
    if (told) return !passes && told.message !== fault.message;
    if (!passes) return true;
    return (
      this.#failures >= TELL_AFTER_TRIES && monotonicNow() - this.#failingSince >= this.#times.tellAfterMs
    );
  }

  #tell(members: readonly Member[], state: 'working' | GmailFault): void {
    for (const { listener } of [...members]) {
      try {
        if (state === 'working') listener.onWorking();
        else listener.onFault(state);
      } catch (error) {
        this.#log.error(`What became of a Pub/Sub subscription could not be told: ${errorText(error)}`);
      }
    }
  }
}
