// Errands in the SQLite ledger: written with the end of a run, handed out to the worker of their lane.
// Invariants: one errand waits for one event and one way in which it ended; a mail that is needed is not taken away; what
// was done refers to no mail any more.
import { AHEAD_MARGIN_MS } from '../common/clock';
import { parseErrand } from '../common/stored';
import { type DueErrand, type Errands, HELD_UP_TRIES, laneOf, MOST_POSTPONED_MS } from '../errands';
import type { EventState } from '../states';
import { limitOf, NOW, type SqliteConnection } from './connection';
import { isHeld } from './hold';
import { deleteMessagesOf } from './messages';
import type { Method, Part } from './part';

/** An event that just came to an end, or not yet. */
export interface Ending {
  readonly seq: number;
  readonly state: EventState;
}

const wanted = `iif(event.state = 'DONE', subscription.after_success, subscription.when_dead)`;

const enqueue = `
  insert into errand
    (lane, kind, takes_away, action, event_id, ending, subscription_id, message_id, due_at, created_at)
  select 'source:' || message.source_id, ${wanted} ->> 'kind', coalesce(${wanted} ->> 'takesAway', 0), ${wanted},
    event.id, event.state, subscription.id, message.id, ${NOW}, ${NOW}
  from json_each(?) ended
  cross join event on event.seq = ended.value
  join subscription on subscription.id = event.subscription_id
  join message on message.id = event.message_id
  where ${wanted} is not null
  order by event.seq
  on conflict (event_id, ending) where ended_at is null do nothing`;

// It takes the mail away: not while that mail has to be read where it is, or has more done to it there.
const mayGo = `
  (takes_away = 0 or not (
    exists (
      select 1 from errand other
      where other.message_id = errand.message_id and other.takes_away = 0
        and (other.last_error is null or other.tries < ${HELD_UP_TRIES}))
    or (
      exists (select 1 from event where event.message_id = errand.message_id and event.settled_at is null)
      and not exists (select 1 from content where content.message_id = errand.message_id))))`;

// Further ahead than an errand waits, it was stored before the clock was set back.
const isDue = `
  (due_at <= ${NOW} or due_at > ${NOW} + ${AHEAD_MARGIN_MS} + iif(last_error is null, ?1, ${MOST_POSTPONED_MS}))`;

const begin = `
  update errand set tries = tries + 1, begun_at = ${NOW}, due_at = ${NOW} + ?1
  where id in (
    select id from errand where lane = ?2 and ended_at is null and ${isDue} and ${mayGo}
    order by due_at, id ${limitOf('?3')})
  returning id`;

const selectBegun = `
  select errand.id, errand.subscription_id as subscriptionId, errand.action,
    errand.tries - 1 as tries, errand.event_id as event, message.identity,
    message.soft_identity as softIdentity, message.header_message_id as messageId, message.uid,
    message.uid_validity as uidValidity, message.received_at as receivedAt, message.size
  from errand join message on message.id = errand.message_id
  where errand.id in (select value from json_each(?))
  order by errand.id`;

const selectMails = `
  select message_id as messageId from errand
  where id in (select value from json_each(?)) and message_id is not null`;

const finish = `
  update errand set ended_at = ${NOW}, message_id = null
  where id in (select value from json_each(?)) and ended_at is null`;

const postpone = `
  update errand set due_at = ${NOW} + ?1, last_error = ?2, last_error_at = ${NOW}
  where id in (select value from json_each(?3)) and ended_at is null`;

const cancel = `
  delete from errand
  where event_id in (select id from event where seq in (select value from json_each(?)))
    and ended_at is null and tries = 0`;

const chosenAnew = `iif(ending = 'DONE', ?3, ?4)`;

// What was refused under another choice: nobody wants that any more.
const dropRefused = `
  delete from errand
  where lane = ?1 and ended_at is null and subscription_id = ?2 and last_error_at is not null and ${chosenAnew} is null
  returning message_id as messageId`;

const changeRefused = `
  update errand set
    kind = ${chosenAnew} ->> 'kind', takes_away = coalesce(${chosenAnew} ->> 'takesAway', 0), action = ${chosenAnew},
    tries = 0, begun_at = null, due_at = ${NOW}, last_error = null, last_error_at = null
  where lane = ?1 and ended_at is null and subscription_id = ?2 and last_error_at is not null
    and action <> ${chosenAnew}`;

/** What the server has refused follows the settings. Only in the transaction that stores them. */
export function followSettings(
  connection: SqliteConnection,
  sourceId: number,
  subscriptionId: number,
  settings: { readonly afterSuccess: string | null; readonly whenDead: string | null },
): void {
  const parameters = [laneOf(sourceId), subscriptionId, settings.afterSuccess, settings.whenDead] as const;
  connection.run(changeRefused, ...parameters);
  const dropped = connection.all<{ messageId: number }>(dropRefused, ...parameters);
  deleteMessagesOf(
    connection,
    dropped.map(({ messageId }) => messageId),
  );
}

/** Only in the transaction that ended them. */
export function enqueueErrands(connection: SqliteConnection, events: readonly Ending[]): void {
  const ended = events.filter(({ state }) => state === 'DONE' || state === 'DEAD');
  if (ended.length > 0) connection.run(enqueue, JSON.stringify(ended.map(({ seq }) => seq)));
}

/** What was to be done with mails that are to run again, and was not begun. @param seqs JSON */
export function cancelErrands(connection: SqliteConnection, seqs: string): void {
  connection.run(cancel, seqs);
}

const takeErrands: Method<'takeErrands'> = (connection, hold, limit, leaseMs) => {
  return connection.transaction(() => {
    if (!isHeld(connection, hold)) return [];
    const begun = connection.all<{ id: number }>(begin, Math.round(leaseMs), laneOf(hold.sourceId), limit);
    if (begun.length === 0) return [];
    const ids = JSON.stringify(begun.map(({ id }) => id));
    const rows = connection.all<Omit<DueErrand, 'action'> & { action: string }>(selectBegun, ids);
    return rows.map((row) => ({ ...row, action: parseErrand(row.action) }));
  });
};

const finishErrands: Method<'finishErrands'> = (connection, ids) => {
  if (ids.length === 0) return;
  const finished = JSON.stringify(ids);
  connection.transaction(() => {
    const mails = connection.all<{ messageId: number }>(selectMails, finished);
    connection.run(finish, finished);
    // Retention may have deleted the events of a mail while something was still to be done with it.
    deleteMessagesOf(
      connection,
      mails.map(({ messageId }) => messageId),
    );
  });
};

const postponeErrands: Method<'postponeErrands'> = (connection, ids, error, delayMs) => {
  if (ids.length > 0) connection.run(postpone, Math.round(delayMs), error, JSON.stringify(ids));
};

export const errands: Part<Errands> = { takeErrands, finishErrands, postponeErrands };
