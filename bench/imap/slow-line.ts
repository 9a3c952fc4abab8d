// A network between a client and a server on one machine: it takes its time, and lets no more through than a line does.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface LineSpeed {
  /** There and back, ms. */
  readonly roundTripMs: number;
  /** Each way. */
  readonly bytesPerSecond: number;
}

export class SlowLine {
  readonly #server: Server;
  readonly #speed: LineSpeed;
  readonly #sockets = new Set<Socket>();

  private constructor(target: number, speed: LineSpeed) {
    this.#speed = speed;
    this.#server = createServer((client) => {
      const server = connect(target, '127.0.0.1');
      this.#carry(client, server);
      this.#carry(server, client);
    });
  }

  static async to(target: number, speed: LineSpeed): Promise<SlowLine> {
    const line = new SlowLine(target, speed);
    line.#server.listen(0, '127.0.0.1');
    await once(line.#server, 'listening');
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #carry(from: Socket, to: Socket): void {
    const { roundTripMs, bytesPerSecond } = this.#speed;
    const mostOnTheWay = Math.max(bytesPerSecond * (roundTripMs / 1_000), 64 * 1_024);
    const onTheWay: { readonly data: Buffer; readonly dueAt: number }[] = [];
    let bytesOnTheWay = 0;
    let sentAt = 0;
    const arrive = (): void => {
      const now = performance.now();
      while (onTheWay.length > 0 && onTheWay[0]!.dueAt <= now) {
        const { data } = onTheWay.shift()!;
        bytesOnTheWay -= data.length;
        if (to.writable) to.write(data);
      }
      if (bytesOnTheWay < mostOnTheWay) from.resume();
      if (onTheWay.length > 0) setTimeout(arrive, onTheWay[0]!.dueAt - now);
    };
    this.#sockets.add(from.setNoDelay(true));
    from
      .on('error', () => to.destroy())
      .on('close', () => {
        this.#sockets.delete(from);
        setTimeout(() => to.end(), roundTripMs * 2);
      });
    from.on('data', (data) => {
      sentAt = Math.max(performance.now(), sentAt) + (data.length / bytesPerSecond) * 1_000;
      bytesOnTheWay += data.length;
      onTheWay.push({ data, dueAt: sentAt + roundTripMs / 2 });
      // As far as a sender goes that waits for what it sent to be acknowledged.
      if (bytesOnTheWay >= mostOnTheWay) from.pause();
      if (onTheWay.length === 1) setTimeout(arrive, onTheWay[0]!.dueAt - performance.now());
    });
  }
}
