// Lets go, in Postgres, of subscriptions that nobody has served for their time, and of sources that nobody has.
// Invariant: what is locked is looked at again, in another statement: it goes only if nothing refers to it then.
import { NOW, type PostgresConnection, type Statements } from './connection';
import { deleteOrphans } from './orphans';
import { GOES_AT } from './serving';

export const IS_OVER = `${GOES_AT} <= ${NOW}`;

const lockOver = `
  select id from durable_mail.subscription
  where ${IS_OVER}
    and (select 1 from durable_mail.event where event.subscription_id = subscription.id limit 1) is null
  order by id limit $1 for update skip locked`;

const forgetSeen = `
  delete from durable_mail.seen where (subscription_id, key) in (
    select subscription_id, key from durable_mail.seen where subscription_id = any($1) limit $2)`;

const dropActions = `
  delete from durable_mail.mail_action using durable_mail.subscription
  where subscription.id = any($1) and mail_action.source_id = subscription.source_id
    and mail_action.subscription_id = subscription.id
  returning mail_action.message_id as "messageId"`;

const deleteSubscriptions = `
  delete from durable_mail.subscription
  where id = any($1)
    and (select 1 from durable_mail.event where event.subscription_id = subscription.id limit 1) is null`;

const lockSources = `
  select id from durable_mail.source
  where (select 1 from durable_mail.subscription where source_id = source.id limit 1) is null
  order by id limit $1 for update skip locked`;

const deleteSources = `
  delete from durable_mail.source
  where id = any($1)
    and (select 1 from durable_mail.subscription where source_id = source.id limit 1) is null
    and (select 1 from durable_mail.message where source_id = source.id limit 1) is null
    and (select 1 from durable_mail.mail_action where source_id = source.id limit 1) is null`;

/** @returns how much of the limit it took */
export async function sweepSubscriptions(connection: PostgresConnection, limit: number): Promise<number> {
  const taken = await connection.transaction((statements) => deleteOver(statements, limit));
  // Apart: whoever subscribes locks a source before its subscriptions.
  if (taken > 0) await connection.transaction((statements) => deleteUnused(statements, limit));
  return taken;
}

async function deleteOver(statements: Statements, limit: number): Promise<number> {
  const ids = (await statements.all<{ id: number }>(lockOver, limit)).map(({ id }) => id);
  if (ids.length === 0) return 0;
  if ((await statements.run(forgetSeen, ids, limit)) >= limit) return limit;
  const dropped = await statements.all<{ messageId: number }>(dropActions, ids);
  await deleteOrphans(statements, [...new Set(dropped.map(({ messageId }) => messageId))]);
  await statements.run(deleteSubscriptions, ids);
  return ids.length;
}

async function deleteUnused(statements: Statements, limit: number): Promise<void> {
  const ids = (await statements.all<{ id: number }>(lockSources, limit)).map(({ id }) => id);
  if (ids.length > 0) await statements.run(deleteSources, ids);
}
