// The trigger's parameters, read once.
// Invariant: what can never start a workflow is an Error that says so, when the workflow is published.
import type { NoticesAsked } from '../../engine/outbox/notices';
import { NOTICES } from '../../engine/outbox/reader';

interface Parameters {
  getNodeParameter(name: string): unknown;
}

/** @throws Error */
export function noticesAsked(read: Parameters): NoticesAsked {
  const chosen = read.getNodeParameter('when');
  const kinds = NOTICES.filter((kind) => Array.isArray(chosen) && chosen.includes(kind));
  if (kinds.length === 0) throw new Error('Choose under "Start When" what starts this workflow.');
  const entryKind = read.getNodeParameter('entryKind');
  const workflows = read.getNodeParameter('onlyWorkflows');
  const ids = (typeof workflows === 'string' ? workflows : '')
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '');
  return {
    kinds,
    workflowIds: ids.length === 0 ? null : ids,
    entryKind: entryKind === 'mail' || entryKind === 'webhook' ? entryKind : null,
  };
}
