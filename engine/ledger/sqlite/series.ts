// How it went over time, in the SQLite ledger: sums that the database itself keeps (life-migration.ts).
// Invariant: what leaves the minutes is added to its hour in the same transaction.
import { askableFilter } from '../askable';
import { GROWTH, pointsOf, STEP_MS, stepsOf } from '../common/series';
import { KEEP_HOURS_MS, KEEP_MINUTES_MS, type Series } from '../series';
import { limitOf, NOW, type SqliteConnection } from './connection';
import type { Method, Part } from './part';

/** Those that are asked for. */
const OF = '(?1 is null or source_id = ?1) and (?2 is null or workflow_id = ?2)';

// The hours that are asked for have what is still in minutes, too. One text: SQLite and the thread take four times as long for
// thousands of rows with names.
const selectSums = (step: number): string => `
  select json_group_array(json_array(at, what, bucket, n)) as listed from (
    select step_sum.at / ${step} * ${step} as at, what, bucket, sum(n) as n
    from subscription cross join step_sum on step_sum.subscription_id = subscription.id
      and step_sum.step in (${STEP_MS.minute}, ${step}) and step_sum.at >= ?3 and step_sum.at < ?4
    where ${OF}
    group by 1, 2, 3 order by 1)`;

const SELECT = { minute: selectSums(STEP_MS.minute), hour: selectSums(STEP_MS.hour) } as const;

// What waits is counted (standing-migration.ts), what has a lease has its index.
const selectBefore = `
  with asked as materialized (select id from subscription where ${OF})
  select
    (select coalesce(sum(n), 0) from asked cross join standing on standing.subscription_id = asked.id
      and standing.state in ('PENDING', 'RETRY'))
    + (select count(*) from asked cross join event indexed by event_leased
      on event.subscription_id = asked.id and lease_until is not null)
    - (select ${GROWTH} from asked cross join step_sum on step_sum.subscription_id = asked.id
      and step_sum.step in (${STEP_MS.minute}, ${STEP_MS.hour}) and step_sum.at >= ?3) as waiting`;

const old = (step: number, keepMs: number): string => `
  select step_sum.subscription_id as id, step_sum.at, step_sum.what, step_sum.bucket, n
  from subscription cross join step_sum on step_sum.subscription_id = subscription.id
    and step_sum.step = ${step} and step_sum.at < ${NOW} - ${keepMs}
  ${limitOf('?')}`;

const selectOldMinutes = `select json_group_array(json_array(id, at, what, bucket, n)) as sums, count(*) as n
  from (${old(STEP_MS.minute, KEEP_MINUTES_MS)})`;

const selectOldHours = `select json_group_array(json_array(id, at, what, bucket)) as sums, count(*) as n
  from (${old(STEP_MS.hour, KEEP_HOURS_MS)})`;

const addToHours = `
  insert into step_sum (subscription_id, step, at, what, bucket, n)
  select value ->> 0, ${STEP_MS.hour}, (value ->> 1) / ${STEP_MS.hour} * ${STEP_MS.hour}, value ->> 2, value ->> 3,
    sum(value ->> 4)
  from json_each(?) where true group by 1, 3, 4, 5
  on conflict (subscription_id, step, at, what, bucket) do update set n = n + excluded.n`;

const deleteSums = `
  delete from step_sum where (subscription_id, step, at, what, bucket) in (
    select value ->> 0, ?2, value ->> 1, value ->> 2, value ->> 3 from json_each(?1))`;

type Listed = readonly [at: number, what: string, bucket: number, n: number];

const series: Method<'series'> = (connection, request) => {
  const { sourceId = null, workflowId = null } = askableFilter(request);
  const [from, until] = stepsOf(request);
  const { listed } = connection.get<{ listed: string }>(
    SELECT[request.step],
    sourceId,
    workflowId,
    from,
    until,
  )!;
  return pointsOf((JSON.parse(listed) as Listed[]).map(([at, what, bucket, n]) => ({ at, what, bucket, n })));
};

const waitingBefore: Method<'waitingBefore'> = (connection, request) => {
  const { sourceId = null, workflowId = null } = askableFilter(request);
  const [from] = stepsOf(request);
  return Math.max(0, connection.get<{ waiting: number }>(selectBefore, sourceId, workflowId, from)!.waiting);
};

export const summedUp: Part<Series> = { series, waitingBefore };

/** @returns how many it took away */
export function sweepSums(connection: SqliteConnection, limit: number): number {
  return connection.transaction(() => {
    const minutes = connection.get<{ sums: string; n: number }>(selectOldMinutes, limit)!;
    if (minutes.n > 0) {
      connection.run(addToHours, minutes.sums);
      connection.run(deleteSums, minutes.sums, STEP_MS.minute);
    }
    const hours = connection.get<{ sums: string; n: number }>(selectOldHours, limit)!;
    if (hours.n > 0) connection.run(deleteSums, hours.sums, STEP_MS.hour);
    return Math.max(minutes.n, hours.n);
  });
}
