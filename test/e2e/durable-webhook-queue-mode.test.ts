// Durable Webhook, an endpoint and an Outbox Trigger in queue mode, while the worker is killed.
import { after, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { postUnderKills } from '../support/posted-under-kills';
import { QueueModeN8n } from '../support/queue-mode';
import { IdempotentReceiver } from '../support/webhook/idempotent';

describe('Durable Webhook in queue mode', { timeout: 15 * 60_000 }, () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('posts for each mail under one id, while the worker is killed twice', async (t) => {
    const dovecot = await cleanup.of(Dovecot.start());
    const receiver = await cleanup.of(IdempotentReceiver.open());
    const allowed = `127.0.0.1:${receiver.receiver.port}`;
    const n8n = await cleanup.of(QueueModeN8n.start({ DURABLE_MAIL_WEBHOOK_OWN_NETWORK: allowed }));
    await postUnderKills(t, { ...{ n8n, dovecot, receiver, victim: n8n.worker }, mails: 30, kills: 2 });
  });
});
