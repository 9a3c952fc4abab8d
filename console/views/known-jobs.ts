// The acts in the background that the page knows of: those that the console tells of, and those that were cut off.
// Invariants: a job is known to the process that does it, and to none after that: one that was under way and is not told of any
// more has been cut off, and is shown as such until somebody has seen it; who leaves, leaves nothing.
import { computed, effect, signal } from '@preact/signals';
import type { JobsAnswer, JobTold } from '../../engine/console/api';
import { ask } from '../api/ask';
import { Resource } from '../api/resource';
import { isEntered } from '../api/session';

type Shown<Told> = Told extends JobTold
  ? Omit<Told, 'state'> & { readonly state: JobTold['state'] | 'cut' }
  : never;

export type JobShown = Shown<JobTold>;

export const jobs = new Resource(async (signal) => {
  const answer = await ask<JobsAnswer>('/api/jobs', signal);
  compare(answer.jobs);
  return answer;
});

/** Under way when they were told of last, by their ids. */
let running: Map<string, JobTold> = new Map();
const cut = signal<readonly JobShown[]>([]);
/** By id: the person has seen how they ended. */
const dismissed = signal<ReadonlySet<string>>(new Set());

export const shownJobs = computed(() =>
  [...(jobs.data.value?.jobs ?? []), ...cut.value].filter(({ id }: JobShown) => !dismissed.value.has(id)),
);

/** What the console answered of one: that it has begun it, or stopped it. */
export function toldOf(job: JobTold): void {
  if (job.state === 'running') running.set(job.id, job);
  else running.delete(job.id);
  if (jobs.data.peek() === null) void jobs.load();
  else jobs.change(({ jobs: all }) => ({ jobs: [job, ...all.filter(({ id }) => id !== job.id)] }));
}

export function dismiss(id: string): void {
  dismissed.value = new Set([...dismissed.value, id]);
}

/** Of several processes that answer, another one may tell of it again. */
function compare(told: readonly JobTold[]): void {
  const ids = new Set(told.map(({ id }) => id));
  const lost = [...running.values()].filter(({ id }) => !ids.has(id));
  cut.value = [
    ...lost.map((job): JobShown => ({ ...job, state: 'cut' })),
    ...cut.value.filter(({ id }) => !ids.has(id)),
  ];
  running = new Map(told.filter(({ state }) => state === 'running').map((job) => [job.id, job]));
}

effect(() => {
  if (isEntered.value) return;
  running = new Map();
  cut.value = [];
  dismissed.value = new Set();
});
