// Durable Webhook in the workflows of the tests: a step that posts, and one that subscribes an endpoint when it is called.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Credentials, StoredEntry } from './durable-send';
import type { N8n } from './n8n';
import { RECEIVER_TIMEOUT_S, WEBHOOK_SECRET } from './webhook/idempotent';
import type { Step } from './workflows';

const TYPE = 'n8n-nodes-durable-mail.durableWebhook';

/** As often as it may be, a second apart: nothing of a receiver with faults is left when they are used up. */
const OFTEN = { tries: 'own', delays: Array.from({ length: 20 }, () => '1').join(), mostAtOnce: 10 };

export async function signingCredential(n8n: N8n): Promise<Credentials> {
  const data = { secret: WEBHOOK_SECRET, previousSecret: '' };
  const { id, name } = await n8n.api.createCredential('CRM', 'durableWebhookSigning', data);
  return { durableWebhookSigning: { id, name } };
}

/** Posts `{mail}`, the subject of the mail that started the run. */
export const durableWebhook = (
  credentials: Credentials,
  url: string,
  options: object = OFTEN,
): Step & { credentials: object } => ({
  name: 'Post',
  type: TYPE,
  typeVersion: 1,
  credentials,
  parameters: {
    ...{ operation: 'send', url, signing: 'standard', body: 'json' },
    json: "={{ { mail: $('Mail').item.json.subject } }}",
    options: { timeoutSeconds: RECEIVER_TIMEOUT_S, ...options },
  },
});

export interface Wanted {
  readonly name: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly workflow: string;
  /** Empty: of all. */
  readonly source?: string;
}

/** @returns subscribes an endpoint, each time it is called: from then on it is told */
export async function subscriber(
  n8n: N8n,
  credentials: Credentials,
): Promise<(wanted: Wanted) => Promise<void>> {
  const path = `subscribes-${randomUUID()}`;
  const { id } = await n8n.api.createWorkflow({
    name: 'Subscribes',
    nodes: [
      {
        ...{ id: 'call', name: 'Call', type: 'n8n-nodes-base.webhook', typeVersion: 2, webhookId: path },
        ...{ position: [0, 0], parameters: { path, httpMethod: 'POST', responseMode: 'lastNode' } },
      },
      {
        ...{
          id: 'subscribe',
          name: 'Subscribe',
          type: TYPE,
          typeVersion: 1,
          position: [220, 0],
          credentials,
        },
        parameters: {
          ...{ operation: 'subscribe', signing: 'standard', url: '={{ $json.body.url }}' },
          ...{ endpointName: '={{ $json.body.name }}', events: '={{ $json.body.events }}' },
          ...{ onlyWorkflow: '={{ $json.body.workflow }}', onlySource: '={{ $json.body.source }}' },
          options: { timeoutSeconds: RECEIVER_TIMEOUT_S, ...OFTEN },
        },
      },
    ],
    connections: { Call: { main: [[{ node: 'Subscribe', type: 'main', index: 0 }]] } },
    settings: { executionOrder: 'v1' },
  });
  await n8n.api.publish(id);
  return async (wanted) => {
    const answer = await fetch(`http://127.0.0.1:${n8n.port}/webhook/${path}`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ source: '', ...wanted }),
    });
    assert.equal(answer.status, 200, await answer.text());
  };
}

/** To this URL. */
export const storedWebhooks = (n8n: N8n, url: string): Promise<StoredEntry[]> =>
  n8n.ledger<StoredEntry>(`
    select id, state, subject, message_id as "messageId", last_error as "lastError" from outgoing
    where kind = 'webhook' and recipient = '${url}' order by seq`);
