// What one process of n8n shares among all its triggers and runs: the open ledgers, who watches what, and the
// runs under way. Kept on globalThis, because n8n may load a second copy of this package after an update while
// old triggers keep the first; the version in the symbol keeps copies of different shape apart.
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { ITriggerFunctions } from 'n8n-workflow';
import { keepHouse } from '../../../engine/delivery/housekeeping';
import { Runs } from '../../../engine/delivery/runs';
import { ServedNodes } from '../../../engine/delivery/served-nodes';
import type { GmailLogin } from '../../../engine/gmail/api/login';
import type { GmailReading } from '../../../engine/gmail/read/reading';
import { GmailAccounts } from '../../../engine/gmail/watch/accounts';
import type { ImapLogin } from '../../../engine/imap/session/login';
import { ImapAccounts } from '../../../engine/imap/watch/accounts';
import type { ImapReading } from '../../../engine/imap/read/reading';
import type { Ledger } from '../../../engine/ledger/ledger';
import type { Instance } from '../../../engine/ledger/ownership';
import { openPostgresChannel } from '../../../engine/ledger/postgres/channel';
import { openPostgresLedger } from '../../../engine/ledger/postgres/postgres-ledger';
import type { PostgresSettings } from '../../../engine/ledger/postgres/settings';
import { openSqliteLedger } from '../../../engine/ledger/sqlite/sqlite-ledger';
import { errorText } from '../../../engine/runtime/log';
import { processWide } from '../../../engine/runtime/process-wide';
import { monotonicNow } from '../../../engine/runtime/time';
import { SharedWake } from '../../../engine/signal/shared-wake';
import { ProcessWake, type Wake } from '../../../engine/signal/wake';
import { SourceLeases } from '../../../engine/source/leases';
import { SourceRegistry } from '../../../engine/source/registry';
import { userFolder } from '../n8n/environment';
import { thisInstance } from './this-n8n';
import { log } from '../n8n/log';
import { isNamedByCredential, mailStoreSettings } from './mail-store';
import { isHelper, isQueueMode, QUEUE_MODE_NEEDS_POSTGRES } from '../n8n/queue-mode';

/** A store that a credential names, that nobody has asked for so long, and where nothing is under way, is closed: the
 * credential was edited, as a rule. */
const IDLE_MS = 15 * 60_000;
const LOOK_MS = 60_000;

export interface Store {
  readonly ledger: Ledger;
  readonly wake: Wake;
  readonly runs: Runs;
  readonly imap: SourceRegistry<ImapLogin, ImapReading>;
  readonly gmail: SourceRegistry<GmailLogin, GmailReading>;
  /** The triggers of this process that listen to it. */
  readonly served: ServedNodes;
  /** Triggers that listen with it now. */
  readonly listeners: Set<object>;
  /** For the process that listens, every ten seconds: this n8n owns the ledger. @throws LedgerFault `foreign`, `twin` or `replaced` */
  readonly own: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A trigger that listens now. */
export interface Listener {
  close(): Promise<void>;
}

interface KeptStore {
  readonly opening: Promise<Store>;
  /** By a credential, so it is closed when it is idle. */
  readonly isNamed: boolean;
  /** The file as it was opened; null: no file. */
  file: string | null;
  /** Monotonic. */
  usedAt: number;
}

interface ProcessState {
  /** Open stores by their database. Runs go on after their trigger has stopped. */
  readonly stores: Map<string, KeptStore>;
  /**
   * Stores whose file was deleted or replaced. Never closed, nor collected: SQLite would delete the files beside it by
   * their names, which are the new one's.
   */
  readonly abandoned: KeptStore[];
  /** By workflow and node: the newest registration of a node wins. */
  readonly listeners: Map<string, Listener>;
  looking: NodeJS.Timeout | undefined;
}

export const processState = (): ProcessState =>
  processWide('6', (): ProcessState => ({
    stores: new Map(),
    abandoned: [],
    listeners: new Map(),
    looking: undefined,
  }));

/** A node of n8n, as far as it chooses the store. */
export type StoreContext = Pick<ITriggerFunctions, 'getCredentials' | 'getNode'> &
  Partial<Pick<ITriggerFunctions, 'getInstanceId'>>;

/**
 * The node's store, opened once in this process.
 * @throws Error that says what to do, if the ledger cannot be opened, or cannot be shared as n8n needs it
 */
export async function openStore(context: StoreContext): Promise<Store> {
  const settings = await mailStoreSettings(context);
  if (!settings && isQueueMode()) throw new Error(QUEUE_MODE_NEEDS_POSTGRES);
  const state = processState();
  const name = settings ? postgresName(settings) : ledgerFile();
  const kept = state.stores.get(name);
  if (kept && (settings || isInPlace(kept, name))) {
    kept.usedAt = monotonicNow();
    return kept.opening;
  }
  if (kept) {
    log.error(`The mail ledger ${name} was deleted or replaced while n8n used it: the one there now is used`);
    state.abandoned.push(kept);
  }
  const instance = thisInstance(context);
  const opening = settings ? openShared(settings, instance) : openOwn(name, instance);
  const isNamed = isNamedByCredential(context.getNode());
  const opened: KeptStore = { opening, isNamed, file: null, usedAt: monotonicNow() };
  state.stores.set(name, opened);
  state.looking ??= setInterval(() => void letGoOfIdleStores(), LOOK_MS).unref();
  opening.then(
    () => (opened.file = settings ? null : fileName(name)),
    // A failure is not kept: the next one to ask tries again.
    () => {
      if (state.stores.get(name) === opened) state.stores.delete(name);
    },
  );
  return opening;
}

/** Closes the stores that nobody needs any more. */
export async function letGoOfIdleStores(idleMs = IDLE_MS): Promise<void> {
  const { stores } = processState();
  for (const [name, kept] of stores) {
    if (!kept.isNamed || monotonicNow() - kept.usedAt < idleMs) continue;
    const store = await kept.opening.catch(() => null);
    if (!store || store.listeners.size > 0 || !store.runs.isIdle) continue;
    if (monotonicNow() - kept.usedAt < idleMs || stores.get(name) !== kept) continue;
    stores.delete(name);
    await store.close().catch((error: unknown) => log.debug(`A store did not close: ${errorText(error)}`));
  }
}

/** The ledger's file, under n8n's user folder. */
export const ledgerFile = (): string => join(userFolder(), 'durable-mail', 'ledger.sqlite');

/** One name for one file, also when another one takes its place. Null: it is not there. */
function fileName(path: string): string | null {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

const isInPlace = (kept: KeptStore, path: string): boolean =>
  kept.file === null || kept.file === fileName(path);

/** An edited credential gives another store. */
const postgresName = (settings: PostgresSettings): string =>
  createHash('sha256').update(JSON.stringify(settings)).digest('hex');

const openOwn = async (file: string, instance?: Instance): Promise<Store> =>
  storeOf(await openSqliteLedger(file, { instance, log }), new ProcessWake());

async function openShared(settings: PostgresSettings, instance?: Instance): Promise<Store> {
  const ledger = await openPostgresLedger(settings, instance);
  const channel = await openPostgresChannel(settings);
  return storeOf(ledger, new SharedWake(channel, log), () => channel.close());
}

function storeOf(
  ledger: Ledger,
  wake: Wake,
  closeWake: () => Promise<void> = () => Promise.resolve(),
): Store {
  const closing = new AbortController();
  let isOwned = false;
  const ports = { ledger, wake, log, leases: new SourceLeases(ledger, log) };
  const served = new ServedNodes(ledger, log);
  // Whoever opens it: Run Once needs no trigger of ours, and the last trigger may be gone. It is main that says so.
  void keepHouse(ledger, log, closing.signal, isHelper() ? {} : { served });
  return {
    ledger,
    wake,
    runs: new Runs(ledger, wake, log),
    imap: new SourceRegistry(new ImapAccounts(ports).start),
    gmail: new SourceRegistry(new GmailAccounts(ports).start),
    served,
    listeners: new Set(),
    own: async () => {
      await ledger.own();
      if (isOwned) return;
      isOwned = true;
      log.info(
        `The mail ledger is ${ledger.place} (ledger ${await ledger.ledgerId()}); it belongs to this n8n`,
      );
    },
    close: async () => {
      closing.abort();
      await Promise.all([closeWake(), ledger.close()]);
    },
  };
}
