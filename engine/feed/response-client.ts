// A client of the feed over HTTP: the response to whoever asked for the feed.
// Invariant: nothing of it throws, whatever has become of the connection; one that was ended is gone within LINGER_MS.
import type { ServerResponse } from 'node:http';
import type { FeedClient } from './client';

const LINGER_MS = 10_000;

/** Nobody on the way may hold it back, or pack it. */
const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
} as const;

export class ResponseClient implements FeedClient {
  readonly #response: ServerResponse;

  private constructor(response: ServerResponse) {
    this.#response = response;
    // What is written to a connection that broke: `close` tells of it.
    response.on('error', () => undefined);
  }

  /**
   * Writes the head, with whatever headers were set before. That the client has gone is told by the response's `close`.
   *
   * The end of the answer is that of its connection: chunks would be framed for each client anew.
   */
  static answer(response: ServerResponse): ResponseClient {
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, HEADERS);
    return new ResponseClient(response);
  }

  write(chunk: Buffer): boolean {
    return this.#response.write(chunk);
  }

  unsent(): number {
    return this.#response.writableLength;
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
