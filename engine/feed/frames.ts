// How the feed is written: server-sent events, as https://html.spec.whatwg.org/multipage/server-sent-events.html has them.
// Invariants: an id goes out with the event that it names, or after all that came before it, so that who goes on after it
// misses nothing; a buffer has its memory for itself.
import type { FeedEvent, FeedReset, FeedStats } from './feed-event';

export const eventFrame = (event: FeedEvent): string =>
  `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

export const resetFrame = (reset: FeedReset): string =>
  `id: ${reset.id}\nevent: reset\ndata: ${JSON.stringify(reset)}\n\n`;

/** Without an id: the one before still counts. */
export const statsFrame = (stats: FeedStats): string => `event: stats\ndata: ${JSON.stringify(stats)}\n\n`;

/** After so many ms a client that lost its connection comes again. */
export const retryFrame = (ms: number): string => `retry: ${ms}\n\n`;

/**
 * No event, but a sign of life. With a position it says how far its client has been told: one whose filter lets little
 * through would go on after what is not kept any more.
 */
export const aliveFrame = (position: string | null): string =>
  position === null ? ':\n\n' : `:\nid: ${position}\n\n`;

/** Small ones of Node's own lie in one piece of memory, and would keep all of it for as long as a client is slow. */
export function bufferOf(text: string): Buffer {
  const buffer = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  buffer.write(text);
  return buffer;
}
