// A measurement as a process of its own.
import { Cleanup } from '../test/support/cleanup';

/**
 * Begins it in the next turn: what it measures with may be made below the call. Where it fails, the process ends with 1.
 * @returns what is to be ended with it
 */
export function measured(bench: () => Promise<void>): Cleanup {
  const cleanup = new Cleanup();
  void Promise.resolve()
    .then(bench)
    .catch((error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    })
    .finally(() => cleanup.run());
  return cleanup;
}
