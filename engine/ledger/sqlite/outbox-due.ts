// When which lane of the SQLite ledger's outbox has something to do. Each looks at lanes, however many entries wait in them.
import { AHEAD_MARGIN_MS } from '../common/clock';
import { requestOf } from '../common/entry';
import { type DueLane, ENTRY_LEASE_MS, MOST_ENTRY_DELAY_MS, type Outbox } from '../outbox';
import { limitOf, NOW } from './connection';
import { IS_REST } from './outbox-log';
import type { Method, Part } from './part';

const MOST_WAIT_MS = 3_600_000;

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
export const AHEAD = `
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
    select distinct lane, 0 from (${AHEAD})),
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

export const outboxDue: Part<Pick<Outbox, 'dueLanes' | 'nextDue' | 'firstOf'>> = {
  dueLanes,
  nextDue,
  firstOf,
};
