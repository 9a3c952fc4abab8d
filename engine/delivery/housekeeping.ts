// Lets go, from time to time, of what the ledger need not keep: in small batches with pauses, so that neither
// the database nor n8n's event loop is held.
// Invariant: nothing is swept before it was stored who listens.
import type { Ledger } from '../ledger/ledger';
import { errorText, type Log } from '../runtime/log';
import { pause } from '../runtime/time';
import type { ServedNodes } from './served-nodes';

const EVERY_MS = 10 * 60_000;
// In SQLite 40 ms of n8n's main thread (measured with 10^6 events).
const BATCH_ROWS = 200;
const BETWEEN_BATCHES_MS = 200;

interface Housekeeping {
  /** Who listens in this process. */
  readonly served?: Pick<ServedNodes, 'renew' | 'tellUnserved'>;
  readonly everyMs?: number;
  readonly betweenMs?: number;
}

/** Keeps house until the signal aborts; never throws. */
export async function keepHouse(
  ledger: Ledger,
  log: Log,
  signal: AbortSignal,
  { served, everyMs = EVERY_MS, betweenMs = BETWEEN_BATCHES_MS }: Housekeeping = {},
): Promise<void> {
  while (!signal.aborted) {
    await pause(everyMs, signal);
    try {
      await served?.renew();
      await sweepAll(ledger, betweenMs, signal);
      await served?.tellUnserved();
    } catch (error) {
      log.warn(
        `Old mail could not be cleared from the mail ledger; it is tried again later: ${errorText(error)}`,
      );
    }
  }
}

async function sweepAll(ledger: Ledger, betweenMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await ledger.sweep(BATCH_ROWS))) await pause(betweenMs, signal);
}
