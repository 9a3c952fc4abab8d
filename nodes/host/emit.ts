// Hands a pointer to n8n, which starts an execution for it.
import type { IRun, ITriggerFunctions } from 'n8n-workflow';
import type { Runs } from '../../engine/delivery/runs';
import { pointerName } from '../../engine/ledger/keys';
import type { Pointer } from '../../engine/ledger/ledger';
import { pointerItem } from './pointer';
import { failedOutcome, outcomeOf } from './run-end';

/**
 * Emits with a deduplication key that no other offer of any event has: n8n starts one execution for it.
 * Resolves when n8n is done with it. Its end is learnt by the run itself (run.ts); where the run cannot, the
 * done promise settles it here, if the run was in this process.
 */
export async function emitPointer(context: ITriggerFunctions, pointer: Pointer, runs: Runs): Promise<void> {
  const key = `durable-mail:${pointerName(pointer)}`;
  const done = context.helpers.createDeferredPromise<IRun>();
  context.emit([[pointerItem(pointer)]], undefined, done, key);
  try {
    const run = (await done.promise) as IRun | undefined;
    // Undefined: n8n knew the key and started nothing.
    if (run) await runs.end(pointer, outcomeOf(run));
  } catch (error) {
    await runs.end(pointer, failedOutcome(error));
  }
}
