// The first step inside an execution: claim the events, load their mails, hand out the items, and settle the
// events when the execution ends.
// Invariant: a run that does not hold its events ends at once, and nothing after it runs: empty where another run has
// or had them, as an error in any other case.
import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { nameExecution } from './execution-data';
import { log } from '../n8n/log';
import { rememberRun } from '../store/memory';
import { nodeError } from '../n8n/node-error';
import { readPointers, type SentPointer } from './pointer';
import { failedOutcome, outcomeOf } from './end';
import { watchRun } from '../n8n/run-hooks';
import { itemsOf, type RunSettings } from './items';
import { refuseRetry, refuseUnknown } from './refusal';
import { openStore } from '../store/store';

export type { Rereader, RunSettings } from './items';

/** The pointers that this execution was started for; null: it was started some other way. */
export const pointersOf = (context: IExecuteFunctions): SentPointer[] | null =>
  readPointers(context.getInputData());

/**
 * The items of the pointers' mails; none, if another run has or had the events.
 * @throws NodeOperationError: a mail cannot be read; or this run can have none of its mails, and no other run has them
 */
export async function runPointers(
  context: IExecuteFunctions,
  pointers: readonly SentPointer[],
  settings: RunSettings,
): Promise<INodeExecutionData[]> {
  const { runs, ledger } = await openStore(context);
  const executionId = context.getExecutionId();
  // Before the claim: a run that is stopped while it claims tells its end once, then. Without the hook whoever has
  // emitted it settles what is claimed (listen/emit.ts, told-ends.ts).
  const watched = watchRun(context, async (run) => {
    const isCounted = await runs.end(executionId, outcomeOf(run));
    return isCounted && !settings.telling.everyTry;
  });
  const byHand = context.getMode() === 'retry';
  const claims = byHand
    ? await runs.beginByHand(
        pointers.map(({ event }) => event),
        executionId,
        watched,
      )
    : await runs.begin(pointers, executionId, watched);
  nameExecution(context, claims, settings.telling.showsMail);
  await rememberRun(context, ledger, claims);
  if (claims.length === 0) {
    const found = await ledger.whereabouts(pointers.map(({ event }) => event));
    refuseUnknown(context, pointers, found, ledger.place);
    if (byHand) refuseRetry(context, pointers, found);
  }
  try {
    if (context.getExecutionCancelSignal()?.aborted) throw new Error('The run was stopped before it began.');
    const { items, gone } = await itemsOf(context, ledger, pointers, claims, settings);
    if (gone.length > 0) {
      log.warn('Mail was deleted from its mailbox before it could be read', {
        events: gone.map(({ event }) => event).join(', '),
      });
      await runs.gone(executionId, gone);
    }
    if (items.length > 0) return items;
    if (byHand)
      throw new Error('The mail is gone: it is neither in the mail ledger nor on its server any more.');
  } catch (error) {
    // n8n may be set to go on after errors: it would call this run a success.
    // Not waited for: the ledger may be what failed.
    void runs.end(executionId, failedOutcome(error));
    throw nodeError(context.getNode(), error as Error);
  }
  log.info('A run ends empty: its mail was run, or is being run, by another, or is gone', { executionId });
  refuseOutputForNothing(context);
  return [];
}

/** With this setting n8n would run the workflow on an item that is nobody's mail. */
function refuseOutputForNothing(context: IExecuteFunctions): void {
  if (context.getNode().alwaysOutputData !== true) return;
  throw new Error(
    'This run has nothing to do. Switch off "Always Output Data" in the settings of the trigger.',
  );
}
