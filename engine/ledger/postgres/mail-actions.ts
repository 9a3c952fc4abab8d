// What is to be done with mails on their server, in Postgres: written with the end of a run, handed out to the
// source's holder.
// Invariants: one action for one event and one way in which it ended; a mail that is needed there is not taken away.
import { AHEAD_MARGIN_MS } from '../clock';
import { type DueAction, HELD_UP_TRIES, type MailAction, MOST_POSTPONED_MS } from '../mail-actions';
import type { SourceHold } from '../source-holds';
import { NOW, type PostgresConnection, type Statements } from './connection';
import { deleteOrphans } from './orphans';

/** What a subscription wants done, by how the event ended. */
const SETTING = { DONE: 'after_success', DEAD: 'when_dead' } as const;

/** A part of a statement: actions for events that ended so in another part. */
export const enqueuedActions = (rows: string, state: keyof typeof SETTING): string => `
  enqueued as (
    insert into durable_mail.mail_action
      (source_id, subscription_id, message_id, event_id, ending, action, due_at, created_at)
    select message.source_id, subscription.id, message.id, ended.id, ended.state, subscription.${SETTING[state]},
      ${NOW}, ${NOW}
    from ${rows} ended
    join durable_mail.subscription on subscription.id = ended.subscription_id
    join durable_mail.message on message.id = ended.message_id
    where ended.state = '${state}' and subscription.${SETTING[state]} is not null
    order by ended.seq
    on conflict (event_id, ending) do nothing)`;

/** A part of a statement: what was to be done with mails that are to run again, and was not begun, is not done. */
export const cancelledActions = (rows: string): string => `
  cancelled as (
    delete from durable_mail.mail_action using ${rows} again
    where mail_action.event_id = again.id and mail_action.begun = 0)`;

// It takes the mail out of its mailbox: not while that mail has to be read there, or has more done to it there.
const mayGo = `
  (action.action::jsonb ->> 'kind' not in ('move', 'delete') or (
    (select 1 from durable_mail.mail_action other
      where other.message_id = action.message_id and other.action::jsonb ->> 'kind' not in ('move', 'delete')
        and (other.last_error is null or other.begun < ${HELD_UP_TRIES})
      limit 1) is null
    and (
      (select 1 from durable_mail.event
        where event.message_id = action.message_id and event.settled_at is null limit 1) is null
      or (select 1 from durable_mail.content where content.message_id = action.message_id) is not null)))`;

// Further ahead than an action waits, it was stored before the clock was set back.
const isDue = `
  (action.due_at <= ${NOW} or action.due_at > ${NOW} + ${AHEAD_MARGIN_MS}
    + case when action.last_error is null then $4::bigint else ${MOST_POSTPONED_MS} end)`;

const begin = `
  with held as materialized (select id from durable_mail.source where id = $1 and fence = $2),
  due as materialized (
    select action.id
    from durable_mail.mail_action action
    where action.source_id = $1 and (select id from held) is not null and ${isDue} and ${mayGo}
    order by action.due_at, action.id limit $3
    for update skip locked),
  taken as (
    update durable_mail.mail_action set begun = begun + 1, due_at = ${NOW} + $4
    from due where mail_action.id = due.id
    returning mail_action.*)
  select taken.id, taken.subscription_id as "subscriptionId", taken.action, taken.begun - 1 as begun,
    taken.event_id as event, message.identity, message.soft_identity as "softIdentity",
    message.header_message_id as "messageId", message.uid, message.uid_validity as "uidValidity",
    message.received_at as "receivedAt", message.size
  from taken join durable_mail.message on message.id = taken.message_id
  order by taken.id`;

const lock = `
  with locked as materialized (
    select id from durable_mail.mail_action where id = any($1) order by id for update)`;

const finish = `
  ${lock}
  delete from durable_mail.mail_action using locked where mail_action.id = locked.id
  returning message_id as "messageId"`;

const postpone = `
  ${lock}
  update durable_mail.mail_action set due_at = ${NOW} + $2, last_error = $3, last_error_at = ${NOW}
  from locked where mail_action.id = locked.id`;

const chosenAnew = `case mail_action.ending when 'DONE' then $3::text else $4::text end`;

// Locked in one order, as by those who finish them. Where nothing is chosen, nobody wants it any more.
const renewRefused = `
  with refused as materialized (
    select id, ${chosenAnew} as chosen from durable_mail.mail_action
    where source_id = $1 and subscription_id = $2 and last_error is not null
      and action is distinct from ${chosenAnew}
    order by id for update),
  changed as (
    update durable_mail.mail_action set
      action = refused.chosen, begun = 0, due_at = ${NOW}, last_error = null, last_error_at = null
    from refused where mail_action.id = refused.id and refused.chosen is not null)
  delete from durable_mail.mail_action using refused
  where mail_action.id = refused.id and refused.chosen is null
  returning message_id as "messageId"`;

/** What the server has refused follows the settings. @param settings as they are stored now */
export async function followSettings(
  statements: Statements,
  sourceId: number,
  subscriptionId: number,
  settings: { readonly afterSuccess: string | null; readonly whenDead: string | null },
): Promise<void> {
  const dropped = await statements.all<{ messageId: number }>(
    renewRefused,
    sourceId,
    subscriptionId,
    settings.afterSuccess,
    settings.whenDead,
  );
  await deleteOrphans(statements, [...new Set(dropped.map(({ messageId }) => messageId))]);
}

export async function takeActions(
  connection: PostgresConnection,
  { sourceId, fence }: SourceHold,
  limit: number,
  leaseMs: number,
): Promise<DueAction[]> {
  const rows = await connection.all<Omit<DueAction, 'action'> & { action: string }>(
    begin,
    sourceId,
    fence,
    limit,
    Math.round(leaseMs),
  );
  return rows.map((row) => ({ ...row, action: JSON.parse(row.action) as MailAction }));
}

export async function finishActions(connection: PostgresConnection, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  await connection.transaction(async (statements) => {
    const finished = await statements.all<{ messageId: number }>(finish, ids);
    // Retention may have deleted the events of a mail while something was still to be done with it.
    await deleteOrphans(statements, [...new Set(finished.map(({ messageId }) => messageId))]);
  });
}

export async function postponeActions(
  connection: PostgresConnection,
  ids: readonly number[],
  error: string,
  delayMs: number,
): Promise<void> {
  if (ids.length > 0) await connection.run(postpone, ids, Math.round(delayMs), error);
}
