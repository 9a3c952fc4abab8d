// What people look at in the SQLite schema: the life of each event, and sums of all over time. A part of migrations.ts: never
// changed once released.
// Invariant: whoever ends a run leaves a try and adds to the sums, in the same transaction, also code of the version before.
import { BOUNDS_MS, UNKNOWN_BUCKET } from '../common/spread';

const NOW = "cast(unixepoch('subsec') * 1000 as integer)";
const MINUTE_MS = 60_000;

/** @param ms what took so long */
const bucketOf = (ms: string): string =>
  `case ${BOUNDS_MS.map((bound, bucket) => `when ${ms} < ${bound} then ${bucket}`).join(' ')} else ${BOUNDS_MS.length} end`;

/** One more of it in this minute. */
const sum = (what: string, bucket: string): string => `
    insert into step_sum (subscription_id, step, at, what, bucket, n)
    values (new.subscription_id, ${MINUTE_MS}, ${NOW} / ${MINUTE_MS} * ${MINUTE_MS}, ${what}, ${bucket}, 1)
    on conflict (subscription_id, step, at, what, bucket) do update set n = n + 1;`;

/** @param row of the annotation @param details what is told of it beside its name */
const classified = (
  row: 'new' | 'old',
  details: string,
): string => `insert into change (at, type, source_id, event_id, workflow_id, details)
    select ${NOW}, 'email.classified', source_id, event.id, workflow_id,
      json_object('name', ${row}.name, ${details})
    from event join subscription on subscription.id = event.subscription_id where event.seq = ${row}.event_seq;`;

export const lifeMigration = `
  -- When the run began that had it last.
  alter table event add column began_at integer;

  create table try (
    event_seq integer not null references event (seq) on delete cascade,
    attempt integer not null check (attempt > 0),
    subscription_id integer not null,
    execution_id text,
    began_at integer,
    ended_at integer not null,
    state text not null,
    error text,
    primary key (event_seq, attempt)
  ) strict, without rowid;
  create index try_ended on try (subscription_id, state, ended_at);

  create table deed (
    id integer primary key,
    event_seq integer not null references event (seq) on delete cascade,
    at integer not null,
    what text not null check (what in ('replay', 'retryNow', 'markDone', 'forget')),
    by_whom text
  ) strict;
  create index deed_event on deed (event_seq);

  create table annotation (
    event_seq integer not null references event (seq) on delete cascade,
    name text not null check (length(name) between 1 and 64),
    category text check (length(category) <= 64),
    priority text check (length(priority) <= 32),
    summary text check (length(summary) <= 2000),
    data text check (data is null or json_valid(data)),
    at integer not null,
    primary key (event_seq, name)
  ) strict;

  -- Of what happened in a step: 'recorded', 'began' (its first run; the bucket tells how long it had waited), as what a run
  -- ended (the bucket tells how long it took), or, where no run ended, 'closed' and 'opened' (again). In steps of a minute, and of an hour from those that are old.
  create table step_sum (
    subscription_id integer not null references subscription (id) on delete cascade,
    step integer not null check (step in (60000, 3600000)),
    at integer not null check (at % step = 0),
    what text not null,
    bucket integer not null,
    n integer not null check (n > 0),
    primary key (subscription_id, step, at, what, bucket)
  ) strict, without rowid;

  create index errand_event on errand (event_id) where ended_at is not null;

  create trigger recorded_summed after insert on event begin
    ${sum("'recorded'", '0')}
  end;

  create trigger closed_summed_at_once after insert on event when new.settled_at is not null begin
    ${sum("'closed'", '0')}
  end;

  create trigger closed_summed after update of state on event
  when old.state <> 'RUNNING' and old.settled_at is null and new.settled_at is not null begin
    ${sum("'closed'", '0')}
  end;

  create trigger opened_summed after update of state on event
  when old.settled_at is not null and new.settled_at is null begin
    ${sum("'opened'", '0')}
  end;

  create trigger run_began after update of state on event
  when new.state = 'RUNNING' and old.state <> 'RUNNING' and old.began_at is null begin
    ${sum("'began'", bucketOf(`${NOW} - new.created_at`))}
  end;

  -- Code of before does not say it.
  create trigger run_began_before after update of state on event
  when new.state = 'RUNNING' and old.state <> 'RUNNING' and new.began_at is old.began_at begin
    update event set began_at = ${NOW} where seq = new.seq;
  end;

  create trigger run_ended after update of state on event when old.state = 'RUNNING' and new.state <> 'RUNNING' begin
    insert into try (event_seq, attempt, subscription_id, execution_id, began_at, ended_at, state, error)
    values (new.seq, old.attempt, new.subscription_id, old.execution_id, old.began_at, ${NOW}, new.state,
      substr(new.last_error, 1, 2000))
    on conflict do nothing;
    ${sum('new.state', `iif(old.began_at is null, ${UNKNOWN_BUCKET}, ${bucketOf(`${NOW} - old.began_at`)})`)}
  end;

  create trigger annotation_made after insert on annotation begin
    ${classified('new', "'category', new.category, 'priority', new.priority")}
  end;

  create trigger annotation_changed after update of category, priority, summary, data on annotation begin
    ${classified('new', "'category', new.category, 'priority', new.priority")}
  end;

  -- Not where its event went.
  create trigger annotation_removed after delete on annotation begin
    ${classified('old', "'category', null, 'priority', null, 'removed', json('true')")}
  end;
  `;
