// Errands in Postgres: written with the end of a run, handed out to the worker of their lane.
// Invariants: one errand waits for one event and one way in which it ended; a mail that is needed is not taken away; what
// was done refers to no mail any more; errands are locked by id.
import { AHEAD_MARGIN_MS } from '../common/clock';
import { parseErrand } from '../common/stored';
import { type DueErrand, type Errands, HELD_UP_TRIES, laneOf, MOST_POSTPONED_MS } from '../errands';
import { NOW, type Statements } from './connection';
import { deleteOrphans } from './orphans';
import type { Method, Part } from './part';

/** What a subscription wants done, by how the event ended. */
const SETTING = { DONE: 'after_success', DEAD: 'when_dead' } as const;

/** A part of a statement: errands for events that ended so in another part. */
export const enqueuedErrands = (rows: string, state: keyof typeof SETTING): string => `
  enqueued as (
    insert into durable_mail.errand
      (lane, kind, takes_away, action, event_id, ending, subscription_id, message_id, due_at, created_at)
    select 'source:' || message.source_id, subscription.${SETTING[state]}::jsonb ->> 'kind',
      coalesce((subscription.${SETTING[state]}::jsonb ->> 'takesAway')::boolean, false), subscription.${SETTING[state]},
      ended.id, ended.state, subscription.id, message.id, ${NOW}, ${NOW}
    from ${rows} ended
    join durable_mail.subscription on subscription.id = ended.subscription_id
    join durable_mail.message on message.id = ended.message_id
    where ended.state = '${state}' and subscription.${SETTING[state]} is not null
    order by ended.seq
    on conflict (event_id, ending) where ended_at is null do nothing)`;

/** A part of a statement: what was to be done with mails that are to run again, and was not begun, is not done. */
export const cancelledErrands = (rows: string): string => `
  cancelled as (
    delete from durable_mail.errand using ${rows} again
    where errand.event_id = again.id and errand.ended_at is null and errand.tries = 0)`;

// It takes the mail away: not while that mail has to be read where it is, or has more done to it there.
const mayGo = `
  (not errand.takes_away or (
    (select 1 from durable_mail.errand other
      where other.message_id = errand.message_id and not other.takes_away
        and (other.last_error is null or other.tries < ${HELD_UP_TRIES})
      limit 1) is null
    and (
      (select 1 from durable_mail.event
        where event.message_id = errand.message_id and event.settled_at is null limit 1) is null
      or (select 1 from durable_mail.content where content.message_id = errand.message_id) is not null)))`;

// Further ahead than an errand waits, it was stored before the clock was set back.
const isDue = `
  (errand.due_at <= ${NOW} or errand.due_at > ${NOW} + ${AHEAD_MARGIN_MS}
    + case when errand.last_error is null then $4::bigint else ${MOST_POSTPONED_MS} end)`;

const begin = `
  with held as materialized (select id from durable_mail.source where id = $1 and fence = $2),
  due as materialized (
    select errand.id
    from durable_mail.errand
    where errand.lane = $5 and errand.ended_at is null and (select id from held) is not null
      and ${isDue} and ${mayGo}
    order by errand.due_at, errand.id limit $3
    for update of errand skip locked),
  taken as (
    update durable_mail.errand set tries = tries + 1, begun_at = ${NOW}, due_at = ${NOW} + $4
    from due where errand.id = due.id
    returning errand.*)
  select taken.id, taken.subscription_id as "subscriptionId", taken.action, taken.tries - 1 as tries,
    taken.event_id as event, message.identity, message.soft_identity as "softIdentity",
    message.header_message_id as "messageId", message.uid, message.uid_validity as "uidValidity",
    message.received_at as "receivedAt", message.size
  from taken join durable_mail.message on message.id = taken.message_id
  order by taken.id`;

const lock = `
  with locked as materialized (
    select id, message_id from durable_mail.errand
    where id = any($1) and ended_at is null order by id for update)`;

const finish = `
  ${lock}
  update durable_mail.errand set ended_at = ${NOW}, message_id = null
  from locked where errand.id = locked.id
  returning locked.message_id as "messageId"`;

const postpone = `
  ${lock}
  update durable_mail.errand set due_at = ${NOW} + $2, last_error = $3, last_error_at = ${NOW}
  from locked where errand.id = locked.id`;

const chosenAnew = `case errand.ending when 'DONE' then $3::text else $4::text end`;

// Locked in one order, as by those who finish them. Where nothing is chosen, nobody wants it any more.
const renewRefused = `
  with refused as materialized (
    select id, ${chosenAnew} as chosen from durable_mail.errand
    where lane = $1 and ended_at is null and subscription_id = $2 and last_error_at is not null
      and action is distinct from ${chosenAnew}
    order by id for update),
  changed as (
    update durable_mail.errand set
      kind = refused.chosen::jsonb ->> 'kind',
      takes_away = coalesce((refused.chosen::jsonb ->> 'takesAway')::boolean, false),
      action = refused.chosen, tries = 0, begun_at = null, due_at = ${NOW}, last_error = null, last_error_at = null
    from refused where errand.id = refused.id and refused.chosen is not null)
  delete from durable_mail.errand using refused
  where errand.id = refused.id and refused.chosen is null
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
    laneOf(sourceId),
    subscriptionId,
    settings.afterSuccess,
    settings.whenDead,
  );
  await deleteOrphans(statements, [...new Set(dropped.map(({ messageId }) => messageId))]);
}

const takeErrands: Method<'takeErrands'> = async (connection, { sourceId, fence }, limit, leaseMs) => {
  const rows = await connection.all<Omit<DueErrand, 'action'> & { action: string }>(
    begin,
    sourceId,
    fence,
    limit,
    Math.round(leaseMs),
    laneOf(sourceId),
  );
  return rows.map((row) => ({ ...row, action: parseErrand(row.action) }));
};

const finishErrands: Method<'finishErrands'> = async (connection, ids) => {
  if (ids.length === 0) return;
  await connection.transaction(async (statements) => {
    const finished = await statements.all<{ messageId: number | null }>(finish, ids);
    // Retention may have deleted the events of a mail while something was still to be done with it.
    const mails = finished.flatMap(({ messageId }) => messageId ?? []);
    await deleteOrphans(statements, [...new Set(mails)]);
  });
};

const postponeErrands: Method<'postponeErrands'> = async (connection, ids, error, delayMs) => {
  if (ids.length > 0) await connection.run(postpone, ids, Math.round(delayMs), error);
};

export const errands: Part<Errands> = { takeErrands, finishErrands, postponeErrands };
