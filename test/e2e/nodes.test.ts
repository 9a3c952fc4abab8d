// What the nodes do in a real n8n, each in a workflow as a person would build it.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Bench } from './nodes/bench';
import { leftBehindTests } from './nodes/left-behind';
import { mailLedgerTests } from './nodes/mail-ledger';
import { runOnceTests } from './nodes/run-once';
import { storedContentTests } from './nodes/stored-content';
import { templateTests } from './nodes/templates';

describe('the nodes in a real n8n', { timeout: 30 * 60_000 }, () => {
  const bench = new Bench();
  before(() => bench.start());
  after(() => bench.dispose());
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  runOnceTests(bench);
  mailLedgerTests(bench);
  leftBehindTests(bench);
  storedContentTests(bench);
  templateTests(bench);

  it('are offered as tools of an agent, too', async () => {
    const { n8n } = bench;
    const response = await fetch(`http://127.0.0.1:${n8n.port}/types/nodes.json`, {
      headers: { cookie: `n8n-auth=${n8n.api.cookie}` },
    });
    const names = ((await response.json()) as { name: string }[]).map(({ name }) => name);
    const tools = ['runOnce', 'mailLedger', 'durableSend', 'durableWebhook'];
    for (const name of [
      ...tools,
      ...tools.map((tool) => `${tool}Tool`),
      'durableImapTrigger',
      'outboxTrigger',
    ])
      assert.ok(names.includes(`n8n-nodes-durable-mail.${name}`), name);
  });
});
