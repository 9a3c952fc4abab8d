// A trigger that n8n could not start once, since this package was away at that start, stays failed when the package is
// back: n8n does not try it again, and says so in the editor only. So the package says it in the log, some time after it
// was loaded, of those triggers that the mail ledger knows.
import { errorText } from '../../../engine/runtime/log';
import { pause } from '../../../engine/runtime/time';
import { openDefaultStore } from '../store/default-store';
import { log } from '../n8n/log';
import { instanceSettings, triggerStatuses } from '../n8n/internals';
import { processState } from '../store/store';

/** What n8n starts by itself has begun to listen by then. */
const LOOK_AFTER_MS = 30_000;

/** Once for each copy of the package: it may come back to an n8n that runs. */
let looks = false;

/** Says later, in the process that has the triggers, which of them n8n has given up. */
export function tellOfFailedTriggers(): void {
  if (looks) return;
  looks = true;
  void pause(LOOK_AFTER_MS, new AbortController().signal)
    .then(look)
    .catch((error: unknown) => log.debug(`Which triggers failed is not known: ${errorText(error)}`));
}

async function look(): Promise<void> {
  const { instanceType, isLeader } = instanceSettings();
  if (instanceType !== 'main' || isLeader === false) return;
  await openDefaultStore();
  const failed = (await triggerStatuses()?.findBy({ status: 'failed' })) ?? [];
  for (const { workflowId, nodeId, errorMessage } of failed) {
    if (processState().listeners.has(`${workflowId}:${nodeId}`) || !(await isOurs(workflowId, nodeId)))
      continue;
    log.error(
      `A trigger of workflow ${workflowId} (its node ${nodeId}) does not listen, so its mail does not run: n8n could not ` +
        `start it once, and does not try again by itself. ${errorMessage ? `n8n says: ${errorMessage} ` : ''}` +
        'What to do: unpublish the workflow, and publish it again. The mail of the meantime runs then.',
    );
  }
}

/** Whether a ledger that this process can open knows it: then it is of this package, and has listened before. */
async function isOurs(workflowId: string, nodeId: string): Promise<boolean> {
  for (const { opening } of processState().engines.values()) {
    const store = await opening.catch(() => null);
    if (((await store?.ledger.subscriptionsOf(workflowId, nodeId)) ?? []).length > 0) return true;
  }
  return false;
}
