// Connections that have carried a mail and wait for the next one, of each login.
// Invariants: one that waits is nobody's, and is closed when it has waited too long, or is too old: then the login is asked for anew.
import { monotonicNow } from '../../runtime/time';
import type { SmtpSession } from './smtp-session';

/** ms. Servers close idle ones after some minutes (RFC 5321, 4.5.3.2.7, has 5), and would rather not hold them. */
const IDLE_MS = 20_000;
const MOST_AGE_MS = 300_000;
/** Many servers take 100 over one connection, and close it then. */
const MOST_MAILS = 50;

interface Idle {
  readonly session: SmtpSession;
  readonly timer: NodeJS.Timeout;
}

export class SmtpPool {
  readonly #idle = new Map<string, Idle[]>();
  readonly #idleMs: number;
  #isClosed = false;

  constructor(idleMs = IDLE_MS) {
    this.#idleMs = idleMs;
  }

  /** The one that has waited shortest: the others may end. */
  take(key: string): SmtpSession | undefined {
    const waiting = this.#idle.get(key) ?? [];
    for (let idle = waiting.pop(); idle; idle = waiting.pop()) {
      clearTimeout(idle.timer);
      if (waiting.length === 0) this.#idle.delete(key);
      if (idle.session.isOpen) return idle.session;
    }
    return undefined;
  }

  give(key: string, session: SmtpSession): void {
    if (!session.isOpen) return;
    const isOld = monotonicNow() - session.openedAt > MOST_AGE_MS || session.sent >= MOST_MAILS;
    if (this.#isClosed || isOld) {
      session.quit();
      return;
    }
    const waiting = this.#idle.get(key) ?? [];
    const timer = setTimeout(() => this.#drop(key, session), this.#idleMs);
    timer.unref();
    waiting.push({ session, timer });
    this.#idle.set(key, waiting);
  }

  #drop(key: string, session: SmtpSession): void {
    const waiting = this.#idle.get(key)?.filter((idle) => idle.session !== session) ?? [];
    if (waiting.length > 0) this.#idle.set(key, waiting);
    else this.#idle.delete(key);
    session.quit();
  }

  /** Those that are in use end when they are given back. */
  close(): void {
    this.#isClosed = true;
    for (const { session, timer } of [...this.#idle.values()].flat()) {
      clearTimeout(timer);
      if (session.isOpen) session.quit();
    }
    this.#idle.clear();
  }
}
