// Entries of Postgres' outbox are taken under a lease, within the limits of their lanes.
// Invariants: as of the port (outbox.ts); who takes of a lane has it for that transaction (an advisory lock), so that its limits
// hold for all processes; rows are locked in the order of `seq`.
import { AHEAD_MARGIN_MS } from '../common/clock';
import { type Begun, type Due, dueEntryOf } from '../common/due-entry';
import { withinBytes } from '../common/entry';
import { ENTRY_LEASE_MS, MOST_ENTRY_DELAY_MS, type Outbox, type TakeEntries } from '../outbox';
import { NOW, type Statements } from './connection';
import { endpointsNamed } from './endpoint-rows';
import { AHEAD } from './outbox-due';
import { IS_REST } from './outbox-log';
import type { Method, Part } from './part';

/** A minute, in which no more are begun. */
const MINUTE_MS = 60_000;

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
      and (due_at > ${NOW} + ${MOST_ENTRY_DELAY_MS + AHEAD_MARGIN_MS} or seq = any(array(select seq from (${AHEAD}) ahead))))
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
    return begun.map((row) => dueEntryOf(row, told));
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

export const outboxTake: Part<Pick<Outbox, 'takeEntries'>> = { takeEntries };
