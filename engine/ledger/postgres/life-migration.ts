// What people look at in the Postgres schema: the life of each event, and sums of all over time. A part of migrations.ts: never
// changed once released.
// Invariants: whoever ends a run leaves a try and adds to the sums, in the same transaction, also a process of the version
// before. Each server process has sums of its own: none waits for another, which would have all runs end one after the other.
import { BOUNDS_MS, UNKNOWN_BUCKET } from '../common/spread';
import { details, INTO } from './change-migration';

const NOW = '(extract(epoch from now()) * 1000)::bigint';
const MINUTE_MS = 60_000;

/** @param ms what took so long */
const bucketOf = (ms: string): string => `width_bucket(${ms}, '{${BOUNDS_MS.join(',')}}'::bigint[])`;

/** More of it in this minute. @param n how many, by the rest of the statement */
const sum = (of: string, what: string, bucket: string, n = '1', rest = ''): string => `
    insert into durable_mail.step_sum (subscription_id, step, at, what, bucket, backend, n)
    select ${of}, ${MINUTE_MS}, ${NOW} / ${MINUTE_MS} * ${MINUTE_MS}, ${what}, ${bucket}, pg_backend_pid(), ${n} ${rest}
    on conflict (subscription_id, step, at, what, bucket, backend) do update set n = step_sum.n + excluded.n;`;

export const lifeMigration = `
  lock table durable_mail.subscription, durable_mail.event, durable_mail.errand in access exclusive mode;

  -- When the run began that had it last.
  alter table durable_mail.event add column began_at bigint;

  create table durable_mail.try (
    event_seq bigint not null references durable_mail.event (seq) on delete cascade,
    attempt integer not null check (attempt > 0),
    subscription_id bigint not null,
    execution_id text,
    began_at bigint,
    ended_at bigint not null,
    state text collate "C" not null,
    error text,
    primary key (event_seq, attempt)
  ) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
  -- triggers
  create index try_ended on durable_mail.try (subscription_id, state, ended_at);

  create table durable_mail.deed (
    id bigint generated always as identity primary key,
    event_seq bigint not null references durable_mail.event (seq) on delete cascade,
    at bigint not null,
    what text not null check (what in ('replay', 'retryNow', 'markDone', 'forget')),
    by_whom text
  );
  -- life, sweep
  create index deed_event on durable_mail.deed (event_seq);

  create table durable_mail.annotation (
    event_seq bigint not null references durable_mail.event (seq) on delete cascade,
    name text collate "C" not null check (length(name) between 1 and 64),
    category text collate "C" check (length(category) <= 64),
    priority text collate "C" check (length(priority) <= 32),
    summary text check (length(summary) <= 2000),
    data text check (data is null or json_typeof(data::json) is not null),
    at bigint not null,
    primary key (event_seq, name)
  );

  -- Of what happened in a step: 'recorded', 'began' (its first run; the bucket tells how long it had waited), as what a run
  -- ended (the bucket tells how long it took), or, where no run ended, 'closed' and 'opened' (again). In steps of a minute, and of an hour from those that are old.
  create table durable_mail.step_sum (
    subscription_id bigint not null references durable_mail.subscription (id) on delete cascade,
    step integer not null check (step in (60000, 3600000)),
    at bigint not null check (at % step = 0),
    what text collate "C" not null,
    bucket integer not null,
    backend integer not null,
    n bigint not null check (n > 0),
    primary key (subscription_id, step, at, what, bucket, backend)
  ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

  -- life
  create index errand_event on durable_mail.errand (event_id) where ended_at is not null;

  create or replace function durable_mail.event_recorded() returns trigger language plpgsql as $$
  begin
    ${INTO}
    select 'email.new', subscription.source_id, fresh.id, subscription.workflow_id, ${details('fresh')}
    from fresh join durable_mail.subscription on subscription.id = fresh.subscription_id
    order by fresh.seq;
    ${sum('subscription_id', "'recorded'", '0', 'count(*)', 'from fresh group by subscription_id')}
    ${sum(
      'subscription_id',
      "'closed'",
      '0',
      'count(*)',
      'from fresh where settled_at is not null group by subscription_id',
    )}
    return null;
  end $$;

  create or replace function durable_mail.event_changed() returns trigger language plpgsql as $$
  begin
    ${INTO}
    select
      case
        when new.state = 'RUNNING' then 'email.started'
        when old.state <> 'RUNNING' then 'email.updated'
        when new.state = 'DONE' then 'email.done'
        when new.state = 'RETRY' then 'email.failed'
        when new.state = 'DEAD' then 'email.dead'
        else 'email.updated' end,
      subscription.source_id, new.id, subscription.workflow_id, ${details('new')}
    from durable_mail.subscription where subscription.id = new.subscription_id;
    if new.state = 'RUNNING' and old.state <> 'RUNNING' and old.began_at is null then
      ${sum('new.subscription_id', "'began'", bucketOf(`${NOW} - new.created_at`))}
    elsif old.state = 'RUNNING' and new.state <> 'RUNNING' then
      insert into durable_mail.try
        (event_seq, attempt, subscription_id, execution_id, began_at, ended_at, state, error)
      values (new.seq, old.attempt, new.subscription_id, old.execution_id, old.began_at, ${NOW}, new.state,
        left(new.last_error, 2000))
      on conflict do nothing;
      ${sum(
        'new.subscription_id',
        'new.state',
        `case when old.began_at is null then ${UNKNOWN_BUCKET} else ${bucketOf(`${NOW} - old.began_at`)} end`,
      )}
    elsif old.settled_at is null and new.settled_at is not null then
      ${sum('new.subscription_id', "'closed'", '0')}
    elsif old.settled_at is not null and new.settled_at is null then
      ${sum('new.subscription_id', "'opened'", '0')}
    end if;
    return null;
  end $$;

  -- Processes of before do not say it.
  create function durable_mail.run_began_before() returns trigger language plpgsql as $$
  begin
    new.began_at := ${NOW};
    return new;
  end $$;
  create trigger run_began_before before update of state on durable_mail.event
    for each row when (new.state = 'RUNNING' and old.state <> 'RUNNING' and new.began_at is not distinct from old.began_at)
    execute function durable_mail.run_began_before();

  -- None is told where its event went.
  create function durable_mail.annotation_changed() returns trigger language plpgsql as $$
  declare
    annotation durable_mail.annotation := case when tg_op = 'DELETE' then old else new end;
  begin
    ${INTO}
    select 'email.classified', subscription.source_id, event.id, subscription.workflow_id,
      case when tg_op = 'DELETE'
        then json_build_object('name', old.name, 'category', null, 'priority', null, 'removed', true)
        else json_build_object('name', new.name, 'category', new.category, 'priority', new.priority) end
    from durable_mail.event join durable_mail.subscription on subscription.id = event.subscription_id
    where event.seq = annotation.event_seq;
    return null;
  end $$;
  create trigger annotation_changed
    after insert or update of category, priority, summary, data or delete on durable_mail.annotation
    for each row execute function durable_mail.annotation_changed();
  `;
