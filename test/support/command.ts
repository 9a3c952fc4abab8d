// The command `durable-mail` as a process, from its sources.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../../tools/shell.mjs';
import { until } from './until';

const COMMAND = ['--import', 'tsx', join(ROOT, 'cli', 'durable-mail.ts')];

const environment = (set: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...{ PATH: process.env['PATH'], HOME: process.env['HOME'], TZ: 'UTC' },
  ...set,
});

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export interface Running {
  readonly process: ChildProcess;
  /** What it has logged. */
  said(): string;
  /** Waits until it has said so. */
  says(words: RegExp): Promise<void>;
  /** SIGTERM to it, and to all that it has started, as a terminal or a service manager sends it. */
  endAll(): void;
  /** SIGTERM. @returns its exit code, and after how many ms */
  end(): Promise<{ readonly code: number | null; readonly ms: number }>;
}

/** @param by npx: as it starts the command, by a shell */
export function startCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  by: 'itself' | 'npx' = 'itself',
): Running {
  const [program, given] =
    by === 'npx'
      ? ['npm', ['exec', '--call', [process.execPath, ...COMMAND, ...args].map(quoted).join(' ')]]
      : [process.execPath, [...COMMAND, ...args]];
  const child = spawn(program, given, { cwd: ROOT, env: environment(env), detached: true });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (said += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return {
    process: child,
    said: () => said,
    says: async (words) => {
      await until(`it says ${words.source}\n${said}`, () => words.test(said), 60_000);
    },
    endAll: () => void process.kill(-child.pid!, 'SIGTERM'),
    end: async () => {
      const began = performance.now();
      child.kill('SIGTERM');
      return { code: await ended, ms: performance.now() - began };
    },
  };
}
