// How many mails are in which state, told live after something became so.
// Invariants: at most once in EVERY_MS, and never for more than a twentieth of the ledger's time; not at all while nobody
// asks for it.
import type { Looks } from '../ledger/inspection';
import { Bell } from '../runtime/bell';
import { errorText, type Log } from '../runtime/log';
import { type Audience, toEach } from './audience';
import type { FeedTimes } from './client';
import type { FeedStats } from './feed-event';
import { bufferOf, statsFrame } from './frames';
import type { Listener } from './listener';

const EVERY_MS = 1_000;
/** So many times as long as it took to count it is not counted again. */
const REST = 20;
const AFTER_FAULT_MS = 10_000;
const REST_MS = 60_000;

export interface StatisticsPorts {
  readonly ledger: Pick<Looks, 'statistics'>;
  readonly audience: Audience;
  readonly log: Log;
  readonly times: FeedTimes;
}

export class Statistics {
  readonly #ports: StatisticsPorts;
  readonly #signal: AbortSignal;
  readonly #bell: Bell<'news'>;

  constructor(ports: StatisticsPorts, signal: AbortSignal) {
    this.#ports = ports;
    this.#signal = signal;
    this.#bell = new Bell(ports.times.pause);
  }

  /** Something became so, or somebody has not been told yet. */
  hadNews(): void {
    this.#bell.ring('news');
  }

  /** Until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    const { times, log } = this.#ports;
    while (!this.#signal.aborted) {
      if (!this.#bell.take('news') || this.#asking().length === 0) {
        await this.#bell.wait(REST_MS, ['news'], this.#signal);
        continue;
      }
      const began = times.now();
      let rest = EVERY_MS;
      try {
        await this.#tell();
        rest = Math.max(EVERY_MS, REST * (times.now() - began));
      } catch (error) {
        log.debug(`How many mails are in which state cannot be told: ${errorText(error)}`);
        this.#bell.ring('news');
        rest = AFTER_FAULT_MS;
      }
      await times.pause(rest, this.#signal);
    }
  }

  #asking(): Listener[] {
    return [...this.#ports.audience.live].filter(({ wantsStats }) => wantsStats);
  }

  async #tell(): Promise<void> {
    const counts = await this.#ports.ledger.statistics({});
    const stats: FeedStats = {
      v: 1,
      type: 'stats',
      time: new Date().toISOString(),
      data: {
        waiting: counts.PENDING + counts.QUEUED,
        active: counts.RUNNING,
        completed: counts.DONE,
        failed: counts.DEAD + counts.GONE + counts.UNKNOWN,
        delayed: counts.RETRY,
      },
    };
    const frame = bufferOf(statsFrame(stats));
    if (!this.#signal.aborted) await toEach(this.#asking(), (listener) => listener.write(frame));
  }
}
