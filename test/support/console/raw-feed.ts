// A client of the feed on a bare socket, which reads when it is told to, and keeps what it was told.
// Invariant: an event counts once its frame is whole.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Heard {
  readonly id: string;
  readonly type: string;
  readonly event: string | null;
}

export class RawFeed {
  readonly #socket: Socket;
  #head = true;
  #rest = '';
  /** In the order in which they were told; without those that have no id. */
  readonly heard: Heard[] = [];
  /** Of the answer: "200 OK". */
  status = '';
  isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#take(text));
    // A connection that is cut may be reset.
    socket.on('error', () => undefined);
    socket.on('close', () => (this.isClosed = true));
  }

  /** @param after the id of the last event that is known; null: from now on */
  static async join(port: number, token: string, after: string | null): Promise<RawFeed> {
    const socket = connect(port, '127.0.0.1');
    const feed = new RawFeed(socket);
    await once(socket, 'connect');
    const headers = [`Host: 127.0.0.1:${port}`, `Authorization: Bearer ${token}`];
    if (after !== null) headers.push(`Last-Event-ID: ${after}`);
    socket.write(`GET /events HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
    return feed;
  }

  get last(): string | null {
    return this.heard.at(-1)?.id ?? null;
  }

  /** It is there, and reads nothing from now on: the system's buffers fill, and then the server's. */
  pause(): void {
    this.#socket.pause();
  }

  /** Reads what has come meanwhile. */
  resume(): void {
    this.#socket.resume();
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    const closed = once(this.#socket, 'close');
    this.#socket.resume().destroy();
    await closed;
  }

  #take(text: string): void {
    this.#rest += text;
    if (this.#head) {
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.status = this.#rest.slice('HTTP/1.1 '.length, this.#rest.indexOf('\r\n'));
      this.#rest = this.#rest.slice(end + 4);
      this.#head = false;
    }
    const frames = this.#rest.split('\n\n');
    this.#rest = frames.pop()!;
    for (const frame of frames) {
      const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1];
      const [id, data] = [field('id'), field('data')];
      if (id === undefined || data === undefined) continue;
      const { type, event = null } = JSON.parse(data) as { type: string; event?: string | null };
      this.heard.push({ id, type, event });
    }
  }
}
