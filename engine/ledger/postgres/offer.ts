// Offers in Postgres: leases that ran out are found, and due events become the pointers of runs.
// Invariants: offers of one node are made one after the other; whoever holds a subscription's lock waits for no
// event; the cost does not grow with what is waiting or done.
import { AHEAD_MARGIN_MS } from '../common/clock';
import {
  type DueEvent,
  groupedRuns,
  manyMails,
  MOST_EVENTS,
  offeredRun,
  sizeOfRuns,
} from '../common/grouping';
import type { Offers, RunningLease } from '../offers';
import { RELEASED_MOST_MS } from '../run-ends';
import { NOW } from './connection';
import type { Method, Part } from './part';
import { lapse } from './settle';
import { waiting } from './waiting';

// How far it is looked among what is not due for mails that wait for no retry.
const MOST_AHEAD = 200;

// Offers of one node are made one after the other, so that what is in flight is counted right. Whoever inserts
// events only needs the key, and does not wait.
const lockSubscriptions = `
  select id from durable_mail.subscription where id = any($1) order by id for no key update`;

const countInFlight = `
  select count(distinct run_id) as "inFlight" from durable_mail.event
  where subscription_id = any($1) and lease_until is not null
    and (state = 'RUNNING' or lease_until > ${NOW} and lease_until <= ${NOW} + $2)`;

// As far as it matters.
const countDue = `
  select count(*)::int as due from (
    select 1 from durable_mail.event where subscription_id = any($1) and due_at <= ${NOW} limit $2) due`;

/** Until when an event of the subscription may have to wait, at most. */
const farthest = (subscription: string): string => `
  ${NOW} + ${AHEAD_MARGIN_MS} + (
    select coalesce(max(delay.ms::bigint), 0) * 11 / 10
    from durable_mail.subscription owner cross join lateral jsonb_array_elements_text(owner.retry_delays_ms::jsonb) delay (ms)
    where owner.id = ${subscription})`;

// Whose offers ended unclaimed may have to wait longer than for a retry, and also before its first run.
const isFarther = `(unclaimed = 0 or due_at > ${NOW} + ${RELEASED_MOST_MS + AHEAD_MARGIN_MS})`;

// Index ranges for each subscription, each read in order and cut at the limit: the cost does not grow with the
// backlog. A row that changed meanwhile is seen as it is now, and one that is being changed is left for later.
// Each is looked up by its `seq` alone: as a join, a plan from old statistics compared it with the whole backlog
// (measured: 5 s for 200 of 200,000).
// The last three ranges are empty, unless the clock was set back: $3 is the longest lease.
const lockDue = `
  with due as materialized (
    select found.seq, found.since
    from unnest($1::bigint[]) subscription (id)
    cross join lateral (select ${farthest('subscription.id')} as at offset 0) farthest
    cross join lateral (
      (select seq, due_at as since from durable_mail.event
        where subscription_id = subscription.id and due_at <= ${NOW} order by due_at, seq limit $2)
      union all
      (select seq, lease_until as since from durable_mail.event
        where subscription_id = subscription.id and lease_until <= ${NOW} and state = 'QUEUED'
        order by lease_until, seq limit $2)
      union all
      (select seq, lease_until as since from durable_mail.event
        where subscription_id = subscription.id and lease_until > ${NOW} + $3 and state = 'QUEUED'
        order by lease_until, seq limit $2)
      union all
      (select seq, due_at as since from durable_mail.event
        where subscription_id = subscription.id and due_at > farthest.at and ${isFarther}
        order by due_at, seq limit $2)
      union all
      (select seq, since from (
          select seq, due_at as since, state, unclaimed from durable_mail.event
          where subscription_id = subscription.id and due_at > ${NOW} and due_at <= farthest.at
          order by due_at, seq limit ${MOST_AHEAD}) ahead
        where state = 'PENDING' and unclaimed = 0)) found
    order by since, seq limit $2)
  select locked.*, due.since
  from due cross join lateral (
    select event.seq, event.id as event, event.attempt, event.failures
    from durable_mail.event
    where event.seq = due.seq
      and (event.due_at <= ${NOW} or event.state = 'PENDING' and event.unclaimed = 0
        or event.due_at > ${farthest('event.subscription_id')} and ${isFarther}
        or (event.state = 'QUEUED' and (event.lease_until <= ${NOW} or event.lease_until > ${NOW} + $3)))
    for update skip locked) locked`;

// They are locked, and were seen to be PENDING, RETRY, or QUEUED under a lease that ran out.
const queue = `
  update durable_mail.event set
    state = 'QUEUED', attempt = event.attempt + 1, due_at = null, lease_until = ${NOW} + $4, run_id = offered.run_id
  from unnest($1::bigint[], $2::int[], $3::text[]) offered (seq, attempt, run_id)
  where event.seq = offered.seq and event.attempt = offered.attempt`;

const selectNext = `
  select min(next.due) - ${NOW} as "dueInMs", min(next.lapse) - ${NOW} as "lapseInMs",
    coalesce(bool_or(next.untold), false) as untold
  from unnest($1::bigint[]) subscription (id) cross join lateral (
    select
      (select min(due_at) from durable_mail.event
        where subscription_id = subscription.id and due_at is not null) as due,
      (select min(lease_until) from durable_mail.event
        where subscription_id = subscription.id and lease_until is not null
          and ($2::boolean or state = 'QUEUED')) as lapse,
      exists (
        select 1 from durable_mail.event
        where subscription_id = subscription.id and state in ('DEAD', 'UNKNOWN') and reported_at is null) as untold) next`;

const selectRunning = `
  select run_id as run, max(lease_until) as until, max(lease_until) - ${NOW} as "lapsesInMs"
  from durable_mail.event
  where subscription_id = any($1) and lease_until is not null and state = 'RUNNING'
  group by run_id`;

interface Next {
  readonly dueInMs: number | null;
  readonly lapseInMs: number | null;
  readonly untold: boolean;
}

interface Due extends DueEvent {
  readonly since: number;
}

const offer: Method<'offer'> = (connection, request) => {
  const { subscriptionIds, mostRuns, leaseMs, unrenewed } = request;
  const longestMs = leaseMs + AHEAD_MARGIN_MS;
  return connection.transaction(async (statements) => {
    await statements.run(lockSubscriptions, subscriptionIds);
    const lapsed = await lapse(statements, subscriptionIds, longestMs, unrenewed);
    const { inFlight } = (await statements.get<{ inFlight: number }>(
      countInFlight,
      subscriptionIds,
      longestMs,
    ))!;
    const free = Math.max(0, mostRuns - inFlight);
    const places = Math.min(free, request.mostNew ?? free);
    const many = places > 0 ? manyMails(request, places) : null;
    const counted =
      many === null ? null : await statements.get<{ due: number }>(countDue, subscriptionIds, many);
    const size = sizeOfRuns(request, counted?.due ?? 0, places);
    const due =
      places > 0
        ? await statements.all<Due>(lockDue, subscriptionIds, Math.min(MOST_EVENTS, places * size), longestMs)
        : [];
    const oldestFirst = due.sort((a, b) => a.since - b.since || a.seq - b.seq);
    const runs = groupedRuns(oldestFirst, size, places);
    if (runs.length > 0) {
      await statements.run(
        queue,
        runs.flatMap(({ events }) => events.map(({ seq }) => seq)),
        runs.flatMap(({ events }) => events.map(({ attempt }) => attempt)),
        runs.flatMap(({ id, events }) => events.map(() => id)),
        leaseMs,
      );
    }
    const next = (await statements.get<Next>(selectNext, subscriptionIds, unrenewed === undefined))!;
    const running = unrenewed && (await statements.all<RunningLease>(selectRunning, subscriptionIds));
    // With no place left, what is due has to wait until a run ends or a lease lapses.
    const waits = runs.length < free ? [next.dueInMs, next.lapseInMs] : [next.lapseInMs];
    const known = waits.filter((ms) => ms !== null);
    return {
      runs: runs.map(offeredRun),
      lapsed,
      nextInMs: known.length > 0 ? Math.max(0, Math.min(...known)) : null,
      untold: next.untold,
      ...(running && { running }),
    };
  });
};

export const offers: Part<Offers> = { waiting, offer };
