// How triggers are doing, from what each ledger tells of their subscriptions and of the events that are not done.
import type { EventState } from '../states';
import type { TriggerHealth } from '../trigger-health';

const MOST_DEAD = 1_000_000;

/** Of a subscription. */
export interface ServedSubscription extends Pick<
  TriggerHealth,
  | 'workflowId'
  | 'nodeId'
  | 'nodeName'
  | 'doneLately'
  | 'failedLately'
  | 'lastDoneAt'
  | 'lastFailedAt'
  | 'lastError'
> {
  readonly id: number;
  readonly sourceId: number;
  /** SQLite has no booleans. */
  readonly served: boolean | 0 | 1;
}

/** How many of a subscription's events are in a state. */
export interface StateCount {
  readonly subscriptionId: number;
  readonly state: EventState;
  readonly n: number;
  /** Of PENDING and QUEUED: since when the oldest of them is there, or has not been run. */
  readonly since: number | null;
}

export function triggersOf(
  subscriptions: readonly ServedSubscription[],
  counts: readonly StateCount[],
): TriggerHealth[] {
  const countsOf = new Map<number, StateCount[]>();
  for (const count of counts) {
    const known = countsOf.get(count.subscriptionId);
    if (known) known.push(count);
    else countsOf.set(count.subscriptionId, [count]);
  }
  const nodes = new Map<string, ServedSubscription[]>();
  for (const one of subscriptions) {
    const name = JSON.stringify([one.workflowId, one.nodeId]);
    nodes.set(name, [...(nodes.get(name) ?? []), one]);
  }
  return [...nodes.values()]
    .map((own) =>
      triggerOf(
        own,
        own.flatMap(({ id }) => countsOf.get(id) ?? []),
      ),
    )
    .sort((a, b) => inOrder(a.workflowId, b.workflowId) || inOrder(a.nodeId, b.nodeId));
}

function triggerOf(own: readonly ServedSubscription[], counts: readonly StateCount[]): TriggerHealth {
  const of = (...states: EventState[]): StateCount[] => counts.filter(({ state }) => states.includes(state));
  const sum = (...states: EventState[]): number => of(...states).reduce((all, { n }) => all + n, 0);
  const waits = of('PENDING', 'QUEUED').flatMap(({ since }) => since ?? []);
  const { workflowId, nodeId } = own[0]!;
  const failed = own.reduce((last, one) =>
    (one.lastFailedAt ?? -Infinity) > (last.lastFailedAt ?? -Infinity) ? one : last,
  );
  const done = own.flatMap(({ lastDoneAt }) => lastDoneAt ?? []);
  return {
    ...{ workflowId, nodeId },
    nodeName: own.findLast((one) => one.nodeName !== null)?.nodeName ?? null,
    sourceIds: [...new Set(own.map(({ sourceId }) => sourceId))],
    served: own.some(({ served }) => Boolean(served)),
    waiting: sum('PENDING', 'QUEUED'),
    oldestWaitingAt: waits.length > 0 ? Math.min(...waits) : null,
    running: sum('RUNNING'),
    retrying: sum('RETRY'),
    dead: Math.min(MOST_DEAD, sum('DEAD')),
    unknown: sum('UNKNOWN'),
    doneLately: own.reduce((all, { doneLately }) => all + doneLately, 0),
    failedLately: own.reduce((all, { failedLately }) => all + failedLately, 0),
    lastDoneAt: done.length > 0 ? Math.max(...done) : null,
    lastFailedAt: failed.lastFailedAt,
    lastError: failed.lastFailedAt === null ? null : failed.lastError,
  };
}

const inOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
