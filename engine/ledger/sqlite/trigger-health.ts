// How the triggers of workflows are doing, in the SQLite ledger.
import { STEP_MS } from '../common/series';
import { type ServedSubscription, type StateCount, triggersOf } from '../common/trigger-health';
import type { TriggersHealth } from '../trigger-health';
import { NOW } from './connection';
import type { Method, Part } from './part';
import { IS_SERVED } from './serving';
import { condition, NOT_DONE, windows } from './walk';

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

const within = condition({});

const countStates = `
  select subscription_id as subscriptionId, state, count(*) as n, min(max(created_at, coalesce(began_at, 0))) as since
  from ${NOT_DONE.from} ${within.sql} group by subscription_id, state`;

type Row = Omit<ServedSubscription, 'lastFailedAt' | 'lastError'> & { readonly failed: string | null };

const triggers: Method<'triggers'> = async (connection) => {
  const counts: StateCount[] = [];
  for await (const { low, high } of windows(connection, NOT_DONE))
    counts.push(...connection.all<StateCount>(countStates, low, high));
  return triggersOf(connection.all<Row>(selectSubscriptions).map(subscriptionOf), counts);
};

const subscriptionOf = ({ failed, ...row }: Row): ServedSubscription => {
  const [lastFailedAt, lastError] = JSON.parse(failed ?? '[null, null]') as [number | null, string | null];
  return { ...row, lastFailedAt, lastError };
};

export const triggersHealth: Part<TriggersHealth> = { triggers };
