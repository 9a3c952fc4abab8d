// The promise as a whole: through failing steps and kills, every mail takes effect once.
import { after, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { countUnderKills } from '../support/counted';
import { Dovecot } from '../support/dovecot';
import { N8n } from '../support/n8n';

describe('two hundred mails through a workflow that fails one time in five', { timeout: 20 * 60_000 }, () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('are counted once each, while n8n is killed ten times', async (t) => {
    const dovecot = await cleanup.of(Dovecot.start());
    const n8n = await cleanup.of(N8n.start());
    await countUnderKills(t, { n8n, dovecot, mails: 200, victims: [n8n.main], kills: 10 });
  });
});
