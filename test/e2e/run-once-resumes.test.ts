// A workflow of guarded steps goes on where it broke: with what its steps were answered, which nobody asks for twice.
import { after, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { N8n } from '../support/n8n';
import { resumeUnderKills } from '../support/resumed';

describe('a workflow of four guarded steps', { timeout: 20 * 60_000 }, () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('comes to the end that an undisturbed run has, while n8n is killed thirty times', async (t) => {
    const dovecot = await cleanup.of(Dovecot.start());
    const n8n = await cleanup.of(N8n.start());
    await resumeUnderKills(t, { n8n, dovecot, victim: n8n.main, kills: 30, resumeEvery: 15 });
  });
});
