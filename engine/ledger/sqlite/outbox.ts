// The outbox in the SQLite ledger: entries are queued, taken under a lease, and settled by who took them.
// Invariants: as of the port (outbox.ts); each call is one short transaction.
import { AHEAD_MARGIN_MS } from '../common/clock';
import { endpointAmong } from '../common/endpoint';
import { endToEnd } from '../common/end-to-end';
import {
  type EntryColumns,
  entryOf,
  entryText,
  isAside,
  originOf,
  requestOf,
  storedEntry,
  storedOutcome,
  withinBytes,
} from '../common/entry';
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
import { limitOf, NOW, type SqliteConnection } from './connection';
import { endpointsNamed } from './endpoint-rows';
import { ENTRY_FACTS, IS_REST } from './outbox-log';
import type { Method, Part } from './part';

/** A minute, in which no more are begun. */
const MINUTE_MS = 60_000;
const MOST_WAIT_MS = 3_600_000;

const insertEntries = `
  insert into outgoing
    (id, key, kind, lane, request, recipient, subject, message_id, repeats, workflow_id, node_id, node_name, event_id,
     keep_ms, due_at, queued_at, endpoint_id)
  select value ->> 'id', value ->> 'key', value ->> 'kind', value ->> 'lane', value ->> 'request',
    value ->> 'recipient', value ->> 'subject', value ->> 'messageId', value ->> 'repeats', value ->> 'workflowId',
    value ->> 'nodeId', value ->> 'nodeName', value ->> 'event', value ->> 'keepMs', ${NOW}, ${NOW}, ?2
  from json_each(?1) asked where true order by asked.key
  on conflict (key) do nothing
  returning id, seq`;

const insertContents = `
  insert into outgoing_content (entry_seq, packed)
  select value ->> 'seq', substr(?2, value ->> 'first', value ->> 'length') from json_each(?1)`;

const selectByKeys = `
  ${ENTRY_FACTS} where outgoing.key in (select value from json_each(?))`;

/** Lanes that have one in the index: one look for each lane, however many entries it has. */
const lanes = (name: string, column: string): string => `
  ${name} (lane) as (
    select min(lane) from outgoing where ${column} is not null
    union all
    select (select min(lane) from outgoing where ${column} is not null and lane > ${name}.lane)
    from ${name} where ${name}.lane is not null)`;

/**
 * What waits since a time that is still to come: it was stored before the clock was set back, and whatever it waits for, that is over.
 * Both are found by an index, and as a rule there are none.
 */
const ahead = `
  select seq, lane from outgoing where state = 'QUEUED' and queued_at > ${NOW} + ${AHEAD_MARGIN_MS}
  union all
  select seq, lane from outgoing
  where due_at is not null and begun_at is not null and begun_at > ${NOW} + ${AHEAD_MARGIN_MS}`;

/** ms since 1970, when the lane has something to do; 0: what lies so far ahead was stored before the clock was set back. */
const laneTimes = `
  with recursive ${lanes('due', 'due_at')}, ${lanes('leased', 'lease_until')},
  times as (
    select lane,
      iif((select max(due_at) from outgoing where lane = due.lane and due_at is not null)
          > ${NOW} + ${MOST_ENTRY_DELAY_MS + AHEAD_MARGIN_MS}, 0,
        (select min(due_at) from outgoing where lane = due.lane and due_at is not null)) as at
    from due where lane is not null
    union all
    select lane,
      iif((select max(lease_until) from outgoing where lane = leased.lane and lease_until is not null)
          > ${NOW} + ${2 * ENTRY_LEASE_MS + AHEAD_MARGIN_MS}, 0,
        (select min(lease_until) from outgoing where lane = leased.lane and lease_until is not null))
    from leased where lane is not null
    union all
    select distinct lane, 0 from (${ahead})),
  lane_times as (
    select lane, max(at, coalesce((
      select rests_until from outgoing_lane
      where outgoing_lane.lane = firsts.lane and ${IS_REST}), 0)) as at
    from (select lane, min(at) as at from times group by lane) firsts)`;

const selectDueLanes = `
  ${laneTimes}
  select lane, coalesce(
    (select kind from outgoing where outgoing.lane = lane_times.lane and due_at is not null limit 1),
    (select kind from outgoing where outgoing.lane = lane_times.lane and lease_until is not null limit 1)) as kind
  from lane_times where at <= ${NOW} order by at, lane ${limitOf('?')}`;

const selectNextDue = `${laneTimes} select min(at) - ${NOW} as inMs from lane_times`;

const selectFirst = (column: 'due_at' | 'lease_until'): string => `
  select lane, kind, request from outgoing where lane = ? and ${column} is not null order by ${column} limit 1`;
const selectFirstDue = selectFirst('due_at');
const selectFirstLeased = selectFirst('lease_until');

// Whoever had it is gone. What may have arrived is in doubt, unless its receiver knows it again.
const lapse = (of: string): string => `
  update outgoing set
    state = iif(state = 'UNKNOWN' or handed and not repeats, 'UNKNOWN', 'QUEUED'),
    doubted = doubted or handed and not repeats,
    looks = iif(state = 'UNKNOWN', looks, 0), handed = 0, due_at = min(lease_until, ${NOW}), lease_until = null,
    last_error = iif(state = 'SENDING', 'The process that sent it stopped or stalled.', last_error)
  where ${of} and lease_until is not null
    and (lease_until <= ${NOW} or lease_until > ${NOW} + ${2 * ENTRY_LEASE_MS + AHEAD_MARGIN_MS})`;

const lapseLane = lapse('lane = ?1');
const lapseIds = lapse('id in (select value from json_each(?1))');

const selectRest = `select 1 as rests from outgoing_lane where lane = ? and rests_until > ${NOW} and ${IS_REST}`;

// No try is put off for so long: it was stored before the clock was set back, as was what waits since a time to come.
const pullBack = (of: string): string => `
  update outgoing set
    due_at = min(due_at, ${NOW}), queued_at = min(queued_at, ${NOW}), begun_at = min(begun_at, ${NOW})
  where ${of} and due_at is not null
    and (due_at > ${NOW} + ${MOST_ENTRY_DELAY_MS + AHEAD_MARGIN_MS} or seq in (select seq from (${ahead})))`;

const pullBackLane = pullBack('lane = ?1');
const pullBackIds = pullBack('id in (select value from json_each(?1))');

// Each state by an index that has its own first: a million that wait hide none that is in doubt.
const selectDue = (state: 'QUEUED' | 'UNKNOWN'): string => `
  select seq, lane, state from outgoing
  where lane = ?1 and due_at <= ${NOW} and state = '${state}' order by due_at, seq ${limitOf('?2')}`;
const selectQueued = selectDue('QUEUED');
const selectDoubted = selectDue('UNKNOWN');

const selectNamed = `
  select seq, lane, state from outgoing
  where id in (select value from json_each(?1)) and due_at <= ${NOW} order by seq ${limitOf('?2')}`;

const countSending = `select count(*) as n from outgoing where lane = ? and lease_until is not null and state = 'SENDING'`;

const dropBegun = `delete from outgoing_begun where lane = ? and (at <= ${NOW} - ${MINUTE_MS} or at > ${NOW} + ${AHEAD_MARGIN_MS})`;
const countBegun = `select count(*) as n from outgoing_begun where lane = ?`;
const noteBegun = `insert into outgoing_begun (lane, at) select value, ${NOW} from json_each(?)`;

const begin = `
  update outgoing set
    state = iif(state = 'QUEUED', 'SENDING', state), fence = fence + 1,
    tries = tries + (state = 'QUEUED'), looks = iif(state = 'UNKNOWN', looks + 1, 0),
    begun_at = iif(state = 'QUEUED', ${NOW}, begun_at), due_at = null, lease_until = ${NOW} + ?1
  where seq in (select value from json_each(?2))`;

const selectSizes = `
  select entry_seq as seq, length(packed) as bytes from outgoing_content
  where entry_seq in (select value from json_each(?))`;

const selectBegun = `
  select id, fence, key, kind, lane, state, request, packed, recipient, subject, message_id as messageId,
    workflow_id as workflowId, node_id as nodeId, node_name as nodeName, event_id as event,
    iif(state = 'UNKNOWN', looks, tries) as tries, refusals, doubted, max(0, ${NOW} - queued_at) as ageMs,
    endpoint_id as endpointId
  from outgoing join outgoing_content on entry_seq = seq
  where seq in (select value from json_each(?)) order by seq`;

const theirs = `
  from json_each(?1) held
  where outgoing.id = held.value ->> 'id' and outgoing.fence = held.value ->> 'fence' and outgoing.lease_until is not null`;

const renew = `update outgoing set lease_until = ${NOW} + ?2 ${theirs} returning outgoing.id, outgoing.fence`;

const handOverOne = `
  update outgoing set handed = 1, lease_until = max(lease_until, ${NOW} + ${ENTRY_LEASE_MS})
  where id = ? and fence = ? and state = 'SENDING'`;

// What is in doubt stays so where nobody could look.
const settle = `
  update outgoing set
    state = iif(outgoing.state = 'UNKNOWN' and held.value ->> 'isReturned', 'UNKNOWN', held.value ->> 'became'),
    due_at = ${NOW} + (held.value ->> 'delayMs'), lease_until = null, handed = 0,
    tries = outgoing.tries - (outgoing.state = 'SENDING' and held.value ->> 'isReturned'),
    refusals = outgoing.refusals + (outgoing.state = 'SENDING' and held.value ->> 'isRefusal'),
    doubted = not repeats and coalesce(held.value ->> 'mayHaveArrived', doubted),
    looks = iif(held.value ->> 'became' = 'UNKNOWN' or held.value ->> 'isReturned', outgoing.looks, 0),
    settled_at = iif(held.value ->> 'became' in ('SENT', 'FAILED'), ${NOW}, null),
    drop_at = iif(held.value ->> 'became' in ('SENT', 'FAILED'), ${NOW} + outgoing.keep_ms, null),
    last_error = coalesce(held.value ->> 'error', iif(held.value ->> 'became' = 'SENT', null, outgoing.last_error)),
    last_answer = coalesce(held.value ->> 'answer', outgoing.last_answer)
  ${theirs}
  returning outgoing.id, outgoing.fence`;

// Set aside after it was looked for. It was UNKNOWN before, so its row tells of no change.
const tellAside = `
  insert into change (at, type, event_id, workflow_id, details)
  select ${NOW}, 'outbox.unknown', iif(workflow_id is null, null, event_id), iif(event_id is null, null, workflow_id),
    json_object('entry', outgoing.id, 'kind', kind, 'state', state, 'tries', tries, 'dueAt', null,
      'workflow', workflow_id, 'node', node_id)
  from json_each(?1) held cross join outgoing
  where outgoing.id = held.value ->> 'id' and outgoing.fence = held.value ->> 'fence' and outgoing.lease_until is not null
    and outgoing.state = 'UNKNOWN' and held.value ->> 'became' = 'UNKNOWN' and held.value ->> 'delayMs' is null`;

// Each look takes it: who has begun it last is known by the fence without those.
const arrived = `
  update outgoing set
    state = 'SENT', due_at = null, lease_until = null, handed = 0, looks = 0, settled_at = ${NOW}, drop_at = ${NOW} + keep_ms,
    last_error = null, last_answer = ?3
  where id = ?1 and fence - looks = ?2 and state in ('UNKNOWN', 'QUEUED')`;

const rest = `
  insert into outgoing_lane (lane, rests_until, rested_at) values (?1, ${NOW} + ?2, ${NOW})
  on conflict (lane) do update set
    rests_until = iif(${IS_REST}, max(rests_until, excluded.rests_until), excluded.rests_until),
    rested_at = excluded.rested_at`;

/** Only in a transaction. @param endpoint that they tell; null: none */
export function insertNew(
  connection: SqliteConnection,
  entries: readonly NewEntry[],
  endpoint: number | null,
): void {
  if (entries.length === 0) return;
  const stored = entries.map(storedEntry);
  const places = new Map(stored.map(({ id }, place) => [id, place]));
  const rows = connection.all<{ id: string; seq: number }>(insertEntries, JSON.stringify(stored), endpoint);
  if (rows.length === 0) return;
  const { bytes, firsts, lengths } = endToEnd(rows.map(({ id }) => entries[places.get(id)!]!.content));
  const parts = rows.map(({ seq }, at) => ({ seq, first: firsts[at], length: lengths[at] }));
  connection.run(insertContents, JSON.stringify(parts), bytes);
}

const enqueue: Method<'enqueue'> = (connection, entries) => {
  if (entries.length === 0) return [];
  return connection.transaction(() => {
    insertNew(connection, entries, null);
    const keys = entries.map(({ key }) => storedEntry({ ...entries[0]!, key }).key);
    const rows = connection.all<EntryColumns>(selectByKeys, JSON.stringify(keys));
    const found = new Map(rows.map((row) => [row.key, entryOf(row)]));
    return keys.map((key) => found.get(key)!);
  });
};

const dueLanes: Method<'dueLanes'> = (connection, limit) => connection.all<DueLane>(selectDueLanes, limit);

const nextDue: Method<'nextDue'> = (connection) => {
  const { inMs } = connection.get<{ inMs: number | null }>(selectNextDue)!;
  return inMs === null ? null : Math.min(MOST_WAIT_MS, Math.max(0, inMs));
};

const firstOf: Method<'firstOf'> = (connection, lane) => {
  const of = (sql: string) => connection.get<{ lane: string; kind: string; request: string }>(sql, lane);
  const first = of(selectFirstDue) ?? of(selectFirstLeased);
  return first ? { ...first, request: requestOf(first.request) } : null;
};

interface Due {
  readonly seq: number;
  readonly lane: string;
  readonly state: 'QUEUED' | 'UNKNOWN';
}

type Begun = Omit<EntryColumns, 'state'> &
  Pick<DueEntry, 'fence' | 'state' | 'refusals' | 'ageMs'> & {
    readonly packed: Uint8Array;
    readonly doubted: number;
    readonly endpointId: number | null;
  };

const takeEntries: Method<'takeEntries'> = (connection, request) =>
  connection.transaction(() => {
    const due =
      'lane' in request.of ? dueOf(connection, request.of.lane, request) : named(connection, request);
    if (due.length === 0) return [];
    const { mostBytes } = request;
    const taken = mostBytes === undefined ? due : withinBytes(due, sizesOf(connection, due), mostBytes);
    const seqs = JSON.stringify(taken.map(({ seq }) => seq));
    connection.run(begin, Math.round(request.leaseMs), seqs);
    const queued = taken.filter(({ state }) => state === 'QUEUED');
    if (request.mostAMinute !== null)
      connection.run(noteBegun, JSON.stringify(queued.map(({ lane }) => lane)));
    const begun = connection.all<Begun>(selectBegun, seqs);
    const told = endpointsNamed(
      connection,
      begun.map(({ endpointId }) => endpointId),
    );
    return begun.map((row) => dueEntry(row, told));
  });

function dueOf(connection: SqliteConnection, lane: string, request: TakeEntries): readonly Due[] {
  connection.run(lapseLane, lane);
  connection.run(pullBackLane, lane);
  if (connection.get(selectRest, lane)) return [];
  const inDoubt = connection.all<Due>(selectDoubted, lane, request.limit);
  const places = Math.min(request.limit - inDoubt.length, placesOf(connection, lane, request));
  return places > 0 ? [...inDoubt, ...connection.all<Due>(selectQueued, lane, places)] : inDoubt;
}

function named(connection: SqliteConnection, request: TakeEntries): readonly Due[] {
  const ids = JSON.stringify('ids' in request.of ? request.of.ids : []);
  connection.run(lapseIds, ids);
  connection.run(pullBackIds, ids);
  const due = connection.all<Due>(selectNamed, ids, request.limit);
  return [...new Set(due.map(({ lane }) => lane))].flatMap((lane) => {
    if (connection.get(selectRest, lane)) return [];
    const of = (wanted: Due['state']): Due[] =>
      due.filter((one) => one.lane === lane && one.state === wanted);
    return [...of('UNKNOWN'), ...of('QUEUED').slice(0, Math.max(0, placesOf(connection, lane, request)))];
  });
}

const sizesOf = (connection: SqliteConnection, due: readonly Due[]) =>
  connection.all<{ seq: number; bytes: number }>(selectSizes, JSON.stringify(due.map(({ seq }) => seq)));

/** How many of the lane may begin now. */
function placesOf(
  connection: SqliteConnection,
  lane: string,
  { mostAtOnce, mostAMinute }: TakeEntries,
): number {
  const free = mostAtOnce - connection.get<{ n: number }>(countSending, lane)!.n;
  if (mostAMinute === null) return free;
  connection.run(dropBegun, lane);
  return Math.min(free, mostAMinute - connection.get<{ n: number }>(countBegun, lane)!.n);
}

const dueEntry = (row: Begun, endpoints: readonly Endpoint[]): DueEntry => ({
  id: row.id,
  fence: row.fence,
  key: row.key,
  kind: row.kind,
  lane: row.lane,
  state: row.state,
  request: requestOf(row.request),
  content: Buffer.from(row.packed.buffer, row.packed.byteOffset, row.packed.byteLength),
  recipient: row.recipient,
  subject: row.subject,
  messageId: row.messageId,
  origin: originOf(row),
  tries: row.tries,
  refusals: row.refusals,
  mayHaveArrived: Boolean(row.doubted),
  ageMs: row.ageMs,
  ...endpointAmong(row.endpointId, endpoints),
});

const renewEntries: Method<'renewEntries'> = (connection, refs, leaseMs) =>
  refs.length === 0 ? [] : connection.all<EntryRef>(renew, refsOf(refs), Math.round(leaseMs));

const handOver: Method<'handOver'> = (connection, { id, fence }) =>
  connection.run(handOverOne, id, fence) > 0;

const settleEntries: Method<'settleEntries'> = (connection, settled) => {
  if (settled.length === 0) return [];
  const said = JSON.stringify(settled.map(storedOutcome));
  if (!settled.some(isAside)) return connection.all<EntryRef>(settle, said);
  return connection.transaction(() => {
    connection.run(tellAside, said);
    return connection.all<EntryRef>(settle, said);
  });
};

const noteArrived: Method<'noteArrived'> = (connection, { id, fence }, answer) =>
  connection.run(arrived, id, fence, entryText(answer)) > 0;

const restLane: Method<'restLane'> = (connection, lane, delayMs) => {
  connection.run(rest, lane, Math.min(86_400_000, Math.max(0, Math.round(delayMs))));
};

const refsOf = (refs: readonly EntryRef[]): string =>
  JSON.stringify(refs.map(({ id, fence }) => ({ id, fence })));

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
