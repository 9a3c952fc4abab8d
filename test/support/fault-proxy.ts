// Stands between an IMAP client and its server, and breaks their connections in the ways they break.
// Invariant: `struck` tells how often a fault did something, so that a test of a fault cannot pass without it.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Certificate } from './certificate';
import { FaultyConnection } from './fault-connection';
import { type Faults, type FaultState, NO_FAULTS } from './faults';
import { until } from './until';

/** Below the ports that the machine gives to connections: a port that was given up must be free again later. */
const PORTS = { from: 20_000, to: 32_000 };

export class FaultProxy {
  readonly #target: number;
  readonly #certificate: Certificate | undefined;
  readonly #connections = new Set<FaultyConnection>();
  #server: Server | undefined;
  #port = 0;
  readonly #state: FaultState = { faults: NO_FAULTS, logins: 0, struck: 0 };
  /** Connections that were made; refused ones are none. */
  accepted = 0;

  private constructor(target: number, certificate: Certificate | undefined) {
    this.#target = target;
    this.#certificate = certificate;
  }

  /** @param certificate of the proxy; without one it is plain */
  static async to(target: number, certificate?: Certificate): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, certificate);
    await until('a port is free', () => {
      proxy.#port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
      return proxy.#listen();
    });
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Logins that were tried. */
  get logins(): number {
    return this.#state.logins;
  }

  /** How often a fault did something to a connection. */
  get struck(): number {
    return this.#state.struck;
  }

  /** From now on these are wrong, too. */
  begin(faults: Partial<Faults>): void {
    this.#state.faults = { ...this.#state.faults, ...faults };
    if (faults.blackout) this.halfOpen();
  }

  /** Nothing is wrong any more. What is lost stays lost. */
  async heal(): Promise<void> {
    this.#state.faults = NO_FAULTS;
    if (!this.#server) await until(`port ${this.#port} is free again`, () => this.#listen());
  }

  /** Resets every open connection (RST). */
  reset(): void {
    this.#strike((connection) => connection.reset());
  }

  /** Closes the port, and every open connection. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#state.struck++;
    if (!server) return;
    server.close();
    for (const connection of this.#connections) connection.reset();
    await once(server, 'close');
  }

  /** The server says goodbye (RFC 3501, 7.1.5) and closes every open connection. */
  bye(text: string): void {
    this.#strike((connection) => connection.bye(text));
  }

  /** Nothing passes any more on the open connections, and neither side is told. */
  halfOpen(): void {
    this.#strike((connection) => connection.vanish());
  }

  async dispose(): Promise<void> {
    for (const connection of this.#connections) connection.reset();
    if (!this.#server) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #strike(what: (connection: FaultyConnection) => void): void {
    for (const connection of this.#connections) {
      this.#state.struck++;
      what(connection);
    }
  }

  async #listen(): Promise<boolean> {
    const server = createServer((client) => this.#accept(client));
    server.listen(this.#port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      return false;
    }
    this.#server = server;
    return true;
  }

  #accept(socket: Socket): void {
    this.accepted++;
    const connection = new FaultyConnection(this.#state, socket, this.#target, this.#certificate, () =>
      this.#connections.delete(connection),
    );
    this.#connections.add(connection);
  }
}
