// How runs end in Postgres, by themselves or because their leases ran out, and who is told.
// Invariants: every update names the state and the attempt that it leaves; events are locked by `seq`, contents
// after their events.
import { inOrder } from '../common/in-order';
import { LAPSED } from '../common/stored';
import type { SeenLease } from '../offers';
import type { Pointer } from '../pointer';
import type { Ended, Settled } from '../runs';
import { NOW, type Statements } from './connection';
import { dropContents, lockedContents } from './content';
import { enqueuedErrands } from './errands';
import { droppedAnswers } from './once-answers';
import type { Method } from './part';
import { asked } from './pointers';

const settleAs = (state: 'DONE' | 'GONE'): string => `
  with ended as materialized (
    select event.seq, event.attempt
    from unnest($1::text[], $2::int[]) pointer (event, attempt)
    join durable_mail.event on event.id = pointer.event and event.attempt = pointer.attempt
    where event.state = 'RUNNING'
    order by event.seq for update of event),
  settled as (
    update durable_mail.event set
      state = '${state}', lease_until = null, last_error = null, settled_at = ${NOW}
    from ended
    where event.seq = ended.seq and event.attempt = ended.attempt and event.state = 'RUNNING'
    returning event.seq, event.id, event.attempt, event.state, event.message_id, event.subscription_id),
  ${state === 'DONE' ? `${enqueuedErrands('settled', 'DONE')}, ${droppedAnswers('settled')},` : ''}
  ${lockedContents('settled')}
  select settled.id as event, settled.attempt, settled.state, locked.message_id as "messageId"
  from settled left join locked on locked.message_id = settled.message_id`;

const settleDone = settleAs('DONE');
const settleGone = settleAs('GONE');

// A failed run takes the subscription's next delay, and up to a tenth more, so that what failed together does not
// come back together. Where there is none left, or a mail runs once at most, the event has ended.
const failed = (from: string, where: string, lock: string, endOfAtMostOnce: 'DEAD' | 'UNKNOWN'): string => `
  with failed as materialized (
    select event.seq, event.attempt,
      case subscription.guarantee
        when 'atLeastOnce' then (subscription.retry_delays_ms::jsonb ->> event.failures)::bigint
      end as delay,
      case subscription.guarantee when 'atMostOnce' then '${endOfAtMostOnce}' else 'DEAD' end as end_state
    from ${from}
    join durable_mail.subscription on subscription.id = event.subscription_id
    where event.state = 'RUNNING' and ${where}
    order by event.seq ${lock}),
  settled as (
  update durable_mail.event set
    failures = failures + 1,
    last_error = $1,
    lease_until = null,
    state = case when failed.delay is null then failed.end_state else 'RETRY' end,
    due_at = ${NOW} + failed.delay + floor(random() * failed.delay / 10)::bigint,
    settled_at = case when failed.delay is null then ${NOW} end
  from failed
  where event.seq = failed.seq and event.attempt = failed.attempt and event.state = 'RUNNING'
  returning event.seq, event.id, event.attempt, event.state, event.message_id, event.subscription_id),
  ${enqueuedErrands('settled', 'DEAD')}
  select id as event, attempt, state from settled`;

const settleFailed = failed(
  `unnest($2::text[], $3::int[]) pointer (event, attempt)
    join durable_mail.event on event.id = pointer.event and event.attempt = pointer.attempt`,
  'true',
  'for update of event',
  'DEAD',
);

// A lease that lies further ahead than $3 is from before the clock was set back. $4 and $5: only those that were seen
// not to be renewed; null: all.
const lapseRunning = failed(
  'durable_mail.event',
  `event.subscription_id = any($2) and event.lease_until is not null
      and (event.lease_until <= ${NOW} or event.lease_until > ${NOW} + $3)
      and ($4::text[] is null or exists (
        select 1 from unnest($4::text[], $5::bigint[]) seen (run, until)
        where seen.run = event.run_id and event.lease_until <= seen.until))`,
  'for update of event skip locked',
  'UNKNOWN',
);

const takeUnreported = `
  with unreported as materialized (
    select seq from durable_mail.event
    where subscription_id = any($1) and state in ('DEAD', 'UNKNOWN') and reported_at is null
    order by seq limit $2
    for update skip locked),
  taken as (
    update durable_mail.event set reported_at = ${NOW}
    from unreported
    where event.seq = unreported.seq
    returning event.*)
  select taken.id as event, taken.state, taken.failures, taken.execution_id as "executionId",
    source.account, source.mailbox, message.uid, taken.last_error as "lastError", message.sender, message.subject
  from taken
  join durable_mail.message on message.id = taken.message_id
  join durable_mail.source on source.id = message.source_id
  order by taken.seq`;

export const settle: Method<'settle'> = async (connection, pointers, outcome) => {
  if (pointers.length === 0) return [];
  const settled =
    outcome.kind === 'failure'
      ? await connection.all<Settled>(settleFailed, outcome.error, ...asked(pointers))
      : await connection.transaction((statements) =>
          settleEnded(statements, pointers, outcome.kind === 'success' ? settleDone : settleGone),
        );
  return inOrder(pointers, settled);
};

async function settleEnded(
  statements: Statements,
  pointers: readonly Pointer[],
  statement: string,
): Promise<Settled[]> {
  const rows = await statements.all<Settled & { messageId: number | null }>(statement, ...asked(pointers));
  await dropContents(
    statements,
    rows.map(({ messageId }) => messageId),
  );
  return rows.map(({ event, attempt, state }) => ({ event, attempt, state }));
}

/**
 * Events whose run nobody renews any more. Only under the locks of their subscriptions.
 * @param longestMs no lease lies further ahead @param unrenewed only these; undefined: all @returns how many
 */
export async function lapse(
  statements: Statements,
  subscriptionIds: readonly number[],
  longestMs: number,
  unrenewed: readonly SeenLease[] | undefined,
): Promise<number> {
  const runs = unrenewed?.map(({ run }) => run) ?? null;
  const untils = unrenewed?.map(({ until }) => until) ?? null;
  return (await statements.all(lapseRunning, LAPSED, subscriptionIds, longestMs, runs, untils)).length;
}

export const takeEnded: Method<'takeEnded'> = (connection, subscriptionIds, limit) => {
  return connection.all<Ended>(takeUnreported, subscriptionIds, limit);
};
