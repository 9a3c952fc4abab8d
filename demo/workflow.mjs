// The demo's workflow: every mail becomes one run with a short summary.

/** @param {{ id: string, name: string }} credential */
export const demoWorkflow = (credential) => ({
  name: 'Durable mail demo',
  nodes: [
    {
      id: '5b1d3b5e-6c0e-4f0a-9a55-0c6f5a0d1e01',
      name: 'Durable IMAP Trigger',
      type: 'n8n-nodes-durable-mail.durableImapTrigger',
      typeVersion: 1,
      position: [0, 0],
      parameters: { mailbox: 'INBOX' },
      credentials: { imap: { id: credential.id, name: credential.name } },
    },
    {
      id: '5b1d3b5e-6c0e-4f0a-9a55-0c6f5a0d1e02',
      name: 'Summary',
      type: 'n8n-nodes-base.set',
      typeVersion: 3.4,
      position: [240, 0],
      parameters: {
        assignments: {
          assignments: [
            { id: '1', name: 'from', type: 'string', value: '={{ $json.from }}' },
            { id: '2', name: 'subject', type: 'string', value: '={{ $json.subject }}' },
            { id: '3', name: 'text', type: 'string', value: '={{ $json.textPlain.trim() }}' },
            {
              id: '4',
              name: 'idempotencyKey',
              type: 'string',
              value: '={{ $json.delivery.idempotencyKey }}',
            },
          ],
        },
      },
    },
    {
      id: '5b1d3b5e-6c0e-4f0a-9a55-0c6f5a0d1e03',
      name: 'Note',
      type: 'n8n-nodes-base.stickyNote',
      typeVersion: 1,
      position: [-40, -240],
      parameters: {
        width: 460,
        height: 180,
        content:
          '## Every mail, once\nThis workflow is published. Send it a mail from a second terminal:\n\n`npm run demo:send -- "Hello"`\n\nThen look under **Executions**: one run for each mail.',
      },
    },
  ],
  connections: {
    'Durable IMAP Trigger': { main: [[{ node: 'Summary', type: 'main', index: 0 }]] },
  },
});
