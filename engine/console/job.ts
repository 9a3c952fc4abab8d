// One action on all that a filter finds, done in the background, page by page.
// Invariants: what the filter finds is gone through once, from the newest that was there when it was asked for downwards: nothing
// that came later is caught, and nothing is done twice, nor to what is in none of the filter's states any more. What was done
// stays done, however it ends.
import { randomUUID } from 'node:crypto';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow, pause } from '../runtime/time';
import type { Acted, JobTold } from './api';

/** How many are looked at, and acted on, at once. */
export const JOB_PAGE = 200;

type What<Told> = Told extends JobTold ? Pick<Told, 'of' | 'action' | 'filter'> : never;

/** What a filter finds, and what is done to it. */
export interface JobWork {
  /** The newest first. @param after null: from the newest on */
  find(after: number | null): Promise<JobFound>;
  act(ids: readonly string[]): Promise<Acted>;
}

export interface JobFound {
  readonly ids: readonly string[];
  /** For `after`; null: these are the last. */
  readonly next: number | null;
}

export interface JobAsked {
  /** As it is told. */
  readonly what: What<JobTold>;
  /** The filter, the same for whatever finds the same. */
  readonly meant: string;
  readonly work: JobWork;
  readonly by: string;
  /** How many the person was told of. */
  readonly count: number;
}

export interface JobPorts {
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
  constructor(asked: JobAsked, first: JobFound, ports: JobPorts) {
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
    const { what, by, count } = this.asked;
    return {
      ...{ id: this.id, ...what, by },
      askedAt: new Date(this.#askedAt).toISOString(),
      endedAt: this.#endedAt === null ? null : new Date(this.#endedAt).toISOString(),
      ...{ state: this.#state, count, seen: this.#seen, changed: this.#changed, unserved: this.#unserved },
      error: this.#error,
    };
  }

  async #run(first: JobFound): Promise<void> {
    const { log, now } = this.#ports;
    const { what, work } = this.asked;
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
        page = await work.find(page.next);
        if (isStopped()) break;
      }
      this.#state = isStopped() && page.next !== null ? 'stopped' : 'done';
    } catch (error) {
      this.#state = 'failed';
      this.#error = errorText(error);
      const seen = `${this.#seen} ${what.of === 'mails' ? 'mails' : 'entries of the outbox'}`;
      log.error(`"${what.action}" by filter ended after ${seen}: ${this.#error}`);
    }
    this.#endedAt = now();
    this.#endedMonotonic = monotonicNow();
  }

  async #act({ ids }: JobFound): Promise<void> {
    if (ids.length === 0) return;
    const { changed, unserved } = await this.asked.work.act(ids);
    this.#seen += ids.length;
    this.#changed += changed;
    this.#unserved += unserved;
  }
}
