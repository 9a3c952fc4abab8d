// The built command `durable-mail` as a process of its own, as whoever runs it starts it: plain Node, a configuration, an environment.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '../../tools/shell.mjs';
import { until } from './until';

export interface Ended {
  readonly code: number | null;
  readonly ms: number;
}

export class CollectorProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  /** All that it has written. */
  written = '';

  constructor(args: readonly string[], environment: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [join(ROOT, 'dist', 'cli', 'durable-mail.js'), ...args], {
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.on('data', (data: Buffer) => (this.written += data.toString()));
    this.#ended = once(this.#child, 'close').then(([code]) => code as number | null);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** @param times so often */
  async line(what: RegExp, times = 1): Promise<void> {
    const all = new RegExp(what.source, `g${what.flags.replace('g', '')}`);
    await until(
      `it writes ${what} ${times} times`,
      () => {
        if ((this.written.match(all)?.length ?? 0) >= times) return true;
        if (this.#child.exitCode !== null) throw new Error(`It has ended: ${this.written}`);
        return false;
      },
      60_000,
    ).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}\n${this.written}`);
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    const began = performance.now();
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    return { code: await this.#ended, ms: performance.now() - began };
  }

  /** Its exit code, by itself. */
  exit(): Promise<number | null> {
    return this.#ended;
  }

  dispose(): Promise<unknown> {
    return this.end('SIGKILL');
  }
}
