// Lets go, in the SQLite ledger, of subscriptions that nobody has served for their time, and of sources that nobody has.
// Invariant: a subscription goes when it has no events any more, and its marks of seen mails go first.
import { laneOf } from '../errands';
import { KEEP_UNSERVED_MS } from '../serving';
import { limitOf, NOW, type SqliteConnection } from './connection';
import { deleteMessagesOf } from './messages';
import { GOES_AT } from './serving';

// The first part finds few of them by an index, the second says which.
export const IS_OVER = `
  (subscription.served_until <= ${NOW} - ${KEEP_UNSERVED_MS} and ${GOES_AT} <= ${NOW})`;

const selectOver = `
  select id, source_id as sourceId from subscription
  where ${IS_OVER} and not exists (select 1 from event where event.subscription_id = subscription.id)
  order by id ${limitOf('?')}`;

const forgetSeen = `
  delete from seen where (subscription_id, key) in (
    select subscription_id, key from seen where subscription_id in (select value from json_each(?1)) ${limitOf('?2')})`;

const dropErrands = `
  delete from errand
  where lane in (select value from json_each(?2)) and ended_at is null
    and subscription_id in (select value from json_each(?1))
  returning message_id as messageId`;

const deleteSubscriptions = `delete from subscription where id in (select value from json_each(?))`;

const deleteSources = `
  delete from source
  where id in (select value from json_each(?))
    and not exists (select 1 from subscription where subscription.source_id = source.id)
    and not exists (select 1 from message where message.source_id = source.id)
    and not exists (select 1 from errand where errand.lane = 'source:' || source.id and errand.ended_at is null)`;

/** @returns how much of the limit it took */
export function sweepSubscriptions(connection: SqliteConnection, limit: number): number {
  return connection.transaction(() => {
    const over = connection.all<{ id: number; sourceId: number }>(selectOver, limit);
    if (over.length === 0) return 0;
    const ids = JSON.stringify(over.map(({ id }) => id));
    const sources = [...new Set(over.map(({ sourceId }) => sourceId))];
    if (connection.run(forgetSeen, ids, limit) >= limit) return limit;
    const dropped = connection.all<{ messageId: number }>(
      dropErrands,
      ids,
      JSON.stringify(sources.map(laneOf)),
    );
    deleteMessagesOf(
      connection,
      dropped.map(({ messageId }) => messageId),
    );
    connection.run(deleteSubscriptions, ids);
    connection.run(deleteSources, JSON.stringify(sources));
    return over.length;
  });
}
