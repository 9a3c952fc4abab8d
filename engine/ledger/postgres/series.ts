// How it went over time, in the Postgres ledger: sums that the database itself keeps (life-migration.ts).
// Invariants: what leaves the minutes is added to its hour in the same statement; nobody is waited for.
import { askableFilter } from '../askable';
import { GROWTH, pointsOf, STEP_MS, stepsOf, type StoredSum } from '../common/series';
import { KEEP_HOURS_MS, KEEP_MINUTES_MS, type Series } from '../series';
import { NOW, type PostgresConnection } from './connection';
import type { Method, Part } from './part';

/** Those that are asked for. */
const OF = '($1::bigint is null or source_id = $1) and ($2::text is null or workflow_id = $2)';

// The hours that are asked for have what is still in minutes, too. `offset 0` keeps it one look-up a subscription.
const selectSums = `
  select found.at / $3::bigint * $3::bigint as at, what, bucket, sum(n)::bigint as n
  from durable_mail.subscription cross join lateral (
    select at, what, bucket, n from durable_mail.step_sum
    where step_sum.subscription_id = subscription.id and step in (${STEP_MS.minute}, $3::int)
      and at >= $4 and at < $5 offset 0) found
  where ${OF}
  group by 1, 2, 3 order by 1`;

// What waits is counted (standing-migration.ts), what has a lease has its index. `offset 0` keeps it one look-up a subscription.
const selectBefore = `
  select coalesce(sum(due.n + leased.n - grown.n), 0)::bigint as waiting
  from durable_mail.subscription
  cross join lateral (
    select coalesce(sum(n), 0) as n from durable_mail.standing
    where subscription_id = subscription.id and state in ('PENDING', 'RETRY') offset 0) due
  cross join lateral (
    select count(*) as n from durable_mail.event
    where subscription_id = subscription.id and lease_until is not null offset 0) leased
  cross join lateral (
    select ${GROWTH} as n from durable_mail.step_sum
    where subscription_id = subscription.id and step in (${STEP_MS.minute}, ${STEP_MS.hour}) and at >= $3 offset 0) grown
  where ${OF}`;

const gone = (step: number, keepMs: number): string => `
  with old as materialized (
    select found.* from durable_mail.subscription cross join lateral (
      select subscription_id, at, what, bucket, backend from durable_mail.step_sum
      where subscription_id = subscription.id and step = ${step} and at < ${NOW} - ${keepMs}
      order by at limit $1) found
    limit $1),
  locked as materialized (
    select found.place from old cross join lateral (
      select ctid as place from durable_mail.step_sum
      where subscription_id = old.subscription_id and step = ${step} and at = old.at and what = old.what
        and bucket = old.bucket and backend = old.backend
      for update skip locked) found),
  gone as (
    delete from durable_mail.step_sum where ctid = any(array(select place from locked))
    returning subscription_id, at, what, bucket, n)`;

const minutesToHours = `
  ${gone(STEP_MS.minute, KEEP_MINUTES_MS)},
  added as (
    insert into durable_mail.step_sum (subscription_id, step, at, what, bucket, backend, n)
    select subscription_id, ${STEP_MS.hour}, at / ${STEP_MS.hour} * ${STEP_MS.hour} as hour, what, bucket, 0, sum(n)
    from gone group by 1, 3, 4, 5 order by 1, 3, 4, 5
    on conflict (subscription_id, step, at, what, bucket, backend) do update set n = step_sum.n + excluded.n)
  select count(*) as n from gone`;

const deleteOldHours = `${gone(STEP_MS.hour, KEEP_HOURS_MS)} select count(*) as n from gone`;

const series: Method<'series'> = async (connection, request) => {
  const { sourceId = null, workflowId = null } = askableFilter(request);
  const asked = [sourceId, workflowId, STEP_MS[request.step], ...stepsOf(request)];
  return pointsOf(await connection.all<StoredSum>(selectSums, ...asked));
};

const waitingBefore: Method<'waitingBefore'> = async (connection, request) => {
  const { sourceId = null, workflowId = null } = askableFilter(request);
  const [from] = stepsOf(request);
  const told = await connection.get<{ waiting: number }>(selectBefore, sourceId, workflowId, from);
  return Math.max(0, told!.waiting);
};

export const summedUp: Part<Series> = { series, waitingBefore };

/** @returns how many it took away */
export async function sweepSums(connection: PostgresConnection, limit: number): Promise<number> {
  const minutes = (await connection.get<{ n: number }>(minutesToHours, limit))!.n;
  const hours = (await connection.get<{ n: number }>(deleteOldHours, limit))!.n;
  return Math.max(minutes, hours);
}
