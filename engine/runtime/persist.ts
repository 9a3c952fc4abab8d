// Storing what must not be forgotten while the database is away: tried again for as long as it may come back.
import { backoffDelay } from './backoff';
import { errorText, type Log } from './log';
import { monotonicNow, pause } from './time';

const PERSIST_FOR_MS = 15 * 60_000;
const BETWEEN_TRIES = { firstMs: 100, mostMs: 5_000 };

/**
 * Makes the change, again and again until it succeeds or 15 minutes are over; never rejects.
 * @param what begins the log line that tells of a failure; `fields` go with it
 */
export async function persist(
  what: string,
  change: () => Promise<void>,
  log: Log,
  fields: Readonly<Record<string, string>> = {},
): Promise<void> {
  const began = monotonicNow();
  for (let failures = 1; ; failures++) {
    try {
      await change();
      return;
    } catch (error) {
      log.error(`${what} cannot be stored yet: ${errorText(error)}`, { ...fields, failures });
      if (monotonicNow() - began > PERSIST_FOR_MS) return;
      await pause(backoffDelay(failures, BETWEEN_TRIES), new AbortController().signal);
    }
  }
}
