// Lets go, in Postgres, of subscriptions that nobody has served for their time, and of sources that nobody has.
// Invariants: what is locked is looked at again, in another statement: it goes only if nothing refers to it then. A source is
// locked before its subscriptions, as by whoever subscribes; nobody is waited for.
import { KEEP_UNSERVED_MS } from '../serving';
import { NOW, type PostgresConnection, type Statements } from './connection';
import { deleteOrphans } from './orphans';
import { GOES_AT } from './serving';

// The first part finds few of them by an index, the second says which.
export const IS_OVER = `
  (subscription.served_until <= ${NOW} - ${KEEP_UNSERVED_MS} and ${GOES_AT} <= ${NOW})`;

const lockOver = `
  select subscription.id, subscription.source_id as "sourceId"
  from durable_mail.subscription join durable_mail.source on source.id = subscription.source_id
  where ${IS_OVER}
    and (select 1 from durable_mail.event where event.subscription_id = subscription.id limit 1) is null
  order by subscription.id limit $1 for update of source, subscription skip locked`;

const forgetSeen = `
  delete from durable_mail.seen where (subscription_id, key) in (
    select subscription_id, key from durable_mail.seen where subscription_id = any($1) limit $2)`;

const dropErrands = `
  delete from durable_mail.errand using durable_mail.subscription
  where subscription.id = any($1) and errand.lane = 'source:' || subscription.source_id and errand.ended_at is null
    and errand.subscription_id = subscription.id
  returning errand.message_id as "messageId"`;

const deleteSubscriptions = `
  delete from durable_mail.subscription
  where id = any($1)
    and (select 1 from durable_mail.event where event.subscription_id = subscription.id limit 1) is null`;

const deleteSources = `
  delete from durable_mail.source
  where id = any($1)
    and (select 1 from durable_mail.subscription where source_id = source.id limit 1) is null
    and (select 1 from durable_mail.message where source_id = source.id limit 1) is null
    and (
      select 1 from durable_mail.errand where lane = 'source:' || source.id and ended_at is null limit 1) is null`;

/** @returns how much of the limit it took */
export function sweepSubscriptions(connection: PostgresConnection, limit: number): Promise<number> {
  return connection.transaction((statements) => deleteOver(statements, limit));
}

async function deleteOver(statements: Statements, limit: number): Promise<number> {
  const over = await statements.all<{ id: number; sourceId: number }>(lockOver, limit);
  if (over.length === 0) return 0;
  const ids = over.map(({ id }) => id);
  if ((await statements.run(forgetSeen, ids, limit)) >= limit) return limit;
  const dropped = await statements.all<{ messageId: number }>(dropErrands, ids);
  await deleteOrphans(statements, [...new Set(dropped.map(({ messageId }) => messageId))]);
  await statements.run(deleteSubscriptions, ids);
  await statements.run(deleteSources, [...new Set(over.map(({ sourceId }) => sourceId))]);
  return ids.length;
}
