// Watches one mailbox, for as long as anyone subscribes to it: connect, open, sync, wait, sync, … and when
// anything breaks, connect again, without end.
// Invariant: only `stop` ends it. The heartbeat bounds how long an unannounced mail or a dead connection can
// go unnoticed: IDLE is ended after a minute, the mailbox is read, IDLE begins again.
import { LedgerFault, type LedgerFaultKind } from '../ledger/fault';
import type { Ledger, SourceKey, SourceReport } from '../ledger/ledger';
import { backoffDelay, type BackoffRange } from '../runtime/backoff';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow, pause } from '../runtime/time';
import type { Wake } from '../signal/wake';
import { Outage } from '../source/outage';
import type { Subscriber, Watch } from '../source/source';
import { type FaultKind, ImapFault } from './fault';
import { accountName, type ImapLogin } from './login';
import { ImapSession } from './session';
import { syncMailbox } from './sync';

export interface WatchTimes {
  /** How long IDLE lasts before the mailbox is read unasked. */
  readonly heartbeatMs: number;
  /** How often a server without IDLE is asked. */
  readonly pollMs: number;
  /** How long the server may take for a command before the connection counts as dead. */
  readonly commandMs: number;
}

const TIMES: WatchTimes = { heartbeatMs: 60_000, pollMs: 30_000, commandMs: 30_000 };
/** A connection that lasted this long was no failure, however it ended. */
const STABLE_MS = 60_000;

const RECONNECT: BackoffRange = { firstMs: 1_000, mostMs: 120_000 };
// Asking again with a rejected password can lock an account.
const RECONNECT_REJECTED: BackoffRange = { firstMs: 30_000, mostMs: 600_000 };

const NEEDS_PERSON: ReadonlySet<FaultKind> = new Set<FaultKind>(['login', 'mailbox', 'tls']);
const TIME_HEALS: ReadonlySet<LedgerFaultKind> = new Set<LedgerFaultKind>(['unreachable', 'other']);

export interface ImapWatchPorts {
  readonly ledger: Ledger;
  readonly wake: Wake;
  readonly log: Log;
  readonly times?: Partial<WatchTimes>;
}

export class ImapWatch implements Watch {
  readonly #key: SourceKey;
  readonly #sourceId: number;
  readonly #subscribers: () => readonly Subscriber<ImapLogin>[];
  readonly #ports: ImapWatchPorts;
  readonly #times: WatchTimes;
  readonly #stopping = new AbortController();
  readonly #outage = new Outage();
  readonly #ended: Promise<void>;
  #session: ImapSession | undefined;
  /** Logins that were rejected so far. */
  #rejections = 0;
  #stableSince = 0;

  constructor(
    key: SourceKey,
    sourceId: number,
    subscribers: () => readonly Subscriber<ImapLogin>[],
    ports: ImapWatchPorts,
  ) {
    this.#key = key;
    this.#sourceId = sourceId;
    this.#subscribers = subscribers;
    this.#ports = ports;
    this.#times = { ...TIMES, ...ports.times };
    this.#ended = this.#run();
  }

  nudge(): void {
    this.#session?.hint();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      this.#stableSince = Infinity;
      try {
        await this.#follow(signal);
      } catch (error) {
        if (this.#stopping.signal.aborted) break;
        const lasted = monotonicNow() - this.#stableSince >= STABLE_MS;
        failures = lasted ? 1 : failures + 1;
        await this.#backOff(error, failures, signal);
      }
    }
    await this.#report({ state: 'idle', connection: 'closed' });
  }

  /** One connection, from its login to its end. */
  async #follow(signal: AbortSignal): Promise<void> {
    await this.#report({ state: 'gap_checking', connection: 'connecting' });
    const login = await this.#login();
    if (!login) {
      // Everybody moved to another account and is leaving.
      await pause(1_000, signal);
      return;
    }
    const session = await ImapSession.connect(login, signal, this.#times.commandMs);
    try {
      const opened = await session.open(this.#key.mailbox);
      this.#session = session;
      this.#stableSince = monotonicNow();
      const connection = session.canIdle ? 'idling' : 'polling';
      let first = true;
      while (!signal.aborted) {
        const subscribers = this.#subscribers();
        await syncMailbox(
          {
            session,
            opened,
            sourceId: this.#sourceId,
            mailbox: this.#key.mailbox,
            ledger: this.#ports.ledger,
            log: this.#ports.log,
            subscriptions: subscribers.map(({ subscription, mostStoredBytes, begun }) => ({
              subscription,
              mostStoredBytes,
              reachedLate: begun(),
            })),
            recorded: (ids) => this.#ports.wake.notify(ids),
          },
          signal,
        );
        this.#outage.over(subscribers);
        for (const { synced } of subscribers) synced();
        await this.#report({ state: 'idle', connection, synced: true });
        if (first) this.#ports.log.info(`Watching ${this.#name()}`, { connection });
        first = false;
        await session.wait(this.#times.heartbeatMs, this.#times.pollMs, signal);
      }
    } finally {
      this.#session = undefined;
      await session.end();
    }
  }

  /**
   * A login of those who are still on this account, another one after each rejection; the others are told to move.
   * Somebody whose credential cannot be read keeps nobody else from the mailbox.
   */
  async #login(): Promise<ImapLogin | undefined> {
    const logins: ImapLogin[] = [];
    let unreadable: unknown;
    for (const subscriber of this.#subscribers()) {
      try {
        const login = await subscriber.login();
        if (accountName(login) === this.#key.account) logins.push(login);
        else subscriber.moved();
      } catch (error) {
        unreadable ??= error;
      }
    }
    if (logins.length === 0 && unreadable !== undefined) throw unreadable as Error;
    return logins[this.#rejections % Math.max(logins.length, 1)];
  }

  async #backOff(error: unknown, failures: number, signal: AbortSignal): Promise<void> {
    const kind = error instanceof ImapFault ? error.kind : 'other';
    const needsPerson = error instanceof LedgerFault ? !TIME_HEALS.has(error.kind) : NEEDS_PERSON.has(kind);
    const fault = error instanceof Error ? error : new Error(String(error));
    if (kind === 'login') this.#rejections++;
    const delay = backoffDelay(failures, kind === 'login' ? RECONNECT_REJECTED : RECONNECT);
    this.#ports.log.warn(`Not watching ${this.#name()}: ${fault.message}`, {
      fault: kind,
      failures,
      retryInMs: delay,
    });
    this.#outage.failed(fault, needsPerson, this.#subscribers());
    await this.#report({ state: 'retry_scheduled', connection: 'backing_off', error: fault.message });
    await pause(delay, signal);
  }

  /** The state is for people: failing to store it must not stop the mail. */
  async #report(report: SourceReport): Promise<void> {
    try {
      await this.#ports.ledger.reportSource(this.#sourceId, report);
    } catch (error) {
      this.#ports.log.warn(`The state of ${this.#name()} could not be stored: ${errorText(error)}`);
    }
  }

  #name(): string {
    return `mailbox "${this.#key.mailbox}" of ${this.#key.account}`;
  }
}
