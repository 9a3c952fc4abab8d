// Processes that share a ledger, each behind a way of its own to Postgres and to the mail server; and who has how many
// connections to which mailbox, seen on those ways.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, connect as connectTo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { witnesses } from '../until';
import type { ManyTask } from './many-process';

/** A way to a server that can be cut. */
export class Way {
  readonly #target: number;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #is: 'open' | 'cut' | 'stalled' = 'open';
  #port = 0;
  /** What the server says, and that it closes, arrives after so long, ms. */
  lateMs = 0;

  constructor(target: number, seen?: (socket: Socket, said: string) => void) {
    this.#target = target;
    this.#server = createServer((client) => this.#join(client, seen));
  }

  async begin(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as { port: number }).port;
    return this;
  }

  get port(): number {
    return this.#port;
  }

  /** `cut`: every connection breaks, and none can be made; `stalled`: nothing arrives any more, and nobody is told. */
  be(is: 'open' | 'cut' | 'stalled'): void {
    this.#is = is;
    if (is === 'stalled') for (const socket of this.#open) socket.pause();
    // Who comes back finds what stood still to be broken.
    else for (const socket of this.#open) socket.destroy();
  }

  end(): void {
    this.be('cut');
    this.#server.close();
  }

  #join(client: Socket, seen?: (socket: Socket, said: string) => void): void {
    client.on('error', () => undefined);
    if (this.#is === 'cut') {
      client.destroy();
      return;
    }
    const server = connectTo(this.#target, '127.0.0.1');
    server.on('error', () => client.destroy());
    for (const socket of [client, server]) {
      this.#open.add(socket);
      if (this.#is === 'stalled') socket.pause();
    }
    client.on('data', (data) => {
      seen?.(client, data.toString('latin1'));
      server.write(data);
    });
    const late = (what: () => unknown): unknown => (this.lateMs ? setTimeout(what, this.lateMs) : what());
    server.on('data', (data) => late(() => client.write(data)));
    const over = (): void => {
      for (const socket of [client, server]) {
        this.#open.delete(socket);
        socket.destroy();
      }
    };
    client.on('close', over);
    server.on('close', () => late(over));
  }
}

const ON_ITS_WAY_MS = 250;

/** Who is connected to which mailbox; and since when two were at once. */
export class Connections {
  readonly #open = new Map<string, Map<Socket, string>>();
  /** Of which user, by which processes. */
  readonly doubled: string[] = [];

  seen(process: string, socket: Socket, said: string): void {
    const user = userOf(said);
    if (user === null) return;
    const open = this.#open.get(user) ?? new Map<Socket, string>();
    this.#open.set(user, open.set(socket, process));
    for (const over of ['end', 'close']) socket.once(over, () => open.delete(socket));
    if (open.size < 2) return;
    const at = [...open.values()].join(', ');
    // The end of one that has said LOGOUT may be on its way.
    setTimeout(() => {
      if (open.size > 1) this.doubled.push(`${user}: ${at}`);
    }, ON_ITS_WAY_MS);
  }

  count(): number {
    return [...this.#open.values()].reduce((all, { size }) => all + size, 0);
  }
}

function userOf(said: string): string | null {
  const login = /^\S+ LOGIN "?([^" ]+)/i.exec(said)?.[1];
  if (login !== undefined) return login;
  const plain = /^(?:\S+ AUTHENTICATE PLAIN )?([A-Za-z0-9+/=]{12,})\r\n$/i.exec(said)?.[1];
  const parts = plain === undefined ? [] : Buffer.from(plain, 'base64').toString().split('\0');
  return parts.length === 3 ? parts[1]! : null;
}

type Said = Readonly<Record<string, unknown>>;

export class ManyProcess {
  readonly name: string;
  readonly said: Said[] = [];
  readonly #child: ChildProcess;
  readonly #witness: () => Promise<string>;

  constructor(task: ManyTask, environment: Readonly<Record<string, string>> = {}) {
    this.name = task.name;
    this.#child = spawn(process.execPath, ['--import', 'tsx', join(__dirname, 'many-process.ts')], {
      env: { ...process.env, ...environment, MANY_TASK: JSON.stringify(task) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#witness = () =>
      Promise.resolve(
        `${this.name}: ${this.said
          .slice(-15)
          .map((said) => JSON.stringify(said))
          .join('\n  ')}`,
      );
    witnesses.add(this.#witness);
    this.#child.once('exit', (code, signal) => this.said.push({ exit: signal ?? code }));
    createInterface(this.#child.stdout!).on('line', (line) => this.said.push(JSON.parse(line) as Said));
  }

  of(what: string): unknown[] {
    return this.said.flatMap((said) => (what in said ? [said[what]] : []));
  }

  get pid(): number {
    return this.#child.pid!;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill(signal);
    await gone;
    witnesses.delete(this.#witness);
  }
}
