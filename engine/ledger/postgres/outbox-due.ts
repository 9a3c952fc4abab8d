// When which lane of Postgres' outbox has something to do. Each looks at lanes, however many entries wait in them.
import { AHEAD_MARGIN_MS } from '../common/clock';
import { requestOf } from '../common/entry';
import { type DueLane, ENTRY_LEASE_MS, MOST_ENTRY_DELAY_MS, type Outbox } from '../outbox';
import { NOW } from './connection';
import { IS_REST } from './outbox-log';
import type { Method, Part } from './part';

const MOST_WAIT_MS = 3_600_000;

/** Lanes that have one in the index: one look for each lane, however many entries it has. */
const lanes = (name: string, column: string): string => `
  ${name} (lane) as (
    select min(lane) from durable_mail.outgoing where ${column} is not null
    union all
    select (select min(outgoing.lane) from durable_mail.outgoing where ${column} is not null and outgoing.lane > ${name}.lane)
    from ${name} where ${name}.lane is not null)`;

const first = (name: string, column: string): string =>
  `(select min(${column}) from durable_mail.outgoing where outgoing.lane = ${name}.lane and ${column} is not null)`;

const last = (name: string, column: string): string => first(name, column).replace('min(', 'max(');

/**
 * What waits since a time that is still to come: it was stored before the clock was set back, and whatever it waits for, that is over.
 * Both are found by an index, and as a rule there are none.
 */
export const AHEAD = `
  select seq, lane from durable_mail.outgoing where state = 'QUEUED' and queued_at > ${NOW} + ${AHEAD_MARGIN_MS}
  union all
  select seq, lane from durable_mail.outgoing
  where due_at is not null and begun_at is not null and begun_at > ${NOW} + ${AHEAD_MARGIN_MS}`;

/** ms since 1970, when the lane has something to do; 0: what lies so far ahead was stored before the clock was set back. */
const laneTimes = `
  with recursive ${lanes('due', 'due_at')}, ${lanes('leased', 'lease_until')},
  times as (
    select lane,
      case when ${last('due', 'due_at')} > ${NOW} + ${MOST_ENTRY_DELAY_MS + AHEAD_MARGIN_MS} then 0
        else ${first('due', 'due_at')} end as at
    from due where lane is not null
    union all
    select lane,
      case when ${last('leased', 'lease_until')} > ${NOW} + ${2 * ENTRY_LEASE_MS + AHEAD_MARGIN_MS} then 0
        else ${first('leased', 'lease_until')} end
    from leased where lane is not null
    union all
    select distinct lane, 0::bigint from (${AHEAD}) ahead),
  lane_times as (
    select lane, greatest(at, coalesce((
      select rests_until from durable_mail.outgoing_lane
      where outgoing_lane.lane = firsts.lane and ${IS_REST}), 0)) as at
    from (select lane, min(at) as at from times group by lane) firsts)`;

// Of the first: without an order Postgres may look for any through all that was ever sent.
const kindBy = (column: string): string => `
  (select kind from durable_mail.outgoing where outgoing.lane = lane_times.lane and ${column} is not null
  order by ${column} limit 1)`;

const selectDueLanes = `
  ${laneTimes}
  select lane, coalesce(${kindBy('due_at')}, ${kindBy('lease_until')}) as kind
  from lane_times where at <= ${NOW} order by at, lane limit $1`;

const selectNextDue = `${laneTimes} select min(at) - ${NOW} as "inMs" from lane_times`;

const selectFirst = (column: 'due_at' | 'lease_until'): string => `
  select lane, kind, request from durable_mail.outgoing
  where lane = $1 and ${column} is not null order by ${column} limit 1`;

const selectFirstDue = selectFirst('due_at');
const selectFirstLeased = selectFirst('lease_until');
const dueLanes: Method<'dueLanes'> = (connection, limit) => connection.all<DueLane>(selectDueLanes, limit);

const nextDue: Method<'nextDue'> = async (connection) => {
  const { inMs } = (await connection.get<{ inMs: number | null }>(selectNextDue))!;
  return inMs === null ? null : Math.min(MOST_WAIT_MS, Math.max(0, inMs));
};

const firstOf: Method<'firstOf'> = async (connection, lane) => {
  const of = (sql: string) => connection.get<{ lane: string; kind: string; request: string }>(sql, lane);
  const first = (await of(selectFirstDue)) ?? (await of(selectFirstLeased));
  return first ? { ...first, request: requestOf(first.request) } : null;
};

export const outboxDue: Part<Pick<Outbox, 'dueLanes' | 'nextDue' | 'firstOf'>> = {
  dueLanes,
  nextDue,
  firstOf,
};
