// A real Redis of the test's own: on loopback, without a file of its own. Whenever it starts it is empty.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../tools/shell.mjs';
import { freePort, portAnswers } from './net';
import { giveAway, ServerProcess, unprivileged } from './server-process';

export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #server: ServerProcess;

  private constructor(folder: string, port: number) {
    this.port = port;
    this.#folder = folder;
    const settings = { port, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no', daemonize: 'no' };
    this.#server = new ServerProcess({
      name: 'Redis',
      command: unprivileged([
        'redis-server',
        ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ]),
      cwd: folder,
      logFile: join(folder, 'redis.log'),
      answers: () => portAnswers(port),
    });
  }

  static async start(): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'redis-'));
    await giveAway(folder);
    const redis = new RedisServer(folder, await freePort());
    await redis.up();
    return redis;
  }

  /** How many elements the list of this name has. */
  async length(list: string): Promise<number> {
    return Number(await run('redis-cli', ['-p', String(this.port), 'llen', list]));
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
