// What can be done: each address of `POST /api/…`. Who has not the right to operate is kept from it before.
// Invariants: nobody acts on all mails unless that is what they asked for, and not many more are changed than they were told of.
import type { Wake } from '../signal/wake';
import type { ActAnswer, ActName, LookAnswer, MailQuery } from './api';
import { isObject } from './body';
import type { Jobs } from './jobs';
import { FILTER_NAMES, mailFilter, statesIn } from './mail-filter';
import type { ConsoleLedger } from './ports';
import { eventIdOf } from '../ledger/askable';
import type { Selection } from '../ledger/inspection';
import type { EventState } from '../ledger/states';
import { askedOf, oneOf, shown } from './query';
import { MOST_COUNTED } from './reads';
import { Refusal } from './refusal';

interface Acting {
  readonly ledger: ConsoleLedger;
  readonly wake: Pick<Wake, 'notify'>;
  readonly jobs: Jobs;
  readonly look: (sourceId: number) => void;
}

type Body = Readonly<Record<string, unknown>>;
export type Act = (acting: Acting, body: Body, by: string) => Promise<unknown>;

const ACTIONS = ['replay', 'retryNow', 'markDone', 'forget'] as const satisfies readonly ActName[];
const MOST_IDS = 200;

export const ACTS: Readonly<Record<string, Act>> = {
  '/api/act': async (acting, body, by): Promise<ActAnswer> => {
    const { action, ids, state, filter, count, ...more } = body;
    only(more);
    const name = oneOf(typeof action === 'string' ? action : '', 'action', ACTIONS);
    if (ids !== undefined && filter === undefined && count === undefined)
      return actOn(acting, name, { ids: idsIn(ids), ...(state !== undefined && stillIn(state)) }, by);
    if (ids === undefined && isObject(filter) && state === undefined)
      return actOnAll(acting, name, filter, count, by);
    throw new Refusal(
      400,
      'There has to be either "ids", a list, perhaps with a "state", or "filter" and "count".',
    );
  },

  '/api/jobs/stop': async ({ jobs }, { job, ...more }) => {
    only(more);
    return jobs.stop(typeof job === 'string' ? job : '');
  },

  '/api/look': async ({ ledger, look }, { source, ...more }): Promise<LookAnswer> => {
    only(more);
    const known = (await ledger.sources()).find(({ id }) => id === source);
    if (!known)
      throw new Refusal(404, 'There is no such source: "source" is its number, as in /api/sources.');
    if (!known.served)
      throw new Refusal(
        409,
        'No published workflow listens to this source, so nobody looks at it. Publish one to read it.',
      );
    look(known.id);
    return { asked: true };
  },
};

async function actOn(
  { ledger, wake }: Acting,
  action: ActName,
  selection: Selection,
  by: string,
): Promise<ActAnswer> {
  const { count, unserved, subscriptionIds } = await ledger[action](selection, by);
  if (subscriptionIds.length > 0) wake.notify(subscriptionIds);
  return { changed: count, unserved };
}

async function actOnAll(
  { ledger, jobs }: Acting,
  action: ActName,
  given: Body,
  told: unknown,
  by: string,
): Promise<ActAnswer> {
  const query: MailQuery = askedOf(given, FILTER_NAMES);
  const filter = mailFilter(query);
  if (Object.keys(query).length === 0) {
    throw new Refusal(
      400,
      'No filter is set, so every mail would be chosen. Choose a state, a workflow or a time.',
    );
  }
  if (action === 'replay' && filter.states === undefined) {
    throw new Refusal(
      400,
      'Mails that are done would run again, too. Choose which states are to be replayed.',
    );
  }
  if (typeof told !== 'number' || !Number.isInteger(told) || told < 0) {
    throw new Refusal(400, '"count" has to be how many mails /api/count has told for this filter.');
  }
  const found = await ledger.count(filter, MOST_COUNTED + 1);
  if (told < MOST_COUNTED && found > most(told)) {
    throw new Refusal(
      409,
      `The filter finds ${found} mails by now, and you were told of ${told}. Look again.`,
    );
  }
  return { job: await jobs.begin({ action, filter, query, by, count: Math.min(found, MOST_COUNTED) }) };
}

/** Mail goes on coming while a person reads how many there are. */
const most = (told: number): number => told + Math.max(20, Math.ceil(told / 10));

function idsIn(given: unknown): readonly string[] {
  const ids = Array.isArray(given) ? (given as readonly unknown[]) : [];
  if (ids.length === 0 || ids.length > MOST_IDS) {
    throw new Refusal(400, `"ids" has to be a list of 1 to ${MOST_IDS} ids of mails.`);
  }
  const read = ids.map((id) => {
    const known = typeof id === 'string' ? eventIdOf(id) : null;
    if (known !== null) return known;
    throw new Refusal(400, `"${shown(id)}" is no id of a mail.`);
  });
  return [...new Set(read)];
}

/** A mail that has become something else since it was shown is not what was meant. */
function stillIn(given: unknown): { readonly states: readonly EventState[] } {
  if (typeof given === 'string') return { states: statesIn(given) };
  throw new Refusal(400, '"state" has to be text: one state, or several with commas.');
}

function only(more: Body): void {
  const [name] = Object.keys(more);
  if (name !== undefined) throw new Refusal(400, `"${shown(name)}" is not known here.`);
}
