// A real Redis of the test's own: on loopback, without a file of its own. Whenever it starts it is empty.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../tools/shell.mjs';
import { freePort, portAnswers } from './net';
import { giveAway, ServerProcess, unprivileged } from './server-process';

export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #server: ServerProcess;

  private constructor(
    folder: string,
    port: number,
    more: Readonly<Record<string, string>>,
    isSentinel = false,
  ) {
    this.port = port;
    this.#folder = folder;
    const settings = isSentinel
      ? { port, bind: '127.0.0.1' }
      : { port, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no', daemonize: 'no', ...more };
    const sentinel = isSentinel ? [join(folder, 'sentinel.conf'), '--sentinel'] : [];
    this.#server = new ServerProcess({
      name: 'Redis',
      command: unprivileged([
        'redis-server',
        ...sentinel,
        ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ]),
      cwd: folder,
      logFile: join(folder, 'redis.log'),
      answers: () => portAnswers(port),
    });
  }

  /** @param more settings, as in redis.conf */
  static async start(more: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'redis-'));
    await giveAway(folder);
    const redis = new RedisServer(folder, await freePort(), more);
    await redis.up();
    return redis;
  }

  /** A sentinel that decides alone, within seconds. @param port the master's */
  static async sentinel(group: string, port: number): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'redis-'));
    const config = join(folder, 'sentinel.conf');
    const rules = [
      `monitor ${group} 127.0.0.1 ${port} 1`,
      `down-after-milliseconds ${group} 1000`,
      // After one that came to nothing, as where the replica had not said lately how it is, the next begins after twice that.
      `failover-timeout ${group} 2000`,
    ];
    await writeFile(config, rules.map((rule) => `sentinel ${rule}\n`).join(''));
    await giveAway(folder);
    await giveAway(config);
    const sentinel = new RedisServer(folder, await freePort(), {}, true);
    await sentinel.up();
    return sentinel;
  }

  /** @returns what redis-cli prints of it */
  async command(...words: readonly string[]): Promise<string> {
    return (await run('redis-cli', ['-p', String(this.port), ...words])).trim();
  }

  /** How many elements the list of this name has. */
  async length(list: string): Promise<number> {
    return Number(await this.command('llen', list));
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, again after `down`, and always empty. */
  up(): Promise<void> {
    return this.#server.up();
  }

  down(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    return this.#server.down(signal);
  }

  /** Nothing answers any more, and nobody is told: connections stay open. */
  freeze(): void {
    this.#server.freeze();
  }

  resume(): void {
    this.#server.resume();
  }

  async dispose(): Promise<void> {
    await this.#server.down('SIGKILL');
    await rm(this.#folder, { recursive: true, force: true });
  }
}
