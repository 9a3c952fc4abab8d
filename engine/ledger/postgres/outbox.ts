// The outbox in Postgres: entries are queued, taken under a lease, and settled by who took them.
// Invariants: as of the port (outbox.ts); who takes of a lane has it for that transaction (an advisory lock), so that its limits
// hold for all processes; rows are locked in the order of `seq`.
import { AHEAD_MARGIN_MS } from '../common/clock';
import { endpointAmong } from '../common/endpoint';
import { endToEnd } from '../common/end-to-end';
import {
  type EntryColumns,
  entryOf,
  entryText,
  originOf,
  requestOf,
  storedEntry,
  storedOutcome,
  withinBytes,
} from '../common/entry';
import { storable } from '../common/storable';
import type { Endpoint } from '../endpoints';
import {
  type DueEntry,
  type DueLane,
  ENTRY_LEASE_MS,
  type EntryRef,
  MOST_ENTRY_DELAY_MS,
  type NewEntry,
  type Outbox,
  type TakeEntries,
} from '../outbox';
import { NOW, type Statements } from './connection';
import { endpointsNamed } from './endpoint-rows';
import { ENTRY_FACTS, IS_REST } from './outbox-log';
import type { Method, Part } from './part';

/** A minute, in which no more are begun. */
const MINUTE_MS = 60_000;
const MOST_WAIT_MS = 3_600_000;

// In the order asked. Two who queue the same keys in different orders at once may deadlock: one of them is run again.
const insertEntries = `
  insert into durable_mail.outgoing
    (id, key, kind, lane, request, recipient, subject, message_id, repeats, workflow_id, node_id, node_name, event_id,
     keep_ms, due_at, queued_at, endpoint_id)
  select id, key, kind, lane, request, recipient, subject, message_id, repeats, workflow_id, node_id, node_name, event_id,
    keep_ms, ${NOW}, ${NOW}, $2::bigint
  from rows from (json_to_recordset($1::json) as (
    id text, key text, kind text, lane text, request text, recipient text, subject text, "messageId" text, repeats boolean,
    "workflowId" text, "nodeId" text, "nodeName" text, event text, "keepMs" bigint))
    with ordinality asked (
      id, key, kind, lane, request, recipient, subject, message_id, repeats, workflow_id, node_id, node_name, event_id,
      keep_ms, place)
  order by place
  on conflict (key) do nothing
  returning id, seq`;

const insertContents = `
  insert into durable_mail.outgoing_content (entry_seq, packed)
  select part.seq, substring($1::bytea from part.first for part.length)
  from unnest($2::bigint[], $3::int[], $4::int[]) part (seq, first, length)`;

const selectByKeys = `${ENTRY_FACTS} where outgoing.key = any($1)`;

/** Lanes that have one in the index: one look for each lane, however many entries it has. */
const lanes = (name: string, column: string): string => `
  ${name} (lane) as (
    select min(lane) from durable_mail.outgoing where ${column} is not null
    union all
    select (select min(outgoing.lane) from durable_mail.outgoing where ${column} is not null and outgoing.lane > ${name}.lane)
    from ${name} where ${name}.lane is not null)`;

const first = (name: string, column: string): string =>
  `(select min(${column}) from durable_mail.outgoing where outgoing.lane = ${name}.lane and ${column} is not null)`;
const last = (name: string, column: string): string => first(name, column).replace('min(', 'max(');

/**
 * What waits since a time that is still to come: it was stored before the clock was set back, and whatever it waits for, that is over.
 * Both are found by an index, and as a rule there are none.
 */
const ahead = `
  select seq, lane from durable_mail.outgoing where state = 'QUEUED' and queued_at > ${NOW} + ${AHEAD_MARGIN_MS}
  union all
  select seq, lane from durable_mail.outgoing
  where due_at is not null and begun_at is not null and begun_at > ${NOW} + ${AHEAD_MARGIN_MS}`;

/** ms since 1970, when the lane has something to do; 0: what lies so far ahead was stored before the clock was set back. */
const laneTimes = `
  with recursive ${lanes('due', 'due_at')}, ${lanes('leased', 'lease_until')},
  times as (
    select lane,
      case when ${last('due', 'due_at')} > ${NOW} + ${MOST_ENTRY_DELAY_MS + AHEAD_MARGIN_MS} then 0
        else ${first('due', 'due_at')} end as at
    from due where lane is not null
    union all
    select lane,
      case when ${last('leased', 'lease_until')} > ${NOW} + ${2 * ENTRY_LEASE_MS + AHEAD_MARGIN_MS} then 0
        else ${first('leased', 'lease_until')} end
    from leased where lane is not null
    union all
    select distinct lane, 0::bigint from (${ahead}) ahead),
  lane_times as (
    select lane, greatest(at, coalesce((
      select rests_until from durable_mail.outgoing_lane
      where outgoing_lane.lane = firsts.lane and ${IS_REST}), 0)) as at
    from (select lane, min(at) as at from times group by lane) firsts)`;

// Of the first: without an order Postgres may look for any through all that was ever sent.
const kindBy = (column: string): string => `
  (select kind from durable_mail.outgoing where outgoing.lane = lane_times.lane and ${column} is not null
  order by ${column} limit 1)`;

const selectDueLanes = `
  ${laneTimes}
  select lane, coalesce(${kindBy('due_at')}, ${kindBy('lease_until')}) as kind
  from lane_times where at <= ${NOW} order by at, lane limit $1`;

const selectNextDue = `${laneTimes} select min(at) - ${NOW} as "inMs" from lane_times`;

const selectFirst = (column: 'due_at' | 'lease_until'): string => `
  select lane, kind, request from durable_mail.outgoing
  where lane = $1 and ${column} is not null order by ${column} limit 1`;
const selectFirstDue = selectFirst('due_at');
const selectFirstLeased = selectFirst('lease_until');

const lockLanes = `
  select pg_advisory_xact_lock(hashtextextended('durable_mail outbox ' || lane, 0))
  from (select distinct lane from unnest($1::text[]) asked (lane) order by lane) asked`;

const selectLanes = `select distinct lane from durable_mail.outgoing where id = any($1)`;

// Whoever had it is gone. What may have arrived is in doubt, unless its receiver knows it again. Beside it, what is put off for
// longer than any try is, or waits since a time to come: it was stored before the clock was set back. It is due since its lease ran
// out, not since now: to one whose transaction began a moment before and had to wait for the lane, now is later than its own.
const lapse = (of: string): string => `
  with lapsed as materialized (
    select seq from durable_mail.outgoing
    where ${of} and lease_until is not null
      and (lease_until <= ${NOW} or lease_until > ${NOW} + ${2 * ENTRY_LEASE_MS + AHEAD_MARGIN_MS})
    order by seq for update),
  ahead as (
    update durable_mail.outgoing set
      due_at = least(due_at, ${NOW}), queued_at = least(queued_at, ${NOW}), begun_at = least(begun_at, ${NOW})
    where ${of} and due_at is not null
      and (due_at > ${NOW} + ${MOST_ENTRY_DELAY_MS + AHEAD_MARGIN_MS} or seq = any(array(select seq from (${ahead}) ahead))))
  update durable_mail.outgoing set
    state = case when state = 'UNKNOWN' or handed and not repeats then 'UNKNOWN' else 'QUEUED' end,
    doubted = doubted or handed and not repeats,
    looks = case when state = 'UNKNOWN' then looks else 0 end, handed = false, due_at = least(lease_until, ${NOW}),
    lease_until = null, last_error = case when state = 'SENDING' then 'The process that sent it stopped or stalled.' else last_error end
  from lapsed where outgoing.seq = lapsed.seq`;

const lapseLane = lapse('lane = $1');
const lapseIds = lapse('id = any($1)');

const selectRest = `
  select 1 as rests from durable_mail.outgoing_lane
  where lane = $1 and rests_until > ${NOW} and ${IS_REST}`;

// Each state by an index that has its own first: a million that wait hide none that is in doubt. What a person acts on at this
// moment is passed over.
const selectDue = (state: 'QUEUED' | 'UNKNOWN'): string => `
  select seq, lane, state from durable_mail.outgoing
  where lane = $1 and due_at <= ${NOW} and state = '${state}'
  order by due_at, seq limit $2 for update skip locked`;
const selectQueued = selectDue('QUEUED');
const selectDoubted = selectDue('UNKNOWN');

const selectNamed = `
  select seq, lane, state from durable_mail.outgoing
  where id = any($1) and due_at <= ${NOW} order by seq limit $2 for update skip locked`;

const countSending = `
  select count(*) as n from durable_mail.outgoing where lane = $1 and lease_until is not null and state = 'SENDING'`;

const dropBegun = `
  delete from durable_mail.outgoing_begun
  where lane = $1 and (at <= ${NOW} - ${MINUTE_MS} or at > ${NOW} + ${AHEAD_MARGIN_MS})`;
const countBegun = `select count(*) as n from durable_mail.outgoing_begun where lane = $1`;
const noteBegun = `
  insert into durable_mail.outgoing_begun (lane, at) select lane, ${NOW} from unnest($1::text[]) begun (lane)`;

const selectSizes = `
  select entry_seq as seq, octet_length(packed) as bytes from durable_mail.outgoing_content where entry_seq = any($1)`;

const begin = `
  with begun as (
    update durable_mail.outgoing set
      state = case when state = 'QUEUED' then 'SENDING' else state end, fence = fence + 1,
      tries = case when state = 'QUEUED' then tries + 1 else tries end,
      looks = case when state = 'UNKNOWN' then looks + 1 else 0 end,
      begun_at = case when state = 'QUEUED' then ${NOW} else begun_at end,
      due_at = null, lease_until = ${NOW} + $1::bigint
    where seq = any($2)
    returning outgoing.*)
  select id, fence, key, kind, lane, state, request, packed, recipient, subject, message_id as "messageId",
    workflow_id as "workflowId", node_id as "nodeId", node_name as "nodeName", event_id as event,
    case when state = 'UNKNOWN' then looks else tries end as tries, refusals, doubted, greatest(0, ${NOW} - queued_at) as "ageMs",
    endpoint_id as "endpointId"
  from begun join durable_mail.outgoing_content on entry_seq = seq
  order by seq`;

const lockTheirs = `
  held as materialized (
    select outgoing.seq, asked.place
    from unnest($1::text[], $2::int[]) with ordinality asked (id, fence, place)
    join durable_mail.outgoing on outgoing.id = asked.id and outgoing.fence = asked.fence
    where outgoing.lease_until is not null
    order by outgoing.seq for update of outgoing)`;

const renew = `
  with ${lockTheirs}
  update durable_mail.outgoing set lease_until = ${NOW} + $3::bigint
  from held where outgoing.seq = held.seq returning outgoing.id, outgoing.fence`;

const handOverOne = `
  update durable_mail.outgoing set handed = true, lease_until = greatest(lease_until, ${NOW} + ${ENTRY_LEASE_MS})
  where id = $1 and fence = $2 and state = 'SENDING'`;

// What is in doubt stays so where nobody could look. What is set aside after it was looked for was UNKNOWN before, so that its row
// tells of no change.
const settle = `
  with ${lockTheirs},
  said as (
    select held.seq, said.*
    from held join unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::boolean[], $8::boolean[],
        $9::boolean[])
      with ordinality said (became, error, answer, delay, is_returned, is_refusal, may_have_arrived, place) on said.place = held.place),
  aside as (
    insert into durable_mail.change (type, event_id, workflow_id, details)
    select 'outbox.unknown', case when workflow_id is not null then event_id end, case when event_id is not null then workflow_id end,
      jsonb_build_object('entry', id, 'kind', kind, 'state', state, 'tries', tries, 'dueAt', null, 'workflow', workflow_id,
        'node', node_id)::text
    from said join durable_mail.outgoing on outgoing.seq = said.seq
    where state = 'UNKNOWN' and said.became = 'UNKNOWN' and said.delay is null)
  update durable_mail.outgoing set
    state = case when outgoing.state = 'UNKNOWN' and said.is_returned then 'UNKNOWN' else said.became end,
    due_at = ${NOW} + said.delay, lease_until = null, handed = false,
    tries = case when outgoing.state = 'SENDING' and said.is_returned then outgoing.tries - 1 else outgoing.tries end,
    refusals = case when outgoing.state = 'SENDING' and said.is_refusal then outgoing.refusals + 1 else outgoing.refusals end,
    doubted = not outgoing.repeats and coalesce(said.may_have_arrived, outgoing.doubted),
    looks = case when said.became = 'UNKNOWN' or said.is_returned then outgoing.looks else 0 end,
    settled_at = case when said.became in ('SENT', 'FAILED') then ${NOW} end,
    drop_at = case when said.became in ('SENT', 'FAILED') then ${NOW} + outgoing.keep_ms end,
    last_error = coalesce(said.error, case when said.became <> 'SENT' then outgoing.last_error end),
    last_answer = coalesce(said.answer, outgoing.last_answer)
  from said where outgoing.seq = said.seq
  returning outgoing.id, outgoing.fence`;

// Each look takes it: who has begun it last is known by the fence without those.
const arrived = `
  update durable_mail.outgoing set
    state = 'SENT', due_at = null, lease_until = null, handed = false, looks = 0, settled_at = ${NOW}, drop_at = ${NOW} + keep_ms,
    last_error = null, last_answer = $3
  where id = $1 and fence - looks = $2 and state in ('UNKNOWN', 'QUEUED')`;

const rest = `
  insert into durable_mail.outgoing_lane (lane, rests_until, rested_at) values ($1, ${NOW} + $2::bigint, ${NOW})
  on conflict (lane) do update set
    rests_until = case when ${IS_REST}
      then greatest(outgoing_lane.rests_until, excluded.rests_until) else excluded.rests_until end,
    rested_at = excluded.rested_at`;

/** Only in a transaction. @param endpoint that they tell; null: none */
export async function insertNew(
  statements: Statements,
  entries: readonly NewEntry[],
  endpoint: number | null,
): Promise<void> {
  if (entries.length === 0) return;
  const stored = entries.map(storedEntry);
  const places = new Map(stored.map(({ id }, place) => [id, place]));
  const rows = await statements.all<{ id: string; seq: number }>(
    insertEntries,
    JSON.stringify(stored),
    endpoint,
  );
  if (rows.length === 0) return;
  const { bytes, firsts, lengths } = endToEnd(rows.map(({ id }) => entries[places.get(id)!]!.content));
  await statements.run(
    insertContents,
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    rows.map(({ seq }) => seq),
    firsts,
    lengths,
  );
}

const enqueue: Method<'enqueue'> = async (connection, entries) => {
  if (entries.length === 0) return [];
  const keys = entries.map(({ key }) => storable(key));
  await connection.transaction((statements) => insertNew(statements, entries, null));
  // What another process was just queuing is committed by now: the insertion has waited for it.
  const rows = await connection.all<EntryColumns>(selectByKeys, [...new Set(keys)]);
  const found = new Map(rows.map((row) => [row.key, entryOf(row)]));
  return keys.map((key) => found.get(key)!);
};

const dueLanes: Method<'dueLanes'> = (connection, limit) => connection.all<DueLane>(selectDueLanes, limit);

const nextDue: Method<'nextDue'> = async (connection) => {
  const { inMs } = (await connection.get<{ inMs: number | null }>(selectNextDue))!;
  return inMs === null ? null : Math.min(MOST_WAIT_MS, Math.max(0, inMs));
};

const firstOf: Method<'firstOf'> = async (connection, lane) => {
  const of = (sql: string) => connection.get<{ lane: string; kind: string; request: string }>(sql, lane);
  const first = (await of(selectFirstDue)) ?? (await of(selectFirstLeased));
  return first ? { ...first, request: requestOf(first.request) } : null;
};

interface Due {
  readonly seq: number;
  readonly lane: string;
  readonly state: 'QUEUED' | 'UNKNOWN';
}

type Begun = Omit<EntryColumns, 'state'> &
  Pick<DueEntry, 'fence' | 'state' | 'refusals' | 'ageMs'> & {
    readonly packed: Buffer;
    readonly doubted: boolean;
    readonly endpointId: number | null;
  };

const takeEntries: Method<'takeEntries'> = (connection, request) =>
  connection.transaction(async (statements) => {
    const due = await ('lane' in request.of
      ? dueOf(statements, request.of.lane, request)
      : named(statements, request.of.ids, request));
    if (due.length === 0) return [];
    const { mostBytes } = request;
    const taken = mostBytes === undefined ? due : withinBytes(due, await sizesOf(statements, due), mostBytes);
    const queued = taken.filter(({ state }) => state === 'QUEUED');
    if (request.mostAMinute !== null && queued.length > 0)
      await statements.run(
        noteBegun,
        queued.map(({ lane }) => lane),
      );
    const seqs = taken.map(({ seq }) => seq);
    const begun = await statements.all<Begun>(begin, Math.round(request.leaseMs), seqs);
    const told = await endpointsNamed(
      statements,
      begun.map(({ endpointId }) => endpointId),
    );
    return begun.map((row) => dueEntry(row, told));
  });

async function dueOf(statements: Statements, lane: string, request: TakeEntries): Promise<readonly Due[]> {
  await statements.all(lockLanes, [lane]);
  await statements.run(lapseLane, lane);
  if (await statements.get(selectRest, lane)) return [];
  const inDoubt = await statements.all<Due>(selectDoubted, lane, request.limit);
  const places = Math.min(request.limit - inDoubt.length, await placesOf(statements, lane, request));
  if (places <= 0) return inDoubt;
  return [...inDoubt, ...(await statements.all<Due>(selectQueued, lane, places))];
}

async function named(
  statements: Statements,
  ids: readonly string[],
  request: TakeEntries,
): Promise<readonly Due[]> {
  if (ids.length === 0) return [];
  const lanes = (await statements.all<{ lane: string }>(selectLanes, ids)).map(({ lane }) => lane);
  await statements.all(lockLanes, lanes);
  await statements.run(lapseIds, ids);
  const due = await statements.all<Due>(selectNamed, ids, request.limit);
  const taken: Due[] = [];
  for (const lane of lanes) {
    const of = (wanted: Due['state']): Due[] =>
      due.filter((one) => one.lane === lane && one.state === wanted);
    if (of('QUEUED').length + of('UNKNOWN').length === 0 || (await statements.get(selectRest, lane)))
      continue;
    const places = Math.max(0, await placesOf(statements, lane, request));
    taken.push(...of('UNKNOWN'), ...of('QUEUED').slice(0, places));
  }
  return taken;
}

const sizesOf = (statements: Statements, due: readonly Due[]) =>
  statements.all<{ seq: number; bytes: number }>(
    selectSizes,
    due.map(({ seq }) => seq),
  );

/** How many of the lane may begin now. */
async function placesOf(
  statements: Statements,
  lane: string,
  { mostAtOnce, mostAMinute }: TakeEntries,
): Promise<number> {
  const count = async (sql: string): Promise<number> => (await statements.get<{ n: number }>(sql, lane))!.n;
  const free = mostAtOnce - (await count(countSending));
  if (mostAMinute === null) return free;
  await statements.run(dropBegun, lane);
  return Math.min(free, mostAMinute - (await count(countBegun)));
}

const dueEntry = (row: Begun, endpoints: readonly Endpoint[]): DueEntry => ({
  id: row.id,
  fence: row.fence,
  key: row.key,
  kind: row.kind,
  lane: row.lane,
  state: row.state,
  request: requestOf(row.request),
  content: row.packed,
  recipient: row.recipient,
  subject: row.subject,
  messageId: row.messageId,
  origin: originOf(row),
  tries: row.tries,
  refusals: row.refusals,
  mayHaveArrived: row.doubted,
  ageMs: row.ageMs,
  ...endpointAmong(row.endpointId, endpoints),
});

const renewEntries: Method<'renewEntries'> = async (connection, refs, leaseMs) =>
  refs.length === 0 ? [] : connection.all<EntryRef>(renew, ...refsOf(refs), Math.round(leaseMs));

const handOver: Method<'handOver'> = async (connection, { id, fence }) =>
  (await connection.run(handOverOne, id, fence)) > 0;

const settleEntries: Method<'settleEntries'> = async (connection, settled) => {
  if (settled.length === 0) return [];
  const said = settled.map(storedOutcome);
  return connection.all<EntryRef>(
    settle,
    ...refsOf(said),
    said.map(({ became }) => became),
    said.map(({ error }) => error),
    said.map(({ answer }) => answer),
    said.map(({ delayMs }) => delayMs),
    said.map(({ isReturned }) => isReturned),
    said.map(({ isRefusal }) => isRefusal),
    said.map(({ mayHaveArrived }) => mayHaveArrived),
  );
};

const noteArrived: Method<'noteArrived'> = async (connection, { id, fence }, answer) =>
  (await connection.run(arrived, id, fence, entryText(answer))) > 0;

const restLane: Method<'restLane'> = async (connection, lane, delayMs) => {
  await connection.run(rest, lane, Math.min(86_400_000, Math.max(0, Math.round(delayMs))));
};

const refsOf = (refs: readonly EntryRef[]) =>
  [refs.map(({ id }) => id), refs.map(({ fence }) => fence)] as const;

type Queue =
  | 'enqueue'
  | 'dueLanes'
  | 'nextDue'
  | 'firstOf'
  | 'takeEntries'
  | 'renewEntries'
  | 'handOver'
  | 'settleEntries'
  | 'noteArrived'
  | 'restLane';

export const outboxQueue: Part<Pick<Outbox, Queue>> = {
  enqueue,
  dueLanes,
  nextDue,
  firstOf,
  takeEntries,
  renewEntries,
  handOver,
  settleEntries,
  noteArrived,
  restLane,
};
