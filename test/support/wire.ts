// What lies between a client and a mail server: it is cut, or falls silent, where a test says.
// Invariant: what was let through arrives, so that what the server has is what the test has let it have.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** When so many octets have passed of what the client says, or the server. */
export interface Cut {
  /** Nothing passes any more, and neither side is told. */
  readonly silently?: boolean;
  readonly of: 'client' | 'server';
  readonly octets: number;
}

export class Wire {
  readonly #listener: Server;
  readonly #clients = new Set<Socket>();
  readonly #target: () => number;
  /** Where each connection is cut that is made from now on. */
  cuts: () => Cut | null = () => null;
  /** Every connection that was ever made. */
  connections = 0;
  /** How often it was cut. */
  struck = 0;

  private constructor(target: () => number) {
    this.#target = target;
    this.#listener = createServer((client) => this.#join(client));
  }

  /** @param target the port of the server, on loopback */
  static async to(target: () => number): Promise<Wire> {
    const wire = new Wire(target);
    wire.#listener.listen(0, '127.0.0.1');
    await once(wire.#listener, 'listening');
    return wire;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Connections open now. */
  get open(): number {
    return this.#clients.size;
  }

  /** Cuts every open connection. */
  cut(): void {
    for (const client of this.#clients) client.destroy();
  }

  dispose(): void {
    this.cut();
    this.#listener.close();
  }

  #join(client: Socket): void {
    this.connections++;
    const server = connect(this.#target(), '127.0.0.1');
    this.#clients.add(client);
    const cut = this.cuts();
    this.#pass(client, server, cut?.of === 'client' ? cut : null, client);
    this.#pass(server, client, cut?.of === 'server' ? cut : null, client);
  }

  #pass(from: Socket, to: Socket, cut: Cut | null, client: Socket): void {
    let passed = 0;
    from.on('data', (data: Buffer) => {
      passed += data.length;
      if (!cut || passed < cut.octets) {
        to.write(data);
        return;
      }
      this.struck++;
      const rest = data.subarray(0, data.length - (passed - cut.octets));
      if (cut.silently) {
        to.write(rest);
        from.removeAllListeners('data').pause();
        return;
      }
      to.end(rest);
      from.destroy();
    });
    from.on('error', () => {
      this.#clients.delete(client);
      from.destroy();
      to.destroy();
    });
    from.on('close', () => {
      to.end();
      this.#clients.delete(client);
    });
  }
}
