// The mail ledger of nodes that name no credential for it, opened without any of them: old mail is let go there, and it is
// said for whom mails wait, also in an n8n whose last trigger was deleted.
// Invariant: only one that is there is opened; none is made.
import { existsSync } from 'node:fs';
import type { INode } from 'n8n-workflow';
import { errorText } from '../../../engine/runtime/log';
import { log } from '../n8n/log';
import { mailStoreSettings } from './mail-store';
import { ledgerFile, openStore, type StoreContext } from './store';

/** A node that names no credential. */
export const DEFAULT_NODE: StoreContext = {
  getNode: () => ({ parameters: {} }) as INode,
  getCredentials: () => Promise.reject(new Error('There is no credential.')),
};

/** From then on it is among the stores of this process. Never throws: whoever needs it says what is wrong. */
export async function openDefaultStore(): Promise<void> {
  try {
    const isThere = (await mailStoreSettings(DEFAULT_NODE)) !== null || existsSync(ledgerFile());
    if (isThere) await openStore(DEFAULT_NODE);
  } catch (error) {
    log.debug(`The mail ledger of this n8n was not opened: ${errorText(error)}`);
  }
}
