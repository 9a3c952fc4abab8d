// The SQLite schema, one string a version; never changed once released, only added to.
// CHECK constraints tie each column to the state, so that an illegal row cannot be written.

export const migrations: readonly string[] = [
  `
  create table source (
    id integer primary key,
    kind text not null,
    account text not null,
    mailbox text not null,
    state text not null default 'pending'
      check (state in ('pending', 'syncing', 'idle', 'gap_checking', 'gap_syncing', 'error', 'retry_scheduled')),
    connection text not null default 'closed'
      check (connection in ('connecting', 'idling', 'polling', 'backing_off', 'closed')),
    last_success_at integer,
    last_error_at integer,
    last_error text,
    unique (kind, account, mailbox)
  ) strict;

  create table subscription (
    id integer primary key,
    key text not null unique,
    workflow_id text not null,
    node_id text not null,
    source_id integer not null references source (id),
    retry_delays_ms text not null check (json_type(retry_delays_ms) = 'array'),
    cursor text,
    created_at integer not null
  ) strict;

  create index subscription_node on subscription (workflow_id, node_id);

  create table message (
    id integer primary key,
    source_id integer not null references source (id),
    identity text not null,
    soft_identity text,
    header_message_id text,
    uid integer,
    uid_validity text,
    received_at integer,
    recorded_at integer not null,
    size integer not null,
    truncated integer not null check (truncated in (0, 1)),
    unique (source_id, identity)
  ) strict;

  create table content (
    message_id integer primary key references message (id),
    gzip blob not null
  ) strict;

  create table event (
    seq integer primary key,
    id text not null unique,
    subscription_id integer not null references subscription (id),
    message_id integer not null references message (id),
    identity text not null,
    soft_identity text,
    idempotency_key text not null,
    state text not null,
    attempt integer not null default 0 check (attempt >= 0),
    failures integer not null default 0 check (failures between 0 and attempt),
    due_at integer,
    lease_until integer,
    execution_id text,
    last_error text,
    created_at integer not null,
    settled_at integer,
    unique (subscription_id, identity),
    check (case state
      when 'PENDING' then due_at is not null and lease_until is null and execution_id is null and settled_at is null
      when 'QUEUED' then due_at is null and lease_until is not null and settled_at is null and attempt > 0
      when 'RUNNING' then due_at is null and lease_until is not null and execution_id is not null
        and settled_at is null and attempt > 0
      when 'RETRY' then due_at is not null and lease_until is null and settled_at is null and failures > 0
      when 'DONE' then due_at is null and lease_until is null and settled_at is not null
      when 'DEAD' then due_at is null and lease_until is null and settled_at is not null and failures > 0
      when 'GONE' then due_at is null and lease_until is null and settled_at is not null
      when 'UNKNOWN' then due_at is null and lease_until is null and settled_at is not null and attempt > 0
      else false end)
  ) strict;

  create unique index event_soft_identity on event (subscription_id, soft_identity) where soft_identity is not null;
  create index event_due on event (subscription_id, due_at) where due_at is not null;
  create index event_leased on event (subscription_id, lease_until) where lease_until is not null;
  create index event_message on event (message_id);
  `,
];
