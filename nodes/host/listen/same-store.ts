// Whether the ledger that a trigger listens with is still the one that it is to listen with.
// Invariant: only a ledger that is another n8n's by now, or not there any more, or another choice of a person ends the
// listening; one that cannot be asked does not.
import { LedgerFault, type LedgerFaultKind } from '../../../engine/ledger/fault';
import type { NodeId } from '../../../engine/ledger/serving';
import { monotonicNow, pause } from '../../../engine/runtime/time';
import { assertOfThisN8n } from './of-one-n8n';
import { openStore, type Store, type StoreContext } from '../store/store';

/** How often it is said and asked that the ledger is this n8n's, and its file still there. */
const OWN_MS = 10_000;

/** How often it is looked whether another database was chosen: an edited credential restarts nothing. */
const STORE_LOOK_MS = 60_000;

const ENDS_LISTENING: readonly LedgerFaultKind[] = ['foreign', 'twin', 'replaced'];

/**
 * Resolves when the signal aborts, or another database was chosen for the ledger.
 * @throws LedgerFault: the ledger is another n8n's by now, or its file is not there any more
 */
export async function whileStoreIs(
  store: Store,
  context: StoreContext,
  node: NodeId,
  signal: AbortSignal,
): Promise<void> {
  let lookedAt = monotonicNow();
  for (;;) {
    await pause(OWN_MS, signal);
    if (signal.aborted) return;
    const isOurs = store.own().then(() => assertOfThisN8n(store.ledger, node, context));
    await isOurs.catch((error: unknown) => {
      if (error instanceof LedgerFault && ENDS_LISTENING.includes(error.kind)) throw error;
    });
    if (monotonicNow() - lookedAt < STORE_LOOK_MS) continue;
    lookedAt = monotonicNow();
    // One that cannot be opened now is no reason to leave the one that is open.
    const now = await openStore(context).catch(() => store);
    if (now !== store) return;
  }
}
