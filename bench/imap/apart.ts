// Measures in a process of its own, which holds nothing but what is measured: its memory is told by nobody else.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ImapLogin } from '../../engine/imap/session/login';

/** What bench/imap/apart-process.ts can do, with the engine or with the bare library. */
export type Task =
  | { readonly kind: 'fetch'; readonly login: ImapLogin }
  | {
      readonly kind: 'collect';
      readonly login: ImapLogin;
      readonly ledger: string;
      readonly mails: number;
      /** How often it is looked what is in use. */
      readonly looks: number;
      /** It is looked how long the event loop is held, which takes time itself. */
      readonly holds: boolean;
    }
  | { readonly kind: 'idle'; readonly by: 'engine' | 'bare'; readonly logins: readonly ImapLogin[] }
  | { readonly kind: 'begin'; readonly login: ImapLogin }
  /** One mail arrives once it is ready. */
  | { readonly kind: 'arrive'; readonly login: ImapLogin };

export interface Measured {
  readonly ms: number;
  /** Resident before it was done, and afterwards, in bytes; for `idle`, when the garbage is collected. */
  readonly before: number;
  readonly after: number;
  readonly peak: number;
  /** What it grew by without what V8 keeps in reserve, in bytes: for `idle`. */
  readonly held?: number;
  /** The most that was in use, garbage apart, in bytes: where it was looked for. */
  readonly live?: number;
  /** The longest time between two turns of the event loop, ms: where it was looked for. */
  readonly longestHold?: number;
}

/** @param whenReady what is done when the process says that it is ready: for `arrive` */
export async function apart(task: Task, whenReady?: () => Promise<unknown>): Promise<Measured> {
  const child = fork(join(__dirname, 'apart-process.ts'), {
    execArgv: ['--import', 'tsx', '--expose-gc'],
    serialization: 'advanced',
  });
  child.send(task);
  const ended = once(child, 'exit').then(([code]: (number | null)[]): never => {
    throw new Error(`The measuring process ended with ${code}`);
  });
  if (whenReady) {
    await Promise.race([once(child, 'message'), ended]);
    await whenReady();
  }
  const [measured] = (await Promise.race([once(child, 'message'), ended])) as [Measured];
  ended.catch(() => undefined);
  return measured;
}
