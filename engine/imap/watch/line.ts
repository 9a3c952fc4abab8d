// One connection of an account, for as long as it has mailboxes to watch: connect, visit each, wait, visit again, …
// and when anything breaks, connect again, without end. A single mailbox is waited for with IDLE; several are visited
// in turn, with IDLE on one of them meanwhile.
// Invariants: only `stop` ends it; never more than one visit at a time, and what asks for one meanwhile is served by
// the next. The heartbeat bounds how long an unannounced mail or a dead connection can go unnoticed: IDLE is ended, the
// mailbox is read, IDLE begins again.
import { LedgerFault } from '../../ledger/fault';
import { backoffDelay, type BackoffRange } from '../../runtime/backoff';
import { monotonicNow, pause } from '../../runtime/time';
import { foundBack } from '../../source/found-back';
import { ImapFault, isOutOfReach, serverOf } from '../session/fault';
import type { ImapLogin } from '../session/login';
import { ImapLogins, type OwnedLogin, ofOneLogin } from './logins';
import type { Visited, WatchedMailbox } from './mailbox';
import type { ImapSubscriber } from './subscriber';
import type { Look } from '../read/announcements';
import type { ImapReading } from '../read/reading';
import { commandMsOf, type LineTimes, paceOf, reconnectMsOf } from './pace';
import { waysOf } from '../session/quirks';
import { ImapSession } from '../session/session';

/** How often it is looked whether mails have run, where older ones wait for that. */
const LOOK_FOR_RUNS_MS = 5_000;
/** A connection that lasted this long was no failure, however it ended. */
const STABLE_MS = 60_000;

const RECONNECT: BackoffRange = { firstMs: 1_000, mostMs: 120_000 };
// Asking again with a rejected password can lock an account.
const RECONNECT_REJECTED: BackoffRange = { firstMs: 30_000, mostMs: 600_000 };

export class ImapLine {
  readonly mailboxes: WatchedMailbox[] = [];
  readonly #times: LineTimes;
  /** Asked when the server lets no further connection in; true: the mailboxes were taken over by another line. */
  readonly #tooMany: (line: ImapLine) => boolean;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #session: ImapSession | undefined;
  #isConnecting = false;
  #nudged = false;
  #onNudge: (() => void) | undefined;
  readonly #logins: ImapLogins;
  /** The one that is used now, or was last. */
  #owned: OwnedLogin | undefined;
  #stableSince = Infinity;
  /** Monotonic: when the connection was begun that is being made, or could not be; Infinity: it was made. */
  #connectingSince = Infinity;

  constructor(
    account: string,
    times: LineTimes,
    tooMany: (line: ImapLine) => boolean,
    first: WatchedMailbox,
  ) {
    this.#logins = new ImapLogins(account);
    this.#times = times;
    this.#tooMany = tooMany;
    this.mailboxes.push(first);
    this.#ended = this.#run();
  }

  /** Connected, or about to be. */
  get isAlive(): boolean {
    return this.#isConnecting || this.#session !== undefined;
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Somebody joined or left: every mailbox is visited. */
  nudge(): void {
    this.#nudged = true;
    this.#onNudge?.();
    this.#session?.interrupt();
  }

  /** Only actions are due. */
  interrupt(): void {
    this.#session?.interrupt();
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
      let served: readonly WatchedMailbox[] = [];
      try {
        served = await this.#ready();
        if (served.length === 0) await this.#pause(this.#untilReady());
        else await this.#serve(served, signal);
        failures = 0;
      } catch (error) {
        if (this.#isStopping) break;
        // One that had worked is made anew at once; whatever fails again after that waits.
        const asksForLess = error instanceof ImapFault && error.lessNext;
        failures = this.#isStable ? 0 : asksForLess ? Math.max(failures, 1) : failures + 1;
        if (this.#isLetInNoMore(error) && this.#tooMany(this)) continue;
        await this.#backOff(error, failures);
      }
    }
  }

  get #isStable(): boolean {
    return monotonicNow() - this.#stableSince >= STABLE_MS;
  }

  /** Not that it is to go slower: another connection would not spare the server. */
  #isLetInNoMore(error: unknown): boolean {
    if (!(error instanceof ImapFault) || error.kind !== 'busy') return false;
    return this.#stableSince === Infinity && error.retryAfterMs === undefined;
  }

  /** The mailboxes that this process holds and may visit now. @throws LedgerFault */
  async #ready(): Promise<WatchedMailbox[]> {
    const ready: WatchedMailbox[] = [];
    for (const mailbox of [...this.mailboxes]) {
      if ((await mailbox.held()) && mailbox.notBefore <= monotonicNow()) ready.push(mailbox);
    }
    return ready;
  }

  #untilReady(): number {
    return Math.min(this.#times.standbyMs, this.#retryMs());
  }

  /** When a mailbox that could not be opened is tried again, in ms. */
  #retryMs(): number {
    const waits = this.mailboxes.map(({ notBefore }) => notBefore - monotonicNow());
    return Math.min(Infinity, ...waits.filter((wait) => wait > 0));
  }

  /** One connection, from its login to its end. */
  async #serve(served: readonly WatchedMailbox[], signal: AbortSignal): Promise<void> {
    for (const mailbox of served) await mailbox.checking();
    const owned = await this.#logins.next(this.#subscribers());
    this.#owned = owned;
    if (!owned) {
      // Everybody moved to another account and is leaving.
      await this.#pause(1_000);
      return;
    }
    const ways = waysOf(owned.login.host);
    const session = await this.#connect(owned.login, ways.noIdle, signal);
    this.#logins.accepted(owned);
    // In the middle of a visit, too: a mail that takes long must not keep a trigger from its end.
    const end = (): void => void session.end();
    signal.addEventListener('abort', end, { once: true });
    try {
      this.#session = session;
      await this.#follow(session, ways.mostIdleMs, signal);
    } finally {
      this.#session = undefined;
      signal.removeEventListener('abort', end);
      await session.end();
    }
  }

  async #connect(login: ImapLogin, noIdle: boolean, signal: AbortSignal): Promise<ImapSession> {
    this.#isConnecting = true;
    this.#connectingSince = monotonicNow();
    try {
      const commandMs = commandMsOf(this.#readings(), this.#times);
      const session = await ImapSession.connect(login, signal, { commandMs, noIdle });
      this.#connectingSince = Infinity;
      foundBack().reached(serverOf(login));
      return session;
    } finally {
      this.#isConnecting = false;
    }
  }

  /** Visits and waits, until nothing is left to be visited or the connection is to be made anew. */
  async #follow(session: ImapSession, mostIdleMs: number, signal: AbortSignal): Promise<void> {
    const until = monotonicNow() + reconnectMsOf(this.#readings());
    let look: Look = 'otherwise';
    while (!signal.aborted && monotonicNow() < until) {
      this.#nudged = false;
      const served = await this.#ready();
      if (served.length === 0) return;
      let more = false;
      let mostMs = Infinity;
      for (const mailbox of served) {
        if (this.#isStopping) return;
        if (!this.mailboxes.includes(mailbox)) continue;
        mailbox.announcements.looks(look);
        const visited = await this.#visit(mailbox, session, 'everything', signal);
        more ||= visited.more;
        mostMs = Math.min(mostMs, visited.againMs ?? Infinity, visited.waits ? LOOK_FOR_RUNS_MS : Infinity);
        this.#stableSince = Math.min(this.#stableSince, monotonicNow());
      }
      const open = served.filter(({ notBefore }) => notBefore <= monotonicNow());
      look = 'otherwise';
      if (!more && open.length > 0)
        look = await this.#wait(session, open, Math.min(mostIdleMs, mostMs), signal);
    }
  }

  /** One at which the connection fails is the last of the next round: it keeps nobody from the others for good. */
  async #visit(
    mailbox: WatchedMailbox,
    session: ImapSession,
    why: 'everything' | 'actions',
    signal: AbortSignal,
  ): Promise<Visited> {
    try {
      return await mailbox.visit(session, why, signal);
    } catch (error) {
      const at = this.mailboxes.indexOf(mailbox);
      if (at >= 0) this.mailboxes.push(...this.mailboxes.splice(at, 1));
      throw error;
    }
  }

  /**
   * Until every mailbox is to be visited again; the one that is open is, meanwhile, as soon as there is news.
   * @returns why they are, where what is found there tells how the server announces
   */
  async #wait(
    session: ImapSession,
    served: readonly WatchedMailbox[],
    mostIdleMs: number,
    signal: AbortSignal,
  ): Promise<Look> {
    const readings = this.#readings();
    const pace = paceOf(readings, this.#times, mostIdleMs, session.canIdle);
    const { pollMs, againMs } = pace;
    // Of those that are visited in turn only one can be announced, and all are looked at soon.
    const [only] = session.canIdle && served.length === 1 ? served : [];
    const heartbeatMs = only?.announcements.heartbeatMs(pace.heartbeatMs, pace.soonerMs) ?? pace.heartbeatMs;
    // Not all of them in one instant, where a process watches many; and so that, with the deadline of a dead
    // connection and a login, a mail is found within 90 s by the defaults.
    const round = (served.length === 1 ? heartbeatMs : pollMs) * (0.85 + Math.random() / 10);
    // What another process holds may be free by then.
    const others = this.mailboxes.length > served.length ? this.#times.pollMs : Infinity;
    const until = monotonicNow() + Math.min(round, others, this.#retryMs());
    for (;;) {
      const left = until - monotonicNow();
      if (this.#nudged || signal.aborted) return 'otherwise';
      if (left <= 0) return only ? 'unasked' : 'otherwise';
      if (served.some(({ actionsDue }) => actionsDue)) {
        for (const mailbox of served) {
          if (mailbox.actionsDue) await this.#visit(mailbox, session, 'actions', signal);
        }
        // There are more, or they cannot be done here now: either is for a whole visit.
        if (served.some(({ actionsDue }) => actionsDue)) return 'otherwise';
        continue;
      }
      // What came while something else was done was told with that.
      const isKnown = session.isHinted;
      const woken = await session.wait(left, Math.min(againMs, left), signal);
      if (woken === 'time') return only ? 'unasked' : 'otherwise';
      // News of the only mailbox: the round begins again.
      if (woken === 'hint' && served.length === 1) return only && !isKnown ? 'announced' : 'otherwise';
      if (woken !== 'hint') continue;
      const open = served.find(({ key }) => key.mailbox === session.opened?.name);
      if (!open) return 'otherwise';
      if ((await this.#visit(open, session, 'everything', signal)).more) return 'otherwise';
    }
  }

  #subscribers(): ImapSubscriber[] {
    return this.mailboxes.flatMap((mailbox) => mailbox.subscribers());
  }

  async #backOff(error: unknown, failures: number): Promise<void> {
    const fault = error instanceof ImapFault ? error : undefined;
    if (ofOneLogin(error) && this.#owned && this.#logins.rejected(this.#owned, error, this.#subscribers())) {
      // Another login may do: nobody is told before it was tried.
      await this.#pause(RECONNECT.firstMs, 'whatever comes');
      return;
    }
    const range = fault?.kind === 'login' ? RECONNECT_REJECTED : RECONNECT;
    const delay = Math.max(failures === 0 ? 0 : backoffDelay(failures, range), fault?.retryAfterMs ?? 0);
    if (error instanceof LedgerFault && error.kind === 'taken') return;
    const own = (subscriber: ImapSubscriber): Error | undefined =>
      ofOneLogin(error) ? this.#logins.faultOf(subscriber) : undefined;
    for (const mailbox of [...this.mailboxes]) await mailbox.failed(error, delay, own);
    const { signal } = this.#stopping;
    const login = this.#owned?.login;
    if (login && isOutOfReach(error)) {
      const wait = { ms: delay, triedAt: this.#connectingSince };
      await foundBack().pause(serverOf(login), this, wait, signal);
      return;
    }
    // What others say of the server shortens no wait for a password, nor one that the server named.
    await this.#pause(delay, 'whatever comes');
  }

  #readings(): readonly ImapReading[] {
    return this.#subscribers().map(({ reading }) => reading);
  }

  /** @param patience `whatever comes`: a nudge does not end it, so that joining makes no storm of logins */
  async #pause(ms: number, patience?: 'whatever comes'): Promise<void> {
    const { signal } = this.#stopping;
    if (patience) {
      await pause(ms, signal);
      return;
    }
    if (this.#nudged || signal.aborted) {
      this.#nudged = false;
      return;
    }
    const waking = new AbortController();
    const wake = (): void => waking.abort();
    this.#onNudge = wake;
    signal.addEventListener('abort', wake, { once: true });
    try {
      await pause(ms, waking.signal);
    } finally {
      this.#onNudge = undefined;
      signal.removeEventListener('abort', wake);
    }
  }
}
