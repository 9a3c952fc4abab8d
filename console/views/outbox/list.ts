// What the filter finds in the outbox, as a list that is kept new by the feed.
import type { OutboxQuery } from '../../../engine/console/api';
import type { EntryAnswer, EntryTold, OutboxAnswer } from '../../../engine/console/outbox-api';
import type { FeedEvent } from '../../../engine/feed/feed-event';
import { ask, pathOf } from '../../api/ask';
import { EndlessList, PAGE } from '../../parts/endless-list';
import { ENTRY_STATES } from '../../words/entries';

export const entries = new EndlessList<EntryTold, OutboxQuery>(
  {
    page: async (filter, after, signal) => {
      const asked = pathOf('/api/outbox', { ...filter, after, limit: PAGE });
      const { entries, next } = await ask<OutboxAnswer>(asked, signal);
      return { rows: entries, next };
    },
    one: async (id) => (await ask<EntryAnswer>(`/api/outbox/${encodeURIComponent(id)}`)).entry,
    at: ({ queuedAt }) => queuedAt,
    idIn: (event) => (event.type.startsWith('outbox.') ? entryIn(event) : undefined),
    changed,
    // What a server said is not in the feed.
    saysLess: () => true,
  },
  {},
);

/** What an event of the outbox is of; null: it does not say. */
export const entryIn = ({ data }: FeedEvent): string | null =>
  typeof data['entry'] === 'string' ? data['entry'] : null;

function changed(entry: EntryTold, { data }: FeedEvent): EntryTold {
  const { state, tries, dueAt } = data;
  if (typeof state !== 'string' || !(state in ENTRY_STATES)) return entry;
  return {
    ...entry,
    state: state as EntryTold['state'],
    tries: typeof tries === 'number' ? tries : entry.tries,
    dueAt: typeof dueAt === 'string' ? dueAt : null,
  };
}
