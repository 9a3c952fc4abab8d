// What can never work is refused when the node is published, and not found out by whoever opens the page.
import type { IHookFunctions } from 'n8n-workflow';
import { nodeError } from '../host/n8n/node-error';
import { isQueueMode, QUEUE_MODE_NEEDS_POSTGRES } from '../host/n8n/queue-mode';
import { mailStoreSettings } from '../host/store/mail-store';
import { readLogin } from './login';

/** @throws NodeOperationError that says what to set */
export async function refuseWhatCannotWork(context: IHookFunctions): Promise<void> {
  try {
    await readLogin(context, '');
    if (!(await mailStoreSettings(context)) && isQueueMode()) throw new Error(QUEUE_MODE_NEEDS_POSTGRES);
  } catch (error) {
    throw nodeError(context.getNode(), error as Error);
  }
}
