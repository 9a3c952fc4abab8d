// What a console tells of the outbox of a small, busy instance: entries in every state, templates, and an endpoint that was set
// aside. Each test changes what it is about.
import { createHash } from 'node:crypto';
import type { JobTold } from '../../../engine/console/api';
import type { EndpointTold, EntryTold, TemplateTold } from '../../../engine/console/outbox-api';
import { ago, jobTold, mailId } from './told';

/** As a ledger's: a UUID. */
export const entryId = (entry: number): string => mailId(100_000 + entry);

export function entryTold(id: number, told: Partial<EntryTold> = {}): EntryTold {
  return {
    id: entryId(id),
    key: createHash('sha256').update(`key ${id}`).digest('hex').slice(0, 32),
    kind: 'mail',
    lane: 'smtp:shop@example.com',
    state: 'SENT',
    recipient: `customer${id % 7}@example.org`,
    subject: `Your order ${4_000 + id}`,
    messageId: `<${id}@shop.example.com>`,
    workflowId: 'kQ2rOrders',
    nodeId: 'n2',
    nodeName: 'Confirm the order',
    event: null,
    tries: 1,
    dueAt: null,
    queuedAt: ago((1_000 - id) * 40),
    begunAt: ago((1_000 - id) * 40 - 1),
    settledAt: ago((1_000 - id) * 40 - 2),
    lastError: null,
    lastAnswer: '250 2.0.0 Ok: queued as 4Xy7',
    hasContent: true,
    ...told,
  };
}

/** The oldest first. */
export function entriesTold(many: number): EntryTold[] {
  const waiting = { settledAt: null, lastAnswer: null } as const;
  const webhook = {
    ...{ kind: 'webhook', lane: 'host:hooks.example.net', recipient: 'https://hooks.example.net/orders' },
    ...{ subject: null, messageId: null, nodeName: 'Tell the shop' },
  } as const;
  return Array.from({ length: many }, (_, at) => {
    const id = 1_000 - many + at;
    if (at === many - 1) return entryTold(id, { ...waiting, state: 'SENDING' });
    if (at === many - 2)
      return entryTold(id, {
        ...waiting,
        ...{ state: 'QUEUED', begunAt: null, tries: 0, event: mailId(997), dueAt: ago((1_000 - id) * 40) },
      });
    if (at === many - 3)
      return entryTold(id, {
        ...waiting,
        ...{ state: 'QUEUED', tries: 2, lastError: '451 4.7.1 Greylisted, try again later' },
        dueAt: new Date(Date.now() + 90_000).toISOString(),
      });
    if (at === many - 4)
      return entryTold(id, {
        ...waiting,
        ...{
          state: 'UNKNOWN',
          event: mailId(997),
          lastError: 'The connection broke before the answer came.',
        },
      });
    if (at === many - 5)
      return entryTold(id, {
        ...{ state: 'BOUNCED', recipient: 'nobody@example.org', lastError: '550 5.1.1 No such user here' },
      });
    if (at % 9 === 4)
      return entryTold(id, {
        ...webhook,
        ...{ state: 'FAILED', tries: 4, lastError: 'HTTP 500 Internal Server Error', lastAnswer: 'oops' },
      });
    if (at % 23 === 7) return entryTold(id, { state: 'CANCELLED', lastAnswer: null });
    return at % 4 === 0 ? entryTold(id, { ...webhook, lastAnswer: 'HTTP 204' }) : entryTold(id);
  });
}

export const templateTold = (told: Partial<TemplateTold> = {}): TemplateTold => ({
  name: 'order-received',
  subject: 'Your order {{order}}',
  text: 'Hello {{name}},\n\nwe have your order {{order}}.\n',
  html: '<p style="color: green">Hello <b>{{name}}</b>,</p><p>we have your order {{order}}.</p>',
  changedAt: ago(86_400),
  changedBy: 'console (operate)',
  ...told,
});

export const endpointTold = (told: Partial<EndpointTold> = {}): EndpointTold => ({
  id: 1,
  name: 'status page',
  url: 'https://status.example.net/hooks/…',
  types: ['email.dead', 'outbox.failed'],
  workflowId: null,
  sourceId: null,
  createdBy: 'workflow kQ2rOrders',
  createdAt: ago(10 * 86_400),
  asideSince: null,
  asideReason: null,
  missedAt: null,
  ...told,
});

type OutboxJob = Extract<JobTold, { readonly of: 'outbox' }>;

export const outboxJobTold = (told: Partial<OutboxJob> = {}): OutboxJob => ({
  ...{ ...jobTold(), of: 'outbox', action: 'retry', filter: { state: 'FAILED' } },
  ...told,
});
