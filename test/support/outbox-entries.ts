// Entries of an outbox, as whoever sends them would queue them.
import type { Entry, NewEntry, Outbox } from '../../engine/ledger/outbox';

let key = 0;

export const newEntry = (told: Partial<NewEntry> = {}): NewEntry => {
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
