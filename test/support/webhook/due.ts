// Webhooks as whoever sends takes them of the outbox.
import type { Endpoint } from '../../../engine/ledger/endpoints';
import type { DueEntry, NewEntry } from '../../../engine/ledger/outbox';
import { jsonContent, type WebhookContent } from '../../../engine/outbox/webhook/packed-webhook';
import {
  DEFAULT_WEBHOOK_REQUEST,
  webhookEntry,
  type WebhookRequest,
} from '../../../engine/outbox/webhook/webhook-request';

export const BODY = { type: 'order.paid', timestamp: '2026-01-01T00:00:00Z', data: { order: '7 ü' } };

export interface Asked {
  readonly key?: string;
  readonly request?: Partial<WebhookRequest>;
  readonly content?: Partial<WebhookContent>;
  readonly endpoint?: Endpoint | null;
}

/** To this machine, which is allowed. */
export const queuedWebhook = (
  url: string,
  { key = 'key-1', request, content }: Asked = {},
): Promise<NewEntry> =>
  webhookEntry({
    ...{ key, subject: null, keepMs: 86_400_000 },
    origin: { workflowId: 'w', nodeId: 'n', nodeName: 'Durable Webhook', event: null },
    request: { ...DEFAULT_WEBHOOK_REQUEST, allowOwnNetwork: true, ...request },
    content: { ...jsonContent(url, BODY), ...content },
  });

export async function dueWebhook(url: string, asked: Asked = {}): Promise<DueEntry> {
  const entry = await queuedWebhook(url, asked);
  return {
    ...entry,
    content: Buffer.from(entry.content),
    ...{ id: 'entry-1', fence: 1, state: 'SENDING', tries: 1, refusals: 0, mayHaveArrived: false, ageMs: 0 },
    ...(asked.endpoint !== undefined && { endpoint: asked.endpoint }),
  };
}
