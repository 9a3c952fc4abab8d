// A client of the feed over HTTP: the response to whoever asked for the feed.
// Invariants: nothing of it throws, whatever has become of the connection; one that was ended is gone within LINGER_MS; what it
// was handed beside the feed counts neither as unsent nor as unread, for as long as HANDED_MS.
import type { ServerResponse } from 'node:http';
import type { FeedClient } from './client';

const LINGER_MS = 10_000;
/** Some megabytes take that long on a slow line. */
const HANDED_MS = 60_000;

/** Nobody on the way may hold it back, or pack it. */
const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
} as const;

export class ResponseClient implements FeedClient {
  readonly #response: ServerResponse;
  readonly #begun: (position: string) => void;
  /** Octets of what it was handed that are still to be sent. */
  #handed = 0;

  private constructor(response: ServerResponse, begun: (position: string) => void) {
    this.#response = response;
    this.#begun = begun;
    // What is written to a connection that broke: `close` tells of it.
    response.on('error', () => undefined);
  }

  /**
   * Writes the head, with whatever headers were set before. That the client has gone is told by the response's `close`.
   *
   * The end of the answer is that of its connection: chunks would be framed for each client anew.
   * @param begun see `FeedClient`
   */
  static answer(
    response: ServerResponse,
    begun: (position: string) => void = () => undefined,
  ): ResponseClient {
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, HEADERS);
    return new ResponseClient(response, begun);
  }

  get isGone(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  begin(position: string): void {
    this.#begun(position);
  }

  write(chunk: Buffer): boolean {
    const isTaken = this.#response.write(chunk);
    return isTaken || (this.#handed > 0 && this.unsent() < this.#response.writableHighWaterMark);
  }

  unsent(): number {
    return Math.max(0, this.#response.writableLength - this.#handed);
  }

  /** What it asked for beside the feed, of any size. */
  hand(chunk: Buffer): void {
    if (this.isGone) return;
    const cut = setTimeout(() => this.cut(), HANDED_MS);
    cut.unref();
    this.#handed += chunk.length;
    this.#response.write(chunk, () => {
      this.#handed -= chunk.length;
      clearTimeout(cut);
    });
  }

  end(): void {
    const cut = setTimeout(() => this.cut(), LINGER_MS);
    cut.unref();
    this.#response.once('close', () => clearTimeout(cut));
    this.#response.end();
  }

  cut(): void {
    this.#response.destroy();
  }

  onDrain(listener: () => void): void {
    this.#response.on('drain', listener);
  }
}
