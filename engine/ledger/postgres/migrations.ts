// The Postgres schema, one string a version; never changed once released, only added to.
// CHECK constraints tie each column to the state, so that an illegal row cannot be written.
// What is compared is `collate "C"`: quick, and an update of the system's collations cannot break its indexes.
// Each index costs every mail, so each says who reads it.
import { changeMigration } from './change-migration';
import { firstMigrations } from './first-migrations';
import { lifeMigration } from './life-migration';
import { outboxMigration } from './outbox-migration';
import { standingMigration } from './standing-migration';

export const migrations: readonly string[] = [
  ...firstMigrations,

  // 4: offers that ended before any run had claimed their event, and runs whose own process does not hear how they end.
  `
  alter table durable_mail.event
    add column unclaimed integer not null default 0 check (unclaimed >= 0),
    add column end_told boolean not null default true;

  -- hurryReleased
  create index event_unclaimed on durable_mail.event (subscription_id)
    where unclaimed > 0 and due_at is not null;
  `,

  // 5: until when somebody listens for a subscription.
  `
  alter table durable_mail.subscription
    add column node_name text,
    add column served_until bigint not null default 0,
    -- Who was told that nobody listens, though mails wait: nobody, the log, the workflow's people.
    add column unserved_told smallint not null default 0 check (unserved_told in (0, 1, 2));
  update durable_mail.subscription set served_until = (extract(epoch from now()) * 1000)::bigint;
  -- sources
  create index subscription_source on durable_mail.subscription (source_id);
  `,

  // 6: whose the ledger is. One row; its id is the ledger's own.
  `
  create table durable_mail.ownership (
    one boolean primary key default true check (one),
    ledger_id text not null,
    owner text,
    home text,
    host text,
    owned_at bigint,
    said_at bigint,
    check ((owner is null) = (owned_at is null) and (owner is null) = (said_at is null)),
    check (owner is not null or (home is null and host is null))
  );

  insert into durable_mail.ownership (ledger_id)
    values (md5(random()::text || clock_timestamp()::text || pg_backend_pid()::text));
  `,

  // 7: what whoever reads a source wants to know of it after a restart.
  `
  alter table durable_mail.source
    add column notes text check (notes is null or jsonb_typeof(notes::jsonb) = 'object');
  `,

  // 8: what is to be done with mails is one of many errands: whatever its lane's worker can do. What must come last says
  // so itself; nothing here reads its kind. Locked first: an older process may be writing one.
  `
  lock table durable_mail.subscription, durable_mail.mail_action in access exclusive mode;

  create table durable_mail.errand (
    id bigint generated always as identity primary key,
    lane text collate "C" not null,
    kind text collate "C" not null,
    takes_away boolean not null default false,
    action text not null check (jsonb_typeof(action::jsonb) = 'object'),
    -- The event that it belongs to, how that ended, and whose settings ask for it; or none of them. It refers to no
    -- event: retention may delete that first. The mail stays until its errands are done.
    event_id text collate "C",
    ending text collate "C" check (ending in ('DONE', 'DEAD')),
    subscription_id bigint,
    message_id bigint references durable_mail.message (id),
    tries integer not null default 0 check (tries >= 0),
    due_at bigint not null,
    begun_at bigint,
    ended_at bigint,
    last_error text,
    last_error_at bigint,
    created_at bigint not null,
    check ((event_id is null) = (ending is null) and (event_id is null) = (subscription_id is null)),
    check ((message_id is null) = (event_id is null or ended_at is not null)),
    check ((begun_at is null) = (tries = 0)),
    check ((last_error is null) = (last_error_at is null))
  );

  insert into durable_mail.errand
    (id, lane, kind, takes_away, action, event_id, ending, subscription_id, message_id, tries, due_at, begun_at,
     last_error, last_error_at, created_at)
  overriding system value
  select id, 'source:' || source_id, action::jsonb ->> 'kind', action::jsonb ->> 'kind' in ('move', 'delete'),
    case when action::jsonb ->> 'kind' in ('move', 'delete')
      then left(action, -1) || ',"takesAway":true}' else action end,
    event_id, ending, subscription_id, message_id, begun, due_at,
    case when begun > 0 then coalesce(last_error_at, created_at) end, last_error, last_error_at, created_at
  from durable_mail.mail_action order by id;
  select setval(pg_get_serial_sequence('durable_mail.errand', 'id'), coalesce(max(id), 0) + 1, false)
    from durable_mail.errand;
  delete from durable_mail.mail_action;

  -- Processes of before still end runs: what they write is an errand at once.
  create function durable_mail.mail_action_moves() returns trigger language plpgsql as $$
  begin
    insert into durable_mail.errand
      (lane, kind, takes_away, action, event_id, ending, subscription_id, message_id, due_at, created_at)
    values ('source:' || new.source_id, new.action::jsonb ->> 'kind',
      new.action::jsonb ->> 'kind' in ('move', 'delete'),
      case when new.action::jsonb ->> 'kind' in ('move', 'delete')
        then left(new.action, -1) || ',"takesAway":true}' else new.action end,
      new.event_id, new.ending, new.subscription_id, new.message_id, new.due_at, new.created_at)
    on conflict (event_id, ending) where ended_at is null do nothing;
    delete from durable_mail.mail_action where id = new.id;
    return null;
  end $$;
  create trigger mail_action_moves after insert on durable_mail.mail_action
    for each row execute function durable_mail.mail_action_moves();

  -- As the settings say it from now on.
  update durable_mail.subscription set after_success = left(after_success, -1) || ',"takesAway":true}'
    where after_success::jsonb ->> 'kind' in ('move', 'delete');
  update durable_mail.subscription set when_dead = left(when_dead, -1) || ',"takesAway":true}'
    where when_dead::jsonb ->> 'kind' in ('move', 'delete');

  -- settle, replay
  create unique index errand_waiting on durable_mail.errand (event_id, ending) where ended_at is null;
  -- takeErrands, sources
  create index errand_due on durable_mail.errand (lane, due_at) where ended_at is null;
  -- sources, subscribe: what the server has refused
  create index errand_refused on durable_mail.errand (lane, last_error_at)
    where ended_at is null and last_error_at is not null;
  -- takeErrands, sweep
  create index errand_message on durable_mail.errand (message_id) where message_id is not null;
  -- sweep
  create index errand_ended on durable_mail.errand (ended_at) where ended_at is not null;

  -- sweep, takeUnserved
  create index subscription_served on durable_mail.subscription (served_until);
  `,

  // 9: what may be heard of, in the order in which it became so.
  changeMigration,

  // 10: what a trigger takes, and how it is read, so that another process can collect for it; null: nobody knows yet. As
  // json: what people write may hold signs that jsonb does not take.
  `
  alter table durable_mail.subscription
    add column reading text check (reading is null or json_typeof(reading::json) = 'object');
  `,

  // 11: a large mail's content is stored in pieces: `content` has the first, `content_piece` the others.
  `
  alter table durable_mail.content add column pieces int not null default 1 check (pieces > 0);

  create table durable_mail.content_piece (
    message_id bigint not null references durable_mail.content (message_id) on delete cascade,
    place int not null check (place > 0),
    gzip bytea not null,
    primary key (message_id, place)
  );

  -- It is compressed already.
  alter table durable_mail.content_piece alter column gzip set storage external;
  `,

  // 12: the life of each event (tries, what people did, annotations), and sums of all over time.
  lifeMigration,

  // 13: since when a source is read or cannot be, when it is tried again, when its last reader gave it back, and when its newest
  // mail came; since when a trigger listens; how many events stand in each state.
  `
  alter table durable_mail.source add column read_since bigint;
  alter table durable_mail.source add column failing_since bigint;
  alter table durable_mail.source add column next_try_at bigint;
  alter table durable_mail.source add column released_at bigint;
  alter table durable_mail.source add column last_mail_at bigint;
  -- No mail came after it was recorded, whatever its server says.
  update durable_mail.source set last_mail_at = newest.at
  from (
    select source_id, max(least(received_at, recorded_at)) as at from durable_mail.message group by source_id) newest
  where newest.source_id = source.id;

  alter table durable_mail.subscription add column served_since bigint;
  ${standingMigration}  `,

  // 14: what a guarded step answered, for the retry. It counts while its holder's key is finished, and goes with that, or
  // with its event.
  `
  create table durable_mail.once_answer (
    key text collate "C" primary key references durable_mail.once_key (key) on delete cascade,
    holder text collate "C" not null,
    event_seq bigint references durable_mail.event (seq) on delete cascade,
    packed bytea not null
  );
  -- It is compressed already.
  alter table durable_mail.once_answer alter column packed set storage external;
  -- settle, markDone, forget
  create index once_answer_event on durable_mail.once_answer (event_seq) where event_seq is not null;
  -- endKeys
  create index once_answer_holder on durable_mail.once_answer (holder);
  `,

  // 15: what is to go out, and the log of what did; templates; endpoints.
  outboxMigration,

  // 16: which processes there are, and which sources each of them would read; which n8n of several listens to a trigger; what of
  // the outbox was stored under a clock that was set back since.
  `
  create table durable_mail.member (
    name text collate "C" primary key,
    alive_until bigint not null
  );

  create table durable_mail.want (
    member text collate "C" not null references durable_mail.member (name) on delete cascade,
    source_id bigint not null references durable_mail.source (id) on delete cascade,
    reserve boolean not null,
    unreachable_until bigint,
    primary key (member, source_id)
  );
  -- standings
  create index want_source on durable_mail.want (source_id);

  create table durable_mail.listening (
    workflow_id text collate "C" not null,
    node_id text collate "C" not null,
    instance text collate "C" not null,
    host text collate "C" not null,
    said_at bigint not null,
    primary key (workflow_id, node_id)
  );

  create table durable_mail.complaint (
    source_id bigint not null references durable_mail.source (id) on delete cascade,
    subscription_id bigint not null references durable_mail.subscription (id) on delete cascade,
    digest text collate "C" not null,
    said text not null,
    said_at bigint not null,
    primary key (source_id, subscription_id, digest)
  );
  -- subscribe
  create index complaint_subscription on durable_mail.complaint (subscription_id);
  -- sweep
  create index complaint_said on durable_mail.complaint (said_at);

  alter table durable_mail.outgoing_lane add column rested_at bigint not null default 0;
  -- dueLanes, nextDue, takeEntries
  create index outgoing_retried on durable_mail.outgoing (begun_at) where due_at is not null and begun_at is not null;
  `,

  // 17: which endpoint an entry tells, so that what becomes of the endpoint counts for what waits, too; when a person saved it last.
  `
  alter table durable_mail.endpoint add column saved_at bigint not null default 0;
  update durable_mail.endpoint set saved_at = created_at;

  alter table durable_mail.outgoing add column endpoint_id bigint;
  update durable_mail.outgoing set endpoint_id = (request::json ->> 'endpoint')::bigint
    where kind = 'webhook' and request::json ->> 'endpoint' is not null;
  -- endpointHealth, removeEndpoint
  create index outgoing_endpoint on durable_mail.outgoing (endpoint_id, state, begun_at) where endpoint_id is not null;
  `,
];
