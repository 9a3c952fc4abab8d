// Durable Webhook and Outbox Trigger in a real n8n, with a real receiver.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { Receiver } from '../support/webhook/receiver';
import { mailWorkflow, postTo, type Step } from '../support/workflows';

const PATIENCE_MS = 120_000;
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

describe('Durable Webhook', { timeout: 15 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let dovecot: Dovecot;
  let n8n: N8n;
  let sink: Sink;
  let receiver: Receiver;
  let post: Step & { credentials: object };
  let users = 0;

  before(async () => {
    dovecot = await cleanup.of(Dovecot.start());
    receiver = await Receiver.open();
    await cleanup.of(Promise.resolve({ close: () => receiver[Symbol.asyncDispose]() }));
    sink = await cleanup.of(Sink.start());
    n8n = await cleanup.of(N8n.start({ DURABLE_MAIL_WEBHOOK_OWN_NETWORK: `127.0.0.1:${receiver.port}` }));
    const { id, name } = await n8n.api.createCredential('CRM', 'durableWebhookSigning', {
      ...{ secret: SECRET, previousSecret: '' },
    });
    post = {
      ...{ name: 'Post', type: 'n8n-nodes-durable-mail.durableWebhook', typeVersion: 1 },
      credentials: { durableWebhookSigning: { id, name } },
      parameters: { operation: 'send', url: receiver.url(), signing: 'standard' },
    };
  });
  after(() => cleanup.run());

  const tell = (subject: string): Step =>
    postTo(sink, { subject, attempt: '0', text: '={{ JSON.stringify($json) }}' }, {}, 'Tell');

  /** A published workflow that begins with a mail. @returns its id */
  async function begun(subject: string, steps: readonly Step[]): Promise<string> {
    receiver.received.length = 0;
    sink.reset();
    const user = `poster${++users}`;
    const id = await mailWorkflow(n8n, dovecot.login(user), steps, {
      options: { retrySchedule: '1s, 1s' },
    });
    await n8n.api.publish(id);
    await n8n.watching(id);
    await dovecot.append(user, [rawMail({ subject })]);
    return id;
  }

  const settled = (id: string): Promise<{ state: string; lastError: string | null }> =>
    until(
      'the mail is settled',
      async () =>
        (await n8n.events()).find((event) => event.workflow === id && /DONE|DEAD/.test(event.state)),
      PATIENCE_MS,
    );

  it('posts once where a later step fails, signed, and hands the same answer to the retry', async () => {
    receiver.answering = (response) => void response.end('taken');
    const id = await begun('once', [post, tell('once')]);
    sink.answer = (_, earlier) => (earlier === 0 ? 500 : 200);
    assert.equal((await settled(id)).state, 'DONE');
    assert.equal(receiver.received.length, 1);
    const { headers, body } = receiver.received[0]!;
    new Webhook(SECRET).verify(body.toString(), headers as never);
    const [first, again] = sink.deliveries.map(({ text }) => JSON.parse(text) as { outbox: object });
    assert.deepEqual(again, { ...first, outbox: { ...first!.outbox, repeated: true } });
  });

  it('starts the Outbox Trigger when it has failed for good', async () => {
    const { id: watching } = await n8n.api.createWorkflow({
      name: 'What failed',
      nodes: [
        {
          ...{ id: 'outbox', name: 'Outbox', type: 'n8n-nodes-durable-mail.outboxTrigger', typeVersion: 1 },
          ...{ position: [0, 0], parameters: { when: ['failed'], entryKind: 'webhook' } },
        },
        { id: 'tell', position: [220, 0], ...tell('failed') },
      ],
      connections: { Outbox: { main: [[{ node: 'Tell', type: 'main', index: 0 }]] } },
      settings: { executionOrder: 'v1' },
    });
    await n8n.api.publish(watching);
    receiver.answering = (response) => void response.writeHead(410).end('gone');
    const id = await begun('gone', [post]);
    sink.answer = () => 200;
    const { state, lastError } = await settled(id);
    assert.equal(state, 'DEAD');
    assert.match(lastError ?? '', /The webhook was not sent/);
    await until('the trigger has started', async () => sink.deliveries.length > 0, PATIENCE_MS);
    const told = JSON.parse(sink.deliveries[0]!.text) as { reason: string; entry: Record<string, unknown> };
    assert.equal(told.reason, 'FAILED');
    assert.equal(told.entry['workflowId'], id);
    assert.match(told.entry['error'] as string, /410/);
    assert.equal(receiver.received.length, 1);
    assert.equal(sink.deliveries.length, 1);
  });
});
