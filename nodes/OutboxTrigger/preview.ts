// What "Execute step" shows in the editor: the newest entry that would have started the workflow, or one that looks like it.
// Invariant: nothing is moved by it.
import type { INodeExecutionData } from 'n8n-workflow';
import type { Entry, EntryState, Outbox } from '../../engine/ledger/outbox';
import type { NoticesAsked } from '../../engine/outbox/notices';
import type { NoticeKind } from '../../engine/outbox/reader';
import { itemOf } from './items';

const STATES: Readonly<Partial<Record<NoticeKind, EntryState>>> = {
  failed: 'FAILED',
  unknown: 'UNKNOWN',
  bounced: 'BOUNCED',
};

const LOOKED_THROUGH = 100;

/** @returns null: there is none */
export async function newestNotice(
  ledger: Pick<Outbox, 'entries'>,
  { kinds, workflowIds, entryKind }: NoticesAsked,
): Promise<INodeExecutionData | null> {
  const states = kinds.flatMap((kind) => STATES[kind] ?? []);
  if (states.length === 0) return null;
  const filter = { states, ...(entryKind !== null && { kind: entryKind }) };
  const { entries } = await ledger.entries(filter, { limit: LOOKED_THROUGH });
  const isMeant = ({ origin }: Entry): boolean =>
    workflowIds === null || (origin.workflowId !== null && workflowIds.includes(origin.workflowId));
  const entry = entries.find(isMeant);
  const kind = kinds.find((one) => STATES[one] === entry?.state);
  if (!entry || !kind) return null;
  return itemOf({
    ...{ id: 'preview', kind, entry, endpoint: null },
    at: entry.settledAt ?? entry.begunAt ?? entry.queuedAt,
  });
}
