// What is heard of runs from outside, in the SQLite ledger: where an event stands, offers that ended unclaimed, and
// events that a person runs again by hand.
// Invariant: every update names the states that it leaves, and a new attempt fences off all earlier ones.
import { newEventId } from '../common/event-id';
import { inOrder } from '../common/in-order';
import {
  type Released,
  RELEASED_FIRST_MS,
  RELEASED_MOST_MS,
  RELEASED_MOST_STEPS,
  type RunEnds,
  type Whereabouts,
} from '../run-ends';
import { NOW } from './connection';
import { CLAIM_FACTS, CLAIM_TABLES, claimOf, type ClaimRow } from './deliver';
import { cancelErrands } from './errands';
import type { Method, Part } from './part';

const selectWhereabouts = `
  select id, state, attempt, execution_id as executionId, end_told as endIsTold, run_id as run
  from event where id in (select value from json_each(?))`;

// What has failed before stays RETRY: PENDING has never had a run.
const releaseQueued = `
  update event set
    state = iif(failures > 0, 'RETRY', 'PENDING'),
    execution_id = iif(failures > 0, execution_id, null),
    run_id = null,
    lease_until = null,
    last_error = ?1,
    unclaimed = unclaimed + 1,
    due_at = ${NOW} + min(${RELEASED_MOST_MS},
      ${RELEASED_FIRST_MS} * (1 << (2 * min(unclaimed, ${RELEASED_MOST_STEPS}))))
  from json_each(?2) pointer
  where event.id = pointer.value ->> 'event' and event.attempt = pointer.value ->> 'attempt'
    and event.state = 'QUEUED'
  returning id as event, attempt, unclaimed`;

const hurry = `
  update event set due_at = ${NOW}
  where subscription_id in (select value from json_each(?)) and unclaimed > 0 and due_at > ${NOW}`;

const selectTakeable = `
  select seq from event
  where id in (select value from json_each(?)) and state in ('PENDING', 'QUEUED', 'RETRY', 'DEAD', 'UNKNOWN')`;

const take = `
  update event set
    state = 'RUNNING', attempt = attempt + 1, execution_id = ?1, run_id = ?2, lease_until = ${NOW} + ?3,
    due_at = null, settled_at = null, reported_at = null, end_told = 1, unclaimed = 0,
    began_at = ${NOW}
  where seq in (select value from json_each(?4))`;

const selectTaken = `
  select ${CLAIM_FACTS}
  from json_each(?) taken
  cross join event on event.seq = taken.value
  ${CLAIM_TABLES}`;

const whereabouts: Method<'whereabouts'> = (connection, events) => {
  const rows = connection.all<Omit<Whereabouts, 'endIsTold'> & { id: string; endIsTold: number }>(
    selectWhereabouts,
    JSON.stringify(events),
  );
  return new Map(rows.map(({ id, endIsTold, ...row }) => [id, { ...row, endIsTold: endIsTold === 1 }]));
};

const release: Method<'release'> = (connection, pointers, error) => {
  const released = connection.all<Released>(releaseQueued, error, JSON.stringify(pointers));
  return inOrder(
    pointers,
    released.map(({ event, attempt, unclaimed }) => ({ event, attempt, unclaimed })),
  );
};

const hurryReleased: Method<'hurryReleased'> = (connection, subscriptionIds) => {
  connection.run(hurry, JSON.stringify(subscriptionIds));
};

const takeByHand: Method<'takeByHand'> = (connection, events, executionId, leaseMs) => {
  return connection.transaction(() => {
    const rows = connection.all<{ seq: number }>(selectTakeable, JSON.stringify(events));
    if (rows.length === 0) return [];
    const seqs = JSON.stringify(rows.map(({ seq }) => seq));
    connection.run(take, executionId, newEventId(), leaseMs, seqs);
    cancelErrands(connection, seqs);
    const taken = new Map(
      connection.all<ClaimRow>(selectTaken, seqs).map((row) => [row.event, claimOf(row)]),
    );
    return [...new Set(events)].flatMap((event) => taken.get(event) ?? []);
  });
};

export const runEnds: Part<RunEnds> = { whereabouts, release, hurryReleased, takeByHand };
