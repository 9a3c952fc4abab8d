// n8n starts the error workflow for every execution that fails, so for every try of a mail. People want to hear of a mail
// once: when it is given up (listen/telling.ts). So a try that the ledger has counted is kept from the error workflow.
// n8n finds that in its own copy of the workflow, which each execution has; none of this is part of its documented node
// API. Where the copy is not there, n8n tells each try as it always does.
// Invariant: what n8n stores and shows of the execution is not changed.
import { type LifecycleHooks, setWorkflowCopy, workflowCopy } from './internals';

/** A workflow that holds this node is its own error workflow (unless n8n's NODES_ERROR_TRIGGER_TYPE says another one). */
const ERROR_TRIGGER = 'n8n-nodes-base.errorTrigger';

/** Until it is undone, n8n finds no error workflow for this execution. @returns undoes it */
export function keepFromErrorWorkflow(hooks: LifecycleHooks): () => void {
  const copy = workflowCopy(hooks);
  if (!copy) return () => undefined;
  const { settings, nodes } = copy;
  setWorkflowCopy(hooks, {
    ...copy,
    ...(settings && { settings: storedAs(settings, { ...settings, errorWorkflow: undefined }) }),
    ...(nodes && {
      nodes: storedAs(
        nodes,
        nodes.filter(({ type }) => type !== ERROR_TRIGGER),
      ),
    }),
  });
  return () => setWorkflowCopy(hooks, copy);
}

/** What is read as the one, and stored as the other: n8n stores it as JSON. */
function storedAs<T extends object>(stored: T, read: object): T {
  return Object.defineProperty(read, 'toJSON', { value: () => stored, enumerable: false }) as T;
}
