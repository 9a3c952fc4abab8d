// How many events stand in each state, in the Postgres schema: counts that the database itself keeps, so that to be told them
// does not take longer the more mails wait. A part of migrations.ts: never changed once released.
// Invariants: the counts of a subscription and state together are the number of its events that have no lease, whoever writes
// them; those with one are few, and are counted by their index. Each server process has counts of its own, which may be below 0:
// none waits for another. What they come to is put together by the sweep (standing.ts), as those of process 0.

/** @param sign of what is added @param rest of the statement that says of which events */
const counted = (rows: string, sign: '' | '-'): string => `
    insert into durable_mail.standing (subscription_id, state, backend, n)
    select subscription_id, state, pg_backend_pid(), ${sign}count(*)
    from ${rows} where state not in ('QUEUED', 'RUNNING') group by subscription_id, state order by 1, 2
    on conflict (subscription_id, state, backend) do update set n = standing.n + excluded.n;`;

/** One event more, or less. */
const one = (row: 'new' | 'old', n: 1 | -1): string => `
      insert into durable_mail.standing (subscription_id, state, backend, n)
      values (${row}.subscription_id, ${row}.state, pg_backend_pid(), ${n})
      on conflict (subscription_id, state, backend) do update set n = standing.n + excluded.n;`;

export const standingMigration = `
  lock table durable_mail.event in share row exclusive mode;

  create table durable_mail.standing (
    subscription_id bigint not null references durable_mail.subscription (id) on delete cascade,
    state text collate "C" not null check (state not in ('QUEUED', 'RUNNING')),
    backend integer not null,
    n bigint not null,
    primary key (subscription_id, state, backend)
  ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

  -- sweep
  create index standing_part on durable_mail.standing (subscription_id, state, backend) where backend <> 0;

  insert into durable_mail.standing (subscription_id, state, backend, n)
  select subscription_id, state, 0, count(*) from durable_mail.event
  where state not in ('QUEUED', 'RUNNING') group by 1, 2;

  create function durable_mail.events_stand() returns trigger language plpgsql as $$
  begin
    ${counted('fresh', '')}
    return null;
  end $$;
  create trigger events_stand after insert on durable_mail.event
    referencing new table as fresh for each statement execute function durable_mail.events_stand();

  create function durable_mail.event_stands_elsewhere() returns trigger language plpgsql as $$
  begin
    if old.state not in ('QUEUED', 'RUNNING') then
      ${one('old', -1)}
    end if;
    if new.state not in ('QUEUED', 'RUNNING') then
      ${one('new', 1)}
    end if;
    return null;
  end $$;
  create trigger event_stands_elsewhere after update of state on durable_mail.event
    for each row when (old.state <> new.state
      and not (old.state in ('QUEUED', 'RUNNING') and new.state in ('QUEUED', 'RUNNING')))
    execute function durable_mail.event_stands_elsewhere();

  create function durable_mail.events_stand_no_more() returns trigger language plpgsql as $$
  begin
    ${counted('gone', '-')}
    return null;
  end $$;
  create trigger events_stand_no_more after delete on durable_mail.event
    referencing old table as gone for each statement execute function durable_mail.events_stand_no_more();

  -- triggers: since when the oldest waits
  create index event_waiting on durable_mail.event (subscription_id, greatest(created_at, coalesce(began_at, 0)))
    where state = 'PENDING';
  `;
