// Tells a person of mails that wait for a trigger which its workflow does not have any more, and that no other takes
// over. (Whose whole workflow is gone is told in the log: engine/delivery/served-nodes.ts.)
import type { Serving, TriggerNode } from '../../../engine/ledger/serving';
import { errorText } from '../../../engine/runtime/log';
import { monotonicNow, pause } from '../../../engine/runtime/time';
import { log } from '../n8n/log';
import { processState } from '../store/store';
import type { Telling } from './telling';

/** n8n starts the triggers of a workflow one after the other: the next one may take over what was left. */
const OTHERS_MS = 15_000;
const MOST_OTHERS_MS = 120_000;
const MOST_TOLD = 20;

/** @param trigger whose workflow can be seen @param others the ids of the workflow's triggers that are to listen, too */
export async function tellOfLeftBehind(
  trigger: TriggerNode,
  others: readonly string[],
  ledger: Pick<Serving, 'takeUnserved'>,
  telling: Telling,
  signal: AbortSignal,
): Promise<void> {
  const began = monotonicNow();
  const { listeners } = processState();
  const someAreMissing = (): boolean => others.some((id) => !listeners.has(`${trigger.workflowId}:${id}`));
  do await pause(OTHERS_MS, signal);
  while (!signal.aborted && someAreMissing() && monotonicNow() - began < MOST_OTHERS_MS);
  if (signal.aborted) return;
  try {
    for (const left of await ledger.takeUnserved(trigger, MOST_TOLD)) telling.leftBehind(left);
  } catch (error) {
    log.warn(
      `${telling.name}: it could not be looked for mails of a trigger that is gone: ${errorText(error)}`,
    );
  }
}
