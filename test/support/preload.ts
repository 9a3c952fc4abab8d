// Libraries in C that are loaded into a process before all others, and change what it hears of the system that it runs on.
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

/** Why there are none here; false: there are. */
export const noPreload: string | false =
  process.platform !== 'linux'
    ? 'LD_PRELOAD is Linux’s'
    : spawnSync('cc', ['--version']).status === 0
      ? false
      : 'there is no C compiler (cc)';

/** @param library the file to be made */
export async function compilePreload(source: string, library: string): Promise<void> {
  await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
}
