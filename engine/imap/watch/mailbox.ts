// One watched mailbox: what a visit does in it, and what becomes of its own faults. A line (line.ts) visits it over its
// connection; who listens, its lease and how it is doing are as with every source (source/watched.ts).
// Invariants: it is read and acted on only under its lease; a fault of its own (it is not there) keeps nobody from the
// other mailboxes of the line; one visit at a time, whichever line it is.
import { LedgerFault } from '../../ledger/fault';
import type { SourceKey } from '../../ledger/sources';
import { backoffDelay, type BackoffRange } from '../../runtime/backoff';
import { monotonicNow } from '../../runtime/time';
import type { SourceNews } from '../../source/following';
import { MOST_WAITING, WatchedSource, type WatchPorts } from '../../source/watched';
import { Announcements } from '../read/announcements';
import type { NewMail } from '../read/job';
import { Portion } from '../read/portion';
import { LastMails } from '../read/small-mails';
import { type Older, syncMailbox } from '../read/sync';
import { Withheld } from '../read/withheld';
import { type FaultKind, ImapFault } from '../session/fault';
import type { OpenedMailbox } from '../session/news';
import type { ImapSession } from '../session/session';
import { Acting } from './acting';
import { notHandedOut, tellGivenUp } from './not-handed-out';
import type { ImapSubscriber } from './subscriber';

/** A mailbox that cannot be opened is looked for again soon: somebody may be about to make it. */
const REOPEN: BackoffRange = { firstMs: 1_000, mostMs: 60_000 };

/** A mail that is asked for again may have to wait for older ones to run: it is not looked for all the time. */
const LEAST_AGAIN_MS = 1_000;

const NEEDS_PERSON: ReadonlySet<FaultKind> = new Set<FaultKind>(['login', 'mailbox', 'tls', 'unreadable']);
const OF_ONE_MAILBOX: ReadonlySet<FaultKind> = new Set<FaultKind>(['mailbox', 'locked']);

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
  readonly #source: WatchedSource<ImapSubscriber>;
  readonly #ports: WatchPorts;
  readonly #acting: Acting;
  readonly #withheld = new Withheld();
  readonly #portion = new Portion();
  readonly #lastMails = new LastMails();
  readonly announcements = new Announcements();
  /** When it was last opened. */
  #uidValidity = '';
  readonly #leaving = new AbortController();
  #visiting: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;
  #openFailures = 0;
  /** Monotonic: not before this time. */
  notBefore = 0;

  /**
   * @param called when runs have ended after which something may be done with their mails
   * @param nudge when it may be this process's turn, or not any more
   */
  constructor(
    key: SourceKey,
    sourceId: number,
    subscribers: () => readonly ImapSubscriber[],
    ports: WatchPorts,
    called: (mailbox: WatchedMailbox) => void,
    before?: Promise<unknown>,
    nudge: (mailbox: WatchedMailbox) => void = called,
  ) {
    this.key = key;
    this.#ports = ports;
    const name = `mailbox "${key.mailbox}" of ${key.account}`;
    const names = { name, called: name, settings: 'email rules' };
    this.#source = new WatchedSource(key, sourceId, names, subscribers, ports, before, () => nudge(this));
    this.#acting = new Acting(this.#source, ports, () => called(this));
  }

  /** Runs have ended whose mails are to be moved, marked, …. */
  get actionsDue(): boolean {
    return this.#acting.isDue;
  }

  subscribers(): readonly ImapSubscriber[] {
    return this.#source.subscribers();
  }

  /** Whether it is this process that reads it; asks for the lease where it is free. @throws LedgerFault */
  async held(): Promise<boolean> {
    return (await this.#source.held()) !== 'no';
  }

  /** This process has its lease. */
  get isHeld(): boolean {
    return this.#source.hold !== null;
  }

  /** Who reads it may have changed. */
  looked(): void {
    this.#source.looked();
  }

  /** No connection has it open: if another process is to have it, it has from now on. @throws LedgerFault */
  async passOn(): Promise<void> {
    await this.#visiting;
    await this.#source.passOn();
  }

  /** The connection to its server failed, or could not be made. As `WatchedSource.outOfReach`. */
  outOfReach(): Promise<boolean> {
    return this.#source.outOfReach();
  }

  /** Its server says nothing to this process: another one is to have it, if there is any. */
  cutOff(): Promise<void> {
    return this.#source.cutOff();
  }

  /** Its server is heard again. */
  reached(): void {
    this.#source.reached();
  }

  /** Another process is to have it. */
  get isPassing(): boolean {
    return this.#source.isPassing;
  }

  /** A connection is being made, to see what came meanwhile. */
  checking(): Promise<void> {
    return this.#source.standing.is('gap_checking', 'connecting');
  }

  /** For whoever follows it. */
  follow(news: SourceNews): void {
    this.#source.follow(news);
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
      if (signal.aborted || leaving.aborted || !this.#source.hold) return { more: false };
      const opened = await this.#open(session);
      const backfill = why === 'everything' ? await this.#read(session, opened, ending.signal) : null;
      const acted = await this.#acting.act(session, ending.signal);
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
      this.#source.drop();
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
    const needsPerson = (fault: unknown): boolean =>
      fault instanceof ImapFault && NEEDS_PERSON.has(fault.kind);
    await this.#source.failed(error, retryInMs, { needsPerson, own });
  }

  /** Nobody listens any more: nothing is recorded after it. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#acting.end();
    this.#leaving.abort();
    await this.#source.close(this.#visiting);
  }

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
    this.#acting.listen();
    const source = this.#source;
    const read = source.accepted();
    const gaveUp: NewMail[] = [];
    const syncing = syncMailbox(
      {
        session,
        hold: source.hold!,
        mailbox: this.key.mailbox,
        uidValidity: opened.uidValidity,
        ledger,
        log,
        subscriptions: read.map((subscriber) => source.beginningOf(subscriber)),
        recorded: (ids) => {
          wake.notify(ids);
          this.follow({ is: 'newMail' });
        },
        refused: (id, fault) => source.complaints.refused(id, fault),
        withheld: this.#withheld,
        portion: this.#portion,
        announcements: this.announcements,
        lastMails: this.#lastMails,
        gaveUp: (mails) => void gaveUp.push(...mails),
        mostWaiting: MOST_WAITING,
        signal,
      },
      opened,
    );
    // Together, however many they are.
    const { older } = await syncing.finally(() =>
      tellGivenUp(source.name, this.#withheld, gaveUp, read, log),
    );
    const { held } = this.#withheld;
    const error = held.length > 0 ? notHandedOut(source.name, this.#withheld, held).message : null;
    await source.wasRead(read, { older, error }, session.canIdle ? 'idling' : 'polling');
    return older;
  }
}
