// Entries of an outbox, as whoever sends them queues and tries them.
import assert from 'node:assert/strict';
import type { Entry, EntryOutcome, NewEntry, Outbox } from '../../engine/ledger/outbox';

let key = 0;

const newEntry = (told: Partial<NewEntry> = {}): NewEntry => {
  key += 1;
  return {
    key: `key-${key}`,
    kind: 'mail',
    lane: 'smtp:shop@example.com',
    request: { credential: 'smtp-7', envelope: { to: ['hidden@example.com'] } },
    content: Buffer.from('packed'),
    recipient: 'bob@example.com',
    subject: 'Your order',
    messageId: `<${key}@shop.example.com>`,
    repeats: false,
    origin: { workflowId: 'w1', nodeId: 'n2', nodeName: 'Confirm', event: null },
    keepMs: 90 * 86_400_000,
    ...told,
  };
};

export const queued = async (
  outbox: Pick<Outbox, 'enqueue'>,
  count: number,
  told: Partial<NewEntry> = {},
): Promise<readonly Entry[]> => outbox.enqueue(Array.from({ length: count }, () => newEntry(told)));

/** One try of each, and what became of it. */
export async function tried(
  outbox: Pick<Outbox, 'takeEntries' | 'settleEntries'>,
  ids: readonly string[],
  outcome: EntryOutcome,
): Promise<void> {
  const taken = await outbox.takeEntries({
    ...{ of: { ids }, limit: ids.length, leaseMs: 60_000, mostAtOnce: 1_000 },
    ...{ mostAMinute: null, mostBytes: 10_000_000 },
  });
  const settled = await outbox.settleEntries(taken.map(({ id, fence }) => ({ id, fence, outcome })));
  assert.equal(settled.length, ids.length);
}
