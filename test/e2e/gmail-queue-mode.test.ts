// The Durable Gmail Trigger in queue mode: Pub/Sub calls a process that takes webhooks, main watches the account, a
// worker runs.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { FakeGmail } from '../support/gmail/fake';
import { FORGERIES, type PushTarget } from '../support/gmail/push';
import { assertWhole, GmailInN8n } from '../support/gmail-in-n8n';
import { QueueModeN8n } from '../support/queue-mode';
import { until } from '../support/until';

const PUSHER = 'pusher@project.iam.gserviceaccount.com';
const TOPIC = 'projects/project/topics/mail';
const SUBSCRIPTION = 'projects/project/subscriptions/mail';
/** What people see of n8n from outside; the test calls the process behind it. */
const PUBLIC_URL = 'https://n8n.example.com';
const PATIENCE_MS = 60_000;

describe('the Durable Gmail Trigger in queue mode', { timeout: 10 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let gmail: FakeGmail;
  let n8n: QueueModeN8n;
  let life: GmailInN8n;
  let id: string;
  let target: PushTarget;

  before(async () => {
    gmail = await cleanup.of(FakeGmail.start());
    const environment = { ...gmail.n8nEnvironment, WEBHOOK_URL: `${PUBLIC_URL}/` };
    n8n = await cleanup.of(QueueModeN8n.start(environment, { takesWebhooks: true }));
    life = new GmailInN8n(n8n, gmail, 'ann@example.com');
    id = await life.publish({
      parameters: { notifications: 'push', pubsubTopic: TOPIC, pushServiceAccount: PUSHER },
      // So rarely that a mail would come too late by itself.
      options: { pollEvery: 3_600, certificatesUrl: gmail.certificatesUrl },
    });
    const [trigger] = (await n8n.api.workflow(id)).nodes as [{ webhookId: string }];
    const path = `/webhook/${trigger.webhookId}/gmail-push`;
    target = {
      endpoint: `http://127.0.0.1:${n8n.webhook.port}${path}`,
      audience: `${PUBLIC_URL}${path}`,
      serviceAccount: PUSHER,
    };
    await until('Google announces news', () => gmail.pubsub.watched(life.account.address), PATIENCE_MS);
  });
  after(async () => {
    await life.close();
    await cleanup.run();
  });

  const accepted = (): number => gmail.push.sent.filter(({ status }) => status === 204).length;

  it('refuses forged pushes on the process that takes webhooks, and does nothing for them', async () => {
    const { address, historyId } = life.account;
    const units = life.account.spent();
    for (const forgery of FORGERIES)
      assert.equal(await gmail.push.post(target, address, historyId, forgery), 401, forgery);
    assert.equal(life.account.spent(), units);
  });

  it('is woken in main by a push that the process for webhooks took; the worker runs the mail, once', async () => {
    // Nobody calls main: what it knows, it knows through the ledger's database.
    gmail.pubsub.subscribe(SUBSCRIPTION, TOPIC, target);
    await n8n.worker.down();
    life.deliver(1);
    await until(
      'main has recorded the mail',
      async () => (await life.events(id)).some(({ attempt }) => attempt > 0),
      PATIENCE_MS,
    );
    assert.equal(accepted(), 1);
    assert.equal(life.ran(id), 0, 'there is nobody to run it');
    await n8n.worker.up();
    assertWhole(await life.tally());
  });

  it('runs mails later that come while main is down, and answers their pushes', async () => {
    const before = accepted();
    await n8n.main.down();
    life.deliver(3);
    await until('the push is taken', () => accepted() > before, PATIENCE_MS);
    await n8n.main.up();
    assertWhole(await life.tally());
    assert.deepEqual(
      gmail.push.sent.map(({ status }) => status).filter((status) => status !== 204),
      [],
      'no push was sent in vain',
    );
  });
});
