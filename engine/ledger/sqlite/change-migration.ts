// Changes in the SQLite schema: the table, and the triggers that write it whenever a row becomes something that may be heard
// of. A part of migrations.ts: never changed once released.
// Invariant: whoever changes a state leaves a change, in the same transaction, also code of the version before.

const NOW = "cast(unixepoch('subsec') * 1000 as integer)";

/** What is told of an event, by the name of its row. */
const details = (event: string, more = ''): string => `
  '{"state":"' || ${event}.state || '","attempt":' || ${event}.attempt || ',"failures":' || ${event}.failures
    || iif(${event}.due_at is null, '', ',"dueAt":' || ${event}.due_at)
    || iif(${event}.state = 'RUNNING', ',"execution":' || json_quote(${event}.execution_id), '') || '${more}}'`;

export const changeMigration = `
  -- The newest row is never deleted: so no id is used twice.
  create table change (
    id integer primary key,
    at integer not null,
    type text not null,
    source_id integer,
    event_id text,
    workflow_id text,
    details text not null,
    check ((event_id is null) = (workflow_id is null))
  ) strict;

  -- There is always one to begin after.
  insert into change (at, type, details) values (${NOW}, 'begin', '{}');

  create trigger event_recorded after insert on event begin
    insert into change (at, type, source_id, event_id, workflow_id, details)
    select ${NOW}, 'email.new', source_id, new.id, workflow_id, ${details('new')}
    from subscription where id = new.subscription_id;
  end;

  create trigger event_changed after update of state, due_at on event
  when new.state <> 'QUEUED' and (old.state <> new.state or old.due_at <> new.due_at) begin
    insert into change (at, type, source_id, event_id, workflow_id, details)
    select ${NOW},
      case
        when new.state = 'RUNNING' then 'email.started'
        when old.state <> 'RUNNING' then 'email.updated'
        when new.state = 'DONE' then 'email.done'
        when new.state = 'RETRY' then 'email.failed'
        when new.state = 'DEAD' then 'email.dead'
        else 'email.updated' end,
      source_id, new.id, workflow_id, ${details('new')}
    from subscription where id = new.subscription_id;
  end;

  -- Only who forgets a mail updates these.
  create trigger message_forgotten after update of sender, subject on message begin
    insert into change (at, type, source_id, event_id, workflow_id, details)
    select ${NOW}, 'email.updated', subscription.source_id, event.id, workflow_id,
      ${details('event', ',"forgotten":true')}
    from event join subscription on subscription.id = event.subscription_id
    where event.message_id = new.id order by event.seq;
  end;

  create trigger errand_ended after update of ended_at, last_error on errand
  when new.event_id is not null
    and (old.ended_at is null and new.ended_at is not null or new.ended_at is null and new.last_error is not null) begin
    insert into change (at, type, source_id, event_id, workflow_id, details)
    select ${NOW}, 'email.updated', source_id, new.event_id, workflow_id,
      json_object('errand', new.kind, 'ended', iif(new.ended_at is null, 'refused', 'done'), 'tries', new.tries)
    from subscription where id = new.subscription_id;
  end;

  create trigger source_made after insert on source begin
    insert into change (at, type, source_id, details)
    values (${NOW}, 'source.state', new.id, json_object('state', new.state, 'connection', new.connection,
      'notifiedUntil', new.notified_until));
  end;

  create trigger source_changed
  after update of state, connection, last_error, last_error_at, backfill_read, backfill_left, recovered_at, notified_until
  on source
  when (old.state, old.connection, old.notified_until, old.last_error_at, old.last_error, old.recovered_at)
      is not (new.state, new.connection, new.notified_until, new.last_error_at, new.last_error, new.recovered_at)
    or (old.backfill_read, old.backfill_left) is not (new.backfill_read, new.backfill_left) begin
    insert into change (at, type, source_id, details)
    select ${NOW}, 'source.state', new.id, json_object('state', new.state, 'connection', new.connection,
      'notifiedUntil', new.notified_until)
    where (old.state, old.connection, old.notified_until) is not (new.state, new.connection, new.notified_until);

    insert into change (at, type, source_id, details)
    select ${NOW}, 'sync.error', new.id, json_object('error', substr(new.last_error, 1, 500))
    where new.last_error is not null
      and (old.last_error_at, old.last_error) is not (new.last_error_at, new.last_error);

    insert into change (at, type, source_id, details)
    select ${NOW}, 'source.recovered', new.id, json_object('recovered', new.recovered)
    where new.recovered is not null and old.recovered_at is not new.recovered_at;

    insert into change (at, type, source_id, details)
    select ${NOW},
      case
        when new.backfill_left is null then 'sync.completed'
        when old.backfill_left is null then 'sync.started'
        when old.backfill_read = 0 and new.backfill_read > 0 then 'sync.first_batch'
        else 'sync.progress' end,
      new.id, iif(new.backfill_left is null, '{}', json_object('read', new.backfill_read, 'left', new.backfill_left))
    where (old.backfill_read, old.backfill_left) is not (new.backfill_read, new.backfill_left);

    insert into change (at, type, source_id, details)
    select ${NOW}, 'sync.first_batch', new.id, json_object('read', new.backfill_read, 'left', new.backfill_left)
    where old.backfill_left is null and new.backfill_read > 0;
  end;
  `;
