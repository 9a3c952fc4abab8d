// The ledger's database goes away under a real n8n, takes no changes, or has no space left: mail is delayed, never lost.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { run } from '../../tools/shell.mjs';
import { answering } from '../support/answering';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { PostgresLedgerReader } from '../support/ledger-reader';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { PostgresServer } from '../support/postgres';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { IdempotentReceiver } from '../support/webhook/idempotent';
import { errorWorkflow, mailWorkflow, postMail } from '../support/workflows';
import { webhook } from './nodes/bench';

const GONE_MS = 60_000;

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a ledger in Postgres', { timeout: 30 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let postgres: PostgresServer;
  let dovecot: Dovecot;
  let sink: Sink;
  let receiver: IdempotentReceiver;
  let n8n: N8n;
  let id: string;
  let user: string;
  let users = 0;
  let sent: string[];

  before(async () => {
    postgres = await cleanup.of(PostgresServer.start());
    dovecot = await cleanup.of(Dovecot.start());
    sink = await cleanup.of(Sink.start());
    receiver = await cleanup.of(IdempotentReceiver.open());
    const url = await postgres.createDatabase('ledger');
    const environment = {
      DURABLE_MAIL_POSTGRES_URL: url,
      DURABLE_MAIL_WEBHOOK_OWN_NETWORK: `127.0.0.1:${receiver.receiver.port}`,
    };
    n8n = await cleanup.of(N8n.start(environment, { ledger: new PostgresLedgerReader(url) }));
  });
  after(() => cleanup.run());
  beforeEach(async () => {
    user = `away${++users}`;
    sent = [];
    sink.reset();
    sink.answer = async () => {
      await later(500);
      return 200;
    };
    const options = { retrySchedule: '1s, 1s, 1s, 1s', startWithin: 0.5 };
    id = await mailWorkflow(n8n, dovecot.login(user), [postMail(sink)], { options });
    await n8n.api.publish(id);
    await n8n.watching(id);
  });
  afterEach(() => n8n.api.unpublish(id));

  const append = async (count: number): Promise<void> => {
    const subjects = Array.from(
      { length: count },
      () => `mail ${sent.length} ${randomBytes(4).toString('hex')}`,
    );
    sent.push(...subjects);
    await dovecot.append(
      user,
      subjects.map((subject) => rawMail({ subject })),
    );
  };

  const allDone = (): Promise<unknown> =>
    until(
      'every mail is done',
      async () => {
        const events = (await n8n.events()).filter(({ workflow }) => workflow === id);
        return events.length === sent.length && events.every(({ state }) => state === 'DONE');
      },
      240_000,
      500,
    );

  const figures = (): string => {
    const counts = sink.counts();
    const repeated = [...counts.values()].filter((count) => count > 1).length;
    return `${sent.length} mails, lost ${sent.filter((subject) => !counts.has(subject)).length}, run more than once ${repeated}`;
  };

  it('restarted while mails arrive and run, orderly and by a crash: none is lost', async (t) => {
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      const seen = sink.deliveries.length;
      await append(20);
      await until('runs are under way', () => sink.deliveries.length > seen + 3);
      await postgres.down(signal);
      await append(5);
      await postgres.up();
      await append(5);
    }
    await allDone();
    t.diagnostic(figures());
    assert.deepEqual([...sink.counts().keys()].sort(), [...sent].sort());
    assert.deepEqual(await n8n.api.triggers(id), ['activated']);
  });

  it('gone for a minute: the trigger rides it out, none is lost, and what had run does not run again', async (t) => {
    const outgoing = await answering({ n8n, dovecot, receiver, cleanup });
    await append(20);
    await outgoing.append(20);
    await until('runs are under way', () => sink.deliveries.length > 3 && outgoing.isUnderWay(), 60_000, 5);
    await postgres.down('SIGINT');
    await append(5);
    await outgoing.append(5);
    await later(GONE_MS);
    assert.deepEqual(await n8n.api.triggers(id), ['activated']);
    await postgres.up();
    await append(5);
    await outgoing.append(5);
    await allDone();
    t.diagnostic(figures());
    t.diagnostic(await outgoing.allOut());
    assert.equal(sink.counts().size, sent.length);
    assert.equal(sink.deliveries.length, sent.length, 'each ran once');
    assert.deepEqual(await n8n.api.triggers(id), ['activated']);
  });

  it('that takes no changes: a clear error, the cursor stays, and the mail runs when it takes them again', async () => {
    await append(1);
    await allDone();
    const cursor = (): Promise<{ cursor: string }[]> =>
      n8n.ledger(`select cursor from subscription where workflow_id = '${id}'`);
    const before = await cursor();
    const readOnly = async (on: boolean): Promise<void> => {
      await postgres.query(
        'postgres',
        `alter database ledger set default_transaction_read_only = ${on ? 'on' : 'off'}`,
      );
      await postgres.query(
        'postgres',
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'ledger'",
      );
    };
    await readOnly(true);
    await append(1);
    await until(
      'it is reported',
      async () => {
        const failed = (await n8n.api.executions()).filter(
          ({ workflowId, status }) => workflowId === id && status === 'error',
        );
        for (const { id } of failed) {
          const { data } = (await n8n.api.request('GET', `/rest/executions/${id}`)) as { data: string };
          if (/read-only/i.test(data) && data.includes('is not being read')) return true;
        }
        return false;
      },
      120_000,
    );
    assert.deepEqual(await cursor(), before);
    await readOnly(false);
    await allDone();
    assert.equal(sink.deliveries.length, 2);
  });
});

describe('a ledger that a Mail Store credential names', { timeout: 10 * 60_000 }, () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('holds the mails of that trigger; an edited credential is followed without publishing again', async () => {
    const postgres = await cleanup.of(PostgresServer.start());
    const dovecot = await cleanup.of(Dovecot.start());
    const sink = await cleanup.of(Sink.start());
    const n8n = await cleanup.of(N8n.start());
    await postgres.createDatabase('first');
    await postgres.createDatabase('second');
    const mailStore = (database: string): { name: string; type: string; data: object } => ({
      name: 'Mail Store',
      type: 'mailStore',
      data: { ...postgres.login, database, ssl: 'disable', schema: 'mail_of_n8n' },
    });
    const { name, type, data } = mailStore('first');
    const credential = await n8n.api.createCredential(name, type, data);
    const tested = await n8n.api.testCredential({ id: credential.id, ...mailStore('first') });
    assert.equal(tested.status, 'OK', tested.message);
    const wrong = { ...mailStore('first'), data: { ...data, password: 'wrong' } };
    const refused = await n8n.api.testCredential({ id: credential.id, ...wrong });
    assert.equal(refused.status, 'Error');
    assert.match(refused.message, /password/i);

    const id = await mailWorkflow(n8n, dovecot.login('store'), [postMail(sink)], {
      credentials: { mailStore: { id: credential.id, name } },
    });
    await n8n.api.publish(id);
    const states = async (database: string): Promise<string[]> =>
      (await postgres.query<{ state: string }>(database, 'select state from mail_of_n8n.event')).map(
        ({ state }) => state,
      );
    await dovecot.append('store', [rawMail({ subject: 'one' })]);
    await until('it is done', async () => (await states('first')).join() === 'DONE');

    await n8n.api.updateCredential(credential.id, mailStore('second'));
    const subscribed = 'select 1 from mail_of_n8n.subscription where cursor is not null';
    await until(
      'the trigger has moved',
      async () => (await postgres.query('second', subscribed)).length === 1,
      150_000,
    );
    await dovecot.append('store', [rawMail({ subject: 'two' })]);
    await until('it has run', () => sink.counts().get('two') === 1, 60_000);
    await until('it is done there', async () => (await states('second')).every((state) => state === 'DONE'));
    // Another ledger does not know what ran before; it begins a minute earlier, since clocks differ.
    assert.ok((await states('second')).length <= 2);
    assert.deepEqual(await states('first'), ['DONE'], 'nothing more came there');
  });
});

describe('a ledger that is away when a workflow is published', { timeout: 10 * 60_000 }, () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('is told at once, in our words, and the workflow runs when the ledger is there', async () => {
    const postgres = await cleanup.of(PostgresServer.start());
    const dovecot = await cleanup.of(Dovecot.start());
    const sink = await cleanup.of(Sink.start());
    const n8n = await cleanup.of(N8n.start());
    await postgres.createDatabase('away');
    const data = { ...postgres.login, database: 'away', ssl: 'disable' };
    const store = await n8n.api.createCredential('Away', 'mailStore', data);
    const heard = await cleanup.of(Sink.start());
    const errors = await errorWorkflow(n8n, heard);
    await postgres.down();
    const id = await mailWorkflow(n8n, dovecot.login('away'), [postMail(sink)], {
      credentials: { mailStore: store },
      settings: { errorWorkflow: errors },
    });
    await n8n.api.publish(id);
    // Far sooner than an outage is told of a trigger that has listened before.
    const told = await until(
      'it is told',
      async () => {
        const first = (await n8n.api.executions()).find(({ workflowId }) => workflowId === id);
        if (!first) return false;
        return ((await n8n.api.request('GET', `/rest/executions/${first.id}`)) as { data: string }).data;
      },
      60_000,
    );
    const port = postgres.login.port;
    assert.match(told, new RegExp(`is not being read: [^"]*127\\.0\\.0\\.1:${port}[^"]*`));
    const inOurWords = new RegExp(`Postgres at [^"]*:${port}/away cannot be reached: [^"]*ECONNREFUSED`);
    assert.match(told, inOurWords);
    assert.doesNotMatch(told, /perhaps it is offline/, "nor in n8n's words");
    const report = await until('the error workflow hears of it', () => heard.deliveries[0]?.text, 60_000);
    assert.match(report, inOurWords);
    assert.doesNotMatch(report, /perhaps it is offline/);

    // A run says it of the same ledger, in the list of executions and where a later step is handed the error.
    const asking = await n8n.api.createWorkflow({
      name: 'Asking',
      nodes: [
        { id: 'call', position: [0, 0], ...webhook('asks-the-ledger') },
        {
          ...{ id: 'ledger', name: 'Mail Ledger', type: 'n8n-nodes-durable-mail.mailLedger' },
          ...{ typeVersion: 1, position: [220, 0], credentials: { mailStore: store } },
          parameters: { resource: 'event', operation: 'getAll', mailStore: 'postgres' },
        },
      ],
      connections: { Call: { main: [[{ node: 'Mail Ledger', type: 'main', index: 0 }]] } },
      settings: { executionOrder: 'v1', errorWorkflow: errors },
    });
    await n8n.api.publish(asking.id);
    await fetch(`http://127.0.0.1:${n8n.port}/webhook/asks-the-ledger`, { method: 'POST' });
    const ofTheRun = await until(
      'the run has failed',
      async () => {
        const failed = (await n8n.api.executions()).find(({ workflowId }) => workflowId === asking.id);
        if (failed?.status !== 'error') return false;
        return ((await n8n.api.request('GET', `/rest/executions/${failed.id}`)) as { data: string }).data;
      },
      60_000,
    );
    const reportOfTheRun = await until(
      'the error workflow hears of that, too',
      () => heard.deliveries.find(({ text }) => text.includes('Mail Ledger'))?.text,
      60_000,
    );
    for (const text of [ofTheRun, reportOfTheRun]) {
      assert.match(text, inOurWords);
      assert.doesNotMatch(text, /perhaps it is offline/);
    }
    await postgres.up();
    await until('it listens', async () => {
      const begun = 'select 1 from durable_mail.subscription where cursor is not null';
      return (await postgres.query('away', begun).catch(() => [])).length > 0;
    });
    await dovecot.append('away', [rawMail({ subject: 'runs' })]);
    await until('it runs', () => sink.accepted.length === 1, 60_000);
  });
});

describe('a ledger in SQLite', { timeout: 10 * 60_000 }, () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it(
    'on a full disk: a clear error, the cursor stays, and the mail runs when there is space again',
    { skip: process.getuid?.() === 0 ? false : 'a small disk can be mounted as root only' },
    async () => {
      const dovecot = await cleanup.of(Dovecot.start());
      const sink = await cleanup.of(Sink.start());
      const n8n = await cleanup.of(N8n.start());
      const disk = join(n8n.folder, '.n8n', 'durable-mail');
      await mkdir(disk, { recursive: true });
      await run('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk]);
      try {
        await chmod(disk, 0o700);
        const id = await mailWorkflow(n8n, dovecot.login('full'), [postMail(sink)]);
        await n8n.api.publish(id);
        await n8n.watching(id);
        const ballast = join(disk, 'ballast');
        await writeFile(ballast, Buffer.alloc(4 * 1024 * 1024));
        const cursor = (): Promise<unknown> => n8n.ledger('select cursor from subscription');
        const before = await cursor();
        const attachment = { name: 'random.bin', content: randomBytes(2 * 1024 * 1024) };
        await dovecot.append('full', [rawMail({ subject: 'large', attachment })]);
        await until(
          'it is reported',
          async () => {
            for (const { id: execution } of await n8n.api.executions()) {
              const { data } = (await n8n.api.request('GET', `/rest/executions/${execution}`)) as {
                data: string;
              };
              if (/disk is full/i.test(data) && data.includes('is not being read')) return true;
            }
            return false;
          },
          120_000,
        );
        assert.deepEqual(await cursor(), before);
        await rm(ballast);
        await until('the mail has run', () => sink.accepted.length === 1, 180_000);
        await n8n.down();
      } finally {
        await n8n.down('SIGKILL');
        await run('umount', [disk]);
      }
    },
  );
});
