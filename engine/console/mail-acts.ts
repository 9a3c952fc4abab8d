// Acts on mails: on those that were picked, and on all that a filter finds.
// Invariants: nobody acts on all mails unless that is what they asked for, and not many more are changed than they were told of.
import type { EventFilter, Selection } from '../ledger/inspection';
import type { EventState } from '../ledger/states';
import type { Acted, ActAnswer, ActName, MailQuery } from './api';
import type { Act, Acting, Body } from './acting';
import { asksForAll, idsIn, only, refuseIfMore, toldIn } from './asked-acts';
import { JOB_PAGE, type JobWork } from './job';
import { FILTER_NAMES, mailFilter, statesIn } from './mail-filter';
import { meantBy } from './meant';
import { askedOf, oneOf } from './query';
import { MOST_COUNTED } from './paging';
import { Refusal } from './refusal';

const ACTIONS = ['replay', 'retryNow', 'markDone', 'forget'] as const satisfies readonly ActName[];

export const actOnMails: Act = async (acting, body, by): Promise<ActAnswer> => {
  const { action, ids, state, filter, count, ...more } = body;
  only(more);
  const name = oneOf(typeof action === 'string' ? action : '', 'action', ACTIONS);
  if (ids !== undefined && filter === undefined && count === undefined)
    return actOn(
      acting,
      name,
      { ids: idsIn(ids, ['a mail', 'mails']), ...(state !== undefined && stillIn(state)) },
      by,
    );
  if (asksForAll(body) && state === undefined) return actOnAll(acting, name, body.filter, count, by);
  throw new Refusal(
    400,
    'There has to be either "ids", a list, perhaps with a "state", or "filter" and "count".',
  );
};

async function actOn(
  { ledger, wake }: Pick<Acting, 'ledger' | 'wake'>,
  action: ActName,
  selection: Selection,
  by: string,
): Promise<Acted> {
  const { count, unserved, subscriptionIds } = await ledger[action](selection, by);
  if (subscriptionIds.length > 0) wake.notify(subscriptionIds);
  return { changed: count, unserved };
}

async function actOnAll(
  acting: Acting,
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
  const count = toldIn(told, '/api/count');
  const found = await acting.ledger.count(filter, MOST_COUNTED + 1);
  refuseIfMore(found, count, 'mails');
  const job = await acting.jobs.begin({
    what: { of: 'mails', action, filter: query },
    meant: meantBy(filter),
    work: workOn(acting, action, filter, by),
    by,
    count: Math.min(found, MOST_COUNTED),
  });
  return { job };
}

const workOn = (acting: Acting, action: ActName, filter: EventFilter, by: string): JobWork => ({
  find: async (after) => {
    const { events, next } = await acting.ledger.events(filter, {
      ...(after !== null && { after }),
      limit: JOB_PAGE,
    });
    return { ids: events.map(({ id }) => id), next };
  },
  act: (ids) => actOn(acting, action, { ids, ...(filter.states && { states: filter.states }) }, by),
});

/** A mail that has become something else since it was shown is not what was meant. */
function stillIn(given: unknown): { readonly states: readonly EventState[] } {
  if (typeof given === 'string') return { states: statesIn(given) };
  throw new Refusal(400, '"state" has to be text: one state, or several with commas.');
}
