// The feed of the fake console: what is told has ids that grow, and who comes back with one is told what came after it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FeedEvent, FeedStats } from '../../../engine/feed/feed-event';

type Told = Pick<FeedEvent, 'type' | 'data'> & Partial<FeedEvent>;

export class FakeFeed {
  readonly #clients = new Set<ServerResponse>();
  readonly #told: { readonly id: number; readonly frame: string }[] = [];
  /** With what each client has joined: `Last-Event-ID`, or undefined. */
  readonly joined: (string | undefined)[] = [];
  /** What is older is not kept any more. */
  oldest = 0;

  get clients(): number {
    return this.#clients.size;
  }

  join(req: IncomingMessage, res: ServerResponse): void {
    const after = req.headers['last-event-id'];
    this.begin(res, typeof after === 'string' ? after : undefined);
  }

  /** @param answers what is told first: it was asked along with the feed */
  begin(res: ServerResponse, after: string | undefined, answers?: unknown): void {
    this.joined.push(after);
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform' });
    res.write('retry: 100\n\n');
    if (after === undefined) res.write(`:\nid: ${this.#told.length}\n\n`);
    else this.#resume(res, Number(after));
    if (answers !== undefined) res.write(`event: answers\ndata: ${JSON.stringify(answers)}\n\n`);
    this.#clients.add(res);
    res.on('close', () => this.#clients.delete(res));
  }

  tell({ type, ...told }: Told): void {
    const id = this.#told.length + 1;
    const event: FeedEvent = {
      v: 1,
      id: String(id),
      type,
      time: new Date().toISOString(),
      source: null,
      workflow: null,
      event: null,
      ...told,
    };
    const frame = `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(event)}\n\n`;
    this.#told.push({ id, frame });
    this.#send(frame);
  }

  stats(data: FeedStats['data']): void {
    const stats: FeedStats = { v: 1, type: 'stats', time: new Date().toISOString(), data };
    this.#send(`event: stats\ndata: ${JSON.stringify(stats)}\n\n`);
  }

  /** Every connection breaks, as by a network. */
  cut(): void {
    for (const client of this.#clients) client.destroy();
  }

  /** Every connection ends, as the real feed ends it after some minutes. */
  end(): void {
    for (const client of this.#clients) client.end();
  }

  #resume(res: ServerResponse, after: number): void {
    if (after < this.oldest) {
      const id = String(this.#told.length);
      const reset = { v: 1, type: 'reset', id, time: new Date().toISOString() };
      res.write(`id: ${id}\nevent: reset\ndata: ${JSON.stringify(reset)}\n\n`);
      return;
    }
    for (const { id, frame } of this.#told) if (id > after) res.write(frame);
  }

  // In two pieces: where a frame is cut is for nobody to rely on.
  #send(frame: string): void {
    for (const client of this.#clients) {
      client.write(frame.slice(0, 9));
      client.write(frame.slice(9));
    }
  }
}
