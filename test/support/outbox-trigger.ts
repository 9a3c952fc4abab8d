// A published workflow that begins with an Outbox Trigger and tells a sink, and what it was started for.
import type { N8n } from './n8n';
import type { Sink } from './sink';
import { postTo } from './workflows';

/** As the trigger hands it on. */
export interface Notice {
  readonly noticeId: string;
  readonly reason: string;
  readonly entry?: { readonly id: string; readonly workflowId: string | null; readonly error: string | null };
  readonly endpoint?: { readonly name: string; readonly reason: string };
}

/** @returns its id */
export async function outboxWorkflow(n8n: N8n, sink: Sink, parameters: object = {}): Promise<string> {
  const { id } = await n8n.api.createWorkflow({
    name: 'What a person has to see to',
    nodes: [
      {
        ...{ id: 'outbox', name: 'Outbox', type: 'n8n-nodes-durable-mail.outboxTrigger', typeVersion: 1 },
        ...{ position: [0, 0], parameters },
      },
      {
        ...{ id: 'tell', position: [220, 0] },
        ...postTo(sink, { text: '={{ JSON.stringify($json) }}' }, {}, 'Tell'),
      },
    ],
    connections: { Outbox: { main: [[{ node: 'Tell', type: 'main', index: 0 }]] } },
    settings: { executionOrder: 'v1' },
  });
  await n8n.api.publish(id);
  return id;
}

export const noticesIn = (sink: Sink): Notice[] =>
  sink.deliveries.map(({ text }) => JSON.parse(text) as Notice);

/** How often n8n has started it, whatever came of that. */
export async function startsOf(n8n: N8n, workflowId: string): Promise<number> {
  const filter = encodeURIComponent(JSON.stringify({ workflowId }));
  return (await n8n.api.executions(`limit=100&filter=${filter}`)).length;
}
