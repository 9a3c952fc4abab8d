// An act on what is listed: asked first with how many they are, then done, and told.
// Invariants: nothing is done before it was asked; all that a filter finds is counted before, and done by the handler in the
// background; what was picked goes in pieces as large as the handler takes.
import { signal } from '@preact/signals';
import type { ActAnswer, Acted, CountAnswer, JobTold } from '../../engine/console/api';
import { ask, pathOf, type Query } from '../api/ask';
import { post } from '../api/request';
import { count, counted } from '../words/numbers';
import { orTell, tell } from './notices';
import type { Selection } from './selection';

/** `states`: as they were shown when they were chosen, by id; what is in another one by then is left as it is. */
export type Chosen<Filter> =
  | { readonly ids: readonly string[]; readonly states?: ReadonlyMap<string, string> }
  | { readonly filter: Filter };

export interface Asked<Action, Filter> {
  readonly action: Action;
  readonly chosen: Chosen<Filter>;
  /** null: it is being counted. */
  readonly count: CountAnswer | null;
}

interface ActWords {
  readonly label: string;
  /** Of what was done. */
  readonly done: string;
  readonly means: string;
  readonly isDanger?: true;
}

/** What is acted on, and where that is asked for. */
export interface ActedOn<Action extends string> {
  readonly at: string;
  readonly countAt: string;
  readonly one: string;
  readonly many: string;
  readonly acts: Readonly<Record<Action, ActWords>>;
  readonly selection: Selection;
  /** It was begun in the background. */
  readonly begun: (job: JobTold) => void;
}

const MOST_IDS = 200;

export class Acting<Action extends string, Filter extends object> {
  readonly on: ActedOn<Action>;
  /** What the person is being asked; null: nothing. */
  readonly asked = signal<Asked<Action, Filter> | null>(null);

  constructor(on: ActedOn<Action>) {
    this.on = on;
  }

  get names(): readonly Action[] {
    return Object.keys(this.on.acts) as Action[];
  }

  askFirst(action: Action, chosen: Chosen<Filter>): void {
    const asking: Asked<Action, Filter> = {
      action,
      chosen,
      count: 'ids' in chosen ? { count: chosen.ids.length, isMore: false } : null,
    };
    this.asked.value = asking;
    if ('filter' in chosen) void this.#countFirst(asking, chosen.filter);
  }

  doNothing(): void {
    this.asked.value = null;
  }

  /** The person said yes. */
  async act({ action, chosen, count: counted }: Asked<Action, Filter>): Promise<void> {
    this.asked.value = null;
    const done =
      'ids' in chosen
        ? await orTell(this.#byIds(action, chosen.ids, chosen.states))
        : await orTell(
            post<ActAnswer>(this.on.at, { action, filter: chosen.filter, count: counted?.count ?? 0 }),
          );
    if (done === null) return;
    this.on.selection.pickNothing();
    if ('job' in done) this.#tellBegun(action, done.job);
    else tell(this.#told(action, done));
  }

  counted(found: number): string {
    return counted(found, this.on.one, this.on.many);
  }

  async #countFirst(asking: Asked<Action, Filter>, filter: Filter): Promise<void> {
    const answer = await orTell(ask<CountAnswer>(pathOf(this.on.countAt, { ...filter } as Query)));
    if (this.asked.value === asking) this.asked.value = answer && { ...asking, count: answer };
  }

  async #byIds(
    action: Action,
    ids: readonly string[],
    states: ReadonlyMap<string, string> = new Map(),
  ): Promise<Acted> {
    const all = { changed: 0, unserved: 0 };
    for (const request of requests(action, ids, states)) {
      try {
        const { changed, unserved } = await post<Acted>(this.on.at, request);
        all.changed += changed;
        all.unserved += unserved;
      } catch (error) {
        // What was done before stays done.
        if (all.changed > 0) tell(this.#told(action, all));
        throw error;
      }
    }
    return all;
  }

  #tellBegun(action: Action, job: JobTold): void {
    tell(`Begun: ${this.on.acts[action].label}, ${this.counted(job.count)}.`);
    this.on.begun(job);
  }

  #told(action: Action, { changed, unserved }: Acted): string {
    const { label, done } = this.on.acts[action];
    if (changed === 0) return `Nothing was changed: no ${this.on.one} was in a state for "${label}".`;
    const waits = unserved > 0 ? ` ${count(unserved)} of them wait for a trigger that does not listen.` : '';
    return `${this.counted(changed)} ${done}.${waits}`;
  }
}

/** In pieces as large as the handler takes, those of one state together. */
function* requests(
  action: string,
  ids: readonly string[],
  states: ReadonlyMap<string, string>,
): Generator<object> {
  for (const state of new Set(ids.map((id) => states.get(id)))) {
    const some = ids.filter((id) => states.get(id) === state);
    for (let from = 0; from < some.length; from += MOST_IDS)
      yield { action, ids: some.slice(from, from + MOST_IDS), ...(state !== undefined && { state }) };
  }
}
