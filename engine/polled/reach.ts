// By whose logins the account is reached: the triggers that share it may each have a credential of their own.
// Invariants: who now signs in to another account is told to move, and nothing is read for them any more; what concerns
// one credential counts for that credential (logins.ts); what a workflow asked for is done with its own login first.
import { monotonicNow, unlessAborted } from '../runtime/time';
import type { GmailApi } from '../gmail/api/api';
import { GmailClient } from '../gmail/api/client';
import type { GmailLogin } from '../gmail/api/login';
import type { QuotaBucket } from '../http/quota';
import { quotaOf } from '../gmail/api/quota';
import type { GmailSubscriber } from '../gmail/watch/subscriber';
import { type Candidate, Logins } from './logins';
import type { GmailTimes } from './pace';
import { AllRefused, sharedApi } from '../gmail/watch/shared-api';

export interface Reached {
  /** Over any login that works. */
  readonly api: GmailApi;
  /** The first of them: how requests go out. */
  readonly login: GmailLogin;
  /** Those who are still on this account. */
  readonly subscribers: readonly GmailSubscriber[];
  /** Over the subscription's own login, as long as that is not refused. */
  readonly apiOf: (subscriptionId: number) => GmailApi;
  /** Names the subscription's own login. */
  readonly keyOf: (subscriptionId: number) => string;
}

interface Read {
  readonly subscriber: GmailSubscriber;
  readonly login: GmailLogin;
}

export class Reach {
  readonly #address: string;
  readonly #logins: Logins;
  readonly #seen = new WeakSet<GmailSubscriber>();
  /** By which credential a subscription was last reached. */
  readonly #keys = new Map<number, string>();
  /** What was stored as the login of those that are refused, when it was looked at last. */
  readonly #stored = new WeakMap<GmailSubscriber, string>();

  /** @param tell runs what tells a person; what it throws stops nothing */
  constructor(address: string, times: GmailTimes, tell: (tell: () => void) => void) {
    this.#address = address;
    this.#logins = new Logins(address, times, tell);
  }

  /**
   * The account over the logins as they are stored now: an edit of a credential restarts nothing.
   * @returns undefined: everybody has moved to another account @throws AllRefused: no login can be read
   */
  async account(subscribers: readonly GmailSubscriber[], signal: AbortSignal): Promise<Reached | undefined> {
    const askedAt = monotonicNow();
    const read: Read[] = [];
    const here: GmailSubscriber[] = [];
    const unread: {
      readonly subscriber: GmailSubscriber;
      readonly error: unknown;
      readonly isNews: boolean;
    }[] = [];
    // All at once: one that takes its time is waited for once, not once for each trigger.
    const answers = await unlessAborted(
      Promise.allSettled(subscribers.map(async (subscriber) => this.#login(subscriber))),
      signal,
    );
    for (const [index, subscriber] of subscribers.entries()) {
      const answer = answers[index]!;
      if (answer.status === 'rejected') {
        here.push(subscriber);
        const error: unknown = answer.reason;
        const isKnown = error instanceof KnownRefusal;
        const isNews = !isKnown && this.#logins.refused(unreadKey(subscriber), 'read', error, askedAt);
        unread.push({ subscriber, error: isKnown ? error.cause : error, isNews });
      } else if (answer.value.address === this.#address) {
        here.push(subscriber);
        read.push({ subscriber, login: answer.value });
        this.#logins.forgive(unreadKey(subscriber));
        this.#keys.set(subscriber.subscription.id, keyOf(answer.value, subscriber));
      } else {
        subscriber.moved();
      }
    }
    this.#forgiveNew(here);
    for (const { subscriber, error, isNews } of unread)
      if (isNews) this.#logins.tellOwners([subscriber], error, read.length > 0);
    if (read.length > 0) return this.#reached(candidatesOf(read, signal), here);
    if (unread.length > 0) throw new AllRefused(unread[0]!.error);
    return undefined;
  }

  /** Until a login that is refused may be asked again, ms; null: none is. */
  dueInMs(subscribers: readonly GmailSubscriber[]): number | null {
    return this.#logins.dueInMs(
      subscribers.flatMap((one) => this.#keysOf(one)),
      'read',
    );
  }

  /** Whether another login is stored for one of them than when this was asked last. Asks nobody but n8n. */
  async isStoredAnew(subscribers: readonly GmailSubscriber[]): Promise<boolean> {
    const changed = await Promise.all(
      subscribers.map(async (subscriber) => {
        const before = this.#stored.get(subscriber);
        const now = await storedNow(subscriber);
        if (now === undefined) return false;
        this.#stored.set(subscriber, now);
        if (before === undefined || before === now) return false;
        for (const key of this.#keysOf(subscriber)) this.#logins.forgive(key);
        return true;
      }),
    );
    return changed.includes(true);
  }

  /** One that could not be had is asked for again when it is time, or when another is stored. */
  async #login(subscriber: GmailSubscriber): Promise<GmailLogin> {
    const known = this.#logins.refusal(unreadKey(subscriber), 'read');
    const isNew = !this.#seen.has(subscriber);
    if (known && !isNew && !(await this.isStoredAnew([subscriber]))) throw new KnownRefusal(known.error);
    try {
      return await subscriber.login();
    } catch (error) {
      const stored = await storedNow(subscriber);
      if (stored !== undefined) this.#stored.set(subscriber, stored);
      throw error;
    }
  }

  /** Publishing a trigger anew tries its login at once. */
  #forgiveNew(subscribers: readonly GmailSubscriber[]): void {
    for (const subscriber of subscribers) {
      if (this.#seen.has(subscriber)) continue;
      this.#seen.add(subscriber);
      const key = this.#keys.get(subscriber.subscription.id);
      if (key !== undefined) this.#logins.forgive(key);
    }
  }

  #keysOf(subscriber: GmailSubscriber): string[] {
    const key = this.#keys.get(subscriber.subscription.id);
    return [unreadKey(subscriber), ...(key === undefined ? [] : [key])];
  }

  #reached(candidates: readonly Candidate[], subscribers: readonly GmailSubscriber[]): Reached {
    const keyOf = (subscriptionId: number): string => this.#keys.get(subscriptionId) ?? '';
    return {
      api: sharedApi(candidates, this.#logins),
      login: candidates[0]!.login,
      subscribers,
      keyOf,
      apiOf: (subscriptionId) => {
        const own = keyOf(subscriptionId);
        const isOwn = ({ key }: Candidate): boolean => key === own;
        const others = candidates.filter((one) => !isOwn(one));
        return sharedApi([...candidates.filter(isOwn), ...others], this.#logins);
      },
    };
  }
}

/** It was refused not long ago, and the same is stored still. */
class KnownRefusal extends Error {
  constructor(override readonly cause: unknown) {
    super('It is not time yet');
  }
}

const unreadKey = ({ subscription }: GmailSubscriber): string => `unread ${subscription.id}`;

const keyOf = ({ credential }: GmailLogin, { subscription }: GmailSubscriber): string =>
  credential ? `credential ${credential.id}` : `subscription ${subscription.id}`;

function candidatesOf(read: readonly Read[], signal: AbortSignal): Candidate[] {
  const byKey = new Map<string, Read[]>();
  for (const one of read) {
    const key = keyOf(one.login, one.subscriber);
    byKey.set(key, [...(byKey.get(key) ?? []), one]);
  }
  return [...byKey].map(([key, [first, ...more]]) => ({
    key,
    login: first!.login,
    api: new GmailClient(first!.login, { signal, quota: quotaFor(key, first!.login) }),
    owners: [first!, ...more].map(({ subscriber }) => subscriber),
  }));
}

const quotaFor = (key: string, { endpoints, address, quota, credential }: GmailLogin): QuotaBucket =>
  quotaOf(endpoints.gmail, address, quota, credential?.id ?? key);

async function storedNow(subscriber: GmailSubscriber): Promise<string | undefined> {
  try {
    return await subscriber.stored?.();
  } catch {
    return undefined;
  }
}
