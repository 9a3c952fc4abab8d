// Which way wake-ups go between the processes of a Postgres ledger: by Postgres itself, or where it cannot, by Redis, or not at all.
// It is found out by trying when somebody first sends or waits, and said once.
// Invariants: until it is known, both ways are used: a wake-up that comes twice is one; nothing waits for it to be known; a ledger
// that is away is asked again, and is no reason to choose.
import { backoffDelay } from '../runtime/backoff';
import type { Log } from '../runtime/log';
import { pause } from '../runtime/time';
import type { Channel } from '../signal/shared-wake';

const AGAIN = { firstMs: 1_000, mostMs: 60_000 };
/** What could not notify may be able to by now: a connection that was slow, a PgBouncer that was set up otherwise. */
const LOOK_AGAIN_MS = 10 * 60_000;

export interface WakeUpPorts {
  readonly postgres: Channel;
  /** Null: no Redis is named. */
  readonly redis: Channel | null;
  /** Rejects while the database cannot be asked. */
  readonly canNotify: () => Promise<boolean>;
  readonly log: Log;
}

type Way = 'unknown' | 'postgres' | 'redis' | 'none';

interface Receiver {
  readonly take: (text: string) => void;
  readonly isFeed: boolean;
  readonly stops: Map<Channel, () => void>;
}

export class WakeUps implements Channel {
  readonly #ports: WakeUpPorts;
  readonly #receivers = new Set<Receiver>();
  readonly #closing = new AbortController();
  #way: Way = 'unknown';
  #isAsked = false;

  constructor(ports: WakeUpPorts) {
    this.#ports = ports;
  }

  /** A way that costs little: what is heard here is sent, too, for the feeds of other processes. */
  get tellsAll(): boolean {
    return this.#way === 'redis';
  }

  async send(text: string): Promise<void> {
    this.#find();
    const sent = await Promise.allSettled(this.#channels(false).map((channel) => channel.send(text)));
    const failed = sent.find((one) => one.status === 'rejected');
    if (failed && sent.every((one) => one.status === 'rejected')) throw failed.reason;
  }

  receive(take: (text: string) => void, isFeed = false): () => void {
    this.#find();
    const receiver: Receiver = { take, isFeed, stops: new Map() };
    this.#receivers.add(receiver);
    this.#tune();
    return () => {
      this.#receivers.delete(receiver);
      for (const stop of receiver.stops.values()) stop();
    };
  }

  close(): void {
    this.#closing.abort();
  }

  /** @param isFeed who takes no connection of Postgres for it */
  #channels(isFeed: boolean): Channel[] {
    const { postgres, redis } = this.#ports;
    const used: (Channel | null)[] = [];
    if (!isFeed && ['unknown', 'postgres'].includes(this.#way)) used.push(postgres);
    if (this.#way === 'redis' || (!isFeed && this.#way === 'unknown')) used.push(redis);
    return used.filter((channel) => channel !== null);
  }

  #tune(): void {
    for (const { take, isFeed, stops } of this.#receivers) {
      const wanted = this.#channels(isFeed);
      for (const channel of wanted) if (!stops.has(channel)) stops.set(channel, channel.receive(take));
      for (const [channel, stop] of stops) {
        if (wanted.includes(channel)) continue;
        stops.delete(channel);
        stop();
      }
    }
  }

  #find(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    void this.#findOut(this.#closing.signal);
  }

  async #findOut(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      try {
        const canNotify = await this.#ports.canNotify();
        if (this.#closing.signal.aborted) return;
        this.#choose(canNotify);
        if (canNotify) return;
        failures = 0;
        await pause(LOOK_AGAIN_MS, signal);
      } catch {
        // Whoever needs the ledger says that it is away.
        await pause(backoffDelay(++failures, AGAIN), signal);
      }
    }
  }

  #choose(canNotify: boolean): void {
    const { redis, log } = this.#ports;
    const before = this.#way;
    this.#way = canNotify ? 'postgres' : redis ? 'redis' : 'none';
    if (this.#way === before) return;
    if (this.#way === 'redis') {
      log.info('Postgres cannot notify (PgBouncer in transaction mode?): wake-ups go by Redis');
    } else if (this.#way === 'none') {
      log.warn(
        'Postgres cannot notify (PgBouncer in transaction mode?), and no Redis is named: each process looks by itself. ' +
          'What one process changes for another, as a retry by hand, is seen up to 30 s later. Connect to Postgres ' +
          'directly or by PgBouncer in session mode, or set DURABLE_MAIL_REDIS_URL (docs/redis.md).',
      );
    } else if (before !== 'unknown') log.info('Postgres can notify again: wake-ups go by Postgres');
    this.#tune();
  }
}
