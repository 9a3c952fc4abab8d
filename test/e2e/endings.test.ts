// How runs end in regular mode, with the ledger in SQLite.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { endingsOfRuns, type Servers } from '../support/endings';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { retriesByHand } from '../support/retries-by-hand';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { mailWorkflow, postMail } from '../support/workflows';

describe('n8n in regular mode', { timeout: 30 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let servers: Servers;

  before(async () => {
    servers = {
      dovecot: await cleanup.of(Dovecot.start()),
      sink: await cleanup.of(Sink.start()),
      n8n: await cleanup.of(N8n.start()),
    };
  });
  after(() => cleanup.run());

  endingsOfRuns('regular mode', () => servers);
  retriesByHand('regular mode', () => servers);

  it('killed while a mail ran at most once: UNKNOWN, and it is reported', async () => {
    const { n8n, dovecot, sink } = servers;
    sink.reset();
    sink.answer = () => new Promise(() => undefined);
    const id = await mailWorkflow(n8n, dovecot.login('once'), [postMail(sink)], {
      options: { guarantee: 'atMostOnce', retrySchedule: '1s' },
    });
    await n8n.api.publish(id);
    await n8n.watching(id);
    await dovecot.append('once', [rawMail({ subject: 'cut off' })]);
    // What other workflows still tell of their mails comes here, too.
    const begun = (): number => sink.counts().get('cut off') ?? 0;
    await until('its run is under way', () => begun() === 1);
    await n8n.down('SIGKILL');
    await n8n.up();
    const eventOf = async (): Promise<string | undefined> =>
      (await n8n.events()).find(({ workflow }) => workflow === id)?.state;
    await until('nobody knows how it ended', async () => (await eventOf()) === 'UNKNOWN', 240_000);
    await until('it is reported', async () => {
      const executions = await n8n.api.executions();
      return executions.some(({ status, workflowId }) => status === 'error' && workflowId === id);
    });
    assert.equal(begun(), 1, 'it did not run again');
    await n8n.api.unpublish(id);
  });

  it("refuses a workflow on n8n's engine 2.0, and says what to choose", async () => {
    const { n8n, dovecot, sink } = servers;
    const id = await mailWorkflow(n8n, dovecot.login('engine'), [postMail(sink)], {
      settings: { engineType: 'v2' },
    });
    await assert.rejects(n8n.api.publish(id), /Choose engine 1/);
  });
});
