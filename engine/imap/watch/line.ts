// One connection of an account, for as long as it has mailboxes to watch: connect, visit each, wait, visit again, …
// and when anything breaks, connect again, without end. It is in one mode at a time:
// - `standing by`: no mailbox is to be visited now, or it is still to be seen which; stays so, or leads to `connecting`;
// - `connecting`: a connection is being made, with one of the logins; leads to `following`;
// - `following`: the mailboxes are visited over it, and waited for (rounds.ts); leads to `standing by`, as soon as none is
//   left to be visited, or the connection is to be made anew;
// - `backing off`: any of these failed (line-back-off.ts); leads to `standing by`;
// - `ended`: by `stop`, or because another line has taken the mailboxes over; leads nowhere.
// Invariant: only `stop`, or whoever takes its mailboxes over, ends it.
import { Bell } from '../../runtime/bell';
import { monotonicNow } from '../../runtime/time';
import { foundBack } from '../../source/found-back';
import { ImapFault, serverOf } from '../session/fault';
import { waysOf } from '../session/quirks';
import type { ImapLogin } from '../session/login';
import { ImapSession } from '../session/session';
import { LineBackOff } from './line-back-off';
import { type LineMailboxes, passOn, readingsOf, readyOf, retryMsOf, subscribersOf } from './line-mailboxes';
import { ImapLogins, type OwnedLogin } from './logins';
import type { WatchedMailbox } from './mailbox';
import { commandMsOf, type LineTimes } from './pace';
import { type LineCall, Rounds } from './rounds';
import type { ServerConnection, Silences } from './silence';

/** Who moved to another account leaves within this time. */
const MOVING_MS = 1_000;

type StandingBy = { readonly is: 'standing by' };
type Connecting = { readonly is: 'connecting'; readonly owned: OwnedLogin; readonly letGo: AbortController };
type Following = {
  readonly is: 'following';
  readonly session: ImapSession;
  readonly rounds: Rounds;
  /** Its server hears no more of this connection. */
  readonly leave: () => void;
};
type BackingOff = {
  readonly is: 'backing off';
  readonly error: unknown;
  /** Monotonic: when the try began; Infinity: what failed was connected. */
  readonly triedAt: number;
};
type Ended = { readonly is: 'ended' };
type Mode = StandingBy | Connecting | Following | BackingOff | Ended;

const STANDING_BY: StandingBy = { is: 'standing by' };
const ENDED: Ended = { is: 'ended' };

export class ImapLine {
  readonly mailboxes: LineMailboxes = [];
  readonly #times: LineTimes;
  readonly #silences: Silences;
  /** Asked when the server lets no further connection in; true: the mailboxes were taken over by another line. */
  readonly #tooMany: (line: ImapLine) => boolean;
  readonly #logins: ImapLogins;
  readonly #backOff: LineBackOff;
  readonly #bell = new Bell<LineCall>();
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #mode: Mode = STANDING_BY;
  /** So often in a row. */
  #failures = 0;
  /** What another process was to have, when a connection was given up before it was made. */
  #givenUpFor: readonly WatchedMailbox[] = [];
  /** The login that is used now, or was last. */
  #owned: OwnedLogin | undefined;

  constructor(
    account: string,
    times: LineTimes,
    silences: Silences,
    tooMany: (line: ImapLine) => boolean,
    first: WatchedMailbox,
  ) {
    this.#logins = new ImapLogins(account);
    this.#backOff = new LineBackOff(this.mailboxes, this.#logins, this.#bell, silences, times);
    this.#times = times;
    this.#silences = silences;
    this.#tooMany = tooMany;
    this.mailboxes.push(first);
    this.#ended = this.#run();
  }

  get mode(): Mode['is'] {
    return this.#mode.is;
  }

  /** Somebody joined or left: every mailbox is visited. */
  nudge(): void {
    this.#bell.ring('joined');
    this.interrupt();
    // Others may read all of them by now: the connection is not to wait for a database that does not answer.
    if (this.#mode.is === 'following' && !this.mailboxes.some(({ isHeld }) => isHeld))
      void this.#mode.session.end();
    this.#letGo();
  }

  /** Its server says nothing to this process any more, or does not let it in. */
  cutOff(): void {
    for (const mailbox of this.mailboxes) void mailbox.cutOff();
    this.#letGo();
  }

  /** A person wants them visited, or the connection tried again, now. */
  look(): void {
    this.#bell.ring('look');
    this.nudge();
  }

  /** Only actions are due. */
  interrupt(): void {
    if (this.#mode.is === 'following') this.#mode.rounds.interrupt();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#mode.is !== 'ended') {
      const next = await this.#next(this.#mode, signal);
      // One that was made just then is ended there.
      this.#mode = signal.aborted && next.is !== 'following' ? ENDED : next;
    }
  }

  async #next(mode: Exclude<Mode, Ended>, signal: AbortSignal): Promise<Mode> {
    const beganAt = monotonicNow();
    try {
      switch (mode.is) {
        case 'standing by':
          return await this.#standBy(signal);
        case 'connecting':
          return await this.#connect(mode, signal);
        case 'following':
          return await this.#follow(mode, signal);
        case 'backing off':
          return await this.#backOffAfter(mode, signal);
      }
    } catch (error) {
      return this.#failed(mode, error, beganAt);
    }
  }

  /** @throws LedgerFault; ImapFault: nobody took what a connection was given up for; Error: no credential can be read */
  async #standBy(signal: AbortSignal): Promise<StandingBy | Connecting> {
    await passOn(this.mailboxes);
    const refused = this.#givenUpFor.find(({ isHeld }) => isHeld);
    this.#givenUpFor = [];
    if (refused) throw new ImapFault('unreachable', `The server of ${refused.key.account} does not answer.`);
    const ready = await readyOf(this.mailboxes);
    if (ready.length === 0)
      return this.#rest(Math.min(this.#times.standbyMs, retryMsOf(this.mailboxes)), signal);
    for (const mailbox of ready) await mailbox.checking();
    this.#owned = await this.#logins.next(subscribersOf(this.mailboxes));
    // What another process was found for meanwhile.
    if (ready.some(({ isPassing }) => isPassing)) return STANDING_BY;
    // Everybody moved to another account and is leaving.
    if (!this.#owned) return this.#rest(MOVING_MS, signal);
    return { is: 'connecting', owned: this.#owned, letGo: new AbortController() };
  }

  async #rest(ms: number, signal: AbortSignal): Promise<StandingBy> {
    await this.#bell.wait(ms, ['joined'], signal);
    this.#bell.take('joined');
    this.#failures = 0;
    return STANDING_BY;
  }

  /** @throws ImapFault */
  async #connect({ owned, letGo }: Connecting, signal: AbortSignal): Promise<Following> {
    const { mailboxes } = this;
    const { noIdle, mostIdleMs } = waysOf(owned.login.host);
    const commandMs = commandMsOf(readingsOf(mailboxes), this.#times);
    const leave = this.#silences.join(this.#asConnection(owned.login));
    const stop = (): void => letGo.abort(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const session = await ImapSession.connect(owned.login, letGo.signal, { commandMs, noIdle });
      foundBack().reached(serverOf(owned.login));
      this.#logins.accepted(owned);
      for (const mailbox of mailboxes) if (mailbox.isHeld) mailbox.follow({ is: 'connected' });
      const parts = { session, mailboxes, bell: this.#bell, times: this.#times, mostIdleMs };
      return { is: 'following', session, rounds: new Rounds(parts), leave };
    } catch (error) {
      leave();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  #asConnection(login: ImapLogin): ServerConnection {
    const session = (): ImapSession | null => (this.#mode.is === 'following' ? this.#mode.session : null);
    return {
      login,
      get heard() {
        return session()?.heard ?? null;
      },
      ask: () => this.#mode.is === 'following' && this.#mode.rounds.ask(),
    };
  }

  /** Who has a way to the server, and is to have what is read here, is not to wait for this one's: what is under way over it fails. */
  #letGo(): void {
    const mode = this.#mode;
    if (!this.mailboxes.some(({ isPassing }) => isPassing)) return;
    const isSilent = this.#owned !== undefined && this.#silences.isSilent(this.#owned.login);
    if (mode.is === 'following' && isSilent) mode.session.abandon();
    // One that had failed before is given up sooner.
    if (mode.is !== 'connecting' || !(isSilent || this.#failures > 0)) return;
    this.#givenUpFor = this.mailboxes.filter(({ isPassing }) => isPassing);
    mode.letGo.abort();
  }

  /** @throws ImapFault, LedgerFault */
  async #follow({ session, rounds, leave }: Following, signal: AbortSignal): Promise<StandingBy> {
    // In the middle of a visit, too: a mail that takes long must not keep a trigger from its end.
    const end = (): void => void session.end();
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    try {
      await rounds.go(signal);
    } finally {
      signal.removeEventListener('abort', end);
      leave();
      await session.end();
    }
    this.#failures = 0;
    return STANDING_BY;
  }

  async #backOffAfter({ error, triedAt }: BackingOff, signal: AbortSignal): Promise<StandingBy> {
    const [failures, owned] = [this.#failures, this.#owned];
    await this.#backOff.failed({ error, failures, owned, triedAt }, signal);
    return STANDING_BY;
  }

  #failed(mode: Exclude<Mode, Ended>, error: unknown, beganAt: number): BackingOff | StandingBy | Ended {
    if (this.#stopping.signal.aborted) return ENDED;
    // It was given up for another process: that says nothing more of the server.
    if (mode.is === 'connecting' && mode.letGo.signal.aborted) return STANDING_BY;
    const rounds = mode.is === 'following' ? mode.rounds : undefined;
    // One that had worked is made anew at once; whatever fails again after that waits.
    const asksForLess = error instanceof ImapFault && error.lessNext;
    this.#failures = rounds?.areStable ? 0 : asksForLess ? Math.max(this.#failures, 1) : this.#failures + 1;
    if (isLetInNoMore(error) && !rounds?.haveVisited && this.#tooMany(this)) return ENDED;
    return { is: 'backing off', error, triedAt: rounds ? Infinity : beganAt };
  }
}

/** Not that it is to go slower: another connection would not spare the server. */
const isLetInNoMore = (error: unknown): boolean =>
  error instanceof ImapFault && error.kind === 'busy' && error.retryAfterMs === undefined;
