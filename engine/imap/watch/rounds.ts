// The rounds over one connection: each mailbox is visited, then all are waited for, and again, until none is left to be
// visited or the connection is to be made anew. A single mailbox is waited for with IDLE; several are visited in turn,
// with IDLE on one of them meanwhile.
// Invariants: never more than one visit at a time, and what asks for one meanwhile is served by the next. The heartbeat
// bounds how long an unannounced mail or a dead connection can go unnoticed: IDLE is ended, the mailbox is read, IDLE
// begins again.
import type { Bell } from '../../runtime/bell';
import { monotonicNow } from '../../runtime/time';
import type { Look } from '../read/announcements';
import type { ImapSession } from '../session/session';
import { type LineMailboxes, passOn, putLast, readingsOf, readyOf, retryMsOf } from './line-mailboxes';
import type { Visited, WatchedMailbox } from './mailbox';
import { type LineTimes, paceOf, reconnectMsOf } from './pace';

/** How often it is looked whether mails have run, where older ones wait for that. */
const LOOK_FOR_RUNS_MS = 5_000;
/** A connection that lasted this long was no failure, however it ended. */
const STABLE_MS = 60_000;

/**
 * What calls a line from its rest:
 * - `joined`: somebody joined or left, or a person wants the mailboxes looked at;
 * - `look`: the latter, also where the line is left alone after a fault.
 */
export type LineCall = 'joined' | 'look';

export interface RoundsParts {
  readonly session: ImapSession;
  readonly mailboxes: LineMailboxes;
  readonly bell: Bell<LineCall>;
  readonly times: LineTimes;
  /** The server ends an IDLE that lasts longer. */
  readonly mostIdleMs: number;
}

/** How long they rest before the next one, and for what. */
interface Rest {
  /** The only one that is visited, where the server can announce what comes to it. */
  readonly only: WatchedMailbox | undefined;
  /** Monotonic. */
  readonly until: number;
  /** When IDLE that ended by itself is begun again. */
  readonly againMs: number;
}

export class Rounds {
  readonly #parts: RoundsParts;
  /** Monotonic; Infinity: no mailbox has been visited yet. */
  #visitedSince = Infinity;
  #isWaiting = false;
  /** For a sign of life. */
  #isAsked = false;

  constructor(parts: RoundsParts) {
    this.#parts = parts;
  }

  /** A mailbox was visited to its end. */
  get haveVisited(): boolean {
    return this.#visitedSince < Infinity;
  }

  get areStable(): boolean {
    return monotonicNow() - this.#visitedSince >= STABLE_MS;
  }

  /** The server is asked for a sign of life. @returns false: something is under way, and waits for its answer */
  ask(): boolean {
    if (!this.#isWaiting) return false;
    this.#isAsked = true;
    this.interrupt();
    return true;
  }

  /** The rest ends, and what is due is done. */
  interrupt(): void {
    this.#parts.session.interrupt();
  }

  /** Visits and waits, until nothing is left to be visited or the connection is to be made anew. */
  async go(signal: AbortSignal): Promise<void> {
    const { mailboxes, bell } = this.#parts;
    const until = monotonicNow() + reconnectMsOf(readingsOf(mailboxes));
    let look: Look = 'otherwise';
    while (!signal.aborted && monotonicNow() < until) {
      bell.take('joined');
      const served = await readyOf(mailboxes);
      if (served.length === 0) return;
      await passOn(mailboxes);
      const restMs = await this.#round(served, look, signal);
      look = 'otherwise';
      const open = served.filter(({ notBefore }) => notBefore <= monotonicNow());
      if (restMs > 0 && open.length > 0) look = await this.#rest(open, restMs, signal);
    }
  }

  /** Each is visited. @returns how long the rest after it may be at most, ms; 0: there is more to be done at once */
  async #round(served: readonly WatchedMailbox[], look: Look, signal: AbortSignal): Promise<number> {
    let mostMs = Infinity;
    for (const mailbox of served) {
      if (signal.aborted) return 0;
      if (!this.#parts.mailboxes.includes(mailbox)) continue;
      mailbox.announcements.looks(look);
      const { more, againMs = Infinity, waits } = await this.#visit(mailbox, 'everything', signal);
      mostMs = Math.min(mostMs, more ? 0 : againMs, waits ? LOOK_FOR_RUNS_MS : Infinity);
      this.#visitedSince = Math.min(this.#visitedSince, monotonicNow());
    }
    return mostMs;
  }

  async #visit(
    mailbox: WatchedMailbox,
    why: 'everything' | 'actions',
    signal: AbortSignal,
  ): Promise<Visited> {
    try {
      return await mailbox.visit(this.#parts.session, why, signal);
    } catch (error) {
      putLast(this.#parts.mailboxes, mailbox);
      throw error;
    }
  }

  /**
   * Until every mailbox is to be visited again; the one that is open is, meanwhile, as soon as there is news.
   * @returns why they are, where what is found there tells how the server announces
   */
  async #rest(served: readonly WatchedMailbox[], mostMs: number, signal: AbortSignal): Promise<Look> {
    const { session, bell } = this.#parts;
    const { only, until, againMs } = this.#restOf(served, mostMs);
    const againAt = monotonicNow() + againMs;
    for (;;) {
      if (this.#isAsked) {
        this.#isAsked = false;
        await session.signOfLife();
      }
      const left = until - monotonicNow();
      if (bell.has('joined') || signal.aborted) return 'otherwise';
      if (left <= 0) return only ? 'unasked' : 'otherwise';
      if (served.some(({ actionsDue }) => actionsDue)) {
        for (const mailbox of served) {
          if (mailbox.actionsDue) await this.#visit(mailbox, 'actions', signal);
        }
        // There are more, or they cannot be done here now: either is for a whole visit.
        if (served.some(({ actionsDue }) => actionsDue)) return 'otherwise';
        continue;
      }
      // What came while something else was done was told with that.
      const isKnown = session.isHinted;
      this.#isWaiting = true;
      const woken = await session.wait(left, Math.min(againAt - monotonicNow(), left), signal);
      this.#isWaiting = false;
      if (woken === 'time') {
        only?.follow({ is: 'idleRenewed' });
        return only ? 'unasked' : 'otherwise';
      }
      // News of the only mailbox: the round begins again.
      if (woken === 'hint' && served.length === 1) return only && !isKnown ? 'announced' : 'otherwise';
      if (woken !== 'hint') continue;
      const open = served.find(({ key }) => key.mailbox === session.opened?.name);
      if (!open) return 'otherwise';
      if ((await this.#visit(open, 'everything', signal)).more) return 'otherwise';
    }
  }

  #restOf(served: readonly WatchedMailbox[], mostMs: number): Rest {
    const { session, mailboxes, times, mostIdleMs } = this.#parts;
    const readings = readingsOf(mailboxes);
    const pace = paceOf(readings, times, Math.min(mostIdleMs, mostMs), session.canIdle);
    // Of those that are visited in turn only one can be announced, and all are looked at soon.
    const [only] = session.canIdle && served.length === 1 ? served : [];
    const heartbeatMs = only?.announcements.heartbeatMs(pace.heartbeatMs, pace.soonerMs) ?? pace.heartbeatMs;
    // Not all of them in one instant, where a process watches many; and so that, with the deadline of a dead
    // connection and a login, a mail is found within 90 s by the defaults.
    const round = (served.length === 1 ? heartbeatMs : pace.pollMs) * (0.85 + Math.random() / 10);
    // What another process holds may be free by then.
    const others = mailboxes.length > served.length ? times.pollMs : Infinity;
    const until = monotonicNow() + Math.min(round, others, retryMsOf(mailboxes));
    return { only, until, againMs: pace.againMs };
  }
}
