// Waits for a condition of something real, with a generous deadline. The only place of the tests that polls.

/** Waiting longer is of no use. */
export class Hopeless extends Error {}

/** Those who can tell what else happened, when a wait was in vain: the servers of the test, by what they have logged. */
export const witnesses = new Set<() => Promise<string>>();

/** Resolves with the first answer that is not false, null or undefined. @throws Error that names the condition */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  deadlineMs = 30_000,
  everyMs = 50,
): Promise<NonNullable<Exclude<T, false>>> {
  const end = performance.now() + deadlineMs;
  let failure: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== false && answer !== null && answer !== undefined) {
        return answer as NonNullable<Exclude<T, false>>;
      }
      failure = undefined;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      failure = error;
    }
    if (performance.now() > end) {
      const reason = failure
        ? `: ${failure instanceof Error ? failure.message : JSON.stringify(failure)}`
        : '';
      const told = await Promise.all([...witnesses].map((tell) => tell()));
      throw new Error(
        [`Not within ${Math.round(deadlineMs / 1000)} s: ${what}${reason}`, ...told].join('\n'),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
