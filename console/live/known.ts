// What more than one view shows: who is logged in, the sources, the triggers, and how many mails and entries of the outbox are
// in which state; kept as new as the feed makes it.
// Invariant: the sources are asked for even while the page is hidden: its title tells how many of them are broken.
import { effect } from '@preact/signals';
import type {
  Me,
  SourcesAnswer,
  SourceTold,
  StatisticsAnswer,
  TriggersAnswer,
} from '../../engine/console/api';
import type { OutboxCounts } from '../../engine/console/outbox-api';
import type { FeedEvent } from '../../engine/feed/feed-event';
import { ask } from '../api/ask';
import { Resource } from '../api/resource';
import { isEntered, me, renewWith } from '../api/session';
import { onLive } from './live';

export const sources = new Resource((signal) => ask<SourcesAnswer>('/api/sources', signal));
export const triggers = new Resource((signal) => ask<TriggersAnswer>('/api/triggers', signal));
export const outboxCounts = new Resource((signal) => ask<OutboxCounts>('/api/outbox/count', signal));
export const statistics = new Resource((signal) => ask<StatisticsAnswer>('/api/statistics', signal));

const self = new Resource(async (signal) => {
  const answer = await ask<Me>('/api/me', signal);
  me.value = answer;
  renewWith(answer.stream);
  renewBefore(answer.stream.expires);
  return answer;
});

/** Also without any news: how a source is told of depends on how long it has been so. */
const SOURCES_PACE_MS = 30_000;
const NEWS_PACE_MS = 1_000;
const FLOOD_PACE_MS = 3_000;

let renewal: number | undefined;

/** A given token is renewed well before its end; also by a page that slept meanwhile, as far as it still can be. */
function renewBefore(expires: string): void {
  clearTimeout(renewal);
  renewal = setTimeout(() => void self.load(), Math.max(10_000, (Date.parse(expires) - Date.now()) * 0.6));
}

export function startKnowing(): void {
  effect(() => {
    if (!isEntered.value) return undefined;
    const all = [self, sources, statistics, outboxCounts];
    for (const one of all) void one.load();
    const pace = setInterval(() => sources.soon(SOURCES_PACE_MS), SOURCES_PACE_MS);
    const stop = onLive({
      event: hear,
      anew: (hasHoles) => {
        for (const one of all) one.anew(hasHoles && one !== self);
      },
    });
    return () => {
      stop();
      clearInterval(pace);
      clearTimeout(renewal);
      for (const one of [...all, triggers]) one.clear();
    };
  });
}

function hear(event: FeedEvent): void {
  if (/^(outbox|template|endpoint)\./.test(event.type)) {
    if (event.type.startsWith('outbox.')) outboxCounts.soon(NEWS_PACE_MS);
    return;
  }
  if (event.type.startsWith('email.')) {
    if (event.type === 'email.new' || event.type === 'email.updated') sources.soon(FLOOD_PACE_MS);
    return;
  }
  sources.change((answer) => ({
    ...answer,
    sources: answer.sources.map((source) => (source.id === event.source ? told(source, event) : source)),
  }));
  sources.soon(NEWS_PACE_MS);
}

/** What the event itself says; how the source stands is for the handler to say. */
function told(source: SourceTold, { type, data }: FeedEvent): SourceTold {
  if (type !== 'sync.progress' && type !== 'sync.first_batch') return source;
  const { read, left } = data;
  return typeof read === 'number' && typeof left === 'number'
    ? { ...source, backfill: { read, left } }
    : source;
}
