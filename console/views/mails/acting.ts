// An act on mails: asked first with how many they are, then done, and told.
// Invariants: nothing is done before it was asked; all that a filter finds is counted before, and done by the handler in the
// background; what was picked goes in pieces as large as the handler takes.
import { signal } from '@preact/signals';
import type {
  ActAnswer,
  Acted,
  ActName,
  ActRequest,
  CountAnswer,
  JobTold,
  MailQuery,
} from '../../../engine/console/api';
import { ask, pathOf } from '../../api/ask';
import { post } from '../../api/request';
import { orTell, tell } from '../../parts/notices';
import { count, counted } from '../../words/numbers';
import { ACTS } from '../../words/states';
import { jobs } from './jobs';
import { pickNothing } from './selection';

export type Chosen = { readonly ids: readonly string[] } | { readonly filter: MailQuery };

export interface Asked {
  readonly action: ActName;
  readonly chosen: Chosen;
  /** null: it is being counted. */
  readonly count: CountAnswer | null;
}

/** What the person is being asked; null: nothing. */
export const asked = signal<Asked | null>(null);

const MOST_IDS = 200;

export function askFirst(action: ActName, chosen: Chosen): void {
  const asking: Asked = {
    action,
    chosen,
    count: 'ids' in chosen ? { count: chosen.ids.length, isMore: false } : null,
  };
  asked.value = asking;
  if ('filter' in chosen) void countFirst(asking, chosen.filter);
}

async function countFirst(asking: Asked, filter: MailQuery): Promise<void> {
  const answer = await orTell(ask<CountAnswer>(pathOf('/api/count', { ...filter })));
  if (asked.value === asking) asked.value = answer && { ...asking, count: answer };
}

export function doNothing(): void {
  asked.value = null;
}

/** The person said yes. */
export async function act({ action, chosen, count: counted }: Asked): Promise<void> {
  asked.value = null;
  const done =
    'ids' in chosen
      ? await orTell(byIds(action, chosen.ids))
      : await orTell(post<ActAnswer>('/api/act', byFilter(action, chosen.filter, counted?.count ?? 0)));
  if (done === null) return;
  pickNothing();
  if ('job' in done) begun(done.job);
  else tell(told(action, done));
}

const byFilter = (action: ActName, filter: MailQuery, count: number): ActRequest => ({
  action,
  filter,
  count,
});

async function byIds(action: ActName, ids: readonly string[]): Promise<Acted> {
  const all = { changed: 0, unserved: 0 };
  for (let from = 0; from < ids.length; from += MOST_IDS) {
    const request: ActRequest = { action, ids: ids.slice(from, from + MOST_IDS) };
    const { changed, unserved } = await post<Acted>('/api/act', request);
    all.changed += changed;
    all.unserved += unserved;
  }
  return all;
}

function begun(job: JobTold): void {
  tell(`Begun: ${ACTS[job.action].label}, ${counted(job.count, 'mail')}.`);
  if (jobs.data.peek() === null) void jobs.load();
  else jobs.change((answer) => ({ jobs: [job, ...answer.jobs] }));
}

function told(action: ActName, { changed, unserved }: Acted): string {
  if (changed === 0) return `Nothing was changed: no mail was in a state for "${ACTS[action].label}".`;
  const waits = unserved > 0 ? ` ${count(unserved)} of them wait for a trigger that does not listen.` : '';
  return `${counted(changed, 'mail')} ${ACTS[action].done}.${waits}`;
}
