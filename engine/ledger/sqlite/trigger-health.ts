// How the triggers of workflows are doing, in the SQLite ledger.
import { STEP_MS } from '../common/series';
import { type ServedSubscription, type StateCount, triggersOf } from '../common/trigger-health';
import type { TriggersHealth } from '../trigger-health';
import { NOW } from './connection';
import type { Method, Part } from './part';
import { IS_SERVED } from './serving';

const lately = (states: string): string => `
  (select coalesce(sum(n), 0) from step_sum
    where subscription_id = subscription.id and step = ${STEP_MS.minute} and at > ${NOW} - ${STEP_MS.hour} and what in (${states}))`;

/** The last run that ended so, by its index. */
const lastOf = (state: string): string => `
  select * from (
    select ended_at, error from try where subscription_id = subscription.id and state = '${state}'
    order by ended_at desc limit 1)`;

const lastFailed = ['RETRY', 'DEAD', 'UNKNOWN'].map(lastOf).join(' union all ');

const selectSubscriptions = `
  select id, workflow_id as workflowId, node_id as nodeId, node_name as nodeName, source_id as sourceId,
    ${IS_SERVED} as served, ${lately(`'DONE'`)} as doneLately, ${lately(`'RETRY', 'DEAD', 'UNKNOWN'`)} as failedLately,
    (select ended_at from (${lastOf('DONE')})) as lastDoneAt,
    (select json_array(ended_at, error) from (${lastFailed}) order by ended_at desc limit 1) as failed
  from subscription order by id`;

const SINCE = 'max(created_at, coalesce(began_at, 0))';

// What has a lease is little, and has its index; of what waits, the oldest is looked up.
const countStates = `
  select subscription_id as subscriptionId, state, n,
    iif(state = 'PENDING', (
      select ${SINCE} from event indexed by event_waiting
      where event.subscription_id = standing.subscription_id and event.state = 'PENDING'
      order by ${SINCE} limit 1), null) as since
  from standing where state <> 'DONE' and n > 0
  union all
  select subscription_id, state, count(*), min(max(event.created_at, coalesce(began_at, 0)))
  from subscription cross join event indexed by event_leased
    on event.subscription_id = subscription.id and lease_until is not null
  group by subscription_id, state`;

type Row = Omit<ServedSubscription, 'lastFailedAt' | 'lastError'> & { readonly failed: string | null };

const triggers: Method<'triggers'> = (connection) =>
  triggersOf(
    connection.all<Row>(selectSubscriptions).map(subscriptionOf),
    connection.all<StateCount>(countStates),
  );

const subscriptionOf = ({ failed, ...row }: Row): ServedSubscription => {
  const [lastFailedAt, lastError] = JSON.parse(failed ?? '[null, null]') as [number | null, string | null];
  return { ...row, lastFailedAt, lastError };
};

export const triggersHealth: Part<TriggersHealth> = { triggers };
