// What a source and a workflow are called, by their ids.
import { computed } from '@preact/signals';
import { sources, triggers } from '../live/known';

/** Looked up for each of thousands. */
const sourceNames = computed(
  () =>
    new Map(
      sources.data.value?.sources.map(({ id, account, mailbox }) => [String(id), `${account} ${mailbox}`]),
    ),
);

export const sourceName = (id: string): string => sourceNames.value.get(id) ?? id;

const nodeNames = computed(() => {
  const names = new Map<string, string[]>();
  for (const { workflowId, nodeName } of triggers.data.value?.triggers ?? [])
    if (nodeName !== null) names.set(workflowId, [...(names.get(workflowId) ?? []), nodeName]);
  return names;
});

/** n8n's id; a ledger knows no name of a workflow, but those of its triggers. */
export function workflowName(id: string): string {
  const nodes = nodeNames.value.get(id);
  return nodes ? `${id} (${nodes.join(', ')})` : id;
}
