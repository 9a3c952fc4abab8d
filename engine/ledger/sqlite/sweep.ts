// What the SQLite ledger need not keep: content past its time, settled events past their retention, what nobody has
// served for as long, errands that were done, expired keys, old changes, old sums.
// Invariant: an event goes only in the transaction that notes its identities as seen: its mail never runs again.
import { CHANGES_SWEPT } from '../changes';
import { KEEP_ENDED_MS } from '../errands';
import { SUMS_SWEPT } from '../series';
import type { Sweeping } from '../sweeping';
import { sweepChanges } from './changes';
import { limitOf, NOW, type SqliteConnection } from './connection';
import { sweepComplaints } from './members';
import { deleteMessagesOf } from './messages';
import { IS_LEFT } from './once';
import { sweepOutbox } from './outbox-log';
import type { Method, Part } from './part';
import { sweepSums } from './series';
import { releaseContent } from './settle';
import { IS_OVER, sweepSubscriptions } from './sweep-unserved';

const sweepContent = `
  delete from content where message_id in (
    select message_id from content where drop_at <= ${NOW} ${limitOf('?')})`;

const selectExpired = `
  select event.seq, event.message_id as messageId
  from subscription cross join event
    on event.subscription_id = subscription.id and event.settled_at <= ${NOW} - subscription.retention_ms
  ${limitOf('?')}`;

// A run that goes on keeps its mail.
const selectOver = `
  select event.seq, event.message_id as messageId
  from subscription cross join event on event.subscription_id = subscription.id
  where ${IS_OVER} and coalesce(event.lease_until, 0) <= ${NOW}
  ${limitOf('?')}`;

const noteSeen = `
  insert into seen (subscription_id, key)
  select subscription_id, identity from event where seq in (select value from json_each(?1))
  union all
  select subscription_id, soft_identity from event
  where seq in (select value from json_each(?1)) and soft_identity is not null
  union all
  select event.subscription_id, 'weak:' || message.weak_identity
  from event join message on message.id = event.message_id
  where event.seq in (select value from json_each(?1)) and message.weak_identity is not null
  on conflict do nothing`;

const deleteEvents = `delete from event where seq in (select value from json_each(?))`;

const deleteContents = `
  delete from content where message_id in (select value from json_each(?))
    and not exists (select 1 from event where event.message_id = content.message_id)`;

const sweepErrands = `
  delete from errand where id in (
    select id from errand where ended_at <= ${NOW} - ${KEEP_ENDED_MS} ${limitOf('?')})`;

const sweepKeys = `
  delete from once_key where key in (
    select key from once_key where expires_at <= ${NOW}
    union all
    select key from once_key where ${IS_LEFT} and (?2 is null or exists (
      select 1 from json_each(?2) look
      where look.value ->> 'key' = once_key.key and look.value ->> 'until' = once_key.lease_until))
    ${limitOf('?1')})`;

/** @returns whether there may be more */
const sweep: Method<'sweep'> = (connection, limit, unrenewed) => {
  const swept = [
    connection.run(sweepContent, limit),
    sweepEvents(connection, selectExpired, limit),
    sweepEvents(connection, selectOver, limit),
    sweepSubscriptions(connection, limit),
    connection.run(sweepErrands, limit),
    connection.run(sweepKeys, limit, unrenewed ? JSON.stringify(unrenewed) : null),
    sweepOutbox(connection, limit),
    sweepComplaints(connection, limit),
    sweepChanges(connection, limit * CHANGES_SWEPT) / CHANGES_SWEPT,
    sweepSums(connection, limit * SUMS_SWEPT) / SUMS_SWEPT,
  ];
  return swept.some((count) => count >= limit);
};

function sweepEvents(connection: SqliteConnection, select: string, limit: number): number {
  return connection.transaction(() => {
    const expired = connection.all<{ seq: number; messageId: number }>(select, limit);
    if (expired.length === 0) return 0;
    const events = JSON.stringify(expired.map(({ seq }) => seq));
    const ids = [...new Set(expired.map(({ messageId }) => messageId))];
    const messages = JSON.stringify(ids);
    connection.run(noteSeen, events);
    connection.run(deleteEvents, events);
    connection.run(deleteContents, messages);
    // What was kept for an event that went, and for no other.
    releaseContent(connection, ids);
    deleteMessagesOf(connection, ids);
    return expired.length;
  });
}

export const sweeping: Part<Sweeping> = { sweep };
