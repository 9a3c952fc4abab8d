// Clients of a feed over real HTTP that never read: sockets in a process of their own, so that nothing of theirs lies in the one
// that serves. What a system takes for each of them is its own affair (on Linux, on loopback, some 4 MB): only what comes after
// that is unsent.
// Invariant: there are always as many as were asked for: one that is cut comes again.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/**
 * @param query of what they ask for, after `deaf&`
 * @returns ends them
 */
export function deafClients(port: number, count: number, query = ''): () => Promise<void> {
  const child = fork(join(__dirname, 'deaf-process.ts'), [String(port), String(count), query], {
    execArgv: ['--import', 'tsx'],
  });
  const ended = once(child, 'exit');
  return async () => {
    if (child.connected) child.disconnect();
    await ended;
  };
}
