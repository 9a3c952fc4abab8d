// Keeps Google sending notifications of an account: users.watch at the start, daily, and well before it ends
// (https://developers.google.com/workspace/gmail/api/guides/push). It has no timer: whoever watches the account asks
// when it is due. A renewal that fails costs only speed: the poll goes on underneath.
import { backoffDelay, type BackoffRange } from '../../runtime/backoff';
import { monotonicNow } from '../../runtime/time';
import type { GmailApi } from '../api/api';
import { GmailFault } from '../api/fault';

/** A subscriber who wants to be notified over a topic. */
export interface TopicWish {
  readonly subscriptionId: number;
  /** projects/P/topics/T */
  readonly topic: string;
  /** When it was registered, ms since 1970. */
  readonly joinedAt: number;
  /** Tells a person. */
  readonly warn: (fault: Error) => void;
}

export interface RenewalListener {
  /** Until when Google sends notifications, ms since 1970; null: it does not, or not any more. */
  onUntil(until: number | null): void;
  /**
   * The renewal fails, in words for a person: told once for each outage; at once where a person has to act, after
   * the third time where it may pass. Told once more when the notifications have ended because of it.
   */
  onFault(fault: GmailFault): void;
  /** The last `onStop`, also of before a restart; null: there was none. Never rejects. */
  lastStop(): Promise<TopicStop | null>;
  /** Another topic is stopped for this one. Never rejects. */
  onStop(stop: TopicStop): Promise<void>;
}

/** When notifications to another topic were ended for the sake of this one. */
export interface TopicStop {
  readonly topic: string;
  /** The time of day, ms since 1970. */
  readonly at: number;
}

export interface RenewalTimes {
  readonly everyMs: number;
  readonly retry: BackoffRange;
  /** The time of day, ms since 1970. */
  readonly now: () => number;
}

const TIMES: RenewalTimes = {
  everyMs: 24 * 60 * 60_000,
  retry: { firstMs: 60_000, mostMs: 60 * 60_000 },
  now: Date.now,
};

const PASSES_MOST_TIMES = 2;
/** Two programs that want the account for a topic each would otherwise take it from one another without end. */
const STOP_EVERY_MS = 6 * 60 * 60_000;
const PUBLISHER = 'gmail-api-push@system.gserviceaccount.com';

export class WatchRenewal {
  readonly #address: string;
  readonly #listener: RenewalListener;
  readonly #times: RenewalTimes;
  #topic: string | null = null;
  /** When it is due, by the monotonic clock; and by the time of day, as a machine that slept needs it. */
  #dueAt = 0;
  #dueTime = Infinity;
  #until: number | null = null;
  #failures = 0;
  #told = false;
  /** Whose topic is not the one used, by subscription: told once. */
  readonly #warned = new Map<number, string>();

  constructor(address: string, listener: RenewalListener, times: Partial<RenewalTimes> = {}) {
    this.#address = address;
    this.#listener = listener;
    this.#times = { ...TIMES, ...times };
  }

  /** Until when Google sends notifications, ms since 1970; null: it does not. */
  get until(): number | null {
    return this.#until !== null && this.#until > this.#times.now() ? this.#until : null;
  }

  /**
   * Who wants notifications now; cheap, to be called before `dueInMs`. An account has one topic: that of the newest
   * wish is taken, the others are warned.
   */
  want(wishes: readonly TopicWish[]): void {
    const newest = wishes.reduce<TopicWish | null>(
      (best, wish) => (best && best.joinedAt > wish.joinedAt ? best : wish),
      null,
    );
    this.#warnOthers(wishes, newest);
    const topic = newest?.topic ?? null;
    if (topic === this.#topic) return;
    this.#topic = topic;
    this.#dueAt = 0;
    this.#failures = 0;
    this.#told = false;
    // What Google may still send goes over another topic.
    this.#setUntil(null);
  }

  /** How long until `renew` is to be called, ms; 0: now; Infinity: never, as long as nobody wants it. */
  dueInMs(): number {
    if (this.#topic === null) return Infinity;
    return Math.max(0, Math.min(this.#dueAt - monotonicNow(), this.#dueTime - this.#times.now()));
  }

  /** Renews the watch. Never rejects: what goes wrong is told, and tried again. */
  async renew(api: Pick<GmailApi, 'watch' | 'stop'>): Promise<void> {
    const topic = this.#topic;
    if (topic === null) return;
    try {
      const { expiration } = await this.#watch(api, topic);
      if (topic === this.#topic) this.#renewed(expiration);
    } catch (error) {
      if (topic === this.#topic) this.#failed(topic, error);
    }
  }

  /** Where the notifications go to another topic, Google wants them stopped first. */
  async #watch(
    api: Pick<GmailApi, 'watch' | 'stop'>,
    topic: string,
  ): Promise<{ readonly expiration: number }> {
    try {
      return await api.watch(topic);
    } catch (error) {
      const isOther = error instanceof GmailFault && error.isOfOtherTopic;
      // What Google sends goes there, however long this watch was to last.
      if (isOther && topic === this.#topic) this.#setUntil(null);
      if (!isOther || (await this.#hasStopped(topic))) throw error;
      await this.#listener.onStop({ topic, at: this.#times.now() });
      await api.stop();
      return await api.watch(topic);
    }
  }

  /** Not long ago, for this topic: a person who chose another one does not wait. */
  async #hasStopped(topic: string): Promise<boolean> {
    const last = await this.#listener.lastStop();
    if (last === null || last.topic !== topic) return false;
    const agoMs = this.#times.now() - last.at;
    return agoMs >= 0 && agoMs < STOP_EVERY_MS;
  }

  #renewed(until: number): void {
    this.#failures = 0;
    this.#told = false;
    // Half of what is left, where Google gives less than two days; never in a loop, though clocks may differ.
    const left = until - this.#times.now();
    const inMs = Math.max(Math.min(this.#times.everyMs, left / 2), this.#times.retry.firstMs);
    this.#due(inMs);
    this.#setUntil(until);
  }

  #failed(topic: string, error: unknown): void {
    this.#failures++;
    this.#due(backoffDelay(this.#failures, this.#times.retry));
    const ended = this.#until !== null && this.#until <= this.#times.now();
    if (ended) this.#setUntil(null);
    const fault = this.#inWords(topic, error, ended);
    const mayPass = error instanceof GmailFault && error.mayPass;
    const passes = mayPass || fault.kind === 'busy' || fault.kind === 'unreachable';
    if (!ended && (this.#told || (passes && this.#failures <= PASSES_MOST_TIMES))) return;
    this.#told = true;
    this.#listener.onFault(fault);
  }

  #due(inMs: number): void {
    this.#dueAt = monotonicNow() + inMs;
    this.#dueTime = this.#times.now() + inMs;
  }

  #setUntil(until: number | null): void {
    if (until === this.#until) return;
    this.#until = until;
    this.#listener.onUntil(until);
  }

  #warnOthers(wishes: readonly TopicWish[], newest: TopicWish | null): void {
    const present = new Set(wishes.map(({ subscriptionId }) => subscriptionId));
    for (const id of this.#warned.keys()) if (!present.has(id)) this.#warned.delete(id);
    for (const { subscriptionId, topic, joinedAt, warn } of wishes) {
      if (newest === null || topic === newest.topic) {
        this.#warned.delete(subscriptionId);
        continue;
      }
      const matter = `${joinedAt} ${topic} ${newest.topic}`;
      if (this.#warned.get(subscriptionId) === matter) continue;
      this.#warned.set(subscriptionId, matter);
      warn(
        new GmailFault(
          'refused',
          `Google notifies ${this.#address} over one topic only, and another trigger named ${newest.topic} after this ` +
            `one had named ${topic}. This trigger finds its mail by polling. Give both the same topic.`,
        ),
      );
    }
  }

  #inWords(topic: string, cause: unknown, ended: boolean): GmailFault {
    const kind = cause instanceof GmailFault ? cause.kind : 'unreachable';
    const what = ended
      ? `Google sends no more notifications of ${this.#address} over ${topic}, because the watch could not be renewed`
      : `The notifications of ${this.#address} over ${topic} could not be set up or renewed`;
    const reason = cause instanceof Error ? ` ${cause.message}` : '';
    const isOther = cause instanceof GmailFault && cause.isOfOtherTopic;
    const todo = isOther ? OTHER_PROGRAM : (WHAT_TO_DO[kind] ?? '');
    return new GmailFault(
      kind,
      `${what}.${reason} ${todo} Until then, mail is found by polling.`.replace(/ {2,}/g, ' '),
      { cause },
    );
  }
}

const CHECK_TOPIC =
  `Check that the topic exists in the same Google Cloud project as the credential's OAuth client or service account, ` +
  `and give ${PUBLISHER} the role "Pub/Sub Publisher" on it.`;

const OTHER_PROGRAM =
  'Another program asks for notifications of this account over another topic: give both the same one, or end the other.';

const WHAT_TO_DO: Partial<Record<GmailFault['kind'], string>> = {
  forbidden: CHECK_TOPIC,
  refused: CHECK_TOPIC,
  expired: CHECK_TOPIC,
  busy: 'It is tried again.',
  unreachable: 'It is tried again.',
};
