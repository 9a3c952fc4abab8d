// An endpoint: what a person enters of one, and what it is told of a change.
// Invariants: a change is told as the feed tells it, without sender, subject or content; its key is the endpoint and the change's
// position, so that it is queued once, whoever queues it; no secret is in an endpoint's row.
import { createHash } from 'node:crypto';
import type { FeedEvent } from '../../feed/feed-event';
import type { Endpoint, EndpointWish, NewEndpoint } from '../../ledger/endpoints';
import type { NewEntry } from '../../ledger/outbox';
import { jsonContent } from './packed-webhook';
import { webhookEntry, webhookRequest, type WebhookRequest } from './webhook-request';
import { checkedEndpoint } from './webhook-url';

/** So long what it was told stays in the log: for longer than it takes to set it aside. */
const KEEP_TOLD_MS = 14 * 86_400_000;

export interface EnteredEndpoint {
  readonly name: string;
  readonly url: string;
  /** None that is secret: such a one is a credential (`request.auth`). */
  readonly headers: Readonly<Record<string, string>>;
  readonly request: Omit<WebhookRequest, 'form' | 'endpoint' | 'repeats'>;
  readonly wish: EndpointWish;
}

/** As it is saved. @throws WebhookFault: the URL or a header cannot be used, or looks like a secret */
export function newEndpoint({ name, url, headers, request, wish }: EnteredEndpoint): NewEndpoint {
  const checked = checkedEndpoint(url, headers, request);
  // A receiver of notices has to know one again (Standard Webhooks).
  const full: WebhookRequest = { ...request, form: 1, endpoint: null, repeats: true };
  return { name, url: checked.href, request: { ...full, headers }, wish };
}

/** @throws OtherWebhookVersion; WebhookFault: what is stored cannot be used */
export function toldEntry(endpoint: Endpoint, event: FeedEvent): Promise<NewEntry> {
  const { headers, ...request } = endpoint.request;
  return webhookEntry({
    key: createHash('sha256')
      .update(JSON.stringify(['endpoint', endpoint.id, event.id]))
      .digest('hex'),
    request: { ...webhookRequest(request), endpoint: endpoint.id },
    content: jsonContent(endpoint.url, payloadOf(event), (headers ?? {}) as Record<string, string>),
    subject: event.type,
    origin: { workflowId: null, nodeId: null, nodeName: `Endpoint ${endpoint.name}`, event: event.event },
    keepMs: KEEP_TOLD_MS,
  });
}

/** Of Standard Webhooks: `{type, timestamp, data}`. */
const payloadOf = ({ type, time, data, source, workflow, event }: FeedEvent): Record<string, unknown> => ({
  type,
  timestamp: time,
  data: { ...data, source, workflow, event },
});

/** The endpoint that an entry tells; null: a workflow asked for it. */
export function endpointOfEntry({
  request,
}: {
  readonly request: Readonly<Record<string, unknown>>;
}): number | null {
  const endpoint = request['endpoint'];
  return typeof endpoint === 'number' ? endpoint : null;
}
