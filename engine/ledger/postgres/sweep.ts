// Deletes what need not be kept, each kind in a short transaction of its own that waits for nobody.
// Invariant: an event goes only together with the note, in `seen`, of what identifies its mail.
import { CHANGES_SWEPT } from '../changes';
import { KEEP_ENDED_MS } from '../errands';
import { SUMS_SWEPT } from '../series';
import type { Sweeping } from '../sweeping';
import { sweepChanges } from './changes';
import { NOW, type Statements } from './connection';
import { dropContents } from './content';
import { sweepComplaints } from './members';
import { IS_LEFT } from './once';
import { deleteOrphans } from './orphans';
import { sweepOutbox } from './outbox-log';
import type { Method, Part } from './part';
import { sweepSums } from './series';
import { sweepStanding } from './standing';
import { IS_OVER, sweepSubscriptions } from './sweep-unserved';

const dropDueContents = `
  with due as materialized (
    select message_id from durable_mail.content where drop_at <= ${NOW}
    order by drop_at limit $1 for update skip locked)
  delete from durable_mail.content using due where content.message_id = due.message_id`;

const selectOld = `
  select found.seq, ${NOW} - subscription.retention_ms as before
  from durable_mail.subscription cross join lateral (
    select seq from durable_mail.event
    where subscription_id = subscription.id and settled_at <= ${NOW} - subscription.retention_ms
    order by settled_at limit $1) found
  limit $1`;

// A run that goes on keeps its mail.
const selectOver = `
  select found.seq, null::bigint as before
  from durable_mail.subscription cross join lateral (
    select seq from durable_mail.event
    where subscription_id = subscription.id and coalesce(lease_until, 0) <= ${NOW} limit $1) found
  where ${IS_OVER} limit $1`;

const deleteEvents = (select: string): string => `
  with old as materialized (${select}),
  locked as materialized (
    select event.seq
    from old cross join lateral (
      select seq from durable_mail.event
      where event.seq = old.seq
        and (case when old.before is null then coalesce(event.lease_until, 0) <= ${NOW}
          else event.settled_at <= old.before end)
      for update skip locked) event),
  deleted as (
    delete from durable_mail.event using locked
    where event.seq = locked.seq
    returning event.subscription_id, event.identity, event.soft_identity, event.message_id),
  remembered as (
    insert into durable_mail.seen (subscription_id, key)
    select subscription_id, identity from deleted
    union select subscription_id, soft_identity from deleted where soft_identity is not null
    union select deleted.subscription_id, 'weak:' || message.weak_identity
      from deleted join durable_mail.message on message.id = deleted.message_id
      where message.weak_identity is not null
    on conflict do nothing)
  select message_id as "messageId" from deleted`;

const deleteOldEvents = deleteEvents(selectOld);
const deleteEventsOver = deleteEvents(selectOver);

const lockContents = `
  select message_id as "messageId" from durable_mail.content
  where message_id = any($1) order by message_id for update skip locked`;

const deleteEndedErrands = `
  with old as materialized (
    select id from durable_mail.errand where ended_at <= ${NOW} - ${KEEP_ENDED_MS}
    order by id limit $1 for update skip locked)
  delete from durable_mail.errand using old where errand.id = old.id`;

const deleteOldKeys = `
  with old as materialized (
    select key from durable_mail.once_key
    where expires_at <= ${NOW}
      or ${IS_LEFT} and ($2::text[] is null or exists (
        select 1 from unnest($2::text[], $3::bigint[]) seen (key, until)
        where seen.key = once_key.key and seen.until = once_key.lease_until))
    order by key limit $1 for update skip locked)
  delete from durable_mail.once_key using old where once_key.key = old.key`;

const sweep: Method<'sweep'> = async (connection, limit, unrenewed) => {
  const changed = [
    await connection.run(dropDueContents, limit),
    await connection.transaction((statements) => deleteOld(statements, deleteOldEvents, limit)),
    await connection.transaction((statements) => deleteOld(statements, deleteEventsOver, limit)),
    await sweepSubscriptions(connection, limit),
    await connection.run(deleteEndedErrands, limit),
    await connection.run(
      deleteOldKeys,
      limit,
      unrenewed?.map(({ key }) => key) ?? null,
      unrenewed?.map(({ until }) => until) ?? null,
    ),
    await sweepOutbox(connection, limit),
    await sweepComplaints(connection, limit),
    (await sweepChanges(connection, limit * CHANGES_SWEPT)) / CHANGES_SWEPT,
    (await sweepSums(connection, limit * SUMS_SWEPT)) / SUMS_SWEPT,
    (await sweepStanding(connection, limit * SUMS_SWEPT)) / SUMS_SWEPT,
  ];
  return changed.some((count) => count >= limit);
};

/** @returns how many events it deleted */
async function deleteOld(statements: Statements, statement: string, limit: number): Promise<number> {
  const deleted = await statements.all<{ messageId: number }>(statement, limit);
  if (deleted.length === 0) return 0;
  const messages = [...new Set(deleted.map(({ messageId }) => messageId))];
  await deleteOrphans(statements, messages);
  // What is left of the others may have been kept for one of the deleted events only.
  const kept = await statements.all<{ messageId: number }>(lockContents, messages);
  await dropContents(
    statements,
    kept.map(({ messageId }) => messageId),
  );
  return deleted.length;
}

export const sweeping: Part<Sweeping> = { sweep };
