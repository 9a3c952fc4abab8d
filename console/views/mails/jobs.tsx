// The acts on all that a filter found, done in the background: how far each is, who asked for it, and a way to stop it.
// Invariant: their progress is asked for while one is under way and somebody sees it, and not otherwise.
import { effect, signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { JobAnswer, JobsAnswer, JobTold, StopRequest } from '../../../engine/console/api';
import { ask } from '../../api/ask';
import { post } from '../../api/request';
import { Resource } from '../../api/resource';
import { me } from '../../api/session';
import { Icon } from '../../parts/icons';
import { orTell } from '../../parts/notices';
import { Ago } from '../../parts/when';
import { count } from '../../words/numbers';
import { ACTS, JOBS } from '../../words/states';
import { inWords } from './filter';

export const jobs = new Resource((signal) => ask<JobsAnswer>('/api/jobs', signal));

const PACE_MS = 1_000;
/** By id: the person has seen how they ended. */
const dismissed = signal<ReadonlySet<string>>(new Set());

export function Jobs(): JSX.Element | null {
  useEffect(() => {
    void jobs.load();
    const stop = effect(() => {
      const isRunning = jobs.data.value?.jobs.some(({ state }) => state === 'running');
      if (isRunning && !jobs.isAsked.value) jobs.soon(PACE_MS);
    });
    return () => {
      stop();
      jobs.clear();
    };
  }, []);
  const shown = (jobs.data.value?.jobs ?? []).filter(({ id }) => !dismissed.value.has(id));
  if (shown.length === 0) return null;
  return (
    <section class="jobs" aria-label="Acts in the background">
      {shown.map((job) => (
        <Job key={job.id} job={job} />
      ))}
    </section>
  );
}

function Job({ job }: { job: JobTold }): JSX.Element {
  const isRunning = job.state === 'running';
  const name = ACTS[job.action].label;
  const request: StopRequest = { job: job.id };
  const stop = async (): Promise<void> => {
    const answer = await orTell(post<JobAnswer>('/api/jobs/stop', request));
    if (answer)
      jobs.change((all) => ({ jobs: all.jobs.map((one) => (one.id === job.id ? answer.job : one)) }));
  };
  return (
    <div class={`job ${job.state === 'failed' ? 'is-bad' : ''}`} data-job={job.state}>
      <div>
        <strong>{name}</strong> {isRunning ? '' : `${JOBS[job.state]} `}
        <span class="faint">{inWords(job.filter).join(' · ') || 'all mails'}</span>
      </div>
      <progress value={job.seen} max={Math.max(1, job.count, job.seen)} aria-label={`${name}: progress`} />
      <div>
        {count(job.seen)} of {count(job.count)} looked at, {count(job.changed)} changed
        <span class="faint">
          {' '}
          · {job.by}, <Ago at={job.askedAt} />
        </span>
        {job.error !== null && <span class="is-bad"> {job.error}</span>}
      </div>
      {isRunning ? (
        me.value?.right === 'operate' && (
          <button type="button" onClick={() => void stop()}>
            Stop
          </button>
        )
      ) : (
        <button
          type="button"
          class="bare"
          aria-label={`Hide: ${name}, ${JOBS[job.state]}`}
          onClick={() => (dismissed.value = new Set([...dismissed.value, job.id]))}
        >
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}
