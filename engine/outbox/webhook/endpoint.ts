// An endpoint: what a person enters of one, and what it is told of a change.
// Invariants: a change is told as the feed tells it, without sender, subject or content; its key is the endpoint and the change's
// position, so that it is queued once, whoever queues it; what was queued for it goes to where it is when it is sent, and nowhere
// while it is set aside; no secret is in an endpoint's row.
import { createHash } from 'node:crypto';
import type { FeedEvent } from '../../feed/feed-event';
import type { Endpoint, EndpointWish, NewEndpoint } from '../../ledger/endpoints';
import type { DueEntry, NewEntry } from '../../ledger/outbox';
import { jsonContent, unpackWebhook, type WebhookContent } from './packed-webhook';
import { webhookEntry, webhookRequest, type WebhookRequest } from './webhook-request';
import { checkedEndpoint, WebhookFault } from './webhook-url';

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

/** How and where it is asked. @throws OtherWebhookVersion */
function askingOf({ id, url, request: { headers, ...request } }: Endpoint): {
  readonly request: WebhookRequest;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
} {
  return {
    request: { ...webhookRequest(request), endpoint: id },
    url,
    headers: (headers ?? {}) as Record<string, string>,
  };
}

/** @throws OtherWebhookVersion; WebhookFault: what is stored cannot be used */
export function toldEntry(endpoint: Endpoint, event: FeedEvent): Promise<NewEntry> {
  const { request, url, headers } = askingOf(endpoint);
  return webhookEntry({
    key: createHash('sha256')
      .update(JSON.stringify(['endpoint', endpoint.id, event.id]))
      .digest('hex'),
    request,
    content: jsonContent(url, payloadOf(event), headers),
    subject: event.type,
    origin: { workflowId: null, nodeId: null, nodeName: `Endpoint ${endpoint.name}`, event: event.event },
    keepMs: KEEP_TOLD_MS,
  });
}

/**
 * What is sent for an entry now: one that tells an endpoint goes to where that is by now, as that is asked by now.
 * @throws WebhookFault: the endpoint is told nothing any more; OtherWebhookVersion
 */
export async function askedBy(
  entry: Pick<DueEntry, 'request' | 'content' | 'endpoint' | 'origin'>,
): Promise<{ readonly request: WebhookRequest; readonly content: WebhookContent }> {
  const { endpoint } = entry;
  if (endpoint === undefined)
    return { request: webhookRequest(entry.request), content: await unpackWebhook(entry.content) };
  if (endpoint === null)
    throw new WebhookFault(
      `${entry.origin.nodeName ?? 'Its endpoint'} was removed, and is told nothing any more.`,
    );
  if (endpoint.asideSince !== null)
    throw new WebhookFault(
      `The endpoint "${endpoint.name}" is set aside, and told nothing until it is taken back. Then choose Retry for this one.`,
    );
  const { request, url, headers } = askingOf(endpoint);
  return { request, content: { ...(await unpackWebhook(entry.content)), url, headers } };
}

/** Of Standard Webhooks: `{type, timestamp, data}`. What comes from no mail tells its workflow in its data. */
const payloadOf = ({ type, time, data, source, workflow, event }: FeedEvent): Record<string, unknown> => ({
  type,
  timestamp: time,
  data: { ...data, source, workflow: workflow ?? data['workflow'] ?? null, event },
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
