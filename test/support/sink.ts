// Where test workflows send what they got: an HTTP server that keeps every request and decides how to answer.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Delivered {
  readonly eventId: string;
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly subject: string;
  readonly text: string;
  readonly uid: number;
  /** The request's body: the first attachment, where the workflow sends it. */
  readonly attachment: Buffer;
  /** Monotonic time of the request, ms. */
  readonly at: number;
}

/** Answers a delivery with an HTTP status; it may take its time. */
export type Answer = (delivered: Delivered, earlier: number) => number | Promise<number>;

export class Sink {
  readonly #server: Server;
  /** Every request, in the order of arrival. */
  readonly deliveries: Delivered[] = [];
  /** Those that were answered with a status below 400. */
  readonly accepted: Delivered[] = [];
  answer: Answer = () => 200;

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  static async start(): Promise<Sink> {
    const sink = new Sink();
    sink.#server.listen(0, '127.0.0.1');
    await once(sink.#server, 'listening');
    return sink;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** How often each subject was delivered. */
  counts(deliveries: readonly Delivered[] = this.deliveries): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { subject } of deliveries) counts.set(subject, (counts.get(subject) ?? 0) + 1);
    return counts;
  }

  /** Forgets everything, and takes everything. */
  reset(): void {
    this.deliveries.length = 0;
    this.accepted.length = 0;
    this.answer = () => 200;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = performance.now();
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const query = Object.fromEntries(new URL(request.url ?? '/', this.url).searchParams) as Record<
      string,
      string
    >;
    const delivered: Delivered = {
      eventId: query['eventId'] ?? '',
      attempt: Number(query['attempt']),
      idempotencyKey: query['idempotencyKey'] ?? '',
      subject: query['subject'] ?? '',
      text: query['text'] ?? '',
      uid: Number(query['uid']),
      attachment: Buffer.concat(chunks),
      at,
    };
    const earlier = this.deliveries.filter(({ eventId }) => eventId === delivered.eventId).length;
    this.deliveries.push(delivered);
    const status = await this.answer(delivered, earlier);
    if (status < 400 && !response.destroyed) this.accepted.push(delivered);
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  }
}
