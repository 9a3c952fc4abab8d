// What the node hands on for a webhook: what the receiver answered, and where it stands in the outbox.
// Invariant: what was sent in an earlier try of the run is handed on as it was then, from the log alone.
import type { INodeExecutionData } from 'n8n-workflow';
import type { Entry } from '../../engine/ledger/outbox';
import { readSaid } from '../../engine/outbox/webhook/answering';

export function answerOf(entry: Entry, repeated: boolean, itemIndex: number): INodeExecutionData {
  return {
    json: {
      outbox: { id: entry.id, state: entry.state, repeated },
      ...(entry.lastAnswer === null ? { status: null, answer: null } : readSaid(entry.lastAnswer)),
    },
    pairedItem: { item: itemIndex },
  };
}
