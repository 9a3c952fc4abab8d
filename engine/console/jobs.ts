// The actions by filter of this console: those under way, and those that ended within the last hour.
// Invariant: a few at once, and none twice at the same time, however often a button is pressed.
import type { JobAnswer, JobsAnswer, JobTold } from './api';
import { Job, type JobAsked, type JobPorts } from './job';
import { Refusal } from './refusal';
import { within } from '../runtime/time';

const MOST_AT_ONCE = 4;
const KEPT_MS = 3_600_000;
const MOST_KEPT = 200;
/** Who stops one is told how it ended, if that takes no longer. */
const WAIT_FOR_END_MS = 1_000;

export class Jobs {
  readonly #ports: JobPorts;
  /** The oldest first. */
  #jobs: readonly Job[] = [];
  /** Asked for, and not begun yet. */
  #beginning: readonly JobAsked[] = [];

  constructor(ports: JobPorts) {
    this.#ports = ports;
  }

  /** @throws Refusal, LedgerFault */
  async begin(asked: JobAsked): Promise<JobTold> {
    this.#forget();
    const running = this.#jobs.filter(({ isRunning }) => isRunning).map((job) => job.asked);
    const underWay = [...running, ...this.#beginning];
    if (underWay.some((other) => isAlike(other, asked))) {
      throw new Refusal(409, 'The same is being done already.');
    }
    if (underWay.length >= MOST_AT_ONCE) {
      throw new Refusal(
        429,
        `${MOST_AT_ONCE} such actions are under way. Wait for one to end, or stop one.`,
        {
          'Retry-After': '10',
        },
      );
    }
    this.#beginning = [...this.#beginning, asked];
    try {
      const first = await asked.work.find(null);
      const job = new Job(asked, first, this.#ports);
      this.#jobs = [...this.#jobs, job];
      return job.tell();
    } finally {
      this.#beginning = this.#beginning.filter((one) => one !== asked);
    }
  }

  list(): JobsAnswer {
    this.#forget();
    return { jobs: this.#jobs.map((job) => job.tell()).reverse() };
  }

  /** @throws Refusal */
  async stop(id: string): Promise<JobAnswer> {
    const job = this.#jobs.find((one) => one.id === id);
    if (!job) throw new Refusal(404, 'There is no such action, or it ended more than an hour ago.');
    job.stop();
    await within(WAIT_FOR_END_MS, job.ended);
    return { job: job.tell() };
  }

  close(): void {
    for (const job of this.#jobs) job.stop();
  }

  #forget(): void {
    this.#jobs = this.#jobs.filter(({ overFor }) => overFor < KEPT_MS).slice(-MOST_KEPT);
  }
}

const isAlike = (one: JobAsked, other: JobAsked): boolean =>
  one.what.of === other.what.of && one.what.action === other.what.action && one.meant === other.meant;
