// What a trigger cannot work with, however long it waits: said when the workflow is published, with what to change.
import type { ITriggerFunctions } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';
import { sayWhatIsMissing, workflowSettings } from './internals';
import { mailStoreSettings } from './mail-store';
import { QUEUE_MODE_NEEDS_POSTGRES, isQueueMode } from './queue-mode';

/** @throws NodeOperationError for settings of the node, the workflow or the instance that can never work */
export async function refuseWhatCannotWork(context: ITriggerFunctions): Promise<void> {
  const refuse = (reason: string): never => {
    throw new NodeOperationError(context.getNode(), reason);
  };
  const { engineType } = workflowSettings(context);
  if (engineType === 'v2') {
    // It refuses a done promise, so the end of a run could not be learnt.
    refuse(
      "This version does not support workflows on n8n's engine 2.0. Choose engine 1 in the workflow's settings.",
    );
  }
  const node = context.getNode();
  for (const [isOn, name] of [
    [node.onError !== undefined && node.onError !== 'stopWorkflow', 'On Error: Continue'],
    [node.continueOnFail === true, 'Continue On Fail'],
    [node.alwaysOutputData === true, 'Always Output Data'],
    [node.executeOnce === true, 'Execute Once'],
  ] as const) {
    if (isOn)
      refuse(
        `Switch off "${name}" in the settings of this node: with it, mails could be lost or run for nothing.`,
      );
  }
  if (!(await readSettings(context)) && isQueueMode()) refuse(QUEUE_MODE_NEEDS_POSTGRES);
  sayWhatIsMissing(context);
}

async function readSettings(context: ITriggerFunctions): ReturnType<typeof mailStoreSettings> {
  try {
    return await mailStoreSettings(context);
  } catch (error) {
    throw new NodeOperationError(context.getNode(), error as Error);
  }
}
