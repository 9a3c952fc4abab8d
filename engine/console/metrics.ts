// The figures of `/metrics`: what the console shows, for whoever draws and warns by it.
import type { TriggerHealth } from '../ledger/trigger-health';
import type { SourceHealth } from '../ledger/inspection';
import type { EntryCounts } from '../ledger/outbox';
import type { ConsoleFeed } from './ports';
import { exposition, type Metric, type Sample } from './prometheus';
import type { Reading } from './reads';
import { standingOf } from './source-standing';
import type { RunningTotals, Totals } from './totals';

interface Measured extends Pick<Reading, 'ledger' | 'now'> {
  readonly feed: Pick<ConsoleFeed, 'clients' | 'cut'>;
  readonly version: string;
  readonly totals: RunningTotals;
}

/** @throws LedgerFault */
export async function metrics({ ledger, now, feed, version, totals }: Measured): Promise<string> {
  const [counts, triggers, sources, sums, entries, oldest] = await Promise.all([
    ledger.statistics({}),
    ledger.triggers(),
    ledger.sources(),
    totals.ask(),
    ledger.countEntries(),
    ledger.oldestQueuedAt(),
  ]);
  const at = now();
  return exposition([
    gauge('info', 'The version of n8n-nodes-durable-mail.', [{ labels: { version }, value: 1 }]),
    gauge(
      'events',
      'Events by state.',
      Object.entries(counts).map(([state, value]) => ({ labels: { state }, value })),
    ),
    ...ofTriggers(triggers, at),
    ...ofSources(sources, at),
    ...ofTotals(sums),
    ...ofOutbox(entries, oldest, at),
    gauge('feed_clients', 'Who listens to the feed now.', [{ value: feed.clients }]),
    counter('feed_cut_total', 'Clients of the feed that were cut because they did not read.', [
      { value: feed.cut },
    ]),
  ]);
}

function ofTriggers(triggers: readonly TriggerHealth[], now: number): Metric[] {
  const each = (pick: (trigger: TriggerHealth) => readonly Sample[]): Sample[] =>
    triggers.flatMap((trigger) => {
      const of = { workflow: trigger.workflowId, node: trigger.nodeName ?? trigger.nodeId };
      return pick(trigger).map(({ labels, value }) => ({ labels: { ...of, ...labels }, value }));
    });
  const waited = ({ oldestWaitingAt }: TriggerHealth): number =>
    oldestWaitingAt === null ? 0 : secondsSince(oldestWaitingAt, now);
  return [
    gauge(
      'trigger_events',
      'Events of a trigger by what they are; done ones are in events and runs_last_hour.',
      each(({ waiting, running, retrying, dead, unknown }) =>
        Object.entries({ waiting, running, retrying, dead, unknown }).map(([state, value]) => ({
          labels: { state },
          value,
        })),
      ),
    ),
    gauge(
      'trigger_listens',
      '1 where the trigger listens.',
      each(({ served }) => [{ value: served ? 1 : 0 }]),
    ),
    gauge(
      'runs_last_hour',
      'Runs of a trigger that ended within the last hour.',
      each(({ doneLately, failedLately }) => [
        { labels: { result: 'done' }, value: doneLately },
        { labels: { result: 'failed' }, value: failedLately },
      ]),
    ),
    gauge(
      'trigger_oldest_waiting_seconds',
      'For how long the oldest mail of a trigger has waited for its run; 0: none waits.',
      each((trigger) => [{ value: waited(trigger) }]),
    ),
    gauge('oldest_waiting_seconds', 'For how long the oldest mail has waited for its run; 0: none waits.', [
      { value: triggers.reduce((most, trigger) => Math.max(most, waited(trigger)), 0) },
    ]),
  ];
}

function ofSources(sources: readonly SourceHealth[], now: number): Metric[] {
  const each = (pick: (source: SourceHealth) => number | null): Sample[] =>
    sources.flatMap((source) => {
      const value = pick(source);
      const { id, account, mailbox } = source;
      return value === null ? [] : [{ labels: { source: id, account, mailbox }, value }];
    });
  return [
    gauge(
      'source_ok',
      '0 where a source is broken: its mail is not read.',
      each((source) => (standingOf(source, now).standing === 'broken' ? 0 : 1)),
    ),
    gauge(
      'source_listened_to',
      '1 where a trigger listens to the source.',
      each(({ served }) => (served ? 1 : 0)),
    ),
    gauge(
      'source_last_look_seconds',
      'Since when a source was last read to its end; left out where it never was.',
      each(({ lastSuccessAt }) => (lastSuccessAt === null ? null : secondsSince(lastSuccessAt, now))),
    ),
    gauge(
      'source_actions_waiting',
      'Actions that wait to be done on the server of a source.',
      each(({ actionsWaiting }) => actionsWaiting),
    ),
    gauge(
      'source_older_left',
      'Older mails of a source that are still to be read, about.',
      each(({ backfill }) => backfill?.left ?? 0),
    ),
  ];
}

const ofTotals = ({ recorded, done, failed, dead }: Totals): Metric[] => [
  counter('recorded_total', 'Events that were recorded.', [{ value: recorded }]),
  counter('tries_total', 'Tries: runs that ended.', [
    { labels: { result: 'done' }, value: done },
    { labels: { result: 'failed' }, value: failed },
  ]),
  counter('dead_total', 'Events whose tries were used up.', [{ value: dead }]),
];

const ofOutbox = (counts: EntryCounts, oldest: number | null, now: number): Metric[] => [
  gauge(
    'outbox_entries',
    'What is to go out, and what did, by what it is.',
    Object.entries(counts).map(([state, value]: [string, number]) => ({ labels: { state }, value })),
  ),
  gauge('outbox_oldest_waiting_seconds', 'For how long the oldest that is to go out has waited.', [
    { value: oldest === null ? 0 : secondsSince(oldest, now) },
  ]),
];

const secondsSince = (at: number, now: number): number => Math.max(0, Math.round(now - at) / 1_000);

const gauge = (name: string, help: string, samples: readonly Sample[]): Metric => ({
  ...{ name, type: 'gauge', help, samples },
});

const counter = (name: string, help: string, samples: readonly Sample[]): Metric => ({
  ...{ name, type: 'counter', help, samples },
});
