// Google Cloud Pub/Sub, as far as Gmail's notifications go through it: watches, topics, subscriptions with pull or push.
// https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions
import { type Answer, ApiError, json, readJson, readTexts } from './http';
import { notificationData, type Push, type PushTarget } from './push';

export interface WatchRequest {
  readonly topic: string;
  readonly labelIds: readonly string[];
  readonly isExcluding: boolean;
}

interface Watch extends WatchRequest {
  readonly expiration: number;
}

interface Waiting {
  readonly id: string;
  readonly data: string;
  readonly publishTime: string;
  /** Not handed out before; Infinity: it is being pushed. */
  dueAt: number;
  ackId: string | null;
  attempts: number;
}

interface Subscription {
  readonly name: string;
  readonly topic: string;
  readonly push: PushTarget | null;
  readonly messages: Map<string, Waiting>;
  /** Is told when there is something to pull. */
  readonly pullers: Set<() => void>;
}

export interface PubSubSettings {
  /** Ms; a message that was not acknowledged within it comes again. */
  ackDeadlineMs: number;
  /** Ms that a pull waits for a message at the most. */
  pullWaitMs: number;
  /** Ms between two notifications of an account at least; those between are dropped. */
  gapMs: number;
  /** No notification comes any more, and nobody is told. */
  lost: boolean;
  /** Ms that a watch is good for. */
  watchMs: number;
}

const DAY_MS = 24 * 3_600_000;

export class PubSub {
  readonly settings: PubSubSettings = {
    ackDeadlineMs: 10_000,
    pullWaitMs: 3_000,
    gapMs: 1_000,
    lost: false,
    watchMs: 7 * DAY_MS,
  };
  readonly #push: Push;
  readonly #watches = new Map<string, Watch>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #notifiedAt = new Map<string, number>();
  #lastId = 0;
  /** Notifications published, and those dropped because they came too soon. */
  published = 0;
  dropped = 0;
  acknowledged = 0;

  constructor(push: Push) {
    this.#push = push;
  }

  /** @returns when it ends, ms since 1970 */
  watch(address: string, request: WatchRequest): number {
    const expiration = Date.now() + this.settings.watchMs;
    this.#watches.set(address, { ...request, expiration });
    return expiration;
  }

  stop(address: string): void {
    this.#watches.delete(address);
  }

  watched(address: string): Watch | null {
    return this.#watches.get(address) ?? null;
  }

  subscribe(name: string, topic: string, push: PushTarget | null = null): void {
    this.#subscriptions.set(name, { name, topic, push, messages: new Map(), pullers: new Set() });
  }

  /** Something changed in the account. */
  changed(address: string, historyId: bigint, labelIds: readonly string[]): void {
    const watch = this.#watches.get(address);
    if (!watch || watch.expiration <= Date.now() || this.settings.lost) return;
    const isNamed = labelIds.some((id) => watch.labelIds.includes(id));
    if (watch.labelIds.length > 0 && isNamed === watch.isExcluding) return;
    const last = this.#notifiedAt.get(address);
    if (last !== undefined && Date.now() < last + this.settings.gapMs) {
      this.dropped++;
      return;
    }
    this.#notifiedAt.set(address, Date.now());
    this.publish(watch.topic, address, historyId);
  }

  /** Also what no watch asked for. */
  publish(topic: string, address: string, historyId: bigint): void {
    this.published++;
    const data = notificationData(address, String(historyId));
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.topic !== topic) continue;
      const id = String(10_000_000_000 + ++this.#lastId);
      const message = { id, data, publishTime: new Date().toISOString(), dueAt: 0, ackId: null, attempts: 0 };
      if (subscription.push) {
        this.#push.send(subscription.push, subscription.name, message);
        continue;
      }
      subscription.messages.set(id, message);
      for (const tell of subscription.pullers) tell();
    }
  }

  /** Not acknowledged yet. */
  waiting(subscription: string): number {
    return this.#find(subscription).messages.size;
  }

  /** @param gone tells when the client is not there any more */
  async call(name: string, verb: string, body: Buffer, gone: AbortSignal): Promise<Answer> {
    const request = readJson(body);
    const subscription = this.#find(name);
    if (verb === 'pull') return this.#pull(subscription, request, gone);
    const ackIds = readTexts(request, 'ackIds');
    const named = [...subscription.messages.values()].filter(({ ackId }) => ackId && ackIds.includes(ackId));
    for (const message of named) {
      if (verb === 'acknowledge') {
        subscription.messages.delete(message.id);
        this.acknowledged++;
      } else message.dueAt = Date.now() + Number(request.ackDeadlineSeconds) * 1000;
    }
    return json({});
  }

  async #pull(
    subscription: Subscription,
    request: Record<string, unknown>,
    gone: AbortSignal,
  ): Promise<Answer> {
    const most = Number(request.maxMessages);
    if (!(most > 0))
      throw new ApiError(400, 'You have passed an invalid argument to the service (argument=max_messages).');
    const end = request.returnImmediately === true ? 0 : Date.now() + this.settings.pullWaitMs;
    for (;;) {
      const now = Date.now();
      const due = [...subscription.messages.values()].filter(({ dueAt }) => dueAt <= now).slice(0, most);
      if (gone.aborted || (due.length === 0 && now >= end)) return json({});
      if (due.length > 0) return json({ receivedMessages: due.map((message) => this.#handOut(message)) });
      await told(subscription, gone, Math.min(end - now, 100));
    }
  }

  #handOut(message: Waiting): object {
    message.attempts++;
    message.ackId = `ack-${message.id}-${message.attempts}`;
    message.dueAt = Date.now() + this.settings.ackDeadlineMs;
    const { id: messageId, data, publishTime } = message;
    return { ackId: message.ackId, message: { data, messageId, publishTime } };
  }

  #find(name: string): Subscription {
    const found = this.#subscriptions.get(name);
    if (found) return found;
    throw new ApiError(404, `Resource not found (resource=${name.split('/').at(-1)}).`);
  }
}

/** Until there is something, the client is gone, or the time is over. */
function told({ pullers }: Subscription, gone: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      pullers.delete(end);
      gone.removeEventListener('abort', end);
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(end, ms);
    pullers.add(end);
    gone.addEventListener('abort', end);
  });
}
