// Which triggers of this package the workflow of a trigger has: n8n tells nobody that a node was deleted, or put in again
// under another id, so each looks for itself when it is started.
// The workflow is there in the context, but not in the documented node API: it may be missing, and then nothing is
// taken for gone.
import type { INode, ITriggerFunctions } from 'n8n-workflow';
import type { PresentTrigger } from '../../../engine/ledger/serving';

interface Inside {
  readonly workflow?: { readonly nodes?: Readonly<Record<string, Partial<INode>>> | null };
}

/** @param type of a node, as n8n names it: with the package's name in front */
export const isOurTrigger = (type: string): boolean => /\.durable\w*Trigger$/.test(type);

/** @returns null: nobody can see them */
export function triggersOf(context: ITriggerFunctions): readonly PresentTrigger[] | null {
  const { nodes } = (context as unknown as Inside).workflow ?? {};
  if (!nodes) return null;
  const triggers: PresentTrigger[] = [];
  for (const { id, name, type, disabled } of Object.values(nodes)) {
    if (!isOurTrigger(String(type))) continue;
    if (typeof id !== 'string' || typeof name !== 'string') return null;
    triggers.push({ id, name, disabled: disabled === true });
  }
  // What does not show the node itself is not what it seems to be.
  return triggers.some(({ id }) => id === context.getNode().id) ? triggers : null;
}
