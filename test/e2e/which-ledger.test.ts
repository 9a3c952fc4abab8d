// Whose a ledger is, and what happens when it is lost, in real n8ns: a clone on its original's ledger, and a volume that
// was not kept.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { PostgresLedgerReader } from '../support/ledger-reader';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { PostgresServer } from '../support/postgres';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { mailWorkflow, postMail } from '../support/workflows';

describe('which ledger', { timeout: 15 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let dovecot: Dovecot;
  let production: N8n;

  before(async () => {
    dovecot = await cleanup.of(Dovecot.start());
  });
  after(() => cleanup.run());

  const append = (user: string, subject: string): Promise<unknown> =>
    dovecot.append(user, [rawMail({ subject })]);

  /** What people are told by failed executions of the workflow, the newest first. */
  const told = async (n8n: N8n, id: string): Promise<string[]> => {
    const failed = (await n8n.api.executions()).filter(
      ({ workflowId, status }) => workflowId === id && status === 'error',
    );
    return Promise.all(
      failed.map(async (execution) =>
        JSON.stringify(await n8n.api.request('GET', `/rest/executions/${execution.id}`)),
      ),
    );
  };

  const isTold = (n8n: N8n, id: string, what: RegExp, deadlineMs = 90_000): Promise<unknown> =>
    until(
      `people are told: ${what}`,
      async () => (await told(n8n, id)).some((text) => what.test(text)),
      deadlineMs,
      500,
    );

  describe('of another n8n', () => {
    let ran: Sink;
    let ranInClone: Sink;
    let reader: PostgresLedgerReader;
    let environment: Record<string, string>;
    let id: string;

    before(async () => {
      const postgres = await cleanup.of(PostgresServer.start());
      const url = await postgres.createDatabase('ledger');
      reader = new PostgresLedgerReader(url);
      environment = { DURABLE_MAIL_POSTGRES_URL: url };
      ran = await cleanup.of(Sink.start());
      ranInClone = await cleanup.of(Sink.start());
      production = await cleanup.of(N8n.start(environment, { ledger: reader }));
      id = await mailWorkflow(production, dovecot.login('owner'), [postMail(ran)]);
      await production.api.publish(id);
      await production.watching(id);
    });

    const ranThere = (sink: Sink, subject: string): Promise<unknown> =>
      until(`"${subject}" ran`, () => sink.counts().has(subject), 60_000);

    it('is used by its owner, who says so in the log, once', async () => {
      await append('owner', 'first');
      await ranThere(ran, 'first');
      const lines = (await production.log())
        .split('\n')
        .filter((line) => line.includes('The mail ledger is'));
      assert.equal(lines.length, 1);
      assert.match(lines[0]!, /Postgres at .*\/ledger, schema durable_mail \(ledger [0-9a-f]+\)/);
    });

    it('is refused to a copy of it with the same id, while the original lives', async () => {
      const twin = await N8n.start(environment, { ledger: reader });
      try {
        const copy = await mailWorkflow(twin, dovecot.login('owner'), [postMail(ranInClone)]);
        await assert.rejects(twin.api.publish(copy), /same instance id .* Take Over/);
        await append('owner', 'second');
        await ranThere(ran, 'second');
        assert.equal(ranInClone.deliveries.length, 0);
      } finally {
        await twin.dispose();
      }
    });

    it('is refused to another n8n, who may take it over by a word; the owner before stops and is told, once', async () => {
      const clone = await cleanup.of(
        N8n.start({ ...environment, N8N_INSTANCE_ID: 'a staging system' }, { ledger: reader }),
      );
      const copy = await mailWorkflow(clone, dovecot.login('owner'), [postMail(ranInClone)]);
      await assert.rejects(clone.api.publish(copy), /belongs to another n8n \(instance .* Take Over/);
      await append('owner', 'third');
      await ranThere(ran, 'third');

      const { id: word } = await clone.api.createWorkflow({
        name: 'Take over',
        nodes: [
          {
            ...{ id: 'hook', name: 'Hook', type: 'n8n-nodes-base.webhook', typeVersion: 2, position: [0, 0] },
            parameters: { path: 'take-over', responseMode: 'lastNode' },
            webhookId: 'take-over',
          },
          {
            ...{ id: 'ledger', name: 'Ledger', type: 'n8n-nodes-durable-mail.mailLedger', typeVersion: 1 },
            position: [220, 0],
            parameters: { resource: 'ledger', operation: 'takeOver' },
          },
        ],
        connections: { Hook: { main: [[{ node: 'Ledger', type: 'main', index: 0 }]] } },
      });
      await clone.api.publish(word);
      const answer = await fetch(`http://127.0.0.1:${clone.port}/webhook/take-over`);
      assert.equal(answer.status, 200, await answer.text());
      await isTold(production, id, /belongs to another n8n \(instance a staging sy/);
      await clone.api.publish(copy);
      await clone.watching(copy);
      await append('owner', 'fourth');
      await ranThere(ranInClone, 'fourth');
      assert.equal(ran.counts().has('fourth'), false);
      assert.equal((await told(production, id)).length, 1);
    });
  });

  describe('was lost', () => {
    let n8n: N8n;
    let sink: Sink;
    let id: string;

    const ledgerFolder = (): string => join(n8n.folder, '.n8n', 'durable-mail');

    before(async () => {
      sink = await cleanup.of(Sink.start());
      n8n = await cleanup.of(N8n.start());
      const client = await dovecot.client('loser');
      const old = Buffer.from(rawMail({ subject: 'from before' }));
      await client.append('INBOX', old, [], new Date(Date.now() - 3_600_000));
      await client.logout();
      id = await mailWorkflow(n8n, dovecot.login('loser'), [postMail(sink)]);
      await n8n.api.publish(id);
      await n8n.watching(id);
      await append('loser', 'one');
      await until('it ran', () => sink.counts().has('one'));
    });

    it('while n8n was off: a person is told, and mail of the meantime runs', async () => {
      await n8n.down();
      await rm(ledgerFolder(), { recursive: true });
      await append('loser', 'while off');
      await n8n.up();
      await until('it ran', () => sink.counts().has('while off'), 90_000);
      await isTold(n8n, id, /does not know this trigger, which had listened at .*made anew/);
      assert.equal(sink.counts().has('from before'), false);
      assert.equal((await told(n8n, id)).length, 1);
    });

    it('under n8n: it is noticed, told, and mail goes on in a new one', async () => {
      await rm(ledgerFolder(), { recursive: true });
      await append('loser', 'into the void, or not');
      await until('it ran', () => sink.counts().has('into the void, or not'), 120_000);
      await append('loser', 'then');
      await until('it ran', () => sink.counts().has('then'), 90_000);
      await until('a second one is told', async () => (await told(n8n, id)).length >= 2, 90_000, 500);
      await n8n.down();
      await n8n.up();
      await append('loser', 'after a restart');
      await until('it ran', () => sink.counts().has('after a restart'), 90_000);
    });
  });
});
