// Entries of the SQLite ledger's outbox are taken under a lease, within the limits of their lanes.
// Invariants: as of the port (outbox.ts); each call is one short transaction.
import { AHEAD_MARGIN_MS } from '../common/clock';
import { type Begun, type Due, dueEntryOf } from '../common/due-entry';
import { withinBytes } from '../common/entry';
import { ENTRY_LEASE_MS, MOST_ENTRY_DELAY_MS, type Outbox, type TakeEntries } from '../outbox';
import { limitOf, NOW, type SqliteConnection } from './connection';
import { endpointsNamed } from './endpoint-rows';
import { AHEAD } from './outbox-due';
import { IS_REST } from './outbox-log';
import type { Method, Part } from './part';

/** A minute, in which no more are begun. */
const MINUTE_MS = 60_000;

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
    and (due_at > ${NOW} + ${MOST_ENTRY_DELAY_MS + AHEAD_MARGIN_MS} or seq in (select seq from (${AHEAD})))`;

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
    return begun.map((row) => dueEntryOf(row, told));
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

export const outboxTake: Part<Pick<Outbox, 'takeEntries'>> = { takeEntries };
