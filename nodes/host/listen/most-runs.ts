// How many runs of mails this process of n8n has at once, over all workflows: what the environment says, or what n8n can
// carry here.
// Invariant: never more than n8n's own limit, where it has one: what is beyond it would wait in n8n's memory, not in the ledger.
import { availableParallelism } from 'node:os';
import { RunSlots } from '../../../engine/delivery/run-slots';
import { errorText } from '../../../engine/runtime/log';
import { processWide } from '../../../engine/runtime/process-wide';
import { readEnvironment } from '../../../engine/runtime/environment';
import { warnOnce } from '../n8n/weaker';
import { isQueueMode } from '../n8n/queue-mode';

const VARIABLE = 'DURABLE_MAIL_MOST_RUNS';
const N8NS_VARIABLE = 'N8N_CONCURRENCY_PRODUCTION_LIMIT';
const MOST = 1_000;

/**
 * All steps of all runs share n8n's one thread, so that more runs at once help only while they wait for others: 10 for each
 * core. n8n writes to its SQLite over one connection, and a run that waits a minute for it becomes an error, also one whose
 * steps have succeeded: there, 20 are enough, however many cores there are. A database server takes more.
 */
const CARRIES = { eachCore: 10, overSqlite: 20, overServer: 50 };

/** The slots of this process, whichever copy of this package asks. */
export const runSlots = (): RunSlots => processWide('run-slots/1', () => new RunSlots(mostRuns()));

/** Why the environment's limit cannot be used; null: it can, or there is none. */
export const mostRunsFault = (): string | null => chosen().fault;

/** @returns Infinity: as many as each workflow may have */
export function mostRuns(cores = availableParallelism()): number {
  const { limit, fault } = chosen();
  // Who publishes is refused; what was published goes on.
  if (fault !== null) warnOnce(`As many mails run at once as by default: ${fault}`);
  const most = limit ?? carried(cores);
  // In queue mode it is one for each worker, and the workers' business.
  return isQueueMode() ? most : Math.min(most, n8nsOwn());
}

/** What the environment says: a limit, none, or what cannot be used as one. */
function chosen(): { readonly limit: number | null; readonly fault: string | null } {
  try {
    const text = readEnvironment(VARIABLE)?.trim();
    if (!text) return { limit: null, fault: null };
    const limit = Number(text);
    if (Number.isInteger(limit) && limit >= 1 && limit <= MOST) return { limit, fault: null };
  } catch (error) {
    return { limit: null, fault: errorText(error) };
  }
  return {
    limit: null,
    fault: `The environment variable ${VARIABLE} cannot be used: it must be a whole number from 1 to ${MOST}.`,
  };
}

/** In queue mode main only hands out: workers take from the queue what they can carry. */
function carried(cores: number): number {
  if (isQueueMode()) return Infinity;
  const { eachCore, overSqlite, overServer } = CARRIES;
  const isServer = !['', 'sqlite'].includes(readEnvironment('DB_TYPE') ?? '');
  return Math.min(eachCore * cores, isServer ? overServer : overSqlite);
}

/** As n8n reads it. */
function n8nsOwn(): number {
  const limit = Number(readEnvironment(N8NS_VARIABLE));
  return limit > 0 ? limit : Infinity;
}
