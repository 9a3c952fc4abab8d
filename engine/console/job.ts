// One action on all that a filter finds, done in the background, page by page.
// Invariants: what the filter finds is gone through once, from the newest that was there when it was asked for downwards: nothing
// that came later is caught, and nothing is done twice, nor to what is in none of the filter's states any more. What was done
// stays done, however it ends.
import { randomUUID } from 'node:crypto';
import type { EventFilter, EventPage } from '../ledger/inspection';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow, pause } from '../runtime/time';
import type { Wake } from '../signal/wake';
import type { ActName, JobTold, MailQuery } from './api';
import type { ConsoleLedger } from './ports';

/** How many are looked at, and acted on, at once. */
export const JOB_PAGE = 200;

export interface JobAsked {
  readonly action: ActName;
  readonly filter: EventFilter;
  /** The same, as it was asked. */
  readonly query: MailQuery;
  readonly by: string;
  /** How many the person was told of. */
  readonly count: number;
}

export interface JobPorts {
  readonly ledger: ConsoleLedger;
  readonly wake: Pick<Wake, 'notify'>;
  readonly log: Log;
  readonly now: () => number;
}

export class Job {
  readonly id: string = randomUUID();
  readonly asked: JobAsked;
  /** Never rejects. */
  readonly ended: Promise<void>;
  readonly #ports: JobPorts;
  readonly #stop = new AbortController();
  readonly #askedAt: number;
  #state: JobTold['state'] = 'running';
  #endedAt: number | null = null;
  #endedMonotonic = Infinity;
  #seen = 0;
  #changed = 0;
  #unserved = 0;
  #error: string | null = null;

  /** @param first what the filter found when it was asked for */
  constructor(asked: JobAsked, first: EventPage, ports: JobPorts) {
    this.asked = asked;
    this.#ports = ports;
    this.#askedAt = ports.now();
    this.ended = this.#run(first);
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** How long ago it ended, ms; negative: it has not. */
  get overFor(): number {
    return monotonicNow() - this.#endedMonotonic;
  }

  /** It ends after the page that it is at. */
  stop(): void {
    this.#stop.abort();
  }

  tell(): JobTold {
    const { action, query, by, count } = this.asked;
    return {
      ...{ id: this.id, action, filter: query, by },
      askedAt: new Date(this.#askedAt).toISOString(),
      endedAt: this.#endedAt === null ? null : new Date(this.#endedAt).toISOString(),
      ...{ state: this.#state, count, seen: this.#seen, changed: this.#changed, unserved: this.#unserved },
      error: this.#error,
    };
  }

  async #run(first: EventPage): Promise<void> {
    const { ledger, log, now } = this.#ports;
    const { signal } = this.#stop;
    const isStopped = (): boolean => signal.aborted;
    try {
      let page = first;
      for (;;) {
        await this.#act(page);
        if (page.next === null) break;
        // Others have their turn.
        await pause(0, signal);
        if (isStopped()) break;
        page = await ledger.events(this.asked.filter, { after: page.next, limit: JOB_PAGE });
        if (isStopped()) break;
      }
      this.#state = isStopped() && page.next !== null ? 'stopped' : 'done';
    } catch (error) {
      this.#state = 'failed';
      this.#error = errorText(error);
      log.error(`"${this.asked.action}" by filter ended after ${this.#seen} mails: ${this.#error}`);
    }
    this.#endedAt = now();
    this.#endedMonotonic = monotonicNow();
  }

  async #act({ events }: EventPage): Promise<void> {
    if (events.length === 0) return;
    const { ledger, wake } = this.#ports;
    const { action, filter, by } = this.asked;
    const ids = events.map(({ id }) => id);
    const changed = await ledger[action]({ ids, ...(filter.states && { states: filter.states }) }, by);
    this.#seen += events.length;
    this.#changed += changed.count;
    this.#unserved += changed.unserved;
    if (changed.subscriptionIds.length > 0) wake.notify(changed.subscriptionIds);
  }
}
