// One watched source, of whatever kind: who listens to it, its lease, how it is doing, and who is told of what is wrong.
// Whoever watches it reads it and acts in it.
// Invariants: it is read and acted on only under its lease; a subscription whose settings its server refuses keeps nobody
// else from it; it is watched on, though somebody cannot be told how it is doing.
import { LedgerFault, type LedgerFaultKind } from '../ledger/fault';
import type { Ledger } from '../ledger/ledger';
import type { SourceKey } from '../ledger/sources';
import type { SourceHold } from '../ledger/source-holds';
import { errorText, type Log } from '../runtime/log';
import type { Wake } from '../signal/wake';
import { Complaints } from './complaints';
import { Elsewhere } from './elsewhere';
import type { Follow, SourceNews } from './following';
import type { SourceLeases } from './leases';
import type { Membership } from './membership';
import { Outage } from './outage';
import type { Beginning, Subscriber } from './source';
import { Standing, type WasRead } from './standing';
import { Tenure } from './tenure';

/** What whoever watches sources needs. */
export interface WatchPorts {
  readonly ledger: Ledger;
  readonly leases: SourceLeases;
  readonly wake: Wake;
  readonly log: Log;
  /** Is told as it happens, instead of the log. */
  readonly follow?: Follow | undefined;
  /** This process among others; left out: it asks for every lease in turn, and keeps what it has. */
  readonly membership?: Membership;
}

type SourcePorts = Pick<WatchPorts, 'ledger' | 'leases' | 'log' | 'membership' | 'follow'>;

export interface WatchedNames {
  /** The source, for people, to go after "the": `mailbox "INBOX" of …`. */
  readonly name: string;
  /** The same inside a sentence of the log, with its article or without. */
  readonly called: string;
  /** Which settings its server may refuse, for people, as a plural: `email rules`. */
  readonly settings: string;
}

/** While so many mails wait to be run, no older ones are added to them. */
export const MOST_WAITING = 500;

/** After so many tries it is somebody else's turn. */
const UNREACHED_MOST = 3;

const TIME_HEALS: ReadonlySet<LedgerFaultKind> = new Set<LedgerFaultKind>(['unreachable', 'other', 'taken']);

export class WatchedSource<S extends Subscriber<unknown, unknown>> {
  readonly key: SourceKey;
  /** In the ledger. */
  readonly id: number;
  readonly complaints: Complaints;
  readonly standing: Standing;
  readonly #names: WatchedNames;
  readonly #subscribers: () => readonly S[];
  readonly #ports: SourcePorts;
  readonly #tenure: Tenure;
  readonly #elsewhere: Elsewhere<S>;
  readonly #outage = new Outage();
  /** Those that have read the source since they joined. */
  readonly #placed = new WeakSet<S>();
  #hasFollowed = false;
  /** Since it was read last. */
  #failures = 0;
  /** So often in a row it was not reached. */
  #unreached = 0;

  /**
   * @param before another watch of the source in this process that is still ending
   * @param nudge it is to be looked at whether this process is to read it
   */
  constructor(
    key: SourceKey,
    sourceId: number,
    names: WatchedNames,
    subscribers: () => readonly S[],
    ports: SourcePorts,
    before?: Promise<unknown>,
    nudge: () => void = () => undefined,
  ) {
    this.key = key;
    this.id = sourceId;
    this.#names = names;
    this.#subscribers = subscribers;
    this.#ports = ports;
    const { ledger, leases, log } = ports;
    const { name, called, settings } = names;
    // That this process stands by is nothing to those that listen in others.
    const warn = (fault: Error): void =>
      this.warn(
        fault,
        subscribers().filter(({ isToldElsewhere = false }) => !isToldElsewhere),
      );
    this.#elsewhere = new Elsewhere({
      ...{ sourceId, name, called: nudge, subscribers, ledger, outage: this.#outage },
      ...{ leaseMs: leases.leaseMs, membership: ports.membership },
      isHeld: () => this.hold !== null,
      passTo: (heir) => {
        const was = this.#tenure.isPassing;
        this.#tenure.passTo(heir);
        if (heir !== null && !was) nudge();
      },
      tell: (tell) => this.tell(tell),
      placed: (subscriber) => {
        if (this.#placed.has(subscriber)) return false;
        this.#placed.add(subscriber);
        return true;
      },
    });
    const mayTake = (): boolean => this.#elsewhere.mayTake;
    const isCollectedFor = (): boolean => this.#elsewhere.isCollectedFor;
    const whose = { mayTake, isCollectedFor, lost: nudge };
    this.#tenure = new Tenure({ sourceId, name, before, warn, ...whose }, leases, log);
    this.standing = new Standing(called, () => this.hold, ledger, log);
    this.complaints = new Complaints(`${settings} for the ${name}`, log, (id, fault, isNews) => {
      for (const { subscription, warn: tell, isToldElsewhere = false } of subscribers())
        if (subscription.id === id && (isNews || isToldElsewhere)) this.tell(() => tell(fault));
    });
  }

  /** For people, to go after "the". */
  get name(): string {
    return this.#names.name;
  }

  /** While this process has it. */
  get hold(): SourceHold | null {
    return this.#tenure.hold;
  }

  subscribers(): readonly S[] {
    return this.#subscribers();
  }

  /** Those whose settings the server does not refuse; the others were told why. */
  accepted(among: readonly S[] = this.#subscribers()): readonly S[] {
    return among.filter(({ subscription }) => !this.complaints.isRefused(subscription.id));
  }

  /** Whether it is this process that reads it; asks for the lease where it is free. @throws LedgerFault */
  async held(): Promise<'yes' | 'anew' | 'no'> {
    const held = await this.#tenure.held();
    // What failed before another process read it is over; and what that one has read, this one does not know.
    if (held === 'anew') {
      this.standing.forget();
      if (!this.#elsewhere.hasFailed) this.#outage.over([]);
    }
    return held;
  }

  /** Another process has it. */
  drop(): void {
    this.follow({ is: 'left' });
    this.#tenure.drop();
  }

  /** Somebody joined or left, or says that it may have changed who reads it. */
  looked(): void {
    this.#elsewhere.forget();
  }

  /** Nothing of it is open here: if it is to be passed on, it is. @throws LedgerFault */
  async passOn(): Promise<void> {
    const { ledger, leases, log } = this.#ports;
    const given = await this.#tenure.passOn((hold, heir) => ledger.passOn(hold, heir, leases.leaseMs));
    if (!given) return;
    // What nobody could read until now is an outage still.
    if (!this.#elsewhere.isOutOfReach) this.#outage.over([]);
    this.#unreached = 0;
    this.follow({ is: 'left' });
    log.info(`Passed on ${this.#names.called} to another process, which has less to read`);
    this.#elsewhere.isFree();
  }

  /** Its server does not answer. @returns it did not several times: others are to have it, if there are any */
  async outOfReach(): Promise<boolean> {
    this.#unreached++;
    if (this.#unreached < UNREACHED_MOST || !this.hold) return false;
    await this.#elsewhere.cannotReach();
    return true;
  }

  /** Its server says nothing to this process any more: others may reach it. */
  async cutOff(): Promise<void> {
    await this.#elsewhere.cannotReach();
  }

  /** Its server is heard again. */
  reached(): void {
    this.#elsewhere.reached();
  }

  /** Another process is to have it, as soon as nothing of it is open here. */
  get isPassing(): boolean {
    return this.#tenure.isPassing;
  }

  /** Where the subscriber stands, for whoever reads: `switchedOnAt` until it has read the source since it joined. */
  beginningOf(subscriber: S): Beginning<S['reading']> {
    return {
      subscription: subscriber.subscription,
      reading: subscriber.reading,
      reachedLate: subscriber.begun(),
      switchedOnAt: this.#placed.has(subscriber) ? undefined : subscriber.joinedAt,
    };
  }

  /** It was read to its end for these. */
  async wasRead(read: readonly S[], end: WasRead, connection: 'idling' | 'polling'): Promise<void> {
    this.#unreached = 0;
    this.#elsewhere.wasRead();
    this.tell(() => this.#outage.over(this.#subscribers()));
    const isNews = read.some((subscriber) => !this.#placed.has(subscriber));
    await this.standing.wasRead(end, connection, isNews);
    for (const subscriber of this.accepted(read)) {
      this.#placed.add(subscriber);
      this.complaints.accepted(subscriber.subscription.id);
      subscriber.synced();
    }
    const isFirst = !this.#hasFollowed;
    if (isFirst || this.#failures > 0) {
      const isFollowed = this.follow({ is: 'watched' });
      if (isFirst && !isFollowed) this.#ports.log.info(`Watching ${this.#names.called}`, { connection });
    }
    this.#hasFollowed = true;
    this.#failures = 0;
  }

  /**
   * It could not be read.
   * @param retryInMs until it is tried again
   * @param told how its subscribers hear of it; null: they were told
   */
  async failed(error: unknown, retryInMs: number, told: Told<S> | null): Promise<void> {
    // Another process reads it: it knows better, or what failed was another source's.
    if (this.#tenure.isStandingBy) return;
    const fault = error instanceof Error ? error : new Error(String(error));
    if (!this.follow({ is: 'failed', error: fault, retryInMs, attempt: ++this.#failures }))
      this.#ports.log.warn(`Not watching ${this.#names.called}: ${fault.message}`, { retryInMs });
    if (told) {
      const needsPerson =
        error instanceof LedgerFault ? !TIME_HEALS.has(error.kind) : told.needsPerson(error);
      this.tell(() => this.#outage.failed(fault, needsPerson, this.#subscribers(), told.own));
    }
    await this.standing.is('retry_scheduled', 'backing_off', { error: fault.message, retryInMs });
  }

  /** Something is wrong, though it is being read. */
  warn(fault: Error, subscribers: readonly S[] = this.#subscribers()): void {
    this.#ports.log.warn(fault.message);
    for (const subscriber of subscribers) this.tell(() => subscriber.warn(fault));
  }

  /** @returns whether somebody follows */
  follow(news: SourceNews): boolean {
    const { follow } = this.#ports;
    if (follow) this.tell(() => follow(this.key, news));
    return follow !== undefined;
  }

  /** Runs what tells a person; what it throws stops nothing. */
  tell(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#ports.log.error(`How the ${this.name} is doing could not be told: ${errorText(error)}`);
    }
  }

  /** Nobody listens any more. @param idle resolves when nothing is read or done in it any more */
  async close(idle: Promise<unknown> = Promise.resolve()): Promise<void> {
    // Others are not to give this process any more of what it is about to leave.
    this.#elsewhere.leaving();
    await Promise.all([idle, this.#tenure.end()]);
    this.follow({ is: 'left' });
    await this.standing.is('idle', 'closed');
    const { hold } = this;
    await this.#tenure.release();
    this.#elsewhere.leave();
    if (hold) this.#elsewhere.isFree();
    // If it was the last one here: what others would pass on to this process nobody would read once it is gone.
    await this.#ports.membership?.left();
  }
}

export interface Told<S> {
  /** Whether only a person can mend it; faults of the ledger are not asked for. */
  readonly needsPerson: (error: unknown) => boolean;
  /** What is wrong for one of them alone. */
  readonly own?: (subscriber: S) => Error | undefined;
}
