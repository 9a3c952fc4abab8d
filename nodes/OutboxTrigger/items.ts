// What a workflow is started with: the entry as the log tells of it, without what it says.
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { Entry } from '../../engine/ledger/outbox';
import type { Notice } from '../../engine/outbox/notices';

const REASONS: Readonly<Record<Notice['kind'], string>> = {
  failed: 'FAILED',
  unknown: 'UNKNOWN',
  bounced: 'BOUNCED',
  endpointAside: 'ENDPOINT_SET_ASIDE',
};

export const itemOf = ({
  id,
  kind,
  at,
  entry,
  endpoint,
}: Omit<Notice, 'id'> & { id: string }): INodeExecutionData => ({
  json: {
    // The same, should it ever be told twice.
    noticeId: id,
    reason: REASONS[kind],
    at: new Date(at).toISOString(),
    ...(entry && { entry: entryJson(entry) }),
    ...(endpoint && { endpoint: { name: endpoint.name, url: endpoint.url, reason: endpoint.asideReason } }),
  },
});

const entryJson = (entry: Entry): IDataObject => ({
  ...{ id: entry.id, kind: entry.kind, state: entry.state },
  ...{ recipient: entry.recipient, subject: entry.subject, messageId: entry.messageId },
  ...{ error: entry.lastError, answer: entry.lastAnswer, tries: entry.tries },
  queuedAt: timeOf(entry.queuedAt),
  settledAt: timeOf(entry.settledAt),
  workflowId: entry.origin.workflowId,
  node: entry.origin.nodeName,
  event: entry.origin.event,
});

const timeOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
