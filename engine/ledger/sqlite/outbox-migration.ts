// The outbox in the SQLite schema: entries, what they send, lanes that rest, templates and endpoints, and the triggers that tell
// of them. A part of migrations.ts: never changed once released.
// Invariants: a row says of itself in which state it is, column by column; whoever changes a state leaves a change.

const NOW = "cast(unixepoch('subsec') * 1000 as integer)";

// Who asked for it is told with its mail, where it answers one; else in the details alone.
const tell = (type: string, act: string): string => `
    insert into change (at, type, event_id, workflow_id, details)
    values (${NOW}, ${type},
      iif(new.workflow_id is null, null, new.event_id), iif(new.event_id is null, null, new.workflow_id),
      json_patch(
        json_object('entry', new.id, 'kind', new.kind, 'state', new.state, 'tries', new.tries, 'dueAt', new.due_at,
          'workflow', new.workflow_id, 'node', new.node_id),
        ${act}));`;

export const outboxMigration = `
  create table outgoing (
    seq integer primary key,
    id text not null unique,
    key text not null unique,
    kind text not null,
    lane text not null,
    state text not null default 'QUEUED'
      check (state in ('QUEUED', 'SENDING', 'SENT', 'FAILED', 'UNKNOWN', 'BOUNCED', 'CANCELLED')),
    request text not null check (json_type(request) = 'object'),
    recipient text,
    subject text,
    message_id text,
    repeats integer not null check (repeats in (0, 1)),
    workflow_id text,
    node_id text,
    node_name text,
    event_id text,
    keep_ms integer not null check (keep_ms >= 0),
    fence integer not null default 0 check (fence >= 0),
    -- How often it was begun since it was queued last, how often it was refused for now, and how often it was looked for since it
    -- is in doubt.
    tries integer not null default 0 check (tries >= 0),
    refusals integer not null default 0 check (refusals between 0 and tries),
    looks integer not null default 0 check (looks >= 0),
    -- It may have arrived, by the try under way, or by one before it.
    handed integer not null default 0 check (handed in (0, 1)),
    doubted integer not null default 0 check (doubted in (0, 1)),
    due_at integer,
    lease_until integer,
    queued_at integer not null,
    begun_at integer,
    settled_at integer,
    drop_at integer,
    last_error text,
    last_answer text,
    -- What a person did with it last: {what, by, at}. Told as it is done.
    act text check (act is null or json_type(act) = 'object'),
    check ((state = 'QUEUED') <= (due_at is not null and lease_until is null)),
    check ((state = 'SENDING') <= (due_at is null and lease_until is not null and begun_at is not null)),
    check ((state = 'UNKNOWN') <= (due_at is null or lease_until is null)),
    check ((state in ('SENT', 'FAILED', 'BOUNCED', 'CANCELLED')) = (settled_at is not null)),
    check (settled_at is null or due_at is null and lease_until is null),
    check ((settled_at is null) = (drop_at is null)),
    check (state = 'SENDING' or handed = 0)
  ) strict;

  -- dueLanes, nextDue, takeEntries
  create index outgoing_due on outgoing (lane, due_at) where due_at is not null;
  create index outgoing_doubted on outgoing (lane, due_at) where state = 'UNKNOWN' and due_at is not null;
  create index outgoing_leased on outgoing (lane, lease_until) where lease_until is not null;
  -- entries, countEntries
  create index outgoing_unsent on outgoing (state, seq) where state <> 'SENT';
  -- oldestQueuedAt
  create index outgoing_queued on outgoing (queued_at) where state = 'QUEUED';
  -- noteBounces
  create index outgoing_message on outgoing (message_id) where message_id is not null;
  -- entries of a mail
  create index outgoing_event on outgoing (event_id, seq) where event_id is not null;
  -- sweep
  create index outgoing_drop on outgoing (drop_at) where drop_at is not null;

  create table outgoing_content (
    entry_seq integer primary key references outgoing (seq) on delete cascade,
    packed blob not null
  ) strict;

  create table outgoing_lane (
    lane text primary key,
    rests_until integer not null
  ) strict, without rowid;

  -- What was begun within the last minute, of lanes that have a limit for that.
  create table outgoing_begun (
    lane text not null,
    at integer not null
  ) strict;
  create index outgoing_begun_lane on outgoing_begun (lane, at);
  -- sweep
  create index outgoing_begun_at on outgoing_begun (at);
  create index outgoing_lane_until on outgoing_lane (rests_until);

  create trigger outgoing_queued after insert on outgoing begin
    ${tell(`'outbox.queued'`, `'{}'`)}
  end;

  create trigger outgoing_changed after update of state, due_at, act on outgoing
  when new.state <> 'SENDING'
    and (old.state <> new.state or old.due_at is not new.due_at and new.due_at is not null and old.due_at is not null
      or old.act is not new.act) begin
    ${tell(
      `
      case
        when old.state = new.state then 'outbox.updated'
        when new.state = 'SENT' then 'outbox.sent'
        when new.state = 'FAILED' then 'outbox.failed'
        when new.state = 'UNKNOWN' then 'outbox.unknown'
        when new.state = 'BOUNCED' then 'outbox.bounced'
        else 'outbox.updated' end`,
      `iif(new.act is old.act, '{}', json_remove(new.act, '$.at'))`,
    )}
  end;

  create table template (
    name text primary key,
    subject text not null,
    text text,
    html text,
    changed_at integer not null,
    changed_by text not null,
    check (text is not null or html is not null)
  ) strict, without rowid;

  create trigger template_made after insert on template begin
    insert into change (at, type, details) values (${NOW}, 'template.changed', json_object('template', new.name));
  end;
  create trigger template_changed after update on template begin
    insert into change (at, type, details) values (${NOW}, 'template.changed', json_object('template', new.name));
  end;
  create trigger template_removed after delete on template begin
    insert into change (at, type, details)
    values (${NOW}, 'template.changed', json_object('template', old.name, 'removed', json('true')));
  end;

  create table endpoint (
    id integer primary key autoincrement,
    name text not null unique,
    url text not null,
    request text not null check (json_type(request) = 'object'),
    types text not null check (json_type(types) = 'array'),
    workflow_id text,
    source_id integer,
    position text not null,
    created_by text not null,
    created_at integer not null,
    aside_since integer,
    aside_reason text,
    missed_at integer,
    check ((aside_since is null) = (aside_reason is null))
  ) strict;

  create trigger endpoint_made after insert on endpoint begin
    insert into change (at, type, details)
    values (${NOW}, 'endpoint.changed', json_object('endpoint', new.name, 'what', 'saved'));
  end;
  create trigger endpoint_changed
  after update of url, request, types, workflow_id, source_id, aside_since, missed_at on endpoint
  when old.aside_since is not new.aside_since or new.missed_at is not old.missed_at
    or (old.url, old.request, old.types, old.workflow_id, old.source_id)
      is not (new.url, new.request, new.types, new.workflow_id, new.source_id) begin
    insert into change (at, type, details)
    values (${NOW}, 'endpoint.changed', json_object('endpoint', new.name, 'what',
      case
        when old.aside_since is null and new.aside_since is not null then 'setAside'
        when old.aside_since is not null and new.aside_since is null then 'takenBack'
        when new.missed_at is not old.missed_at then 'missed'
        else 'saved' end));
  end;
  create trigger endpoint_removed after delete on endpoint begin
    insert into change (at, type, details)
    values (${NOW}, 'endpoint.changed', json_object('endpoint', old.name, 'what', 'removed'));
  end;
  `;
