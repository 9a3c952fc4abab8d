// The public keys that Google signs its tokens with, as a JSON Web Key Set (RFC 7517), kept for as long as Google
// says. Invariant: forged tokens cannot make many requests of this; a key that Google no longer names is not used.
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { errorText } from '../../runtime/log';
import { monotonicNow } from '../../runtime/time';
import type { SendHttp } from '../../http/send';

/** Google could not be asked, so nobody knows yet whether a token is good: to be tried again. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

const TIMEOUT_MS = 10_000;
const SECOND_MS = 1_000;
/** Between two requests for a key that is not among those known. */
const UNKNOWN_KEY_MS = 60_000;
/** Between two requests, the first of which failed. */
const FAILED_MS = 2_000;
const KEPT_MS = { default: 5 * 60_000, least: 60_000, most: 24 * 60 * 60_000 };
const LEAST_BITS = 2_048;

export class GoogleKeys {
  readonly #send: SendHttp;
  readonly #url: string;
  readonly #now: () => number;
  #keys: ReadonlyMap<string, KeyObject> = new Map();
  #goodUntil = -Infinity;
  #asked = -Infinity;
  #failed: { readonly at: number; readonly error: KeysUnavailable } | undefined;
  #asking: Promise<void> | undefined;

  /** @param now a clock in ms, of which only differences count */
  constructor(send: SendHttp, url: string, now: () => number = monotonicNow) {
    this.#send = send;
    this.#url = url;
    this.#now = now;
  }

  /** @returns undefined: Google has no such key @throws KeysUnavailable */
  async find(id: string): Promise<KeyObject | undefined> {
    if (this.#now() >= this.#goodUntil) await this.#refresh();
    else if (!this.#keys.has(id) && this.#now() - this.#asked >= UNKNOWN_KEY_MS) await this.#refresh();
    return this.#keys.get(id);
  }

  #refresh(): Promise<void> {
    if (this.#failed && this.#now() - this.#failed.at < FAILED_MS) return Promise.reject(this.#failed.error);
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async #ask(): Promise<void> {
    this.#asked = this.#now();
    try {
      const answer = await this.#send({
        method: 'GET',
        url: this.#url,
        headers: { accept: 'application/json' },
        timeoutMs: TIMEOUT_MS,
        signal: new AbortController().signal,
      });
      if (answer.status !== 200) throw new Error(`it answered ${answer.status}`);
      const keys = readKeys(answer.body);
      if (keys.size === 0) throw new Error('there are no keys in the answer');
      this.#keys = keys;
      this.#goodUntil = this.#asked + keptMs(answer.headers);
      this.#failed = undefined;
    } catch (cause) {
      const text = `Google's keys could not be read from ${this.#url}: ${errorText(cause)}`;
      const error = new KeysUnavailable(text, { cause });
      this.#failed = { at: this.#now(), error };
      throw error;
    }
  }
}

/** Keys for RS256 by their ids; others are passed over. @throws SyntaxError */
function readKeys(body: string): Map<string, KeyObject> {
  const { keys } = (JSON.parse(body) ?? {}) as { keys?: unknown };
  const found = new Map<string, KeyObject>();
  for (const each of Array.isArray(keys) ? (keys as unknown[]) : []) {
    const jwk = (each ?? {}) as JsonWebKey;
    if (jwk.kty !== 'RSA' || typeof jwk['kid'] !== 'string') continue;
    if (jwk['alg'] !== undefined && jwk['alg'] !== 'RS256') continue;
    if (jwk['use'] !== undefined && jwk['use'] !== 'sig') continue;
    try {
      const key = createPublicKey({ key: jwk, format: 'jwk' });
      if ((key.asymmetricKeyDetails?.modulusLength ?? 0) >= LEAST_BITS) found.set(jwk['kid'], key);
    } catch {
      // One that nobody can read verifies nothing.
    }
  }
  return found;
}

/** How long the answer counts (RFC 9111), within limits. */
function keptMs(headers: Readonly<Record<string, string>>): number {
  const maxAge = /(?:^|[\s,])max-age="?(\d{1,10})/i.exec(headers['cache-control'] ?? '')?.[1];
  if (maxAge === undefined) return KEPT_MS.default;
  const age = Number(headers['age'] ?? 0) || 0;
  const leftMs = (Number(maxAge) - age) * SECOND_MS;
  return Math.min(Math.max(leftMs, KEPT_MS.least), KEPT_MS.most);
}
