// A server of HTTP on one port that is open for as long as it is wanted: a port that is taken is tried again, and one that
// was lost is opened again.
// Invariants: what is wrong is said once, until it is something else or it is open; it keeps no process alive; once it is
// closed nothing of it is open; an offer of another protocol than WebSocket is passed over (RFC 9110, 7.8), as HTTP asks for.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorText, type Log } from '../../runtime/log';

export interface KeptServerSettings {
  readonly host: string;
  readonly port: number;
  /** What it is, for people, at the beginning of a sentence. */
  readonly name: string;
  /** How another port is chosen, for people. */
  readonly elsewhere: string;
}

const noAddress = (host: string): string => `${host} is no address of this machine`;

/** What a system says in its own words. */
const WHY: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (host, port) => `port ${port} of ${host} is taken by another program`,
  EACCES: (_, port) => `this user may not listen at port ${port}`,
  EADDRNOTAVAIL: noAddress,
  ENOTFOUND: noAddress,
};

/** A connection that is none of HTTP any more is given so long to say that it ends. */
const LINGER_MS = 1_000;

export interface Answering {
  /** Never throws. */
  readonly handle: (req: IncomingMessage, res: ServerResponse) => unknown;
  /** Whoever asks for a WebSocket; left out: that is answered as any other request. */
  readonly upgrade?: (req: IncomingMessage, socket: Duplex, head: Buffer) => unknown;
}

export class KeptServer {
  readonly #settings: KeptServerSettings;
  readonly #answering: Answering;
  /** Connections that are none of HTTP any more: the server knows nothing of them. */
  readonly #upgraded = new Set<Duplex>();
  readonly #log: Pick<Log, 'info' | 'error'>;
  #server: Server | null = null;
  #said: string | null = null;

  constructor(settings: KeptServerSettings, answering: Answering, log: Pick<Log, 'info' | 'error'>) {
    this.#settings = settings;
    this.#answering = answering;
    this.#log = log;
  }

  get isOpen(): boolean {
    return this.#server?.listening === true;
  }

  /** Where it is, for people. */
  get url(): string {
    const { host, port } = this.#settings;
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  /** Tries to open it. Never rejects: why it could not is said. */
  async open(): Promise<void> {
    if (this.isOpen) return;
    const { handle, upgrade } = this.#answering;
    const server = createServer((req, res) => void handle(req, res));
    server.unref();
    if (upgrade) {
      server.on('upgrade', (req, socket, head) => {
        if (req.headers.upgrade?.toLowerCase() !== 'websocket') {
          asHttp(server, req, socket, head);
          return;
        }
        this.#upgraded.add(socket);
        socket.once('close', () => this.#upgraded.delete(socket));
        upgrade(req, socket, head);
      });
    }
    const { host, port, name } = this.#settings;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port }, resolve);
      });
    } catch (error) {
      this.#say(error);
      return;
    }
    server.on('error', (error) => this.#say(error));
    this.#server = server;
    this.#said = null;
    this.#log.info(`${name} is at ${this.url}`);
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server?.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    const cut = setTimeout(() => {
      for (const socket of this.#upgraded) socket.destroy();
    }, LINGER_MS);
    await closed;
    clearTimeout(cut);
  }

  #say(error: unknown): void {
    const { name, port, host, elsewhere } = this.#settings;
    const why = WHY[(error as NodeJS.ErrnoException).code ?? '']?.(host, port) ?? errorText(error);
    if (why === this.#said) return;
    this.#said = why;
    this.#log.error(`${name} cannot be opened: ${why}. It is tried again until it can. ${elsewhere}`);
  }
}

/**
 * Clients that would speak HTTP/2 offer it with any request. Where somebody takes upgrades, Node hands over all that offer one: such
 * a request is put back before what came after it, without its offer.
 */
function asHttp(
  server: Server,
  { method, url, rawHeaders }: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (!/^(upgrade|connection|http2-settings)$/i.test(rawHeaders[at]!))
      lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}
