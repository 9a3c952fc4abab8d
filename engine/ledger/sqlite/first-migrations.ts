// The first 4 versions of the SQLite schema (migrations.ts).
// Invariant: they are released, and never changed.

export const firstMigrations: readonly string[] = [
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

  // 2: several mails in one run, at most once, content kept for a time, retention, and keys that are taken once.
  // SQLite cannot change a CHECK: the event table is made anew. No other table refers to it, so that foreign
  // keys, which cannot be switched off within a transaction, do not mind.
  `
  alter table subscription add column guarantee text not null default 'atLeastOnce'
    check (guarantee in ('atLeastOnce', 'atMostOnce'));
  alter table subscription add column keep_content_ms integer not null default 0 check (keep_content_ms >= 0);
  alter table subscription add column retention_ms integer not null default 7776000000 check (retention_ms >= 0);

  -- Of a mail that was too large, version 1 stored the header only; now it is read from the server when it runs.
  delete from content where message_id in (select id from message where truncated = 1);
  alter table message drop column truncated;
  alter table message add column sender text;
  alter table message add column subject text;

  alter table content add column drop_at integer;
  create index content_drop on content (drop_at) where drop_at is not null;

  create table event_2 (
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
    run_id text,
    execution_id text,
    last_error text,
    created_at integer not null,
    settled_at integer,
    reported_at integer,
    unique (subscription_id, identity),
    check (case state
      when 'PENDING' then due_at is not null and lease_until is null and run_id is null and execution_id is null
        and settled_at is null
      when 'QUEUED' then due_at is null and lease_until is not null and run_id is not null and settled_at is null
        and attempt > 0
      when 'RUNNING' then due_at is null and lease_until is not null and run_id is not null
        and execution_id is not null and settled_at is null and attempt > 0
      when 'RETRY' then due_at is not null and lease_until is null and settled_at is null and failures > 0
      when 'DONE' then due_at is null and lease_until is null and settled_at is not null
      when 'DEAD' then due_at is null and lease_until is null and settled_at is not null and failures > 0
      when 'GONE' then due_at is null and lease_until is null and settled_at is not null
      when 'UNKNOWN' then due_at is null and lease_until is null and settled_at is not null and attempt > 0
      else false end),
    check (reported_at is null or state in ('DEAD', 'UNKNOWN'))
  ) strict;

  insert into event_2
    (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures,
     due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at)
  select seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures,
    due_at, lease_until, iif(state in ('QUEUED', 'RUNNING'), id, null), execution_id, last_error, created_at, settled_at
  from event order by seq;
  drop table event;
  alter table event_2 rename to event;

  create unique index event_soft_identity on event (subscription_id, soft_identity) where soft_identity is not null;
  create index event_due on event (subscription_id, due_at) where due_at is not null;
  create index event_leased on event (subscription_id, lease_until) where lease_until is not null;
  create index event_settled on event (subscription_id, settled_at) where settled_at is not null;
  create index event_ended on event (subscription_id, settled_at)
    where reported_at is null and state in ('DEAD', 'UNKNOWN');
  create index event_message on event (message_id);
  -- What people ask for, in the order they see it; most events are DONE and not in it.
  create index event_not_done on event (seq, state) where state <> 'DONE';

  -- The identities and soft identities of events that retention deleted.
  create table seen (
    subscription_id integer not null references subscription (id),
    key text not null,
    primary key (subscription_id, key)
  ) strict, without rowid;

  -- expires_at: when the row means nothing any more, held or finished; null: never.
  create table once_key (
    key text primary key,
    holder text not null,
    lease_until integer,
    finish text not null check (finish in ('onSuccess', 'anyway')),
    keep_ms integer check (keep_ms >= 0),
    finished_at integer,
    expires_at integer,
    check ((lease_until is null) <> (finished_at is null))
  ) strict, without rowid;

  create index once_key_expiry on once_key (expires_at) where expires_at is not null;
  create index once_key_held on once_key (holder) where lease_until is not null;
  `,

  // 3: which process holds a source, mails that were there before, and what is to be done with mails on their server.
  `
  alter table source add column fence integer not null default 0 check (fence >= 0);
  alter table source add column holder text;
  alter table source add column held_until integer check ((held_until is null) = (holder is null));
  alter table source add column backfill_read integer check (backfill_read >= 0);
  alter table source add column backfill_left integer
    check (backfill_left >= 0 and (backfill_left is null) = (backfill_read is null));

  alter table subscription add column after_success text
    check (after_success is null or json_type(after_success) = 'object');
  alter table subscription add column when_dead text check (when_dead is null or json_type(when_dead) = 'object');

  alter table message add column weak_identity text;
  create index message_weak_identity on message (source_id, weak_identity) where weak_identity is not null;

  -- It refers to no event: retention may delete that first. The mail stays until its actions are done.
  create table mail_action (
    id integer primary key,
    source_id integer not null references source (id),
    subscription_id integer not null,
    message_id integer not null references message (id),
    event_id text not null,
    ending text not null check (ending in ('DONE', 'DEAD')),
    action text not null check (json_type(action) = 'object'),
    begun integer not null default 0 check (begun >= 0),
    due_at integer not null,
    last_error text,
    last_error_at integer,
    created_at integer not null,
    unique (event_id, ending),
    check ((last_error is null) = (last_error_at is null))
  ) strict;

  create index mail_action_due on mail_action (source_id, due_at);
  create index mail_action_message on mail_action (message_id);
  `,

  // 4: what the last recovery of a source found, and until when its server sends notifications.
  `
  alter table source add column recovered integer check (recovered >= 0);
  alter table source add column recovered_at integer check ((recovered_at is null) = (recovered is null));
  alter table source add column notified_until integer;
  `,
];
