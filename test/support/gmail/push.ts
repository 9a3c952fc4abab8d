// Pub/Sub's push: notifications sent to a webhook with a token that Google signs, and the forgeries of it.
// https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
import { randomUUID } from 'node:crypto';
import {
  type Claims,
  hmacToken,
  type KeyPair,
  makeKeyPair,
  publicJwk,
  signToken,
  unsignedToken,
} from './jwt';
import { type Answer, json } from './http';

export interface PushTarget {
  readonly endpoint: string;
  /** Of the token; the endpoint by default. */
  readonly audience?: string;
  readonly serviceAccount: string;
}

/** What is wrong with a token. */
export const FORGERIES = [
  'unknownKey',
  'foreignKeyUnderKnownId',
  'algNone',
  'hs256',
  'expired',
  'notYet',
  'audience',
  'issuer',
  'email',
  'unverified',
] as const;

export type Forgery = (typeof FORGERIES)[number];

export interface SentPush {
  /** Ms since 1970. */
  readonly at: number;
  readonly messageId: string;
  /** 0: there was no answer. */
  readonly status: number;
}

interface Notice {
  readonly id: string;
  readonly data: string;
  readonly publishTime: string;
}

const GOOD: readonly number[] = [102, 200, 201, 202, 204];
const HOUR_S = 3600;

export class Push {
  // Made when they are first needed: that takes a while.
  #keys: readonly KeyPair[] = [];
  #foreign: KeyPair | undefined;
  #rotations = 0;
  readonly #closing = new AbortController();
  /** Every attempt that was made. */
  readonly sent: SentPush[] = [];
  /** Ms before what was not acknowledged comes again. */
  againMs = 200;
  /** Seconds that the certificates may be kept. */
  maxAge = 20_000;
  /** How often the certificates were read. */
  certificatesRead = 0;

  /** Signs with a new key from now on; the old one is still shown when `keepOld` is set. */
  rotateKeys(keepOld = false): void {
    const fresh = makeKeyPair(`google-${++this.#rotations}`);
    this.#keys = keepOld ? [fresh, ...this.#keys] : [fresh];
  }

  #current(): readonly [KeyPair, ...KeyPair[]] {
    if (this.#keys.length === 0) this.rotateKeys();
    return this.#keys as [KeyPair, ...KeyPair[]];
  }

  certificates(): Answer {
    this.certificatesRead++;
    return json({ keys: this.#current().map(publicJwk) }, 200, {
      'cache-control': `public, max-age=${this.maxAge}, must-revalidate, no-transform`,
    });
  }

  /** A token for a push, good or forged. */
  token({ endpoint, audience = endpoint, serviceAccount }: PushTarget, forgery?: Forgery): string {
    const now = Math.floor(Date.now() / 1000);
    const [key] = this.#current();
    const foreign = (): KeyPair => (this.#foreign ??= makeKeyPair('foreign'));
    const claims: Claims = {
      aud: forgery === 'audience' ? 'https://somewhere.example' : audience,
      azp: '104176025330667568672',
      email: forgery === 'email' ? 'mallory@project.iam.gserviceaccount.com' : serviceAccount,
      email_verified: forgery !== 'unverified',
      exp: forgery === 'expired' ? now - HOUR_S : now + (forgery === 'notYet' ? 2 : 1) * HOUR_S,
      iat: forgery === 'expired' ? now - 2 * HOUR_S : forgery === 'notYet' ? now + HOUR_S : now,
      iss: forgery === 'issuer' ? 'https://accounts.example.com' : 'https://accounts.google.com',
      sub: '104176025330667568672',
    };
    if (forgery === 'algNone') return unsignedToken(claims);
    if (forgery === 'hs256') return hmacToken(claims, key);
    if (forgery === 'unknownKey') return signToken(claims, foreign());
    if (forgery === 'foreignKeyUnderKnownId') return signToken(claims, { ...foreign(), id: key.id });
    return signToken(claims, key);
  }

  /** The body of a push. */
  body(subscription: string, { id, data, publishTime }: Notice): string {
    const message = { data, messageId: id, message_id: id, publishTime, publish_time: publishTime };
    return JSON.stringify({ message, subscription });
  }

  /** One push, once, with a token that is good or forged. @returns the status of the answer */
  async post(
    target: PushTarget,
    address: string,
    historyId: string,
    forgery?: Forgery,
    subscription = 'projects/project/subscriptions/mail',
  ): Promise<number> {
    const data = notificationData(address, historyId);
    const notice = { id: randomUUID(), data, publishTime: new Date().toISOString() };
    const answer = await this.#post(target, subscription, notice, this.token(target, forgery));
    return answer.status;
  }

  /** Until it is acknowledged. */
  send(target: PushTarget, subscription: string, notice: Notice): void {
    void this.#attempt(target, subscription, notice);
  }

  close(): void {
    this.#closing.abort();
  }

  async #attempt(target: PushTarget, subscription: string, notice: Notice): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      let status = 0;
      try {
        ({ status } = await this.#post(target, subscription, notice, this.token(target)));
      } catch {
        // Nobody answered; it comes again.
      }
      this.sent.push({ at: Date.now(), messageId: notice.id, status });
      if (GOOD.includes(status)) return;
      await new Promise((resolve) => setTimeout(resolve, this.againMs));
    }
  }

  async #post(target: PushTarget, subscription: string, notice: Notice, token: string): Promise<Response> {
    const answer = await fetch(target.endpoint, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: this.body(subscription, notice),
      signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(10_000)]),
    });
    await answer.arrayBuffer();
    return answer;
  }
}

/** What a notification carries; in it the id is a number. */
export const notificationData = (address: string, historyId: string): string =>
  Buffer.from(`{"emailAddress":${JSON.stringify(address)},"historyId":${historyId}}`).toString('base64');
