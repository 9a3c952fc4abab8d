// Runs whose end does not come the usual way, in queue mode: n8n's database is away when they end, they end before they
// have taken their mail, or n8n tells nodes nothing of the end.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import type { N8nProcess } from '../support/n8n-process';
import { PostedMails } from '../support/posted-mails';
import { QueueModeN8n } from '../support/queue-mode';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { mailWorkflow, postMail } from '../support/workflows';

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Execution {
  readonly id: string;
  readonly status: string;
  readonly workflowId: string;
}

describe('runs that end otherwise', { timeout: 30 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let n8n: QueueModeN8n;
  let dovecot: Dovecot;
  let sink: Sink;
  let other: N8nProcess | null = null;
  const mails = new PostedMails('ends', () => ({ n8n, dovecot, sink }));
  const { published, append, eventsOf, done } = mails;

  before(async () => {
    dovecot = await cleanup.of(Dovecot.start());
    sink = await cleanup.of(Sink.start());
    n8n = await cleanup.of(QueueModeN8n.start());
  });
  after(() => cleanup.run());
  beforeEach(() => mails.begin());
  afterEach(() => back());

  /** The worker that runs mails from now on is set up so. */
  const instead = async (environment: Readonly<Record<string, string>>): Promise<void> => {
    await n8n.worker.down();
    other = await n8n.anotherWorker(environment);
    await other.up();
  };

  const back = async (): Promise<void> => {
    await other?.down();
    other = null;
    await n8n.worker.up();
  };

  const executionsOf = async (workflow: string): Promise<Execution[]> =>
    ((await n8n.api.executions()) as Execution[]).filter(({ workflowId }) => workflowId === workflow);

  const errorsOf = async (workflow: string): Promise<string[]> => {
    const failed = (await executionsOf(workflow)).filter(({ status }) => status === 'error');
    return Promise.all(
      failed.map(async ({ id }) => JSON.stringify(await n8n.api.request('GET', `/rest/executions/${id}`))),
    );
  };

  it('while all databases are away: they count as they ended, and the trigger goes on', async () => {
    let answered = 0;
    sink.answer = async ({ subject }) => {
      if (subject.startsWith('long')) {
        await later(8_000);
        answered++;
      }
      return 200;
    };
    const id = await published({ retrySchedule: '1s, 1s' });
    const long = Array.from({ length: 5 }, (_, index) => `long ${index}`);
    await append(...long);
    await until('all five run', () => sink.deliveries.length === 5, 60_000);
    await n8n.postgres.down();
    await until('their steps are done', () => answered === 5, 60_000);
    await later(3_000);
    await n8n.postgres.up();
    await append('then one', 'then two', 'then three');
    const events = await done(id, 8);
    assert.deepEqual([...sink.counts().values()], Array(8).fill(1), 'each ran once');
    assert.ok(events.every(({ failures }) => failures === 0));
    await n8n.api.unpublish(id);
  });

  it('before they took their mail, since the worker knows no ledger: seldom tried, told once, and then they run', async (t) => {
    await instead({ DURABLE_MAIL_POSTGRES_URL: '' });
    const id = await published();
    await append(...Array.from({ length: 8 }, (_, index) => `waits ${index}`));
    const told = await until(
      'it is told',
      async () => {
        const errors = (await errorsOf(id)).filter((text) => text.includes('runs in a row ended before'));
        return errors.length > 0 && errors;
      },
      120_000,
    );
    await later(30_000);
    const executions = await executionsOf(id);
    t.diagnostic(`${executions.length} executions in the first minute`);
    assert.ok(executions.length <= 20, 'one at a time is tried, after ever longer waits');
    assert.equal(told.length, 1);
    assert.ok(
      (await eventsOf(id)).every(({ failures }) => failures === 0),
      'no try is used up',
    );
    await back();
    await done(id, 8, 240_000);
    assert.deepEqual([...sink.counts().values()], Array(8).fill(1));
    const again = (await errorsOf(id)).filter((text) => text.includes('runs in a row ended before'));
    assert.equal(again.length, 1, 'it was told once');
    await n8n.api.unpublish(id);
  });

  it('on a worker that works on another ledger: an error that names both', async () => {
    await instead({ DURABLE_MAIL_POSTGRES_URL: await n8n.postgres.createDatabase('another_ledger') });
    const id = await published();
    await append('where is it');
    const [text] = await until('it is told', async () => {
      const errors = await errorsOf(id);
      return errors.length > 0 && errors;
    });
    assert.match(text!, /another mail ledger than the one that handed out/);
    assert.match(text!, /\/ledger, schema durable_mail/);
    assert.match(text!, /\/another_ledger, schema durable_mail/);
    await back();
    await done(id, 1, 120_000);
    assert.equal(sink.deliveries.length, 1);
    await n8n.api.unpublish(id);
  });

  it('and are retried at a later step, on a worker that has just begun, in a ledger that a credential names', async () => {
    await n8n.postgres.createDatabase('named_ledger');
    const data = { ...n8n.postgres.login, database: 'named_ledger', ssl: 'disable' };
    const store = await n8n.api.createCredential('Named', 'mailStore', data);
    sink.answer = () => 500;
    const id = await mailWorkflow(n8n, dovecot.login(mails.user), [postMail(sink)], {
      options: { retrySchedule: '' },
      credentials: { mailStore: store },
    });
    await n8n.api.publish(id);
    const events = (): Promise<{ state: string; execution: string }[]> =>
      n8n.postgres.query('named_ledger', 'select state, execution_id as execution from durable_mail.event');
    await until('it is watched', async () => {
      const watched = 'select 1 from durable_mail.subscription where cursor is not null';
      return (await n8n.postgres.query('named_ledger', watched).catch(() => [])).length > 0;
    });
    await append('by hand');
    const dead = await until('it is DEAD', async () =>
      (await events()).find(({ state }) => state === 'DEAD'),
    );
    await n8n.worker.down();
    await n8n.worker.up();
    sink.answer = () => 200;
    await n8n.api.request('POST', `/rest/executions/${dead.execution}/retry`, { loadWorkflow: true });
    await until('it is DONE', async () => (await events())[0]?.state === 'DONE');
    assert.equal(sink.deliveries.length, 2);
    await n8n.api.unpublish(id);
  });

  it('where n8n tells a node nothing: by what main hears, a trigger is not blocked', async () => {
    await instead({ NODE_OPTIONS: `--require ${join(__dirname, '..', 'support', 'without-hooks.cjs')}` });
    sink.answer = ({ subject }, earlier) => (subject === 'mail 3' && earlier === 0 ? 500 : 200);
    const id = await published({ retrySchedule: '1s' });
    await append(...Array.from({ length: 12 }, (_, index) => `mail ${index}`));
    const events = await done(id, 12, 90_000);
    assert.equal(sink.counts().size, 12);
    assert.equal(sink.deliveries.length, 13);
    assert.deepEqual(
      events.map(({ failures }) => failures).sort(),
      [...Array.from({ length: 11 }, () => 0), 1],
      'and a failure is one',
    );
    await n8n.api.unpublish(id);
  });
});
