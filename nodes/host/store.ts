// What one process of n8n shares among all its triggers and runs: the open ledger, who watches what, and the
// runs under way. Kept on globalThis, because n8n may load a second copy of this package after an update while
// old triggers keep the first; the version in the symbol keeps copies of different shape apart.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { LoggerProxy } from 'n8n-workflow';
import { Runs } from '../../engine/delivery/runs';
import type { ImapLogin } from '../../engine/imap/login';
import { ImapWatch } from '../../engine/imap/watch';
import type { Ledger } from '../../engine/ledger/ledger';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import type { Log } from '../../engine/runtime/log';
import { ProcessWake, type Wake } from '../../engine/signal/wake';
import { SourceRegistry } from '../../engine/source/registry';

export interface Store {
  readonly ledger: Ledger;
  readonly wake: Wake;
  readonly runs: Runs;
  readonly imap: SourceRegistry<ImapLogin>;
}

/** A trigger that listens now. */
export interface Listener {
  close(): Promise<void>;
}

interface ProcessState {
  /** Open stores by the ledger's file. A store is never closed: runs go on after their trigger has stopped. */
  readonly stores: Map<string, Promise<Store>>;
  /** By workflow and node: the newest registration of a node wins. */
  readonly listeners: Map<string, Listener>;
}

const STATE = Symbol.for('n8n-nodes-durable-mail/1');

export function processState(): ProcessState {
  const global = globalThis as unknown as Record<symbol, ProcessState | undefined>;
  return (global[STATE] ??= { stores: new Map(), listeners: new Map() });
}

/** n8n's log, under this package's name. */
export const log: Log = {
  debug: (message, fields) => LoggerProxy.debug(named(message), fields),
  info: (message, fields) => LoggerProxy.info(named(message), fields),
  warn: (message, fields) => LoggerProxy.warn(named(message), fields),
  error: (message, fields) => LoggerProxy.error(named(message), fields),
};

const named = (message: string): string => `[durable-mail] ${message}`;

/** What a workflow and its instance have set that decides whether a trigger can work there. */
interface Surroundings {
  readonly executionsMode: string | undefined;
  readonly engineType: string | undefined;
}

/** Why no trigger can work here, with what to change; null: it can. */
export function refusal({ executionsMode, engineType }: Surroundings): string | null {
  if (executionsMode === 'queue') {
    // SQLite serves one process; in queue mode the runs are in others.
    return (
      'This version keeps its mail ledger in SQLite, which cannot be shared with the workers of queue mode. ' +
      'Run n8n in regular mode (EXECUTIONS_MODE=regular).'
    );
  }
  if (engineType === 'v2') {
    // It refuses a done promise, so the end of a run could not be learnt.
    return "This version does not support workflows on n8n's engine 2.0. Choose engine 1 in the workflow's settings.";
  }
  return null;
}

/** The ledger's file, under n8n's user folder. */
const ledgerFile = (): string =>
  join(process.env['N8N_USER_FOLDER'] || homedir(), '.n8n', 'durable-mail', 'ledger.sqlite');

/** This process's store, opened once. @throws Error that says what to do, if the ledger cannot be opened */
export function openStore(): Promise<Store> {
  const file = ledgerFile();
  const { stores } = processState();
  let store = stores.get(file);
  if (!store) {
    store = open(file);
    stores.set(file, store);
    // A failure is not kept: the next one to ask tries again.
    store.catch(() => stores.delete(file));
  }
  return store;
}

async function open(file: string): Promise<Store> {
  const ledger = await openSqliteLedger(file);
  const wake = new ProcessWake();
  return {
    ledger,
    wake,
    runs: new Runs(ledger, wake, log),
    imap: new SourceRegistry(
      (key, sourceId, subscribers) => new ImapWatch(key, sourceId, subscribers, { ledger, wake, log }),
    ),
  };
}
