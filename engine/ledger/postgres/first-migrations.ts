// The first 3 versions of the Postgres schema (migrations.ts).
// Invariant: they are released, and never changed.

export const firstMigrations: readonly string[] = [
  `
  create table durable_mail.source (
    id bigint generated always as identity primary key,
    kind text collate "C" not null,
    account text collate "C" not null,
    mailbox text collate "C" not null,
    state text not null default 'pending'
      check (state in ('pending', 'syncing', 'idle', 'gap_checking', 'gap_syncing', 'error', 'retry_scheduled')),
    connection text not null default 'closed'
      check (connection in ('connecting', 'idling', 'polling', 'backing_off', 'closed')),
    last_success_at bigint,
    last_error_at bigint,
    last_error text,
    unique (kind, account, mailbox)
  );

  create table durable_mail.subscription (
    id bigint generated always as identity primary key,
    key text collate "C" not null unique,
    workflow_id text collate "C" not null,
    node_id text collate "C" not null,
    source_id bigint not null references durable_mail.source (id),
    retry_delays_ms text not null check (jsonb_typeof(retry_delays_ms::jsonb) = 'array'),
    guarantee text not null check (guarantee in ('atLeastOnce', 'atMostOnce')),
    keep_content_ms bigint not null check (keep_content_ms >= 0),
    retention_ms bigint not null check (retention_ms >= 0),
    cursor text,
    created_at bigint not null
  );

  create index subscription_node on durable_mail.subscription (workflow_id, node_id);

  create table durable_mail.message (
    id bigint generated always as identity primary key,
    source_id bigint not null references durable_mail.source (id),
    identity text collate "C" not null,
    soft_identity text collate "C",
    header_message_id text,
    sender text,
    subject text,
    uid bigint,
    uid_validity text,
    received_at bigint,
    recorded_at bigint not null,
    size bigint not null,
    unique (source_id, identity)
  );

  create table durable_mail.content (
    message_id bigint primary key references durable_mail.message (id) on delete cascade,
    gzip bytea not null,
    drop_at bigint
  );

  -- It is compressed already.
  alter table durable_mail.content alter column gzip set storage external;

  -- sweep
  create index content_drop on durable_mail.content (drop_at) where drop_at is not null;

  create table durable_mail.event (
    seq bigint generated always as identity primary key,
    id text collate "C" not null unique,
    subscription_id bigint not null references durable_mail.subscription (id),
    message_id bigint not null references durable_mail.message (id),
    identity text collate "C" not null,
    soft_identity text collate "C",
    idempotency_key text not null,
    state text collate "C" not null,
    attempt integer not null default 0 check (attempt >= 0),
    failures integer not null default 0 check (failures between 0 and attempt),
    due_at bigint,
    lease_until bigint,
    run_id text,
    execution_id text,
    last_error text,
    created_at bigint not null,
    settled_at bigint,
    reported_at bigint,
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
  ) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

  -- record, unrecorded
  create unique index event_soft_identity on durable_mail.event (subscription_id, soft_identity)
    where soft_identity is not null;
  -- offer: in this order, cut at what it needs
  create index event_due on durable_mail.event (subscription_id, due_at, seq) where due_at is not null;
  create index event_leased on durable_mail.event (subscription_id, lease_until) where lease_until is not null;
  -- settle and sweep: the other events of a mail
  create index event_message on durable_mail.event (message_id);
  -- sweep, statistics
  create index event_settled on durable_mail.event (subscription_id, settled_at) where settled_at is not null;
  -- takeEnded
  create index event_unreported on durable_mail.event (subscription_id, seq)
    where state in ('DEAD', 'UNKNOWN') and reported_at is null;
  -- people who look for what is not DONE
  create index event_state on durable_mail.event (state, seq) where state <> 'DONE';

  create table durable_mail.seen (
    subscription_id bigint not null references durable_mail.subscription (id),
    key text collate "C" not null,
    primary key (subscription_id, key)
  );

  create table durable_mail.once_key (
    key text collate "C" primary key,
    holder text collate "C" not null,
    lease_until bigint,
    finish text not null check (finish in ('onSuccess', 'anyway')),
    keep_ms bigint,
    finished_at bigint,
    expires_at bigint,
    check (case when finished_at is null
      then lease_until is not null and expires_at is null
      else lease_until is null end)
  );

  -- renewKeys, endKeys
  create index once_key_held on durable_mail.once_key (holder) where lease_until is not null;
  -- sweep
  create index once_key_lease on durable_mail.once_key (lease_until) where lease_until is not null;
  create index once_key_expiry on durable_mail.once_key (expires_at) where expires_at is not null;
  `,

  // 2: which process holds a source, mails that were there before, and what is to be done with mails on their server.
  `
  alter table durable_mail.source
    add column fence bigint not null default 0 check (fence >= 0),
    add column holder text collate "C",
    add column held_until bigint,
    add column backfill_read bigint check (backfill_read >= 0),
    add column backfill_left bigint check (backfill_left >= 0),
    add check ((held_until is null) = (holder is null)),
    add check ((backfill_left is null) = (backfill_read is null));

  alter table durable_mail.subscription
    add column after_success text check (jsonb_typeof(after_success::jsonb) = 'object'),
    add column when_dead text check (jsonb_typeof(when_dead::jsonb) = 'object');

  alter table durable_mail.message add column weak_identity text collate "C";
  -- unrecorded, of a mailbox that was renumbered
  create index message_weak_identity on durable_mail.message (source_id, weak_identity)
    where weak_identity is not null;

  -- It refers to no event: retention may delete that first. The mail stays until its actions are done.
  create table durable_mail.mail_action (
    id bigint generated always as identity primary key,
    source_id bigint not null references durable_mail.source (id),
    subscription_id bigint not null,
    message_id bigint not null references durable_mail.message (id),
    event_id text collate "C" not null,
    ending text collate "C" not null check (ending in ('DONE', 'DEAD')),
    action text not null check (jsonb_typeof(action::jsonb) = 'object'),
    begun integer not null default 0 check (begun >= 0),
    due_at bigint not null,
    last_error text,
    last_error_at bigint,
    created_at bigint not null,
    unique (event_id, ending),
    check ((last_error is null) = (last_error_at is null))
  );

  -- takeErrands, sources
  create index mail_action_due on durable_mail.mail_action (source_id, due_at);
  -- takeErrands, sweep
  create index mail_action_message on durable_mail.mail_action (message_id);
  `,

  // 3: what the last recovery of a source found, and until when its server sends notifications.
  `
  alter table durable_mail.source
    add column recovered bigint check (recovered >= 0),
    add column recovered_at bigint,
    add column notified_until bigint,
    add check ((recovered_at is null) = (recovered is null));
  `,
];
