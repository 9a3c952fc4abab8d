// The acts on all that a filter found, done in the background: how far each is, who asked for it, a way to stop it, and that
// it was cut off.
// Invariant: their progress is asked for while one is under way and somebody sees it, and not otherwise.
import { effect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { JobAnswer, JobTold, StopRequest } from '../../engine/console/api';
import { post } from '../api/request';
import { me } from '../api/session';
import { settings } from '../api/settings';
import { onLive } from '../live/live';
import { Icon } from '../parts/icons';
import { orTell } from '../parts/notices';
import { Ago } from '../parts/when';
import { count } from '../words/numbers';
import { ENTRY_ACTS } from '../words/entries';
import { ACTS, JOBS } from '../words/states';
import { inWords } from './mails/filter';
import { entriesInWords } from './outbox/filter';
import { dismiss, jobs, type JobShown, shownJobs, toldOf } from './known-jobs';

const PACE_MS = 1_000;

export function Jobs({ of }: Pick<JobTold, 'of'>): JSX.Element | null {
  useEffect(() => {
    void jobs.load();
    const stop = effect(() => {
      const isRunning = jobs.data.value?.jobs.some(({ state }) => state === 'running');
      if (isRunning && !jobs.isAsked.value) jobs.soon(PACE_MS);
    });
    const stopHearing = onLive({ anew: () => void jobs.load() });
    return () => {
      stop();
      stopHearing();
      jobs.clear();
    };
  }, []);
  const shown = shownJobs.value.filter((job) => job.of === of);
  if (shown.length === 0) return null;
  return (
    <section class="jobs" aria-label="Acts in the background">
      {shown.map((job) => (
        <Job key={job.id} job={job} />
      ))}
    </section>
  );
}

/** Behind a webhook any of n8n's processes may answer, and each knows its own alone. */
const CUT = settings.bundled
  ? 'The process that answers does not know it. If n8n was ended meanwhile, nothing of it goes on by itself.'
  : 'n8n was ended while it was under way. Nothing of it goes on by itself.';

const said = (job: JobShown): { readonly name: string; readonly filter: string } =>
  job.of === 'mails'
    ? { name: ACTS[job.action].label, filter: inWords(job.filter).join(' · ') || 'all mails' }
    : { name: ENTRY_ACTS[job.action].label, filter: entriesInWords(job.filter).join(' · ') };

function Job({ job }: { job: JobShown }): JSX.Element {
  const isRunning = job.state === 'running';
  const { name, filter } = said(job);
  const request: StopRequest = { job: job.id };
  const stop = async (): Promise<void> => {
    const answer = await orTell(post<JobAnswer>('/api/jobs/stop', request));
    if (answer) toldOf(answer.job);
  };
  return (
    <div class={`job ${job.state === 'failed' || job.state === 'cut' ? 'is-bad' : ''}`} data-job={job.state}>
      <div>
        <strong>{name}</strong> {isRunning ? '' : `${JOBS[job.state]} `}
        <span class="faint">
          <bdi>{filter}</bdi>
        </span>
      </div>
      <progress value={job.seen} max={Math.max(1, job.count, job.seen)} aria-label={`${name}: progress`} />
      <div>
        {count(job.seen)} of {count(job.count)} looked at, {count(job.changed)} changed
        <span class="faint">
          {' '}
          · <bdi>{job.by}</bdi>, <Ago at={job.askedAt} />
        </span>
        {job.error !== null && (
          <span class="is-bad">
            {' '}
            <bdi>{job.error}</bdi>
          </span>
        )}
        {job.state === 'cut' && (
          <p class="is-bad" role="alert">
            {CUT} What was changed stays so, and may be more than was told here; ask for the rest again.
          </p>
        )}
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
          onClick={() => dismiss(job.id)}
        >
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}
