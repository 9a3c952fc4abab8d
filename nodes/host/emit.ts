// Hands a run to n8n, which starts an execution for it.
import type { IRun, ITriggerFunctions } from 'n8n-workflow';
import type { Runs } from '../../engine/delivery/runs';
import type { OfferedRun } from '../../engine/ledger/ledger';
import { pointerItem } from './pointer';
import { failedOutcome, outcomeOf } from './run-end';

/**
 * Emits with a deduplication key that no other run ever has: n8n starts one execution for it. Resolves when n8n
 * is done with it. Its end is learnt by the run itself (run.ts); where the run cannot, the done promise settles
 * it here, if the run was in this process.
 */
export async function emitRun(context: ITriggerFunctions, run: OfferedRun, runs: Runs): Promise<void> {
  const key = `durable-mail:${run.id}`;
  const done = context.helpers.createDeferredPromise<IRun>();
  context.emit([run.pointers.map(pointerItem)], undefined, done, key);
  try {
    const ended = (await done.promise) as IRun | undefined;
    // Undefined: n8n knew the key and started nothing.
    if (ended) await runs.endOf(run.pointers, outcomeOf(ended));
  } catch (error) {
    await runs.endOf(run.pointers, failedOutcome(error));
  }
}
