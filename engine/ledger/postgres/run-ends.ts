// What is heard of runs from outside, in the Postgres ledger: where an event stands, offers that ended unclaimed, and
// events that a person runs again by hand.
// Invariant: every update names the states that it leaves, and a new attempt fences off all earlier ones; events are
// locked by `seq`.
import { newEventId } from '../common/event-id';
import { inOrder } from '../common/in-order';
import type { Claim } from '../pointer';
import {
  type Released,
  RELEASED_FIRST_MS,
  RELEASED_MOST_MS,
  RELEASED_MOST_STEPS,
  type RunEnds,
  type Whereabouts,
} from '../run-ends';
import { NOW } from './connection';
import { CLAIMS_OF_WON } from './deliver';
import { cancelledErrands } from './errands';
import type { Method, Part } from './part';
import { asked } from './pointers';

const selectWhereabouts = `
  select id, state, attempt, execution_id as "executionId", end_told as "endIsTold",
    run_id as run
  from durable_mail.event where id = any($1)`;

// What has failed before stays RETRY: PENDING has never had a run.
const releaseQueued = `
  with queued as materialized (
    select event.seq, event.attempt
    from unnest($2::text[], $3::int[]) pointer (event, attempt)
    join durable_mail.event on event.id = pointer.event and event.attempt = pointer.attempt
    where event.state = 'QUEUED'
    order by event.seq for update of event)
  update durable_mail.event set
    state = case when failures > 0 then 'RETRY' else 'PENDING' end,
    execution_id = case when failures > 0 then execution_id end,
    run_id = null,
    lease_until = null,
    last_error = $1,
    unclaimed = unclaimed + 1,
    due_at = ${NOW} + least(${RELEASED_MOST_MS},
      ${RELEASED_FIRST_MS}::bigint << (2 * least(unclaimed, ${RELEASED_MOST_STEPS})))
  from queued
  where event.seq = queued.seq and event.attempt = queued.attempt and event.state = 'QUEUED'
  returning event.id as event, event.attempt, event.unclaimed`;

const hurry = `
  with released as materialized (
    select seq from durable_mail.event
    where subscription_id = any($1) and unclaimed > 0 and due_at > ${NOW}
    order by seq for update)
  update durable_mail.event set due_at = ${NOW} from released where event.seq = released.seq`;

const take = `
  with takeable as materialized (
    select seq from durable_mail.event
    where id = any($1) and state in ('PENDING', 'QUEUED', 'RETRY', 'DEAD', 'UNKNOWN')
    order by seq for update),
  won as (
    update durable_mail.event set
      state = 'RUNNING', attempt = attempt + 1, execution_id = $2, run_id = $3, lease_until = ${NOW} + $4,
      due_at = null, settled_at = null, reported_at = null, end_told = true, unclaimed = 0,
      began_at = ${NOW}
    from takeable
    where event.seq = takeable.seq
    returning event.id, event.attempt, event.subscription_id, event.message_id, event.idempotency_key),
  ${cancelledErrands('won')}
  ${CLAIMS_OF_WON}`;

const whereabouts: Method<'whereabouts'> = async (connection, events) => {
  if (events.length === 0) return new Map();
  const rows = await connection.all<Whereabouts & { id: string }>(selectWhereabouts, events);
  return new Map(rows.map(({ id, ...row }) => [id, row]));
};

const release: Method<'release'> = async (connection, pointers, error) => {
  if (pointers.length === 0) return [];
  return inOrder(pointers, await connection.all<Released>(releaseQueued, error, ...asked(pointers)));
};

const hurryReleased: Method<'hurryReleased'> = async (connection, subscriptionIds) => {
  await connection.run(hurry, subscriptionIds);
};

const takeByHand: Method<'takeByHand'> = async (connection, events, executionId, leaseMs) => {
  if (events.length === 0) return [];
  const won = await connection.all<Claim>(take, events, executionId, newEventId(), leaseMs);
  const taken = new Map(won.map((claim) => [claim.event, claim]));
  return [...new Set(events)].flatMap((event) => taken.get(event) ?? []);
};

export const runEnds: Part<RunEnds> = { whereabouts, release, hurryReleased, takeByHand };
