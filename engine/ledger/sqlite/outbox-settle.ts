// What becomes of entries of the SQLite ledger's outbox that were taken, as who took them says it.
// Invariants: as of the port (outbox.ts); whose lease or fence is over says nothing any more, but that it has arrived.
import { entryText, isAside, storedOutcome } from '../common/entry';
import { ENTRY_LEASE_MS, type EntryRef, type Outbox } from '../outbox';
import { NOW } from './connection';
import { IS_REST } from './outbox-log';
import type { Method, Part } from './part';

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

export const outboxSettle: Part<
  Pick<Outbox, 'renewEntries' | 'handOver' | 'settleEntries' | 'noteArrived' | 'restLane'>
> = { renewEntries, handOver, settleEntries, noteArrived, restLane };
