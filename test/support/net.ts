// Ports on loopback: finding a free one, asking whether somebody answers, and a proxy that counts and cuts.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Below the ports that systems give to clients: none of them takes one while a server is down. */
const PORTS = { from: 20_000, to: 32_000 };

/** Nobody else who asks gets it as long as this process lives, also before a server listens there, and while that is down. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to);
    if ((await isOurs(port)) && (await isFree(port))) return port;
  }
}

/** By a socket without a file, which goes with this process. Where there is none such, two could get the same port. */
function isOurs(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return Promise.resolve(true);
  return new Promise((resolve) => {
    const mark = createServer().unref();
    mark.once('error', () => resolve(false));
    mark.listen(`\0durable-mail-test-port-${port}`, () => resolve(true));
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

export function portAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

/**
 * Resets a connection. One that is about to end cannot be reset: Node.js would then never close it, and wait for it for ever
 * when the process ends (seen: all of a processor, after the last test).
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** Stands between a client and a server, counts connections, and breaks them as it is told. */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<{ client: Socket; server: Socket }>();
  /** Every connection that was ever made. */
  accepted = 0;
  /** What the client said, all connections in one. */
  clientSaid = '';
  /** Changes what the server says on its way; an empty answer swallows it. */
  change: (fromServer: string) => string = (text) => text;

  private constructor(target: number) {
    this.#server = createServer((client) => this.#join(client, target));
  }

  /** @param port where it listens; 0: anywhere */
  static async to(target: number, port = 0): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(port, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections open now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Resets every open connection. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      reset(client);
      server.destroy();
    }
  }

  /** Nothing passes any more on the open connections, and neither side is told. */
  freeze(): void {
    for (const { client, server } of this.#pairs) {
      client.unpipe();
      server.unpipe();
      client.removeAllListeners('data');
      server.removeAllListeners('data');
      client.pause();
      server.pause();
    }
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, target: number): void {
    this.accepted++;
    const server = connect(target, '127.0.0.1');
    const pair = { client, server };
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on('close', end).on('error', end);
    client.on('data', (data) => {
      this.clientSaid += data.toString('latin1');
      server.write(data);
    });
    server.on('data', (data) => {
      const changed = this.change(data.toString('latin1'));
      if (changed !== '') client.write(Buffer.from(changed, 'latin1'));
    });
  }
}
