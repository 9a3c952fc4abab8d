// What is to be done with mails on their server, in the SQLite ledger: written with the end of a run, handed out to
// the source's holder.
// Invariants: one action for one event and one way in which it ended; a mail that is needed there is not taken away.
import { AHEAD_MARGIN_MS } from '../clock';
import { type DueAction, HELD_UP_TRIES, type MailAction, MOST_POSTPONED_MS } from '../mail-actions';
import type { SourceHold } from '../source-holds';
import type { EventState } from '../states';
import { NOW, type SqliteConnection } from './connection';
import { isHeld } from './hold';
import { deleteMessagesOf } from './messages';

/** An event that just came to an end, or not yet. */
export interface Ending {
  readonly seq: number;
  readonly state: EventState;
}

const enqueue = `
  insert into mail_action (source_id, subscription_id, message_id, event_id, ending, action, due_at, created_at)
  select message.source_id, subscription.id, message.id, event.id, event.state,
    iif(event.state = 'DONE', subscription.after_success, subscription.when_dead), ${NOW}, ${NOW}
  from json_each(?) ended
  cross join event on event.seq = ended.value
  join subscription on subscription.id = event.subscription_id
  join message on message.id = event.message_id
  where iif(event.state = 'DONE', subscription.after_success, subscription.when_dead) is not null
  order by event.seq
  on conflict (event_id, ending) do nothing`;

// It takes the mail out of its mailbox: not while that mail has to be read there, or has more done to it there.
const mayGo = `
  (action ->> 'kind' not in ('move', 'delete') or not (
    exists (
      select 1 from mail_action other
      where other.message_id = mail_action.message_id and other.action ->> 'kind' not in ('move', 'delete')
        and (other.last_error is null or other.begun < ${HELD_UP_TRIES}))
    or (
      exists (select 1 from event where event.message_id = mail_action.message_id and event.settled_at is null)
      and not exists (select 1 from content where content.message_id = mail_action.message_id))))`;

// Further ahead than an action waits, it was stored before the clock was set back.
const isDue = `
  (due_at <= ${NOW} or due_at > ${NOW} + ${AHEAD_MARGIN_MS} + iif(last_error is null, ?1, ${MOST_POSTPONED_MS}))`;

const begin = `
  update mail_action set begun = begun + 1, due_at = ${NOW} + ?1
  where id in (
    select id from mail_action where source_id = ?2 and ${isDue} and ${mayGo}
    order by due_at, id limit ?3)
  returning id`;

const selectBegun = `
  select mail_action.id, mail_action.subscription_id as subscriptionId, mail_action.action,
    mail_action.begun - 1 as begun, mail_action.event_id as event, message.identity,
    message.soft_identity as softIdentity, message.header_message_id as messageId, message.uid,
    message.uid_validity as uidValidity, message.received_at as receivedAt, message.size
  from mail_action join message on message.id = mail_action.message_id
  where mail_action.id in (select value from json_each(?))
  order by mail_action.id`;

const finish = `
  delete from mail_action where id in (select value from json_each(?)) returning message_id as messageId`;

const postpone = `
  update mail_action set due_at = ${NOW} + ?1, last_error = ?2, last_error_at = ${NOW}
  where id in (select value from json_each(?3))`;

const cancel = `
  delete from mail_action
  where event_id in (select id from event where seq in (select value from json_each(?))) and begun = 0`;

const chosenAnew = `iif(ending = 'DONE', ?3, ?4)`;

// What was refused under another choice: nobody wants that any more.
const dropRefused = `
  delete from mail_action
  where source_id = ?1 and subscription_id = ?2 and last_error is not null and ${chosenAnew} is null
  returning message_id as messageId`;

const changeRefused = `
  update mail_action set
    action = ${chosenAnew}, begun = 0, due_at = ${NOW}, last_error = null, last_error_at = null
  where source_id = ?1 and subscription_id = ?2 and last_error is not null and action <> ${chosenAnew}`;

/** What the server has refused follows the settings. Only in the transaction that stores them. */
export function followSettings(
  connection: SqliteConnection,
  sourceId: number,
  subscriptionId: number,
  settings: { readonly afterSuccess: string | null; readonly whenDead: string | null },
): void {
  const parameters = [sourceId, subscriptionId, settings.afterSuccess, settings.whenDead] as const;
  connection.run(changeRefused, ...parameters);
  const dropped = connection.all<{ messageId: number }>(dropRefused, ...parameters);
  deleteMessagesOf(
    connection,
    dropped.map(({ messageId }) => messageId),
  );
}

/** Only in the transaction that ended them. */
export function enqueueActions(connection: SqliteConnection, events: readonly Ending[]): void {
  const ended = events.filter(({ state }) => state === 'DONE' || state === 'DEAD');
  if (ended.length > 0) connection.run(enqueue, JSON.stringify(ended.map(({ seq }) => seq)));
}

/** What was to be done with mails that are to run again, and was not begun. @param seqs JSON */
export function cancelActions(connection: SqliteConnection, seqs: string): void {
  connection.run(cancel, seqs);
}

export function takeActions(
  connection: SqliteConnection,
  hold: SourceHold,
  limit: number,
  leaseMs: number,
): DueAction[] {
  return connection.transaction(() => {
    if (!isHeld(connection, hold)) return [];
    const begun = connection.all<{ id: number }>(begin, leaseMs, hold.sourceId, limit);
    if (begun.length === 0) return [];
    const ids = JSON.stringify(begun.map(({ id }) => id));
    const rows = connection.all<Omit<DueAction, 'action'> & { action: string }>(selectBegun, ids);
    return rows.map((row) => ({ ...row, action: JSON.parse(row.action) as MailAction }));
  });
}

export function finishActions(connection: SqliteConnection, ids: readonly number[]): void {
  if (ids.length === 0) return;
  connection.transaction(() => {
    const finished = connection.all<{ messageId: number }>(finish, JSON.stringify(ids));
    // Retention may have deleted the events of a mail while something was still to be done with it.
    deleteMessagesOf(
      connection,
      finished.map(({ messageId }) => messageId),
    );
  });
}

export function postponeActions(
  connection: SqliteConnection,
  ids: readonly number[],
  error: string,
  delayMs: number,
): void {
  if (ids.length > 0) connection.run(postpone, delayMs, error, JSON.stringify(ids));
}
