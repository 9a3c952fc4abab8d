// One watched account: who listens to it, its lease, what is read and done in it, how it is doing. Its loop (loop.ts)
// says when.
// Invariants: it is read and acted on only under its lease; a subscription that Gmail refuses keeps nobody else from
// the account.
import { LedgerFault, type LedgerFaultKind } from '../../ledger/fault';
import type { Ledger, SourceKey } from '../../ledger/ledger';
import { errorText, type Log } from '../../runtime/log';
import type { Wake } from '../../signal/wake';
import { Complaints } from '../../source/complaints';
import type { SourceLeases } from '../../source/leases';
import { Outage } from '../../source/outage';
import { Tenure } from '../../source/tenure';
import { performGmailActions } from '../act/actions';
import type { GmailApi } from '../api/api';
import { GmailFault } from '../api/fault';
import type { GmailMemory, GmailSyncEnd } from '../read/job';
import { syncAccount } from '../read/sync';
import { AccountNotes } from './account-notes';
import type { Reached } from '../../polled/reach';
import { AllRefused } from './shared-api';
import { Standing } from '../../source/standing';
import type { GmailSubscriber } from './subscriber';

export interface GmailPorts {
  readonly ledger: Ledger;
  readonly leases: SourceLeases;
  readonly wake: Wake;
  readonly log: Log;
}

/** While so many mails wait to be run, no older ones are added to them. */
const MOST_WAITING = 500;
const NOTHING: GmailSyncEnd = { older: null, recovered: null, againInMs: null, news: false };

const TIME_HEALS: ReadonlySet<LedgerFaultKind> = new Set<LedgerFaultKind>(['unreachable', 'other', 'taken']);

export class WatchedAccount {
  readonly key: SourceKey;
  readonly notes: AccountNotes;
  readonly #subscribers: () => readonly GmailSubscriber[];
  readonly #ports: GmailPorts;
  readonly #tenure: Tenure;
  readonly #standing: Standing;
  readonly #complaints: Complaints;
  readonly #outage = new Outage();
  /** Those that have read the account since they joined. */
  readonly #placed = new WeakSet<GmailSubscriber>();
  readonly #memory: GmailMemory = { withheld: new Map(), unsearched: new Map(), passedOver: new Set() };
  #hasFollowed = false;

  constructor(
    key: SourceKey,
    sourceId: number,
    subscribers: () => readonly GmailSubscriber[],
    ports: GmailPorts,
    before?: Promise<unknown>,
  ) {
    this.key = key;
    this.#subscribers = subscribers;
    this.#ports = ports;
    const { leases, log } = ports;
    const warn = (fault: Error): void => this.warn(fault, subscribers());
    this.#tenure = new Tenure({ sourceId, name: this.name, before, warn }, leases, log);
    this.notes = new AccountNotes(sourceId, () => this.#tenure.hold, ports.ledger, log);
    this.#standing = new Standing(this.name, () => this.#tenure.hold, ports.ledger, log);
    this.#complaints = new Complaints(`settings of a trigger for the ${this.name}`, log, (id, fault) => {
      for (const { subscription, warn } of subscribers())
        if (subscription.id === id) this.tell(() => warn(fault));
    });
  }

  get name(): string {
    return `Gmail account ${this.key.account}`;
  }

  subscribers(): readonly GmailSubscriber[] {
    return this.#subscribers();
  }

  /** Those whose settings Gmail does not refuse; the others were told why. */
  accepted(): readonly GmailSubscriber[] {
    return this.#subscribers().filter(({ subscription }) => !this.#complaints.isRefused(subscription.id));
  }

  /** Whether it is this process that reads it; asks for the lease where it is free. @throws LedgerFault */
  async held(): Promise<'yes' | 'anew' | 'no'> {
    const held = await this.#tenure.held();
    // What failed before another process read it is over; and what that one has read, this one does not know.
    if (held === 'anew') this.#outage.over([]);
    return held;
  }

  /** Another process has it. */
  drop(): void {
    this.#tenure.drop();
  }

  /** The history is about to be asked what came meanwhile: after a start, a takeover, or when somebody joined. */
  checking(notifiedUntil: number | null): Promise<void> {
    return this.#standing.is('gap_checking', 'connecting', { notifiedUntil });
  }

  /**
   * Reads what is new, and a page of what is old.
   * @param among the subscribers whose login still leads here
   * @throws GmailFault, LedgerFault
   */
  async read(
    api: GmailApi,
    among: readonly GmailSubscriber[],
    connection: 'idling' | 'polling',
    signal: AbortSignal,
  ): Promise<GmailSyncEnd> {
    const { ledger, log, wake } = this.#ports;
    const read = among.filter(({ subscription }) => !this.#complaints.isRefused(subscription.id));
    if (read.length === 0) {
      const error = 'Gmail refuses the settings of every trigger that listens to it';
      await this.#standing.is('error', connection, { error });
      return NOTHING;
    }
    const end = await syncAccount(
      {
        api,
        address: this.key.account,
        hold: this.#tenure.hold!,
        ledger,
        log,
        subscriptions: read.map((subscriber) => ({
          subscription: subscriber.subscription,
          reading: subscriber.reading,
          reachedLate: subscriber.begun(),
          switchedOnAt: this.#placed.has(subscriber) ? undefined : subscriber.joinedAt,
        })),
        memory: this.#memory,
        recorded: (ids) => wake.notify(ids),
        doing: (state) => this.#standing.is(state, connection),
        refused: (id, fault) => this.#complaints.refused(id, fault),
        mostWaiting: MOST_WAITING,
      },
      signal,
    );
    if (!signal.aborted) await this.#wasRead(read, end, connection);
    return end;
  }

  async #wasRead(
    read: readonly GmailSubscriber[],
    end: GmailSyncEnd,
    connection: 'idling' | 'polling',
  ): Promise<void> {
    this.tell(() => this.#outage.over(this.#subscribers()));
    const isNews = read.some((subscriber) => !this.#placed.has(subscriber));
    await this.#standing.wasRead(end, connection, isNews);
    for (const subscriber of read) {
      const { id } = subscriber.subscription;
      if (this.#complaints.isRefused(id)) continue;
      this.#placed.add(subscriber);
      this.#complaints.accepted(id);
      subscriber.synced();
    }
    if (!this.#hasFollowed) this.#ports.log.info(`Watching the ${this.name}`);
    this.#hasFollowed = true;
  }

  /** Does what is due with mails after their run. @returns whether there may be more @throws GmailFault, LedgerFault */
  async act({ api, apiOf, keyOf }: Reached, signal: AbortSignal): Promise<boolean> {
    const { ledger, log } = this.#ports;
    const { mayBeMore } = await performGmailActions(
      {
        api,
        own: { apiOf, keyOf },
        hold: this.#tenure.hold!,
        ledger,
        log,
        address: this.key.account,
        report: (subscriptionId, fault) => this.#complaints.action(subscriptionId, fault),
      },
      signal,
    );
    return mayBeMore;
  }

  /** A round failed. @param retryInMs until it is tried again */
  async failed(error: unknown, retryInMs: number): Promise<void> {
    // Another process reads it: it knows better.
    if (this.#tenure.isStandingBy) return;
    const fault = error instanceof Error ? error : new Error(String(error));
    this.#ports.log.warn(`Not watching the ${this.name}: ${fault.message}`, { retryInMs });
    // Each was told of the own login.
    if (!(error instanceof AllRefused))
      this.tell(() => this.#outage.failed(fault, needsPerson(error), this.#subscribers()));
    await this.#standing.is('retry_scheduled', 'backing_off', { error: fault.message });
  }

  /** Something is wrong, though the account is being read. */
  warn(fault: Error, subscribers: readonly GmailSubscriber[]): void {
    this.#ports.log.warn(fault.message);
    for (const subscriber of subscribers) this.tell(() => subscriber.warn(fault));
  }

  /** The watch goes on, though somebody cannot be told. */
  tell(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#ports.log.error(`How the ${this.name} is doing could not be told: ${errorText(error)}`);
    }
  }

  /** What becomes of mails did not work; it is tried again, and keeps no mail from being read. */
  notActed(error: unknown, retryInMs: number): void {
    this.#ports.log.warn(`Actions in the ${this.name} wait: ${errorText(error)}`, { retryInMs });
  }

  labelsNotCompared(error: unknown): void {
    this.#ports.log.warn(
      `The labels of the ${this.name} could not be compared with those of the settings yet: ${errorText(error)}`,
    );
  }

  /** @param until ms since 1970; null: Google sends none */
  notified(until: number | null): Promise<void> {
    return this.#standing.notifiedUntil(until);
  }

  /** Nobody listens any more, and nothing is being read. */
  async close(): Promise<void> {
    await this.#tenure.end();
    await this.#standing.is('idle', 'closed');
    await this.#tenure.release();
  }
}

function needsPerson(error: unknown): boolean {
  if (error instanceof LedgerFault) return !TIME_HEALS.has(error.kind);
  if (!(error instanceof GmailFault) || error.mayPass) return false;
  return error.kind === 'login' || error.kind === 'forbidden';
}
