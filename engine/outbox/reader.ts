// A reader of the outbox: who hears of what people have to see to (an Outbox Trigger), with its place in the changes, kept as an
// endpoint to which nothing is posted.
// Invariant: whoever tells endpoints leaves readers out; their position moves only by whoever reads for them.
import type { ChangeType } from '../ledger/changes';
import { type NewEndpoint, READER } from '../ledger/endpoints';

/** Of a change: what a person may have to see to. */
export const NOTICES = ['failed', 'unknown', 'bounced', 'endpointAside'] as const;
export type NoticeKind = (typeof NOTICES)[number];

const TYPES: Readonly<Record<NoticeKind, ChangeType>> = {
  failed: 'outbox.failed',
  unknown: 'outbox.unknown',
  bounced: 'outbox.bounced',
  endpointAside: 'endpoint.changed',
};

export const typeOf = (kind: NoticeKind): ChangeType => TYPES[kind];

/** @param workflowId @param nodeId of the node that reads */
export const newReader = (workflowId: string, nodeId: string): NewEndpoint => ({
  name: `Outbox Trigger ${workflowId} ${nodeId}`,
  url: `n8n://workflow/${encodeURIComponent(workflowId)}/${encodeURIComponent(nodeId)}`,
  request: { [READER]: true },
  wish: { types: Object.values(TYPES), workflowId: null, sourceId: null },
});
