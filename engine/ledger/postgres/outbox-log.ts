// What people see of the outbox in Postgres, and what they do with it: the log, counts, acts, bounces.
// Invariants: a listing looks through windows of the log, so that no statement reads a million entries for a filter that finds
// nothing; rows are locked in the order of `seq`.
import { monotonicNow } from '../../runtime/time';
import { regexOf } from '../common/any-case';
import { bouncedIdsOf, bouncedOf, type BounceRow } from '../common/bounced';
import { AHEAD_MARGIN_MS } from '../common/clock';
import { doerOf } from '../common/deed';
import { storable } from '../common/storable';
import { askableEntryFilter, type EntryColumns, entryOf, FORGOTTEN_REQUEST } from '../common/entry';
import { LOOK_MS } from '../common/look';
import { type EntryAct, type EntryFilter, MOST_ENTRY_DELAY_MS, type Outbox } from '../outbox';
import { NOW, type Parameter, type PostgresConnection } from './connection';
import type { Method, Part } from './part';

const WINDOW = 10_000;

/** Else it was stored before the clock was set back. */
export const IS_REST = `
  outgoing_lane.rests_until <= ${NOW} + ${MOST_ENTRY_DELAY_MS} and outgoing_lane.rested_at <= ${NOW} + ${AHEAD_MARGIN_MS}`;

/** After every one. */
const NO_END = '9223372036854775807';

export const ENTRY_FACTS = `
  select outgoing.seq, id, key, kind, lane, state, request, recipient, subject, message_id as "messageId",
    workflow_id as "workflowId", node_id as "nodeId", node_name as "nodeName", event_id as event,
    tries, case when state = 'UNKNOWN' then coalesce(due_at, lease_until) else due_at end as "dueAt", queued_at as "queuedAt", begun_at as "begunAt", settled_at as "settledAt",
    last_error as "lastError", last_answer as "lastAnswer", doubted,
    exists (select 1 from durable_mail.outgoing_content where entry_seq = outgoing.seq) as "hasContent",
    (select rests_until from durable_mail.outgoing_lane
     where outgoing_lane.lane = outgoing.lane and outgoing.state = 'QUEUED' and rests_until > ${NOW} and ${IS_REST}) as "restsUntil"
  from durable_mail.outgoing`;

const selectByIds = `${ENTRY_FACTS} where id = any($1)`;
const selectByKeys = `${ENTRY_FACTS} where key = any($1)`;
const selectListed = `${ENTRY_FACTS} where seq = any($1) order by seq desc`;

const cutAll = `
  select min(seq) as low, max(seq) as high from (
    select seq from durable_mail.outgoing where seq < $1 order by seq desc limit ${WINDOW}) looked`;
const cutUnsent = `
  select min(seq) as low, max(seq) as high from (
    select found.seq from unnest($2::text[]) asked (state) cross join lateral (
      select seq from durable_mail.outgoing
      where outgoing.state = asked.state and outgoing.state <> 'SENT' and outgoing.seq < $1
      order by outgoing.seq desc limit ${WINDOW}) found
    order by found.seq desc limit ${WINDOW}) looked`;

// $1, $2: the window. What is not asked for is null.
const isFound = `
  outgoing.seq between $1 and $2
  and ($3::text[] is null or state = any($3)) and ($4::text is null or kind = $4) and ($5::text is null or lane = $5)
  and ($6::text is null or workflow_id = $6)
  and ($8::text is null or recipient ~ $8) and ($9::text is null or subject ~ $9)
  and ($11::bigint is null or queued_at >= $11) and ($12::bigint is null or queued_at < $12)`;

// Whose mail, or which Message-ID, is asked for finds the few that are its by an index.
const NARROW = {
  all: '($7::text is null or event_id = $7) and ($10::text is null or message_id = $10)',
  event: 'event_id = $7 and ($10::text is null or message_id = $10)',
  message: 'message_id = $10 and $7::text is null',
} as const;

const selectFound = (narrow: string): string => `
  select seq from durable_mail.outgoing where ${narrow} and ${isFound} order by seq desc limit $13`;
// The order keeps the planner from reading all of the table for a window of it.
const countFound = (narrow: string): string => `
  select count(*) as n from (${selectFound(narrow)}) found`;

const narrowOf = ({ event, messageId }: EntryFilter): keyof typeof NARROW =>
  event !== undefined ? 'event' : messageId !== undefined ? 'message' : 'all';

const countStates = `
  select state, count(*) as n from durable_mail.outgoing where state <> 'SENT' group by state
  union all
  select 'SENT', (select count(*) from durable_mail.outgoing) - (
    select count(*) from durable_mail.outgoing where state <> 'SENT')
  union all
  select 'delayed', count(*) from durable_mail.outgoing where state = 'QUEUED' and due_at > ${NOW}`;

const selectOldest = `select min(queued_at) as at from durable_mail.outgoing where state = 'QUEUED'`;

const hasContent = `exists (select 1 from durable_mail.outgoing_content where entry_seq = outgoing.seq)`;

/** @param where which of those that are named, as they are when they are locked */
const acted = (where: string, set: string): string => `
  with named as materialized (
    select seq from durable_mail.outgoing
    where id = any($1) and ${where} and ($3::text[] is null or state = any($3)) order by seq for update)
  update durable_mail.outgoing set ${set}, act = $2
  from named where outgoing.seq = named.seq
  returning outgoing.id`;

const hurry = acted(`state = 'QUEUED'`, `due_at = ${NOW}`);

const again = acted(
  `state in ('FAILED', 'UNKNOWN', 'CANCELLED', 'BOUNCED') and ${hasContent}`,
  `state = 'QUEUED', tries = 0, refusals = 0, looks = 0, due_at = ${NOW}, lease_until = null, settled_at = null, drop_at = null`,
);

// Who asks for it now asks for it before its receiver does. In order: two who do so wait for each other once.
const endRests = `
  delete from durable_mail.outgoing_lane where lane = any(array(
    select lane from durable_mail.outgoing_lane
    where lane in (select lane from durable_mail.outgoing where id = any($1)) order by lane for update))`;

const settledBy = (state: 'CANCELLED' | 'SENT'): string => `
  state = '${state}', due_at = null, lease_until = null, settled_at = ${NOW}, drop_at = ${NOW} + keep_ms`;

const cancel = acted(`state in ('QUEUED', 'UNKNOWN', 'FAILED')`, settledBy('CANCELLED'));
const mark = acted(`state = 'UNKNOWN'`, settledBy('SENT'));

// It can be neither sent nor looked for any more.
const forget = acted(
  `state not in ('QUEUED', 'SENDING') and (recipient is not null or subject is not null or ${hasContent})`,
  `recipient = null, subject = null, request = ${FORGOTTEN_REQUEST}, last_error = null, last_answer = null, due_at = null,
    lease_until = null`,
);

const forgetContents = `
  delete from durable_mail.outgoing_content using durable_mail.outgoing
  where entry_seq = outgoing.seq and outgoing.id = any($1)`;

const selectBounceable = `
  select seq, id, state, message_id as "messageId", queued_at as "queuedAt", begun_at as "begunAt",
    last_error as "lastError"
  from durable_mail.outgoing
  where message_id = any($1) and (state in ('SENT', 'UNKNOWN', 'BOUNCED') or state = 'SENDING' and handed)
  order by seq for update`;

// That one came back from somebody else, too, is told as what a person does is; nobody did it.
const bounce = `
  update durable_mail.outgoing set
    state = 'BOUNCED', due_at = null, lease_until = null, handed = false, doubted = false,
    settled_at = case when state = 'BOUNCED' then settled_at else ${NOW} end,
    drop_at = case when state = 'BOUNCED' then drop_at else ${NOW} + keep_ms end,
    last_error = reason, act = case when state = 'BOUNCED' then json_build_object('at', ${NOW})::text else act end
  from unnest($1::bigint[], $2::text[]) bounced (of, reason)
  where seq = bounced.of`;

const sweepEntries = `
  with old as materialized (
    select seq from durable_mail.outgoing where drop_at <= ${NOW} order by drop_at limit $1 for update skip locked)
  delete from durable_mail.outgoing using old where outgoing.seq = old.seq`;
const sweepLanes = `delete from durable_mail.outgoing_lane where rests_until <= ${NOW} - 86400000`;
const sweepBegun = `
  delete from durable_mail.outgoing_begun where ctid = any(array(
    select ctid from durable_mail.outgoing_begun where at <= ${NOW} - 3600000 limit $1))`;

const entriesOf: Method<'entriesOf'> = async (connection, names) => {
  const rows =
    'ids' in names
      ? await connection.all<EntryColumns>(selectByIds, names.ids.map(storable))
      : await connection.all<EntryColumns>(selectByKeys, names.keys.map(storable));
  return rows.map(entryOf);
};

interface Window {
  readonly low: number;
  readonly high: number;
}

/** The newest first. @param before the `seq` to begin below */
async function* windows(
  connection: PostgresConnection,
  filter: EntryFilter,
  before: number | null = null,
): AsyncGenerator<Window> {
  if (narrowOf(filter) !== 'all') {
    yield { low: 0, high: before === null ? Number.MAX_SAFE_INTEGER : before - 1 };
    return;
  }
  const { states } = filter;
  const isUnsent = states !== undefined && !states.includes('SENT');
  for (let end: number | string = before ?? NO_END; ;) {
    const window = (await (isUnsent
      ? connection.get<{ low: number | null; high: number }>(cutUnsent, end, states)
      : connection.get<{ low: number | null; high: number }>(cutAll, end)))!;
    if (window.low === null) return;
    yield { low: window.low, high: window.high };
    end = window.low;
  }
}

/** `$3` to `$12`. */
function parametersOf(given: EntryFilter): readonly Parameter[] {
  const filter = askableEntryFilter(given);
  const { states, kind, lane, workflowId, event, recipient, subject, messageId, from, until } = filter;
  return [
    states ?? null,
    kind ?? null,
    lane ?? null,
    workflowId ?? null,
    event ?? null,
    recipient === undefined ? null : regexOf(recipient),
    subject === undefined ? null : regexOf(subject),
    messageId ?? null,
    from ?? null,
    until ?? null,
  ];
}

const entries: Method<'entries'> = async (connection, filter, page) => {
  const parameters = parametersOf(filter);
  const select = selectFound(NARROW[narrowOf(filter)]);
  const began = monotonicNow();
  const found: number[] = [];
  let next: number | null = null;
  for await (const { low, high } of windows(connection, filter, page.after)) {
    const rest = page.limit + 1 - found.length;
    const rows = await connection.all<{ seq: number }>(select, low, high, ...parameters, rest);
    found.push(...rows.map(({ seq }) => seq));
    if (found.length > page.limit || monotonicNow() - began > LOOK_MS) {
      // The first of all is 1: below it there is nothing to go on with.
      next = found.length > page.limit ? found[page.limit - 1]! : low > 1 ? low : null;
      break;
    }
  }
  const listed = await connection.all<EntryColumns>(selectListed, found.slice(0, page.limit));
  return { entries: listed.map(entryOf), next };
};

const entriesFound: Method<'entriesFound'> = async (connection, filter, most) => {
  const parameters = parametersOf(filter);
  const count = countFound(NARROW[narrowOf(filter)]);
  let found = 0;
  for await (const { low, high } of windows(connection, filter)) {
    found += (await connection.get<{ n: number }>(count, low, high, ...parameters, most - found))!.n;
    if (found >= most) break;
  }
  return found;
};

const countEntries: Method<'countEntries'> = async (connection) => {
  const rows = await connection.all<{ state: string; n: number }>(countStates);
  const of = (state: string): number => rows.find((row) => row.state === state)?.n ?? 0;
  return {
    waiting: of('QUEUED') - of('delayed'),
    delayed: of('delayed'),
    active: of('SENDING'),
    completed: of('SENT'),
    failed: of('FAILED'),
    unknown: of('UNKNOWN'),
    bounced: of('BOUNCED'),
    cancelled: of('CANCELLED'),
  };
};

const oldestQueuedAt: Method<'oldestQueuedAt'> = async (connection) =>
  (await connection.get<{ at: number | null }>(selectOldest))!.at;

const STATEMENTS: Readonly<Record<EntryAct, readonly string[]>> = {
  retry: [hurry, again],
  cancel: [cancel],
  markSent: [mark],
  forget: [forget],
};

const actOnEntries: Method<'actOnEntries'> = (connection, ids, what, by, states) =>
  connection.transaction(async (statements) => {
    // One who does the same again is told again.
    const told = JSON.stringify({ what, by: doerOf(by), at: Date.now() });
    const changed: string[] = [];
    for (const statement of STATEMENTS[what])
      for (const { id } of await statements.all<{ id: string }>(statement, ids, told, states ?? null))
        changed.push(id);
    if (what === 'retry') await statements.run(endRests, changed);
    if (what === 'forget') await statements.run(forgetContents, changed);
    return changed;
  });

const noteBounces: Method<'noteBounces'> = async (connection, bounces) => {
  if (bounces.length === 0) return [];
  return connection.transaction(async (statements) => {
    const rows = await statements.all<BounceRow>(selectBounceable, bouncedIdsOf(bounces));
    const bounced = bouncedOf(rows, bounces);
    if (bounced.length > 0)
      await statements.run(
        bounce,
        bounced.map(({ seq }) => seq),
        bounced.map(({ reason }) => reason),
      );
    return bounced.map(({ id }) => id);
  });
};

type Log =
  | 'entriesOf'
  | 'entries'
  | 'entriesFound'
  | 'countEntries'
  | 'oldestQueuedAt'
  | 'actOnEntries'
  | 'noteBounces';

export const outboxLog: Part<Pick<Outbox, Log>> = {
  entriesOf,
  entries,
  entriesFound,
  countEntries,
  oldestQueuedAt,
  actOnEntries,
  noteBounces,
};

/** @returns how many entries it deleted */
export async function sweepOutbox(connection: PostgresConnection, limit: number): Promise<number> {
  await connection.run(sweepLanes);
  await connection.run(sweepBegun, limit);
  return connection.run(sweepEntries, limit);
}
