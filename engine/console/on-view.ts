// A view in one request, for where each request is dear: the feed, and on it, as the event `answers`, what the page shows.
// Invariants: the answers are made once it is known where the feed begins for this client, so that what becomes so is in them
// or is told; where nobody knows that in time they are made all the same, and a `reset` follows when it is known; none are
// made for who is gone.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FeedAsk, FeedClient } from '../feed/client';
import { bufferOf, resetFrame } from '../feed/frames';
import type { ResponseClient } from '../feed/response-client';
import { withDeadline } from '../runtime/time';
import type { BatchAnswer } from './api';
import { type Answering, answersTo, type Asks, asksBeside } from './batch';
import type { ConsoleFeed } from './ports';
import { askedOf } from './query';
import { FEED_NAMES, feedAskOf, stream } from './stream';

/** The ledger cannot be read, then, and to say so is an answer, too. */
const BEGINS_WITHIN_MS = 2_000;

export interface View {
  readonly ask: FeedAsk;
  readonly asks: Asks;
}

/** @throws Refusal */
export function viewOf(body: Readonly<Record<string, unknown>>, req: IncomingMessage): View {
  const { asks, ...feed } = body;
  // "asks" is named for whoever is told what there is.
  const ask = feedAskOf(askedOf(feed, [...FEED_NAMES, 'asks']), req);
  return { ask, asks: asksBeside(asks) };
}

/** @param open as of `stream` */
export function onView(
  res: ServerResponse,
  feed: ConsoleFeed,
  { ask, asks }: View,
  open: Set<FeedClient>,
  answering: Answering,
): void {
  let begun = (_position: string): void => undefined;
  const beginning = new Promise<string>((resolve) => (begun = resolve));
  const client = stream(res, feed, ask, open, begun);
  if (asks.length > 0) void answerAfter(beginning, client, asks, answering);
}

/** Never rejects. */
async function answerAfter(
  beginning: Promise<string>,
  client: ResponseClient,
  asks: Asks,
  answering: Answering,
): Promise<void> {
  const isInTime = await withDeadline('The feed', BEGINS_WITHIN_MS, beginning).then(
    () => true,
    () => false,
  );
  if (client.isGone) return;
  client.hand(bufferOf(answersFrame(await answersTo(asks, answering))));
  if (isInTime) return;
  const id = await beginning;
  client.hand(bufferOf(resetFrame({ v: 1, type: 'reset', id, time: new Date().toISOString() })));
}

/** Without an id: nothing is resumed after it. */
const answersFrame = (answers: BatchAnswer): string => `event: answers\ndata: ${JSON.stringify(answers)}\n\n`;
