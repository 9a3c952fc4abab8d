// Hands a run to n8n, which starts an execution for it.
import type { IRun, ITriggerFunctions } from 'n8n-workflow';
import type { Runs } from '../../../engine/delivery/runs';
import type { ToldEnd } from '../../../engine/delivery/told-ends';
import type { OfferedRun } from '../../../engine/ledger/offers';
import { pointerItem } from '../run/pointer';
import { emitted, sayEndHasNoStatus } from '../n8n/newer';
import { failedOutcome, outcomeOf } from '../run/end';

/**
 * Emits with a deduplication key that no other run ever has: n8n starts one execution for it. Its end is learnt by the
 * run itself (run/run.ts); where the run cannot, the done promise settles it here, if the run was in this process.
 * @param place of the ledger, for a run that works on another one
 * @returns when n8n is done with it, how it says that the run ended; undefined: it does not say
 */
export async function emitRun(
  context: ITriggerFunctions,
  run: OfferedRun,
  runs: Runs,
  place: string,
): Promise<ToldEnd | undefined> {
  const key = `durable-mail:${run.id}`;
  const items = run.pointers.map((pointer) => pointerItem(pointer, place));
  const end = await endOf(emitted(context, items, key), context.getNode().name);
  if (end) await runs.endOf(run.pointers, end.outcome);
  return end;
}

async function endOf(done: Promise<IRun | undefined>, trigger: string): Promise<ToldEnd | undefined> {
  try {
    const ended = await done;
    if (!ended) return undefined;
    if ((ended.status as IRun['status'] | undefined) === undefined) {
      sayEndHasNoStatus();
      return undefined;
    }
    // An older n8n says so of runs that are over.
    if (UNENDED.includes(ended.status)) return undefined;
    const last = (ended.data as Partial<IRun['data']> | undefined)?.resultData?.lastNodeExecuted;
    return { outcome: outcomeOf(ended), wentNoFurther: last === undefined || last === trigger };
  } catch (error) {
    return { outcome: failedOutcome(error), wentNoFurther: true };
  }
}

const UNENDED: readonly IRun['status'][] = ['new', 'running', 'unknown'];
