// Which triggers of this package the workflow of a trigger has: n8n tells nobody that a node was deleted, or put in again
// under another id, so each looks for itself when it is started.
// The workflow is there in the context, but not in the documented node API: it may be missing, and then nothing is
// taken for gone.
import type { ITriggerFunctions } from 'n8n-workflow';
import type { PresentTrigger } from '../../../engine/ledger/serving';
import { workflowNodes } from './internals';
import { sayWeaker } from './weaker';

/** @param type of a node, as n8n names it: with the package's name in front */
export const isOurTrigger = (type: string): boolean => /\.durable\w*Trigger$/.test(type);

/** @returns null: nobody can see them */
export function triggersOf(context: ITriggerFunctions): readonly PresentTrigger[] | null {
  const triggers = shownTriggers(context);
  // What does not show the node itself is not what it seems to be.
  if (triggers?.some(({ id }) => id === context.getNode().id)) return triggers;
  sayWeaker(
    'This n8n does not show a trigger the other nodes of its workflow: mails that wait for a trigger which was deleted are ' +
      'not taken over by the one that was put in its place, and only the log tells of them.',
  );
  return null;
}

function shownTriggers(context: ITriggerFunctions): readonly PresentTrigger[] | null {
  const triggers: PresentTrigger[] = [];
  for (const { id, name, type, disabled } of Object.values(workflowNodes(context) ?? {})) {
    if (!isOurTrigger(String(type))) continue;
    if (typeof id !== 'string' || typeof name !== 'string') return null;
    triggers.push({ id, name, disabled: disabled === true });
  }
  return triggers;
}
