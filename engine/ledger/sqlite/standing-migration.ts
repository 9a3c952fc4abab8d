// How many events stand in each state, in the SQLite schema: counts that the database itself keeps, so that to be told them does
// not take longer the more mails wait. A part of migrations.ts: never changed once released.
// Invariants: a count is the number of events of that subscription and state that have no lease, whoever writes them; those with
// one are few, and are counted by their index.

const more = (condition = ''): string => `
    insert into standing (subscription_id, state, n) select new.subscription_id, new.state, 1 ${condition}
    on conflict (subscription_id, state) do update set n = n + 1;`;

// None stands there of an event that had a lease.
const less = `
    update standing set n = n - 1 where subscription_id = old.subscription_id and state = old.state;`;

export const standingMigration = `
  create table standing (
    subscription_id integer not null references subscription (id) on delete cascade,
    state text not null check (state not in ('QUEUED', 'RUNNING')),
    n integer not null,
    primary key (subscription_id, state)
  ) strict, without rowid;

  insert into standing (subscription_id, state, n)
  select subscription_id, state, count(*) from event where state not in ('QUEUED', 'RUNNING') group by 1, 2;

  create trigger event_stands after insert on event when new.state not in ('QUEUED', 'RUNNING') begin
    ${more('where true')}
  end;

  create trigger event_stands_elsewhere after update of state on event
  when old.state <> new.state and (old.state, new.state) not in (values ('QUEUED', 'RUNNING'), ('RUNNING', 'QUEUED')) begin
    ${less}
    ${more(`where new.state not in ('QUEUED', 'RUNNING')`)}
  end;

  create trigger event_stands_no_more after delete on event begin
    ${less}
  end;

  -- triggers: since when the oldest waits
  create index event_waiting on event (subscription_id, max(created_at, coalesce(began_at, 0))) where state = 'PENDING';
  `;
