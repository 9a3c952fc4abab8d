// The feed's address: what of it is asked for, and the response as the feed's client.
// Invariant: whoever is gone, or does not read, leaves nothing behind.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FeedAsk, FeedClient } from '../feed/client';
import type { FeedEventType } from '../feed/feed-event';
import { ResponseClient } from '../feed/response-client';
import { begin } from './answer';
import { NUMBERS } from './mail-filter';
import type { ConsoleFeed } from './ports';
import { asked, type Asked, numberIn, oneOf, textIn, timeIn } from './query';
import { Refusal } from './refusal';

const TYPES = Object.keys({
  ...{ 'email.new': 1, 'email.started': 1, 'email.done': 1, 'email.failed': 1, 'email.dead': 1 },
  ...{ 'email.updated': 1, 'email.classified': 1, 'source.state': 1, 'source.recovered': 1 },
  ...{ 'sync.started': 1, 'sync.first_batch': 1, 'sync.progress': 1, 'sync.completed': 1, 'sync.error': 1 },
  ...{ 'outbox.queued': 1, 'outbox.sent': 1, 'outbox.failed': 1, 'outbox.unknown': 1 },
  ...{ 'outbox.bounced': 1, 'outbox.updated': 1, 'template.changed': 1, 'endpoint.changed': 1 },
  stats: 1,
} satisfies Record<FeedEventType | 'stats', 1>);

/** A time; anything else in its place is an id. */
const IS_TIME = /^\d{4}-\d\d-\d\d/;

export const FEED_NAMES = ['source', 'workflow', 'type', 'since'] as const;

/** @throws Refusal */
export const feedAsk = (query: URLSearchParams, req: IncomingMessage): FeedAsk =>
  feedAskOf(asked(query, FEED_NAMES), req);

/** @throws Refusal */
export function feedAskOf(
  { source, workflow, type, since }: Asked<(typeof FEED_NAMES)[number]>,
  { headers }: Pick<IncomingMessage, 'headers'>,
): FeedAsk {
  const last = headers['last-event-id'];
  const from = typeof last === 'string' && last !== '' ? last : since;
  return {
    ...(from !== undefined && beginning(from)),
    ...(type !== undefined && { types: type.split(',').map((one) => oneOf(one.trim(), 'type', TYPES)) }),
    ...(source !== undefined && { sourceId: numberIn(source, 'source', NUMBERS) }),
    ...(workflow !== undefined && { workflowId: textIn(workflow, 'workflow', 200) }),
  };
}

function beginning(from: string): Pick<FeedAsk, 'after' | 'since'> {
  if (IS_TIME.test(from)) return { since: timeIn(from, 'since') };
  if (/^[\x21-\x7e]{1,200}$/.test(from)) return { after: from };
  throw new Refusal(400, '"since" has to be a time, or the id of an event of this feed.');
}

/**
 * @param open those that listen here: ended when the console is closed
 * @param begun once, when it is known where it begins (`FeedClient`)
 */
export function stream(
  res: ServerResponse,
  feed: ConsoleFeed,
  ask: FeedAsk,
  open: Set<FeedClient>,
  begun?: (position: string) => void,
): ResponseClient {
  begin(res, {});
  const client = ResponseClient.answer(res, begun);
  open.add(client);
  const leave = feed.join(client, ask);
  const gone = (): void => {
    open.delete(client);
    leave();
  };
  if (res.destroyed || res.writableEnded) gone();
  else res.once('close', gone);
  return client;
}
