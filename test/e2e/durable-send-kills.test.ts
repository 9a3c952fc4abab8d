// The promise as a whole for what goes out: through failing steps and kills, each customer gets one answer.
import { after, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { SENT } from '../support/durable-send';
import { N8n } from '../support/n8n';
import { QueueModeN8n } from '../support/queue-mode';
import { sendUnderKills } from '../support/sent-under-kills';

/** Ten of them, with 200 mails, take four minutes more: `DURABLE_MAIL_KILLS=10`. */
const KILLS = Number(process.env['DURABLE_MAIL_KILLS'] ?? 5);
const MAILS_A_KILL = 20;

describe('mails, each answered behind a step that fails one time in five', { timeout: 30 * 60_000 }, () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('are answered once each, while n8n is killed again and again, and Sent settles what is in doubt', async (t) => {
    const dovecot = await cleanup.of(Dovecot.start({ sent: SENT }));
    const n8n = await cleanup.of(N8n.start());
    await sendUnderKills(t, {
      n8n,
      dovecot,
      victim: n8n.main,
      kills: KILLS,
      mails: KILLS * MAILS_A_KILL,
      filed: true,
    });
    await cleanup.run();
  });

  it('are answered once each, while the worker of queue mode is killed three times', async (t) => {
    const dovecot = await cleanup.of(Dovecot.start());
    const n8n = await cleanup.of(QueueModeN8n.start());
    await sendUnderKills(t, { n8n, dovecot, victim: n8n.worker, kills: 3, mails: 60 });
  });
});
