// What a trigger cannot work with, however long it waits: said when the workflow is published, with what to change.
import type { ITriggerFunctions } from 'n8n-workflow';
import { LedgerFault } from '../../../engine/ledger/fault';
import { within } from '../../../engine/runtime/time';
import { isByPerson } from '../n8n/activation';
import { refuseWithoutEnds, sayWhatIsMissing, workflowSettings } from '../n8n/newer';
import { mailStoreRedis, mailStoreSettings } from '../store/mail-store';
import { mostRunsFault } from './most-runs';
import { nodeError } from '../n8n/node-error';
import { QUEUE_MODE_NEEDS_POSTGRES, isQueueMode } from '../n8n/queue-mode';
import { openStore } from '../store/store';

/** How long publishing waits for a ledger to say whose it is; one that is away is an outage. */
const OWNER_MS = 5_000;

/** Of a trigger of mail. @throws NodeOperationError for settings of the node, the workflow or the instance that can never work */
export async function refuseWhatCannotWork(context: ITriggerFunctions): Promise<void> {
  const node = context.getNode();
  for (const [isOn, name] of [
    [node.onError !== undefined && node.onError !== 'stopWorkflow', 'On Error: Continue'],
    [node.continueOnFail === true, 'Continue On Fail'],
    [node.alwaysOutputData === true, 'Always Output Data'],
    [node.executeOnce === true, 'Execute Once'],
  ] as const) {
    if (isOn)
      refuse(
        context,
        `Switch off "${name}" in the settings of this node: with it, mails could be lost or run for nothing.`,
      );
  }
  const fault = isByPerson(context) ? mostRunsFault() : null;
  if (fault !== null) refuse(context, fault);
  try {
    refuseWithoutEnds(context);
  } catch (error) {
    refuse(context, (error as Error).message);
  }
  await refuseWhatCannotListen(context);
}

/** Of any trigger that listens with a mail ledger. @throws NodeOperationError for what it can never start a workflow with */
export async function refuseWhatCannotListen(context: ITriggerFunctions): Promise<void> {
  const { engineType } = workflowSettings(context);
  if (engineType === 'v2') {
    // It refuses a done promise, so the end of a run could not be learnt.
    refuse(
      context,
      "This version does not support workflows on n8n's engine 2.0. Choose engine 1 in the workflow's settings.",
    );
  }
  const settings = await mailStoreSettings(context).catch((error: unknown) =>
    refuse(context, error as Error),
  );
  if (!settings && isQueueMode()) refuse(context, QUEUE_MODE_NEEDS_POSTGRES);
  if (isByPerson(context)) await mailStoreRedis(context);
  const foreign = await foreignLedger(context);
  if (foreign) refuse(context, foreign.message);
  sayWhatIsMissing(context);
}

function refuse(context: ITriggerFunctions, reason: Error | string): never {
  throw nodeError(context.getNode(), reason);
}

/**
 * Why the ledger is not this n8n's; null: it is, or does not say so in time. At n8n's start nobody is refused: n8n
 * would give up on the trigger, where a person is to be told, and the ledger may be given back.
 */
async function foreignLedger(context: ITriggerFunctions): Promise<LedgerFault | null> {
  if (!isByPerson(context)) return null;
  const asking = openStore(context).then(
    (store) => store.own(),
    () => undefined,
  );
  const answered = asking.then(
    () => null,
    (error: unknown) => error,
  );
  const answer = await within(OWNER_MS, answered);
  return answer instanceof LedgerFault && ['foreign', 'twin'].includes(answer.kind) ? answer : null;
}
