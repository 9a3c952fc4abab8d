// In queue mode, where a worker runs what main has read, a workflow of guarded steps goes on where it broke, too.
import { after, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { QueueModeN8n } from '../support/queue-mode';
import { resumeUnderKills } from '../support/resumed';

describe('a workflow of four guarded steps', { timeout: 20 * 60_000 }, () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('comes to the end that an undisturbed run has, while the worker of queue mode is killed five times', async (t) => {
    const dovecot = await cleanup.of(Dovecot.start());
    const n8n = await cleanup.of(QueueModeN8n.start());
    await resumeUnderKills(t, { n8n, dovecot, victim: n8n.worker, kills: 5, resumeEvery: 2 });
  });
});
