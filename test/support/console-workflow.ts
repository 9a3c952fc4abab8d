// A workflow that serves the Mail Console, as a person would build it.
import type { N8n } from './n8n';

export const LOGIN = { user: 'ann', password: 'a secret of the console' };

/** A workflow with nothing but the node. @returns its id */
export async function consoleWorkflow(n8n: N8n): Promise<string> {
  const { id, name } = await n8n.api.createCredential('Console', 'httpBasicAuth', LOGIN);
  const node = {
    ...{ id: 'console', name: 'Mail Console', type: 'n8n-nodes-durable-mail.mailConsole', typeVersion: 1 },
    ...{ webhookId: 'b6f1c1b0-0a4e-4a54-8d0b-2f8e5a6f7c11', position: [0, 0], parameters: {} },
    credentials: { httpBasicAuth: { id, name } },
  };
  return (await n8n.api.createWorkflow({ name: 'Console', nodes: [node], connections: {} })).id;
}
