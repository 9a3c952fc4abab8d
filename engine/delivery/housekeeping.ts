// Lets go, from time to time, of what the ledger need not keep: in small batches with pauses, so that the database is not
// held.
// Invariants: nothing is swept before it was stored who listens; no key of Run Once before it was seen that nobody renews
// it, since the database's clock may have jumped.
import { LedgerFault } from '../ledger/fault';
import type { Ledger } from '../ledger/ledger';
import type { SeenKey } from '../ledger/once-keys';
import { errorText, type Log } from '../runtime/log';
import { pause } from '../runtime/time';
import type { ServedNodes } from './served-nodes';
import { Unrenewed } from './unrenewed';

const EVERY_MS = 10 * 60_000;
// In SQLite 40 ms in which nothing else is written (measured with 10^6 events).
const BATCH_ROWS = 200;
const BETWEEN_BATCHES_MS = 200;

interface Housekeeping {
  /** Who listens in this process; undefined: nobody can. */
  readonly served?: Pick<ServedNodes, 'renew' | 'tellUnserved'>;
  readonly keys?: Unrenewed;
  readonly everyMs?: number;
  readonly betweenMs?: number;
}

/** Keeps house until the signal aborts; never throws. */
export async function keepHouse(
  ledger: Ledger,
  log: Log,
  signal: AbortSignal,
  { served, keys = new Unrenewed(), everyMs = EVERY_MS, betweenMs = BETWEEN_BATCHES_MS }: Housekeeping = {},
): Promise<void> {
  const isOver = (): boolean => signal.aborted;
  const sweepAll = async (): Promise<void> => {
    while (!isOver() && (await ledger.sweep(BATCH_ROWS, seen(keys)))) await pause(betweenMs, signal);
  };
  for (let begun = false; !isOver(); begun = true) {
    try {
      if (begun) {
        await served?.renew();
        await sweepAll();
        await served?.tellUnserved();
      }
      await look(ledger, keys);
    } catch (error) {
      if (isOver()) return;
      keys.forget();
      // Whose the ledger is, is told to a person by those who listen.
      const isOthers = error instanceof LedgerFault && ['foreign', 'twin'].includes(error.kind);
      log[isOthers ? 'debug' : 'warn'](
        `Old mail could not be cleared from the mail ledger; it is tried again later: ${errorText(error)}`,
      );
    }
    keys.looksAgainIn(everyMs);
    await pause(everyMs, signal);
  }
}

async function look(ledger: Ledger, keys: Unrenewed): Promise<void> {
  const left = await ledger.leftKeys(BATCH_ROWS);
  keys.see(left.map(({ key, until }) => ({ run: key, until, lapsesInMs: 0 })));
}

const seen = (keys: Unrenewed): SeenKey[] => keys.leases().map(({ run, until }) => ({ key: run, until }));
