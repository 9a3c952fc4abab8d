// By whose logins the account is reached: the triggers that share it may each have a credential of their own.
// Invariants: who now signs in to another account is told to move, and nothing is read for them any more; what concerns
// one credential counts for that credential (logins.ts); what a workflow asked for is done with its own login first.
import { monotonicNow, unlessAborted } from '../runtime/time';
import type { Subscriber } from '../source/source';
import { askingInTurn } from './in-turn';
import type { PolledLogin, PolledSubscriber, PolledTypes, Reached, Reaching } from './kind';
import { type Candidate, Logins } from './logins';
import type { PolledTimes } from './pace';

interface Read<K extends PolledTypes> {
  readonly subscriber: PolledSubscriber<K>;
  readonly login: K['login'];
}

export class Reach<K extends PolledTypes> {
  readonly #address: string;
  readonly #reaching: Reaching<K>;
  readonly #logins: Logins<K>;
  readonly #seen = new WeakSet<PolledSubscriber<K>>();
  #server: string | null = null;
  /** By which credential a subscription was last reached. */
  readonly #keys = new Map<number, string>();
  /** What was stored as the login of those that are refused, when it was looked at last. */
  readonly #stored = new WeakMap<PolledSubscriber<K>, string>();

  /**
   * @param name the account, for people, to go after "the"
   * @param tell runs what tells a person; what it throws stops nothing
   */
  constructor(
    address: string,
    name: string,
    reaching: Reaching<K>,
    times: PolledTimes,
    tell: (tell: () => void) => void,
  ) {
    this.#address = address;
    this.#reaching = reaching;
    const asksFor: Reaching<K>['asksFor'] = (subscriber, purpose) => reaching.asksFor(subscriber, purpose);
    this.#logins = new Logins(name, asksFor, times, tell);
  }

  /** Names the server that was asked last; null: none was. */
  get server(): string | null {
    return this.#server;
  }

  /**
   * The account over the logins as they are stored now: an edit of a credential restarts nothing.
   * @returns undefined: everybody has moved to another account @throws AccountFault of all logins: none can be read
   */
  async account(
    subscribers: readonly PolledSubscriber<K>[],
    signal: AbortSignal,
  ): Promise<Reached<K> | undefined> {
    const askedAt = monotonicNow();
    const read: Read<K>[] = [];
    const here: PolledSubscriber<K>[] = [];
    const unread: {
      readonly subscriber: PolledSubscriber<K>;
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
    if (read.length > 0) return this.#reached(this.#candidatesOf(read, signal), here);
    if (unread.length > 0) throw this.#reaching.allRefused(unread[0]!.error);
    return undefined;
  }

  /** Until a login that is refused may be asked again, ms; null: none is. */
  dueInMs(subscribers: readonly PolledSubscriber<K>[]): number | null {
    return this.#logins.dueInMs(
      subscribers.flatMap((one) => this.#keysOf(one)),
      'read',
    );
  }

  /** A person wants them tried again, whatever was refused before. */
  askAgain(subscribers: readonly PolledSubscriber<K>[]): void {
    for (const key of subscribers.flatMap((one) => this.#keysOf(one))) this.#logins.askAgain(key);
  }

  /** Whether another login is stored for one of them than when this was asked last. Asks nobody but n8n. */
  async isStoredAnew(subscribers: readonly PolledSubscriber<K>[]): Promise<boolean> {
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
  async #login(subscriber: PolledSubscriber<K>): Promise<K['login']> {
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
  #forgiveNew(subscribers: readonly PolledSubscriber<K>[]): void {
    for (const subscriber of subscribers) {
      if (this.#seen.has(subscriber)) continue;
      this.#seen.add(subscriber);
      const key = this.#keys.get(subscriber.subscription.id);
      if (key !== undefined) this.#logins.forgive(key);
    }
  }

  #keysOf(subscriber: PolledSubscriber<K>): string[] {
    const key = this.#keys.get(subscriber.subscription.id);
    return [unreadKey(subscriber), ...(key === undefined ? [] : [key])];
  }

  #reached(candidates: readonly Candidate<K>[], subscribers: readonly PolledSubscriber<K>[]): Reached<K> {
    const over = (asked: readonly Candidate<K>[]): K['api'] =>
      this.#reaching.shared(askingInTurn(asked, this.#logins, (cause) => this.#reaching.allRefused(cause)));
    const { login } = candidates[0]!;
    this.#server = this.#reaching.serverOf(login);
    const keyOf = (subscriptionId: number): string => this.#keys.get(subscriptionId) ?? '';
    return {
      api: over(candidates),
      login,
      server: this.#server,
      subscribers,
      keyOf,
      apiOf: (subscriptionId) => {
        const own = keyOf(subscriptionId);
        const isOwn = ({ key }: Candidate<K>): boolean => key === own;
        const others = candidates.filter((one) => !isOwn(one));
        return over([...candidates.filter(isOwn), ...others]);
      },
    };
  }

  #candidatesOf(read: readonly Read<K>[], signal: AbortSignal): Candidate<K>[] {
    const byKey = new Map<string, Read<K>[]>();
    for (const one of read) {
      const key = keyOf(one.login, one.subscriber);
      byKey.set(key, [...(byKey.get(key) ?? []), one]);
    }
    return [...byKey].map(([key, [first, ...more]]) => ({
      key,
      login: first!.login,
      api: this.#reaching.open(first!.login, key, signal),
      owners: [first!, ...more].map(({ subscriber }) => subscriber),
    }));
  }
}

/** It was refused not long ago, and the same is stored still. */
class KnownRefusal extends Error {
  constructor(override readonly cause: unknown) {
    super('It is not time yet');
  }
}

type Listener = Pick<Subscriber<never, never>, 'subscription' | 'stored'>;

const unreadKey = ({ subscription }: Listener): string => `unread ${subscription.id}`;

const keyOf = ({ credential }: PolledLogin, { subscription }: Listener): string =>
  credential ? `credential ${credential.id}` : `subscription ${subscription.id}`;

async function storedNow(subscriber: Listener): Promise<string | undefined> {
  try {
    return await subscriber.stored?.();
  } catch {
    return undefined;
  }
}
