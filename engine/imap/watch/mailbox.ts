// One watched mailbox: who listens to it, its lease, how it is doing. A line (line.ts) visits it over its connection.
// Invariants: it is read and acted on only under its lease; a fault of its own (it is not there) keeps nobody from the
// other mailboxes of the line.
import { LedgerFault, type LedgerFaultKind } from '../../ledger/fault';
import type { Ledger, SourceKey, SourceReport } from '../../ledger/ledger';
import { backoffDelay, type BackoffRange } from '../../runtime/backoff';
import { errorText, type Log } from '../../runtime/log';
import { monotonicNow } from '../../runtime/time';
import type { Wake } from '../../signal/wake';
import { Complaints } from '../../source/complaints';
import type { SourceLeases } from '../../source/leases';
import { Outage } from '../../source/outage';
import type { Subscriber } from '../../source/source';
import { Tenure } from '../../source/tenure';
import { performActions } from '../act/actions';
import { type FaultKind, ImapFault } from '../session/fault';
import type { ImapLogin } from '../session/login';
import { Announcements } from '../read/announcements';
import type { NewMail } from '../read/job';
import { Portion } from '../read/portion';
import type { ImapReading } from '../read/reading';
import { type Older, syncMailbox } from '../read/sync';
import { Withheld } from '../read/withheld';
import { notHandedOut, tellGivenUp } from './not-handed-out';
import type { OpenedMailbox } from '../session/news';
import type { ImapSession } from '../session/session';

export type ImapSubscriber = Subscriber<ImapLogin, ImapReading>;

export interface ImapPorts {
  readonly ledger: Ledger;
  readonly leases: SourceLeases;
  readonly wake: Wake;
  readonly log: Log;
}

/** A mailbox that cannot be opened is looked for again soon: somebody may be about to make it. */
const REOPEN: BackoffRange = { firstMs: 1_000, mostMs: 60_000 };
/** While so many mails wait to be run, no older ones are added to them. */
const MOST_WAITING = 500;

/** How often it is looked for actions that nobody announced. */
const LOOK_FOR_ACTIONS_MS = 60_000;

/** A mail that is asked for again may have to wait for older ones to run: it is not looked for all the time. */
const LEAST_AGAIN_MS = 1_000;

/** That a mailbox is still being read is stored about as often as its heartbeat. */
const SAY_AGAIN_MS = 50_000;

const NEEDS_PERSON: ReadonlySet<FaultKind> = new Set<FaultKind>(['login', 'mailbox', 'tls', 'unreadable']);
const OF_ONE_MAILBOX: ReadonlySet<FaultKind> = new Set<FaultKind>(['mailbox', 'locked']);
const TIME_HEALS: ReadonlySet<LedgerFaultKind> = new Set<LedgerFaultKind>(['unreachable', 'other', 'taken']);

/** What was done of a visit. */
export interface Visited {
  /** There is more to be done at once. */
  readonly more: boolean;
  /** There is older mail to be read, as soon as some of what was read has run. */
  readonly waits?: boolean;
  /** A mail that the server did not hand out is to be asked for again after so long, ms; Infinity, undefined: none is. */
  readonly againMs?: number;
}

export class WatchedMailbox {
  readonly key: SourceKey;
  readonly #subscribers: () => readonly ImapSubscriber[];
  readonly #ports: ImapPorts;
  readonly #tenure: Tenure;
  readonly #complaints: Complaints;
  readonly #outage = new Outage();
  /** Those that have read the mailbox since they joined. */
  readonly #placed = new WeakSet<ImapSubscriber>();
  readonly #withheld = new Withheld();
  readonly #portion = new Portion();
  readonly announcements = new Announcements();
  /** When it was last opened. */
  #uidValidity = '';
  readonly #leaving = new AbortController();
  #visiting: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;
  #actionsSeenAt = -Infinity;
  #openFailures = 0;
  /** What was last stored of how it is doing, and when (monotonic). */
  #said = '';
  #saidAt = -Infinity;
  #hasFollowed = false;
  /** Monotonic: not before this time. */
  notBefore = 0;
  /** Runs have ended whose mails are to be moved, marked, …. */
  actionsDue = true;

  constructor(
    key: SourceKey,
    sourceId: number,
    subscribers: () => readonly ImapSubscriber[],
    ports: ImapPorts,
    before?: Promise<unknown>,
  ) {
    this.key = key;
    this.#subscribers = subscribers;
    this.#ports = ports;
    const { leases, log } = ports;
    const warn = (fault: Error): void => {
      log.warn(fault.message);
      for (const subscriber of subscribers()) subscriber.warn(fault);
    };
    this.#tenure = new Tenure({ sourceId, name: this.name, before, warn }, leases, log);
    this.#complaints = new Complaints(`email rules for the ${this.name}`, log, (subscriptionId, fault) => {
      for (const { subscription, warn } of subscribers()) if (subscription.id === subscriptionId) warn(fault);
    });
  }

  get name(): string {
    return `mailbox "${this.key.mailbox}" of ${this.key.account}`;
  }

  subscribers(): readonly ImapSubscriber[] {
    return this.#subscribers();
  }

  /** Whether it is this process that reads it; asks for the lease where it is free. @throws LedgerFault */
  async held(): Promise<boolean> {
    const held = await this.#tenure.held();
    // What failed before another process read it is over.
    if (held === 'anew') this.#outage.over([]);
    return held !== 'no';
  }

  /**
   * Reads what is new, then acts on mails whose runs have ended.
   * @param why `actions`: only those
   * @throws ImapFault, LedgerFault of the connection or the ledger; its own faults are dealt with here
   */
  visit(session: ImapSession, why: 'everything' | 'actions', signal: AbortSignal): Promise<Visited> {
    // It may just have moved here from another line, which is still reading it.
    const visit = this.#visiting.then(() => this.#visit(session, why, signal));
    this.#visiting = visit.catch(() => undefined);
    return visit;
  }

  async #visit(session: ImapSession, why: 'everything' | 'actions', signal: AbortSignal): Promise<Visited> {
    const ending = new AbortController();
    const end = (): void => ending.abort();
    const { signal: leaving } = this.#leaving;
    for (const either of [signal, leaving]) either.addEventListener('abort', end);
    try {
      if (signal.aborted || leaving.aborted || !this.#tenure.hold) return { more: false };
      const opened = await this.#open(session);
      const backfill = why === 'everything' ? await this.#read(session, opened, ending.signal) : null;
      const acted = await this.#act(session, ending.signal);
      const waits = backfill?.waits === true;
      return {
        more: (backfill !== null && !waits) || acted,
        waits,
        againMs: Math.max(this.#withheld.nextMs, LEAST_AGAIN_MS),
      };
    } catch (error) {
      return await this.#fault(error);
    } finally {
      for (const either of [signal, leaving]) either.removeEventListener('abort', end);
    }
  }

  /** Deals with what concerns this mailbox alone. @throws everything else */
  async #fault(error: unknown): Promise<Visited> {
    if (error instanceof LedgerFault && error.kind === 'taken') {
      this.#tenure.drop();
      return { more: false };
    }
    if (!(error instanceof ImapFault) || !OF_ONE_MAILBOX.has(error.kind)) throw error;
    this.#openFailures++;
    const delay = backoffDelay(this.#openFailures, REOPEN);
    this.notBefore = monotonicNow() + delay;
    await this.failed(error, delay);
    return { more: false };
  }

  /**
   * The connection, or the ledger, failed under it.
   * @param retryInMs until it is tried again
   * @param own what is wrong with somebody's own login; nothing: it is the error
   */
  async failed(
    error: unknown,
    retryInMs: number,
    own: (subscriber: ImapSubscriber) => Error | undefined = () => undefined,
  ): Promise<void> {
    // Another process reads it: whatever failed here was for another mailbox.
    if (this.#tenure.isStandingBy) return;
    const fault = error instanceof Error ? error : new Error(String(error));
    this.#ports.log.warn(`Not watching ${this.name}: ${fault.message}`, { retryInMs });
    this.#outage.failed(fault, needsPerson(error), this.#subscribers(), own);
    await this.report({ state: 'retry_scheduled', connection: 'backing_off', error: fault.message });
  }

  /** The state is for people: failing to store it must not stop the mail. */
  async report(report: SourceReport): Promise<void> {
    this.#said = '';
    const { hold } = this.#tenure;
    if (!hold) return;
    try {
      await this.#ports.ledger.reportSource(hold, report);
    } catch (error) {
      this.#ports.log.warn(`The state of ${this.name} could not be stored: ${errorText(error)}`);
    }
  }

  /** Nobody listens any more: nothing is recorded after it. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#leaving.abort();
    await Promise.all([this.#visiting, this.#tenure.end()]);
    await this.report({ state: 'idle', connection: 'closed' });
    await this.#tenure.release();
  }

  /** Calls back when runs have ended after which something may be done with their mails. @returns stops that */
  onActions(callback: () => void): () => void {
    const listening = new Map<number, () => void>();
    const listen = (): void => {
      const subscribers = this.#subscribers();
      // A mail of one workflow may wait for the run of another.
      if (!subscribers.some(({ hasActions }) => hasActions)) return;
      for (const { subscription } of subscribers) {
        if (listening.has(subscription.id)) continue;
        const woken = (): void => {
          this.actionsDue = true;
          callback();
        };
        listening.set(subscription.id, this.#ports.wake.listen(subscription.id, woken));
      }
    };
    listen();
    this.#relisten = listen;
    return () => listening.forEach((stop) => stop());
  }

  #relisten: () => void = () => undefined;

  async #open(session: ImapSession): Promise<OpenedMailbox> {
    const { opened } = session;
    if (opened?.name === this.key.mailbox) return opened;
    const fresh = await session.open(this.key.mailbox);
    this.#openFailures = 0;
    // UIDs mean the same mails for as long as this is the same, over all connections.
    if (fresh.uidValidity !== this.#uidValidity) this.#withheld.clear();
    this.#uidValidity = fresh.uidValidity;
    return fresh;
  }

  async #read(session: ImapSession, opened: OpenedMailbox, signal: AbortSignal): Promise<Older | null> {
    const { ledger, log, wake } = this.#ports;
    const subscribers = this.#subscribers();
    this.#relisten();
    const read = subscribers.filter(({ subscription }) => !this.#complaints.isRefused(subscription.id));
    const gaveUp: NewMail[] = [];
    const syncing = syncMailbox(
      {
        session,
        hold: this.#tenure.hold!,
        mailbox: this.key.mailbox,
        uidValidity: opened.uidValidity,
        ledger,
        log,
        subscriptions: read.map((subscriber) => ({
          subscription: subscriber.subscription,
          reading: subscriber.reading,
          reachedLate: subscriber.begun(),
          switchedOnAt: this.#placed.has(subscriber) ? undefined : subscriber.joinedAt,
        })),
        recorded: (ids) => wake.notify(ids),
        refused: (id, fault) => this.#complaints.refused(id, fault),
        withheld: this.#withheld,
        portion: this.#portion,
        announcements: this.announcements,
        gaveUp: (mails) => void gaveUp.push(...mails),
        mostWaiting: MOST_WAITING,
        signal,
      },
      opened,
    );
    // Together, however many they are.
    const { older } = await syncing.finally(() => tellGivenUp(this.name, this.#withheld, gaveUp, read, log));
    this.#outage.over(subscribers);
    const isNews = read.some((subscriber) => !this.#placed.has(subscriber));
    for (const subscriber of read) this.#placed.add(subscriber);
    const connection = session.canIdle ? 'idling' : 'polling';
    await this.#reportRead(connection, older, isNews);
    for (const subscriber of read) {
      const { id } = subscriber.subscription;
      if (!this.#complaints.isRefused(id)) this.#complaints.accepted(id);
      subscriber.synced();
    }
    if (!this.#hasFollowed) log.info(`Watching ${this.name}`, { connection });
    this.#hasFollowed = true;
    return older;
  }

  /** For people, who need not know it of every mail: a write for each would keep the connection from its IDLE. */
  async #reportRead(connection: 'idling' | 'polling', older: Older | null, isNews: boolean): Promise<void> {
    const { held } = this.#withheld;
    const state = older ? 'syncing' : held.length > 0 ? 'retry_scheduled' : 'idle';
    const backfill = older && { read: older.read, left: older.left };
    const error = held.length > 0 && notHandedOut(this.name, this.#withheld, held).message;
    const said = JSON.stringify([connection, state, backfill, error]);
    const now = monotonicNow();
    if (!isNews && said === this.#said && now - this.#saidAt < SAY_AGAIN_MS) return;
    await this.report({ state, connection, synced: true, backfill, ...(error && { error }) });
    this.#said = said;
    this.#saidAt = now;
  }

  /** @returns whether there may be more to do */
  async #act(session: ImapSession, signal: AbortSignal): Promise<boolean> {
    const now = monotonicNow();
    if (!this.actionsDue && now - this.#actionsSeenAt < LOOK_FOR_ACTIONS_MS * 0.9) return false;
    this.#actionsSeenAt = now;
    this.actionsDue = false;
    const { ledger, log } = this.#ports;
    const job = {
      session,
      mailbox: this.key.mailbox,
      hold: this.#tenure.hold!,
      ledger,
      log,
      report: (subscriptionId: number, fault: Error) => this.#complaints.action(subscriptionId, fault),
    };
    try {
      // What is taken may have kept others waiting: it is asked until nothing is due.
      const { opened } = await performActions(job, signal);
      this.actionsDue ||= opened !== null;
      return opened !== null;
    } catch (error) {
      this.actionsDue = true;
      throw error;
    }
  }
}

function needsPerson(error: unknown): boolean {
  if (error instanceof LedgerFault) return !TIME_HEALS.has(error.kind);
  return NEEDS_PERSON.has(error instanceof ImapFault ? error.kind : 'other');
}
