// The notices of one account that were pulled: those that come while its news are being recorded wait, and are one
// notice together. Invariant: acknowledged is only what came before a reading that was recorded; what is not, Pub/Sub
// delivers again.
import { backoffDelay, type BackoffRange } from '../../runtime/backoff';
import { errorText, type Log } from '../../runtime/log';
import { monotonicNow, pause } from '../../runtime/time';

export interface NoticeTimes {
  /** How long a message is held before Pub/Sub is asked for more time: its own deadline is 10 s or longer. */
  readonly extendAfterMs: number;
  readonly extendEveryMs: number;
  readonly extendForMs: number;
  /** A message is held no longer than this. */
  readonly extendMostMs: number;
  /** Between two notices, the first of which could not be recorded. */
  readonly noticeRetry: BackoffRange;
}

/** Where the messages came from. */
export interface Origin {
  acknowledge(ackIds: readonly string[]): Promise<void>;
  extend(ackIds: readonly string[], forMs: number): Promise<void>;
}

interface Held {
  readonly ackId: string;
  readonly origin: Origin;
  readonly since: number;
  extendAt: number;
}

/** Beyond this, messages are left to be delivered again. */
const MOST_HELD = 1_000;

export class AccountNotices {
  readonly #log: Log;
  readonly #times: NoticeTimes;
  readonly #listeners = new Set<() => Promise<void>>();
  readonly #ended = new AbortController();
  #waiting: Held[] = [];
  #beingRecorded: readonly Held[] = [];
  #running = false;
  #failures = 0;

  constructor(log: Log, times: NoticeTimes) {
    this.#log = log;
    this.#times = times;
  }

  /** @returns whether anybody is left who listens to the account */
  remove(onNotice: () => Promise<void>): boolean {
    this.#listeners.delete(onNotice);
    if (this.#listeners.size === 0) this.#ended.abort();
    return this.#listeners.size > 0;
  }

  add(onNotice: () => Promise<void>): void {
    this.#listeners.add(onNotice);
  }

  /** @param origin over which they came: its login may read the subscription */
  take(ackIds: readonly string[], origin: Origin): void {
    const since = monotonicNow();
    const extendAt = since + this.#times.extendAfterMs;
    const room = Math.max(0, MOST_HELD - this.#waiting.length);
    this.#waiting.push(...ackIds.slice(0, room).map((ackId) => ({ ackId, origin, since, extendAt })));
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    const extending = setInterval(
      () => void this.#extend(),
      Math.min(this.#times.extendAfterMs, this.#times.extendEveryMs) / 2,
    );
    extending.unref();
    while (this.#waiting.length > 0 && this.#listeners.size > 0) {
      this.#beingRecorded = this.#waiting;
      this.#waiting = [];
      await this.#notice(this.#beingRecorded);
      this.#beingRecorded = [];
    }
    clearInterval(extending);
    this.#waiting = [];
    this.#running = false;
  }

  async #notice(held: readonly Held[]): Promise<void> {
    try {
      await Promise.all([...this.#listeners].map(async (onNotice) => onNotice()));
    } catch (error) {
      this.#failures++;
      this.#log.debug(`News could not be read; their notice will be delivered again: ${errorText(error)}`);
      this.#beingRecorded = [];
      await pause(backoffDelay(this.#failures, this.#times.noticeRetry), this.#ended.signal);
      return;
    }
    this.#failures = 0;
    // Not waited for: it must not hold up what comes next.
    for (const [origin, ackIds] of byOrigin(held)) void this.#acknowledge(origin, ackIds);
  }

  async #acknowledge(origin: Origin, ackIds: readonly string[]): Promise<void> {
    try {
      await origin.acknowledge(ackIds);
    } catch (error) {
      this.#log.debug(`Notices could not be acknowledged; they will be delivered again: ${errorText(error)}`);
    }
  }

  async #extend(): Promise<void> {
    const now = monotonicNow();
    const due = [...this.#beingRecorded, ...this.#waiting].filter(
      ({ since, extendAt }) => extendAt <= now && now - since < this.#times.extendMostMs,
    );
    for (const held of due) held.extendAt = now + this.#times.extendEveryMs;
    for (const [origin, ackIds] of byOrigin(due)) {
      try {
        await origin.extend(ackIds, this.#times.extendForMs);
      } catch (error) {
        this.#log.debug(`More time for notices was not given; they may come twice: ${errorText(error)}`);
      }
    }
  }
}

function byOrigin(held: readonly Held[]): Map<Origin, string[]> {
  const found = new Map<Origin, string[]>();
  for (const { origin, ackId } of held) {
    const ackIds = found.get(origin) ?? [];
    found.set(origin, ackIds);
    ackIds.push(ackId);
  }
  return found;
}
