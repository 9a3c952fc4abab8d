// What becomes of entries of Postgres' outbox that were taken, as who took them says it.
// Invariants: as of the port (outbox.ts); whose lease or fence is over says nothing any more, but that it has arrived; rows are
// locked in the order of `seq`.
import { entryText, storedOutcome } from '../common/entry';
import { ENTRY_LEASE_MS, type EntryRef, type Outbox } from '../outbox';
import { NOW } from './connection';
import { IS_REST } from './outbox-log';
import type { Method, Part } from './part';

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

export const outboxSettle: Part<
  Pick<Outbox, 'renewEntries' | 'handOver' | 'settleEntries' | 'noteArrived' | 'restLane'>
> = { renewEntries, handOver, settleEntries, noteArrived, restLane };
