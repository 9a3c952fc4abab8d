// What one process of n8n shares among all its triggers and runs: the open ledgers, who watches what, and the
// runs under way. Kept on globalThis, because n8n may load a second copy of this package after an update while
// old triggers keep the first; the version in the symbol keeps copies of different shape apart.
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ITriggerFunctions } from 'n8n-workflow';
import { keepHouse } from '../../engine/delivery/housekeeping';
import { Runs } from '../../engine/delivery/runs';
import type { GmailLogin } from '../../engine/gmail/api/login';
import type { GmailReading } from '../../engine/gmail/read/reading';
import { GmailAccounts } from '../../engine/gmail/watch/accounts';
import type { ImapLogin } from '../../engine/imap/session/login';
import { ImapAccounts } from '../../engine/imap/watch/accounts';
import type { ImapReading } from '../../engine/imap/read/reading';
import type { Ledger } from '../../engine/ledger/ledger';
import { openPostgresChannel } from '../../engine/ledger/postgres/channel';
import { openPostgresLedger } from '../../engine/ledger/postgres/postgres-ledger';
import type { PostgresSettings } from '../../engine/ledger/postgres/settings';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { SharedWake } from '../../engine/signal/shared-wake';
import { ProcessWake, type Wake } from '../../engine/signal/wake';
import { SourceLeases } from '../../engine/source/leases';
import { SourceRegistry } from '../../engine/source/registry';
import { log } from './log';
import { mailStoreSettings } from './mail-store';
import { isQueueMode, QUEUE_MODE_NEEDS_POSTGRES } from './queue-mode';

export interface Store {
  readonly ledger: Ledger;
  readonly wake: Wake;
  readonly runs: Runs;
  readonly imap: SourceRegistry<ImapLogin, ImapReading>;
  readonly gmail: SourceRegistry<GmailLogin, GmailReading>;
  /** Lets old mail go, from the first call on: for the process that listens. */
  readonly keepHouse: () => void;
}

/** A trigger that listens now. */
export interface Listener {
  close(): Promise<void>;
}

interface ProcessState {
  /** Open stores by their database. A store is never closed: runs go on after their trigger has stopped. */
  readonly stores: Map<string, Promise<Store>>;
  /** By workflow and node: the newest registration of a node wins. */
  readonly listeners: Map<string, Listener>;
}

const STATE = Symbol.for('n8n-nodes-durable-mail/4');

export function processState(): ProcessState {
  const global = globalThis as unknown as Record<symbol, ProcessState | undefined>;
  return (global[STATE] ??= { stores: new Map(), listeners: new Map() });
}

/** A node of n8n, as far as it chooses the store. */
export type StoreContext = Pick<ITriggerFunctions, 'getCredentials' | 'getNode'>;

/**
 * The node's store, opened once in this process.
 * @throws Error that says what to do, if the ledger cannot be opened, or cannot be shared as n8n needs it
 */
export async function openStore(context: StoreContext): Promise<Store> {
  const settings = await mailStoreSettings(context);
  if (!settings && isQueueMode()) throw new Error(QUEUE_MODE_NEEDS_POSTGRES);
  const { stores } = processState();
  const name = settings ? postgresName(settings) : ledgerFile();
  const open = stores.get(name);
  if (open) return open;
  const opening = settings ? openShared(settings) : openOwn(name);
  stores.set(name, opening);
  // A failure is not kept: the next one to ask tries again.
  opening.catch(() => stores.delete(name));
  return opening;
}

/** The ledger's file, under n8n's user folder. */
export const ledgerFile = (): string =>
  join(process.env['N8N_USER_FOLDER'] || homedir(), '.n8n', 'durable-mail', 'ledger.sqlite');

/** An edited credential gives another store; the connections of the old one close when nobody uses them. */
const postgresName = (settings: PostgresSettings): string =>
  createHash('sha256').update(JSON.stringify(settings)).digest('hex');

const openOwn = async (file: string): Promise<Store> =>
  storeOf(await openSqliteLedger(file), new ProcessWake());

const openShared = async (settings: PostgresSettings): Promise<Store> =>
  storeOf(await openPostgresLedger(settings), new SharedWake(await openPostgresChannel(settings), log));

function storeOf(ledger: Ledger, wake: Wake): Store {
  let keptHouse = false;
  const ports = { ledger, wake, log, leases: new SourceLeases(ledger, log) };
  return {
    ledger,
    wake,
    runs: new Runs(ledger, wake, log),
    imap: new SourceRegistry(new ImapAccounts(ports).start),
    gmail: new SourceRegistry(new GmailAccounts(ports).start),
    keepHouse: () => {
      if (keptHouse) return;
      keptHouse = true;
      void keepHouse(ledger, log, new AbortController().signal);
    },
  };
}
