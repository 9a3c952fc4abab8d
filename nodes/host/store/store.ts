// The mail ledger that a node works on, with the engine over it, opened once in a process of n8n for all its triggers and
// runs. Kept on globalThis, because n8n may load a second copy of this package after an update while old triggers keep the
// first; the version in the name keeps copies of different shape apart.
import { join } from 'node:path';
import type { ITriggerFunctions } from 'n8n-workflow';
import type { Engine } from '../../../engine/instance/engine';
import { noEngines, type OpenEngines, openOnce } from '../../../engine/instance/open-engines';
import type { Place } from '../../../engine/instance/place';
import { processWide } from '../../../engine/runtime/process-wide';
import { userFolder } from '../n8n/environment';
import { log } from '../n8n/log';
import { outgoingSenders } from '../outgoing/senders';
import { isHelper, isQueueMode, QUEUE_MODE_NEEDS_POSTGRES } from '../n8n/queue-mode';
import { mailStoreRedis, mailStoreSettings } from './mail-store';
import { isNamedByCredential } from './mail-store-choice';
import { thisInstance } from './this-n8n';

/** What a node works with: the ledger that it names, and the engine over it. */
export type Store = Engine;

/** A trigger that listens now. */
export interface Listener {
  close(): Promise<void>;
}

interface ProcessState extends OpenEngines {
  /** By workflow and node: the newest registration of a node wins. */
  readonly listeners: Map<string, Listener>;
  /** Those that were closed, and are not gone yet. */
  readonly leaving: Set<Promise<void>>;
}

export const processState = (): ProcessState =>
  processWide('9', (): ProcessState => ({ ...noEngines(), listeners: new Map(), leaving: new Set() }));

/** A node of n8n, as far as it chooses the store. */
export type StoreContext = Pick<ITriggerFunctions, 'getCredentials' | 'getNode'> &
  Partial<Pick<ITriggerFunctions, 'getInstanceId'>>;

/**
 * The node's store, opened once in this process.
 * @throws Error that says what to do, if the ledger cannot be opened, or cannot be shared as n8n needs it
 */
export async function openStore(context: StoreContext): Promise<Store> {
  const place = await placeOf(context);
  return openOnce(processState(), place, {
    log,
    owner: thisInstance(context),
    // A credential that was edited gives another place.
    isKept: !isNamedByCredential(context.getNode()),
    // It is main that says for whom mails wait, whoever opens it: Run Once needs no trigger, and the last one may be gone.
    listens: !isHelper(),
    senders: outgoingSenders,
  });
}

async function placeOf(context: StoreContext): Promise<Place> {
  const [settings, redis] = [await mailStoreSettings(context), await mailStoreRedis(context)];
  if (settings) return { kind: 'postgres', settings, redis };
  if (isQueueMode()) throw new Error(QUEUE_MODE_NEEDS_POSTGRES);
  return { kind: 'sqlite', file: ledgerFile(), redis };
}

/** The ledger's file, under n8n's user folder. */
export const ledgerFile = (): string => join(userFolder(), 'durable-mail', 'ledger.sqlite');
