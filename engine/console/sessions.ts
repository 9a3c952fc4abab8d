// What the page holds in place of a login: a right for some minutes, signed, so that no process has to remember it.
// Invariants: only who knows the key makes one; one is made anew for who has one, for twelve hours from the login at most.
import { createHmac } from 'node:crypto';
import type { Right, Session } from './api';
import { isSame } from './rights';

/** No token of people begins so. */
const MARK = 'mcs1.';
const LASTS_MS = 15 * 60_000;
const LOGGED_IN_MS = 12 * 3_600_000;

interface LoggedIn {
  readonly right: Right;
  /** ms since 1970. */
  readonly since: number;
}

export class Sessions {
  readonly #key: Buffer;
  readonly #now: () => number;

  /** @param key as in `ConsoleContext` @throws Error: it is too short */
  constructor(key: Buffer, now: () => number) {
    if (key.length < 32) throw new Error('The key of sessions needs 32 octets.');
    this.#key = key;
    this.#now = now;
  }

  /** @param since of the login, where it is a later session of one */
  begin(right: Right, since: number = this.#now()): Session {
    const expires = Math.min(this.#now() + LASTS_MS, since + LOGGED_IN_MS);
    const said = [right === 'operate' ? 'o' : 'r', since, expires].join('.');
    return { token: `${MARK}${said}.${this.#sign(said)}`, expires: new Date(expires).toISOString() };
  }

  /** @returns undefined: it is no session; `expired`: it was one; null: somebody made it up */
  check(token: string): LoggedIn | 'expired' | null | undefined {
    if (!token.startsWith(MARK)) return undefined;
    const [, said, right, since, expires, signed] =
      /^((r|o)\.(\d{1,15})\.(\d{1,15}))\.([\w-]+)$/.exec(token.slice(MARK.length)) ?? [];
    if (said === undefined || !isSame(signed!, this.#sign(said))) return null;
    if (this.#now() >= Number(expires)) return 'expired';
    return { right: right === 'o' ? 'operate' : 'read', since: Number(since) };
  }

  #sign(said: string): string {
    return createHmac('sha256', this.#key).update(`${MARK}${said}`).digest('base64url');
  }
}
