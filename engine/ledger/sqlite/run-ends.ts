// What is heard of runs from outside, in the SQLite ledger: where an event stands, offers that ended unclaimed, and
// events that a person runs again by hand.
// Invariant: every update names the states that it leaves, and a new attempt fences off all earlier ones.
import { newEventId } from '../event-id';
import { inOrder } from '../keys';
import type { Claim, Pointer } from '../ledger';
import {
  RELEASED_FIRST_MS,
  RELEASED_MOST_MS,
  RELEASED_MOST_STEPS,
  type Released,
  type Whereabouts,
} from '../run-ends';
import { NOW, type SqliteConnection } from './connection';
import { CLAIM_FACTS } from './deliver';
import { cancelActions } from './mail-actions';

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
    due_at = null, settled_at = null, reported_at = null, end_told = 1, unclaimed = 0
  where seq in (select value from json_each(?4))`;

const selectTaken = `
  select ${CLAIM_FACTS}
  from json_each(?) taken
  cross join event on event.seq = taken.value
  join message on message.id = event.message_id
  join source on source.id = message.source_id`;

export function whereabouts(
  connection: SqliteConnection,
  events: readonly string[],
): Map<string, Whereabouts> {
  const rows = connection.all<Omit<Whereabouts, 'endIsTold'> & { id: string; endIsTold: number }>(
    selectWhereabouts,
    JSON.stringify(events),
  );
  return new Map(rows.map(({ id, endIsTold, ...row }) => [id, { ...row, endIsTold: endIsTold === 1 }]));
}

export function release(
  connection: SqliteConnection,
  pointers: readonly Pointer[],
  error: string,
): Released[] {
  const released = connection.all<Released>(releaseQueued, error, JSON.stringify(pointers));
  return inOrder(
    pointers,
    released.map(({ event, attempt, unclaimed }) => ({ event, attempt, unclaimed })),
  );
}

export function hurryReleased(connection: SqliteConnection, subscriptionIds: readonly number[]): void {
  connection.run(hurry, JSON.stringify(subscriptionIds));
}

export function takeByHand(
  connection: SqliteConnection,
  events: readonly string[],
  executionId: string,
  leaseMs: number,
): Claim[] {
  return connection.transaction(() => {
    const rows = connection.all<{ seq: number }>(selectTakeable, JSON.stringify(events));
    if (rows.length === 0) return [];
    const seqs = JSON.stringify(rows.map(({ seq }) => seq));
    connection.run(take, executionId, newEventId(), leaseMs, seqs);
    cancelActions(connection, seqs);
    const taken = new Map(connection.all<Claim>(selectTaken, seqs).map((claim) => [claim.event, claim]));
    return [...new Set(events)].flatMap((event) => taken.get(event) ?? []);
  });
}
