// What a source and a workflow are called, by their ids.
import { sources, triggers } from '../live/known';

export function sourceName(id: string): string {
  const found = sources.data.value?.sources.find((source) => String(source.id) === id);
  return found ? `${found.account} ${found.mailbox}` : id;
}

/** n8n's id; a ledger knows no name of a workflow, but those of its triggers. */
export function workflowName(id: string): string {
  const nodes = (triggers.data.value?.triggers ?? [])
    .filter(({ workflowId, nodeName }) => workflowId === id && nodeName !== null)
    .map(({ nodeName }) => nodeName);
  return nodes.length > 0 ? `${id} (${nodes.join(', ')})` : id;
}
