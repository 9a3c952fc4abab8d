// The SQLite schema, one string a version; never changed once released, only added to.
// CHECK constraints tie each column to the state, so that an illegal row cannot be written.
import { changeMigration } from './change-migration';
import { firstMigrations } from './first-migrations';
import { lifeMigration } from './life-migration';
import { outboxMigration } from './outbox-migration';
import { standingMigration } from './standing-migration';

export const migrations: readonly string[] = [
  ...firstMigrations,

  // 5: offers that ended before any run had claimed their event, and runs whose own process does not hear how they end.
  `
  alter table event add column unclaimed integer not null default 0 check (unclaimed >= 0);
  alter table event add column end_told integer not null default 1 check (end_told in (0, 1));
  create index event_unclaimed on event (subscription_id) where unclaimed > 0 and due_at is not null;
  `,

  // 6: until when somebody listens for a subscription, and once keys that mean the same as in Postgres: one that is held
  // does not expire, its lease runs out.
  `
  alter table subscription add column node_name text;
  alter table subscription add column served_until integer not null default 0;
  -- Who was told that nobody listens, though mails wait: nobody, the log, the workflow's people.
  alter table subscription add column unserved_told integer not null default 0 check (unserved_told in (0, 1, 2));
  update subscription set served_until = cast(unixepoch('subsec') * 1000 as integer);
  create index subscription_source on subscription (source_id);

  update once_key set expires_at = null where finished_at is null;
  create index once_key_lease on once_key (lease_until) where lease_until is not null;
  `,

  // 7: whose the ledger is. One row; its id is the ledger's own.
  `
  create table ownership (
    one integer primary key default 1 check (one = 1),
    ledger_id text not null,
    owner text,
    home text,
    host text,
    owned_at integer,
    said_at integer,
    check ((owner is null) = (owned_at is null) and (owner is null) = (said_at is null)),
    check (owner is not null or (home is null and host is null))
  ) strict;

  insert into ownership (ledger_id) values (lower(hex(randomblob(16))));
  `,

  // 8: what whoever reads a source wants to know of it after a restart.
  `
  alter table source add column notes text check (notes is null or json_type(notes) = 'object');
  `,

  // 9: what is to be done with mails is one of many errands: whatever its lane's worker can do. What must come last says
  // so itself; nothing here reads its kind.
  `
  create table errand (
    id integer primary key,
    lane text not null,
    kind text not null,
    takes_away integer not null default 0 check (takes_away in (0, 1)),
    action text not null check (json_type(action) = 'object'),
    -- The event that it belongs to, how that ended, and whose settings ask for it; or none of them. It refers to no
    -- event: retention may delete that first. The mail stays until its errands are done.
    event_id text,
    ending text check (ending in ('DONE', 'DEAD')),
    subscription_id integer,
    message_id integer references message (id),
    tries integer not null default 0 check (tries >= 0),
    due_at integer not null,
    begun_at integer,
    ended_at integer,
    last_error text,
    last_error_at integer,
    created_at integer not null,
    check ((event_id is null) = (ending is null) and (event_id is null) = (subscription_id is null)),
    check ((message_id is null) = (event_id is null or ended_at is not null)),
    check ((begun_at is null) = (tries = 0)),
    check ((last_error is null) = (last_error_at is null))
  ) strict;

  -- Code of before, which n8n may not have let go yet, still ends runs: what it writes is an errand at once.
  create trigger mail_action_moves after insert on mail_action begin
    insert into errand
      (lane, kind, takes_away, action, event_id, ending, subscription_id, message_id, due_at, created_at)
    select 'source:' || new.source_id, new.action ->> 'kind', new.action ->> 'kind' in ('move', 'delete'),
      iif(new.action ->> 'kind' in ('move', 'delete'),
        substr(new.action, 1, length(new.action) - 1) || ',"takesAway":true}', new.action),
      new.event_id, new.ending, new.subscription_id, new.message_id, new.due_at, new.created_at
    where not exists (
      select 1 from errand where event_id = new.event_id and ending = new.ending and ended_at is null);
    delete from mail_action where id = new.id;
  end;

  insert into errand
    (id, lane, kind, takes_away, action, event_id, ending, subscription_id, message_id, tries, due_at, begun_at,
     last_error, last_error_at, created_at)
  select id, 'source:' || source_id, action ->> 'kind', action ->> 'kind' in ('move', 'delete'),
    iif(action ->> 'kind' in ('move', 'delete'), substr(action, 1, length(action) - 1) || ',"takesAway":true}', action),
    event_id, ending, subscription_id, message_id, begun, due_at,
    iif(begun > 0, coalesce(last_error_at, created_at), null), last_error, last_error_at, created_at
  from mail_action order by id;
  delete from mail_action;

  -- As the settings say it from now on.
  update subscription set after_success = substr(after_success, 1, length(after_success) - 1) || ',"takesAway":true}'
  where after_success ->> 'kind' in ('move', 'delete');
  update subscription set when_dead = substr(when_dead, 1, length(when_dead) - 1) || ',"takesAway":true}'
  where when_dead ->> 'kind' in ('move', 'delete');

  create unique index errand_waiting on errand (event_id, ending) where ended_at is null;
  create index errand_due on errand (lane, due_at) where ended_at is null;
  create index errand_refused on errand (lane, last_error_at) where ended_at is null and last_error_at is not null;
  create index errand_message on errand (message_id) where message_id is not null;
  create index errand_ended on errand (ended_at) where ended_at is not null;

  create index subscription_served on subscription (served_until);
  `,

  // 10: what may be heard of, in the order in which it became so.
  changeMigration,

  // 11: what a trigger takes, and how it is read, so that another process can collect for it; null: nobody knows yet.
  `
  alter table subscription add column reading text check (reading is null or json_type(reading) = 'object');
  `,

  // 12: a large mail's content is stored in pieces: `content` has the first, `content_piece` the others.
  `
  alter table content add column pieces integer not null default 1 check (pieces > 0);

  create table content_piece (
    message_id integer not null references content (message_id) on delete cascade,
    place integer not null check (place > 0),
    gzip blob not null,
    primary key (message_id, place)
  ) strict;
  `,

  // 13: the life of each event (tries, what people did, annotations), and sums of all over time.
  lifeMigration,

  // 14: since when a source is read or cannot be, when it is tried again, when its last reader gave it back, and when its newest
  // mail came; since when a trigger listens; how many events stand in each state.
  `
  alter table source add column read_since integer;
  alter table source add column failing_since integer;
  alter table source add column next_try_at integer;
  alter table source add column released_at integer;
  alter table source add column last_mail_at integer;
  -- No mail came after it was recorded, whatever its server says.
  update source set last_mail_at = newest.at
  from (
    select source_id, max(min(coalesce(received_at, recorded_at), recorded_at)) as at from message group by source_id) newest
  where newest.source_id = source.id;

  alter table subscription add column served_since integer;
  ${standingMigration}  `,

  // 15: what a guarded step answered, for the retry. It counts while its holder's key is finished, and goes with that, or
  // with its event.
  `
  create table once_answer (
    key text primary key references once_key (key) on delete cascade,
    holder text not null,
    event_seq integer references event (seq) on delete cascade,
    packed blob not null
  ) strict;
  create index once_answer_event on once_answer (event_seq) where event_seq is not null;
  create index once_answer_holder on once_answer (holder);

  -- Who takes the key anew, code of before, too, finds nothing of its holder before.
  create trigger once_key_taken after update of holder on once_key begin
    delete from once_answer where key = new.key;
  end;
  `,

  // 16: what is to go out, and the log of what did; templates; endpoints.
  outboxMigration,

  // 17: which processes there are, and which sources each of them would read; which n8n of several listens to a trigger; what of
  // the outbox was stored under a clock that was set back since.
  `
  create table member (
    name text primary key,
    alive_until integer not null
  ) strict, without rowid;

  create table want (
    member text not null references member (name) on delete cascade,
    source_id integer not null references source (id) on delete cascade,
    reserve integer not null check (reserve in (0, 1)),
    unreachable_until integer,
    primary key (member, source_id)
  ) strict, without rowid;
  create index want_source on want (source_id);

  create table listening (
    workflow_id text not null,
    node_id text not null,
    instance text not null,
    host text not null,
    said_at integer not null,
    primary key (workflow_id, node_id)
  ) strict, without rowid;

  create table complaint (
    source_id integer not null references source (id) on delete cascade,
    subscription_id integer not null references subscription (id) on delete cascade,
    digest text not null,
    said text not null,
    said_at integer not null,
    primary key (source_id, subscription_id, digest)
  ) strict, without rowid;
  create index complaint_subscription on complaint (subscription_id);
  create index complaint_said on complaint (said_at);

  alter table outgoing_lane add column rested_at integer not null default 0;
  -- dueLanes, nextDue, takeEntries
  create index outgoing_retried on outgoing (begun_at) where due_at is not null and begun_at is not null;
  `,

  // 18: which endpoint an entry tells, so that what becomes of the endpoint counts for what waits, too; when a person saved it last.
  `
  alter table endpoint add column saved_at integer not null default 0;
  update endpoint set saved_at = created_at;

  alter table outgoing add column endpoint_id integer;
  update outgoing set endpoint_id = request ->> 'endpoint' where kind = 'webhook' and request ->> 'endpoint' is not null;
  -- endpointHealth, removeEndpoint
  create index outgoing_endpoint on outgoing (endpoint_id, state, begun_at) where endpoint_id is not null;
  `,
];
