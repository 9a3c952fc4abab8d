// One request to the Gmail API, with all that it takes: a token, its share of the quota, and a few tries for what
// passes by itself.
// Invariant: however it goes, it ends: after about a minute of trying, besides waiting for the quota.
import { monotonicNow, pause, unlessAborted, withDeadline } from '../../runtime/time';
import { Malformed, parseJson } from './answers';
import { GmailFault } from './fault';
import type { HttpAnswer } from '../../http/send';
import { type GmailLogin, named } from './login';
import { type Permit, type Priority, type QuotaBucket, QuotaPaused, type QuotaTimes } from '../../http/quota';
import { judge, shortly, type Verdict } from './verdict';

const MOST_TRIES = 6;
const LONGEST_TRYING_MS = 60_000;
/** Truncated exponential backoff with full jitter. */
const FIRST_WAIT_MS = 2_000;
const MOST_WAIT_MS = 32_000;
/** Whoever sends has to keep to the time itself; this ends the wait for one that does not. */
const GRACE_MS = 5_000;

export interface Call<T> {
  /** For people, such as "reading a message". */
  readonly doing: string;
  readonly method: 'GET' | 'POST';
  /** Below users/me. */
  readonly path: string;
  readonly query?: URLSearchParams;
  readonly body?: object;
  readonly units: number;
  readonly priority: Priority;
  readonly timeoutMs: number;
  /** @param json undefined: the answer was empty @throws Malformed */
  readonly read: (json: unknown) => T;
  /** What it means if the API says that it is not there; without it, the call is refused. */
  readonly missing?: (said: string) => T;
}

/** The call failed in a way that passes. */
class Passing extends Error {
  constructor(
    readonly kind: 'busy' | 'unreachable',
    readonly what: string,
    /** How long Google wants to be left alone by this call, ms; null: it does not say. */
    readonly retryAfterMs: number | null = null,
    /** The whole account waits already. */
    readonly isLimited = false,
    /** A fault of its own, in words: that of whoever hands out the token. */
    readonly fault: GmailFault | null = null,
    /** It passes as a rule; where it does not, this is what a person can do. */
    readonly todo = '',
  ) {
    super(what);
  }
}

export class Requests {
  readonly #login: GmailLogin;
  readonly #quota: QuotaBucket;
  readonly #signal: AbortSignal;
  readonly #times: QuotaTimes;
  #renewing: Promise<string> | null = null;

  constructor(login: GmailLogin, quota: QuotaBucket, signal: AbortSignal, times?: QuotaTimes) {
    this.#login = login;
    this.#quota = quota;
    this.#signal = signal;
    this.#times = times ?? { now: monotonicNow, pause, random: Math.random };
  }

  /** @throws GmailFault; the signal's reason, when it was stopped */
  async ask<T>(call: Call<T>): Promise<T> {
    const beganAt = this.#times.now();
    const quota = { waitedMs: 0 };
    for (let tries = 1; ; tries++) {
      try {
        return await this.#once(call, quota);
      } catch (error) {
        this.#signal.throwIfAborted();
        const failed = passing(error);
        if (failed === null) throw this.#told(error);
        const spentMs = this.#times.now() - beganAt - quota.waitedMs;
        const waitMs = failed.isLimited ? 0 : this.#waitMs(failed, tries);
        if (tries >= MOST_TRIES || spentMs >= LONGEST_TRYING_MS || waitMs > LONGEST_TRYING_MS)
          throw this.#givenUp(call, failed, tries);
        await this.#times.pause(waitMs, this.#signal);
      }
    }
  }

  #waitMs(failed: Passing, tries: number): number {
    const ceiling = Math.min(FIRST_WAIT_MS * 2 ** (tries - 1), MOST_WAIT_MS);
    return failed.retryAfterMs || this.#times.random() * ceiling;
  }

  async #once<T>(call: Call<T>, quota: { waitedMs: number }): Promise<T> {
    let token = await this.#token(false);
    for (let renewed = false; ; renewed = true) {
      const waitsSince = this.#times.now();
      const permit = await this.#quota.take(call.units, call.priority, this.#signal);
      quota.waitedMs += this.#times.now() - waitsSince;
      const verdict = await this.#send(call, token, permit);
      if (!('kind' in verdict)) return verdict.result;
      if (verdict.kind === 'fault') throw verdict.fault;
      if (verdict.kind === 'missing') {
        if (call.missing) return call.missing(verdict.said);
        throw this.#refused(call, verdict.said);
      }
      if (verdict.kind !== 'token')
        throw new Passing(
          'busy',
          verdict.what,
          verdict.retryAfterMs,
          verdict.kind === 'limited',
          null,
          'todo' in verdict ? verdict.todo : '',
        );
      if (renewed) throw this.#rejected();
      token = await this.#renewed(token);
    }
  }

  async #send<T>(call: Call<T>, token: string, permit: Permit): Promise<Verdict | { readonly result: T }> {
    let verdict: Verdict | undefined;
    try {
      const answer = await this.#answer(call, token);
      if (answer.status >= 200 && answer.status < 300)
        return { result: call.read(answer.body === '' ? undefined : parseJson(answer.body)) };
      return (verdict = judge(answer, this.#login, call.doing));
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      throw new Passing(
        'busy',
        `something else than the Gmail API answered at ${this.#login.endpoints.gmail}: ${error.message}`,
      );
    } finally {
      if (verdict?.kind === 'limited') permit.limited(verdict.retryAfterMs);
      else permit.done();
    }
  }

  /** @throws Passing there was no answer */
  async #answer(call: Call<unknown>, token: string): Promise<HttpAnswer> {
    const stop = new AbortController();
    const stopped = (): void => stop.abort(this.#signal.reason);
    if (this.#signal.aborted) stopped();
    this.#signal.addEventListener('abort', stopped, { once: true });
    try {
      const sent = this.#login.send({
        method: call.method,
        url: this.#url(call),
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${token}`,
          ...(call.body && { 'content-type': 'application/json' }),
        },
        ...(call.body && { body: JSON.stringify(call.body) }),
        timeoutMs: call.timeoutMs,
        signal: stop.signal,
      });
      return await withDeadline('Gmail', call.timeoutMs + GRACE_MS, sent);
    } catch (error) {
      throw new Passing('unreachable', reasonOf(error));
    } finally {
      this.#signal.removeEventListener('abort', stopped);
      stop.abort();
    }
  }

  #url({ path, query }: Call<unknown>): string {
    const search = query?.size ? `?${query.toString()}` : '';
    return `${this.#login.endpoints.gmail.replace(/\/+$/, '')}/gmail/v1/users/me/${path}${search}`;
  }

  /** Requests whose token was rejected together renew it once. */
  async #renewed(rejected: string): Promise<string> {
    const current = await this.#token(false);
    if (current !== rejected) return current;
    this.#renewing ??= this.#token(true).finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  /** Whoever is asked for it may take half a minute: nobody who was stopped waits for that. */
  async #token(afterRejection: boolean): Promise<string> {
    try {
      return await unlessAborted(this.#login.token(afterRejection), this.#signal);
    } catch (error) {
      if (!(error instanceof GmailFault)) throw error;
      throw new GmailFault(error.kind, error.message, { cause: error.cause, isOfToken: true });
    }
  }

  #rejected(): GmailFault {
    return new GmailFault(
      'login',
      `Gmail does not accept the login of ${named(this.#login)}: its access was revoked, or belongs to something else. ` +
        'Open the credential in n8n and connect it again.',
    );
  }

  #refused(call: Call<unknown>, said: string): GmailFault {
    return new GmailFault(
      'refused',
      `Gmail refused ${call.doing} in ${this.#login.address}: ${said ? `"${said}"` : 'it is not there'}.`,
    );
  }

  #givenUp(call: Call<unknown>, failed: Passing, tries: number): GmailFault {
    // Of a quota only its owner is told.
    const address = failed.isLimited ? named(this.#login) : this.#login.address;
    if (failed.fault) return failed.fault;
    if (failed.todo !== '')
      return new GmailFault(
        'forbidden',
        `Gmail does not allow ${call.doing} in ${named(this.#login)}: ${failed.what}. ${failed.todo}`,
        { mayPass: true },
      );
    return failed.kind === 'busy'
      ? new GmailFault(
          'busy',
          `Gmail does not do ${call.doing} for ${address} just now, after ${tries} ${tries === 1 ? 'try' : 'tries'}: ${failed.what}. ` +
            'It is tried again later.',
          { isOfQuota: failed.isLimited },
        )
      : new GmailFault(
          'unreachable',
          `Gmail did not answer for ${address}, after ${tries} ${tries === 1 ? 'try' : 'tries'}: ${failed.what}. ` +
            `Check that this machine reaches ${this.#login.endpoints.gmail}. It is tried again later.`,
        );
  }

  #told(error: unknown): unknown {
    if (!(error instanceof QuotaPaused)) return error;
    const minutes = Math.ceil(error.forMs / 60_000);
    return new GmailFault(
      'busy',
      `Gmail wants no requests for ${named(this.#login)} for ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}: ` +
        'the quota is used up. It goes on by itself; if it happens often, other apps use the same Google Cloud project.',
      { isOfQuota: true },
    );
  }
}

/** @returns null: it does not pass by itself */
function passing(error: unknown): Passing | null {
  if (error instanceof Passing) return error;
  if (!(error instanceof GmailFault)) return null;
  return error.kind === 'busy' || error.kind === 'unreachable'
    ? new Passing(error.kind, error.message, null, false, error)
    : null;
}

/** Why there was no answer. The error itself may hold the request, and with it the token. */
function reasonOf(error: unknown): string {
  const { code, message, cause } = error as { code?: unknown; message?: unknown; cause?: unknown };
  const inner = (cause as { code?: unknown } | undefined)?.code;
  const known = [code, inner].find((one) => typeof one === 'string' && /^[A-Z_]+$/.test(one));
  const words = typeof message === 'string' ? shortly(message) : 'the connection broke';
  return typeof known === 'string' && !words.includes(known) ? `${words} (${known})` : words;
}
