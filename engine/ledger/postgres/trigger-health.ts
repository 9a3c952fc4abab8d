// How the triggers of workflows are doing, in the Postgres ledger.
import { STEP_MS } from '../common/series';
import { type ServedSubscription, type StateCount, triggersOf } from '../common/trigger-health';
import type { TriggersHealth } from '../trigger-health';
import { NOW } from './connection';
import type { Method, Part } from './part';
import { IS_SERVED } from './serving';

/** The last run that ended so, by its index. */
const lastOf = (state: string): string => `
  (select ended_at, error from durable_mail.try where subscription_id = subscription.id and state = '${state}'
    order by ended_at desc limit 1)`;

const lastFailed = ['RETRY', 'DEAD', 'UNKNOWN'].map(lastOf).join(' union all ');

// `offset 0` keeps it one look-up a subscription.
const selectSubscriptions = `
  select id, workflow_id as "workflowId", node_id as "nodeId", node_name as "nodeName", source_id as "sourceId",
    ${IS_SERVED} as served, lately.done as "doneLately", lately.failed as "failedLately",
    (select ended_at from ${lastOf('DONE')} done) as "lastDoneAt",
    failed.ended_at as "lastFailedAt", failed.error as "lastError"
  from durable_mail.subscription
  cross join lateral (
    select coalesce(sum(n) filter (where what = 'DONE'), 0)::bigint as done,
      coalesce(sum(n) filter (where what in ('RETRY', 'DEAD', 'UNKNOWN')), 0)::bigint as failed
    from durable_mail.step_sum
    where subscription_id = subscription.id and step = ${STEP_MS.minute} and at > ${NOW} - ${STEP_MS.hour} offset 0) lately
  left join lateral (select * from (${lastFailed}) failed order by ended_at desc limit 1) failed on true
  order by id`;

const SINCE = 'greatest(created_at, coalesce(began_at, 0))';

// What has a lease is little, and has its index; of what waits, the oldest is looked up.
const countStates = `
  select subscription_id as "subscriptionId", state, sum(n)::bigint as n,
    case when state = 'PENDING' then (
      select ${SINCE} from durable_mail.event
      where event.subscription_id = standing.subscription_id and event.state = 'PENDING'
      order by ${SINCE} limit 1) end as since
  from durable_mail.standing where state <> 'DONE' group by subscription_id, state having sum(n) > 0
  union all
  select subscription_id, state, count(*), min(${SINCE})
  from durable_mail.event where state in ('QUEUED', 'RUNNING') group by subscription_id, state`;

const triggers: Method<'triggers'> = (connection) =>
  // Thousands of them are more than a plan may be said to cost before a server compiles it: in a transaction it does not.
  connection.transaction(async (statements) => {
    const counts = await statements.all<StateCount>(countStates);
    return triggersOf(await statements.all<ServedSubscription>(selectSubscriptions), counts);
  });

export const triggersHealth: Part<TriggersHealth> = { triggers };
