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
  MailTold,
} from '../../../engine/console/api';
import { ask, pathOf } from '../../api/ask';
import { post } from '../../api/request';
import { orTell, tell } from '../../parts/notices';
import { count, counted } from '../../words/numbers';
import { ACTS, type State } from '../../words/states';
import { toldOf } from './known-jobs';
import { pickNothing } from './selection';

/** `states`: as they were shown when they were chosen, by id; what is in another one by then is left as it is. */
export type Chosen =
  | { readonly ids: readonly string[]; readonly states?: ReadonlyMap<string, State> }
  | { readonly filter: MailQuery };

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
      ? await orTell(byIds(action, chosen.ids, chosen.states))
      : await orTell(post<ActAnswer>('/api/act', byFilter(action, chosen.filter, counted?.count ?? 0)));
  if (done === null) return;
  pickNothing();
  if ('job' in done) tellBegun(done.job);
  else tell(told(action, done));
}

const byFilter = (action: ActName, filter: MailQuery, count: number): ActRequest => ({
  action,
  filter,
  count,
});

async function byIds(
  action: ActName,
  ids: readonly string[],
  states: ReadonlyMap<string, State> = new Map(),
): Promise<Acted> {
  const all = { changed: 0, unserved: 0 };
  for (const request of requests(action, ids, states)) {
    try {
      const { changed, unserved } = await post<Acted>('/api/act', request);
      all.changed += changed;
      all.unserved += unserved;
    } catch (error) {
      // What was done before stays done.
      if (all.changed > 0) tell(told(action, all));
      throw error;
    }
  }
  return all;
}

/** In pieces as large as the handler takes, those of one state together. */
function* requests(
  action: ActName,
  ids: readonly string[],
  states: ReadonlyMap<string, State>,
): Generator<ActRequest> {
  for (const state of new Set(ids.map((id) => states.get(id)))) {
    const some = ids.filter((id) => states.get(id) === state);
    for (let from = 0; from < some.length; from += MOST_IDS)
      yield { action, ids: some.slice(from, from + MOST_IDS), ...(state !== undefined && { state }) };
  }
}

/** What would run again is meant as it is shown now: one that is DEAD, and done when the person says yes, is not to run once more. */
export const chosenAs = (action: ActName, ids: readonly string[], shown: readonly MailTold[]): Chosen =>
  action === 'replay' ? { ids, states: new Map(shown.map(({ id, state }) => [id, state])) } : { ids };

function tellBegun(job: JobTold): void {
  tell(`Begun: ${ACTS[job.action].label}, ${counted(job.count, 'mail')}.`);
  toldOf(job);
}

function told(action: ActName, { changed, unserved }: Acted): string {
  if (changed === 0) return `Nothing was changed: no mail was in a state for "${ACTS[action].label}".`;
  const waits = unserved > 0 ? ` ${count(unserved)} of them wait for a trigger that does not listen.` : '';
  return `${counted(changed, 'mail')} ${ACTS[action].done}.${waits}`;
}
