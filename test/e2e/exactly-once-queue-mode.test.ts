// The promise as a whole in queue mode, where a worker runs what main has read: every mail takes effect once.
import { after, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { countUnderKills } from '../support/counted';
import { Dovecot } from '../support/dovecot';
import { QueueModeN8n } from '../support/queue-mode';

describe('two hundred mails through a workflow that fails one time in five', { timeout: 20 * 60_000 }, () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('are counted once each, while the worker of queue mode is killed five times', async (t) => {
    const dovecot = await cleanup.of(Dovecot.start());
    const n8n = await cleanup.of(QueueModeN8n.start());
    await countUnderKills(t, { n8n, dovecot, victim: n8n.worker, kills: 5 });
  });
});
