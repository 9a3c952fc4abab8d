// A process whose disk takes long for each sync: a library that delays them is compiled, and loaded into it.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compilePreload } from '../preload';

const SOURCE = join(__dirname, 'slow-sync.c');

export interface SlowDisk {
  /** While this file is there, no sync is answered. */
  readonly hangs: string;
  /** Runs a script under tsx, with the disk slow. @returns what it prints, as JSON */
  run<T>(script: string, ...args: readonly string[]): Promise<T>;
  dispose(): Promise<void>;
}

/** @param syncMs what each sync takes more */
export async function slowDisk(syncMs: number): Promise<SlowDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-mail-slow-disk-'));
  const library = join(folder, 'slow-sync.so');
  const hangs = join(folder, 'hangs');
  await compilePreload(SOURCE, library);
  return {
    hangs,
    run: async <T>(script: string, ...args: readonly string[]) => {
      const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, ...args], {
        env: { ...process.env, LD_PRELOAD: library, SLOW_SYNC_MS: String(syncMs), SLOW_SYNC_HANGS: hangs },
      });
      return JSON.parse(stdout) as T;
    },
    dispose: () => rm(folder, { recursive: true }),
  };
}
