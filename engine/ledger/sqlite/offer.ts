// Offers in the SQLite ledger: due events become QUEUED, grouped into runs.
// Invariant: only this makes QUEUED, and every offer of an event is a new attempt.
import { AHEAD_MARGIN_MS } from '../common/clock';
import {
  type DueEvent,
  type DueRun,
  groupedRuns,
  manyMails,
  MOST_EVENTS,
  offeredRun,
  sizeOfRuns,
} from '../common/grouping';
import type { OfferRequest, Offers, RunningLease } from '../offers';
import { RELEASED_MOST_MS } from '../run-ends';
import { limitOf, NOW, type SqliteConnection } from './connection';
import type { Method, Part } from './part';
import { lapse } from './settle';
import { waiting } from './waiting';

// How far it is looked among what is not due for mails that wait for no retry.
const MOST_AHEAD = 200;

const countInFlight = `
  select count(distinct run_id) as inFlight from event
  where subscription_id in (select value from json_each(?1)) and lease_until is not null
    and (state = 'RUNNING' or lease_until > ${NOW} and lease_until <= ${NOW} + ?2)`;

// As far as it matters.
const countDue = `
  select count(*) as due from (
    select 1 from event
    where subscription_id in (select value from json_each(?1)) and due_at <= ${NOW} ${limitOf('?2')})`;

/** Until when an event of the subscription may have to wait, at most. */
const farthest = `
  ${NOW} + ${AHEAD_MARGIN_MS} + (
    select coalesce(max(delay.value), 0) * 11 / 10
    from subscription owner, json_each(owner.retry_delays_ms) delay where owner.id = subscription.value)`;

// Whose offers ended unclaimed may have to wait longer than for a retry, and also before its first run.
const isFarther = `(unclaimed = 0 or due_at > ${NOW} + ${RELEASED_MOST_MS + AHEAD_MARGIN_MS})`;

// Index ranges of a subscription, each read in order and cut at the limit: the cost does not grow with the backlog.
// The last three are empty, unless the clock was set back: ?3 is the longest lease.
const selectDue = `
  select event.seq, event.id as event, event.attempt, event.failures
  from json_each(?1) subscription
  cross join json_each((
    select json_group_array(json_array(seq, since)) from (
      select * from (
        select seq, due_at as since from event
        where subscription_id = subscription.value and due_at <= ${NOW} order by due_at, seq ${limitOf('?2')})
      union all
      select * from (
        select seq, lease_until as since from event
        where subscription_id = subscription.value and lease_until <= ${NOW} and state = 'QUEUED'
        order by lease_until, seq ${limitOf('?2')})
      union all
      select * from (
        select seq, lease_until as since from event
        where subscription_id = subscription.value and lease_until > ${NOW} + ?3 and state = 'QUEUED'
        order by lease_until, seq ${limitOf('?2')})
      union all
      select * from (
        select seq, due_at as since from event
        where subscription_id = subscription.value and due_at > ${farthest} and ${isFarther}
        order by due_at, seq ${limitOf('?2')})
      union all
      select seq, due_at as since from (
        select seq, due_at, state, unclaimed from event
        where subscription_id = subscription.value and due_at > ${NOW} and due_at <= ${farthest}
        order by due_at, seq limit ${MOST_AHEAD})
      where state = 'PENDING' and unclaimed = 0
    ))) picked
  cross join event on event.seq = picked.value ->> 0
  order by picked.value ->> 1, event.seq ${limitOf('?2')}`;

const queueEvents = `
  update event set
    state = 'QUEUED', attempt = attempt + 1, due_at = null, lease_until = ${NOW} + ?1, run_id = picked.value ->> 1
  from json_each(?2) picked
  where event.seq = picked.value ->> 0 and event.state in ('PENDING', 'RETRY', 'QUEUED')`;

const selectNext = `
  select min(due) - ${NOW} as dueInMs, min(lapse) - ${NOW} as lapseInMs, coalesce(max(untold), 0) as untold from (
    select
      (select min(due_at) from event where subscription_id = subscription.value and due_at is not null) as due,
      (select min(lease_until) from event
        where subscription_id = subscription.value and lease_until is not null and (?2 or state = 'QUEUED')) as lapse,
      exists (
        select 1 from event
        where subscription_id = subscription.value and reported_at is null and state in ('DEAD', 'UNKNOWN')) as untold
    from json_each(?1) subscription)`;

const selectRunning = `
  select event.run_id as run, max(event.lease_until) as until, max(event.lease_until) - ${NOW} as lapsesInMs
  from json_each(?) subscription
  cross join event on event.subscription_id = subscription.value and event.lease_until is not null
  where event.state = 'RUNNING'
  group by event.run_id`;

interface Next {
  readonly dueInMs: number | null;
  readonly lapseInMs: number | null;
  readonly untold: 0 | 1;
}

const offer: Method<'offer'> = (connection, request) => {
  const ids = JSON.stringify(request.subscriptionIds);
  return connection.transaction(() => {
    const { unrenewed } = request;
    const longestMs = request.leaseMs + AHEAD_MARGIN_MS;
    const lapsed = lapse(connection, ids, longestMs, unrenewed);
    const { inFlight } = connection.get<{ inFlight: number }>(countInFlight, ids, longestMs)!;
    const free = request.mostRuns - inFlight;
    const places = Math.min(free, request.mostNew ?? free);
    const runs = places > 0 ? queue(connection, ids, request, places) : [];
    const next = connection.get<Next>(selectNext, ids, unrenewed ? 0 : 1)!;
    // With no place left, what is due has to wait until a run ends or a lease lapses.
    const waits = [free > runs.length ? next.dueInMs : null, next.lapseInMs].filter((ms) => ms !== null);
    return {
      runs: runs.map(offeredRun),
      lapsed,
      nextInMs: waits.length > 0 ? Math.max(0, Math.min(...waits)) : null,
      untold: next.untold === 1,
      ...(unrenewed && { running: connection.all<RunningLease>(selectRunning, ids) }),
    };
  });
};

function queue(connection: SqliteConnection, ids: string, request: OfferRequest, places: number): DueRun[] {
  const longestMs = request.leaseMs + AHEAD_MARGIN_MS;
  const many = manyMails(request, places);
  const { due } = many === null ? { due: 0 } : connection.get<{ due: number }>(countDue, ids, many)!;
  const size = sizeOfRuns(request, due, places);
  const most = Math.min(MOST_EVENTS, places * size);
  const runs = groupedRuns(connection.all<DueEvent>(selectDue, ids, most, longestMs), size, places);
  const picked = runs.flatMap(({ id, events }) => events.map(({ seq }) => [seq, id]));
  if (picked.length > 0) connection.run(queueEvents, request.leaseMs, JSON.stringify(picked));
  return runs;
}

export const offers: Part<Offers> = { waiting, offer };
