// Acts on entries of the outbox: on those that were picked, and on all that a filter finds.
// Invariants: as for mails, nobody acts on all of them unless that is what they asked for; what may arrive twice, or did, is
// not sent again because a filter said nothing of it.
import type { EntryFilter } from '../ledger/outbox';
import type { Act, Acting, Body } from './acting';
import type { Acted, ActAnswer, OutboxActName, OutboxQuery } from './api';
import { asksForAll, idsIn, only, refuseIfMore, toldIn } from './asked-acts';
import { JOB_PAGE, type JobWork } from './job';
import { meantBy } from './meant';
import { OUTBOX_NAMES, outboxFilter } from './outbox-filter';
import { MOST_COUNTED } from './paging';
import { askedOf, oneOf } from './query';
import { Refusal } from './refusal';

const ACTIONS = ['retry', 'cancel', 'markSent', 'forget'] as const satisfies readonly OutboxActName[];

export const actOnOutbox: Act = async (acting, body, by): Promise<ActAnswer> => {
  const { action, ids, filter, count, ...more } = body;
  only(more);
  const name = oneOf(typeof action === 'string' ? action : '', 'action', ACTIONS);
  if (ids !== undefined && filter === undefined && count === undefined)
    return actOn(acting, name, idsIn(ids, ['an entry', 'entries']), by);
  if (asksForAll(body)) return actOnAll(acting, name, body.filter, count, by);
  throw new Refusal(400, 'There has to be either "ids", a list, or "filter" and "count".');
};

async function actOn(
  { ledger, wakeOutbox }: Acting,
  action: OutboxActName,
  ids: readonly string[],
  by: string,
  states?: EntryFilter['states'],
): Promise<Acted> {
  const changed = await ledger.actOnEntries(ids, action, by, states);
  if (action === 'retry' && changed.length > 0) wakeOutbox();
  return { changed: changed.length, unserved: 0 };
}

async function actOnAll(
  acting: Acting,
  action: OutboxActName,
  given: Body,
  told: unknown,
  by: string,
): Promise<ActAnswer> {
  const query: OutboxQuery = askedOf(given, OUTBOX_NAMES);
  const filter = outboxFilter(query, acting.showMail);
  if (Object.keys(query).length === 0) {
    throw new Refusal(
      400,
      'No filter is set, so everything in the outbox would be chosen. Choose a state, a workflow or a time.',
    );
  }
  if (action === 'retry' && filter.states === undefined) {
    throw new Refusal(
      400,
      'What may have arrived already would be sent again, too. Choose which states are to be retried.',
    );
  }
  const count = toldIn(told, '/api/outbox/found');
  const found = await acting.ledger.entriesFound(filter, MOST_COUNTED + 1);
  refuseIfMore(found, count, 'entries');
  const job = await acting.jobs.begin({
    what: { of: 'outbox', action, filter: query },
    meant: meantBy(filter),
    work: workOn(acting, action, filter, by),
    by,
    count: Math.min(found, MOST_COUNTED),
  });
  return { job };
}

const workOn = (acting: Acting, action: OutboxActName, filter: EntryFilter, by: string): JobWork => ({
  find: async (after) => {
    const { entries, next } = await acting.ledger.entries(filter, { after, limit: JOB_PAGE });
    return { ids: entries.map(({ id }) => id), next };
  },
  // What has become something else since it was found is not meant any more.
  act: (ids) => actOn(acting, action, ids, by, filter.states),
});
