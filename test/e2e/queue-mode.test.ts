// How runs end in queue mode: main listens, a worker runs, Postgres holds the ledger; each of them dies.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { consoleWorkflow } from '../support/console-workflow';
import { Dovecot } from '../support/dovecot';
import { endingsOfRuns, type Servers } from '../support/endings';
import { PostedMails } from '../support/posted-mails';
import { QueueModeN8n } from '../support/queue-mode';
import { retriesByHand } from '../support/retries-by-hand';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { mailWorkflow, postMail } from '../support/workflows';

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('n8n in queue mode without Postgres for the ledger', { timeout: 5 * 60_000 }, () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('refuses to publish, and says why and what to set', async () => {
    const dovecot = await cleanup.of(Dovecot.start());
    const sink = await cleanup.of(Sink.start());
    const n8n = await cleanup.of(QueueModeN8n.start({ DURABLE_MAIL_POSTGRES_URL: '' }));
    const id = await mailWorkflow(n8n, dovecot.login('refused'), [postMail(sink)]);
    for (const workflow of [id, await consoleWorkflow(n8n)]) {
      await assert.rejects(
        n8n.api.publish(workflow),
        /Queue mode needs a mail ledger .* DURABLE_MAIL_POSTGRES_URL/,
      );
    }
  });
});

describe('n8n in queue mode', { timeout: 40 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let servers: Servers & { readonly n8n: QueueModeN8n };
  let n8n: QueueModeN8n;
  let dovecot: Dovecot;
  let sink: Sink;
  const mails = new PostedMails('queue', () => servers);
  const { published, append, eventsOf, done } = mails;

  before(async () => {
    dovecot = await cleanup.of(Dovecot.start());
    sink = await cleanup.of(Sink.start());
    n8n = await cleanup.of(QueueModeN8n.start());
    servers = { dovecot, sink, n8n };
  });
  after(() => cleanup.run());
  beforeEach(() => mails.begin());

  endingsOfRuns('queue mode', () => servers);
  retriesByHand('queue mode', () => servers);

  it('runs a burst on the worker as fast as it takes it, each mail once', async () => {
    const id = await published();
    await append(...Array.from({ length: 40 }, (_, index) => `burst ${index}`));
    await done(id, 40);
    assert.equal(sink.counts().size, 40);
    assert.ok([...sink.counts().values()].every((count) => count === 1));
    await n8n.api.unpublish(id);
  });

  it('worker killed while it runs: the mail is tried again when the worker is back', async () => {
    sink.answer = async (_, earlier) => {
      if (earlier === 0) await later(60_000);
      return 200;
    };
    const id = await published({ retrySchedule: '1s, 1s' });
    await append('cut off with the worker');
    await until('its run is under way', () => sink.deliveries.length === 1, 60_000);
    await n8n.worker.down('SIGKILL');
    await n8n.worker.up();
    const [event] = await done(id, 1);
    assert.ok(event!.failures >= 1);
    assert.equal(sink.accepted.length, 1);
    await n8n.api.unpublish(id);
  });

  it('main killed while a worker goes on: the run ends there, and counts', async () => {
    sink.answer = async () => {
      // Longer than main is away, and than a lease.
      await later(45_000);
      return 200;
    };
    const id = await published({ retrySchedule: '1s' });
    await append('goes on');
    await until('its run is under way', () => sink.deliveries.length === 1, 60_000);
    await n8n.main.down('SIGKILL');
    await n8n.main.up();
    const [event] = await done(id, 1);
    assert.deepEqual([event?.attempt, event?.failures], [1, 0]);
    assert.equal(sink.deliveries.length, 1, 'it ran once');
    await n8n.api.unpublish(id);
  });

  it('a clock that jumps while both processes stand still: forward, nothing runs twice; back, nothing waits for it', async () => {
    const HOUR_MS = 3_600_000;
    /** What is stored lies so much further ahead, as if the database's clock had been set back. */
    const shift = async (ms: number): Promise<void> => {
      await n8n.ledger(`update event set due_at = due_at + ${ms}, lease_until = lease_until + ${ms}`);
      await n8n.ledger(`update source set held_until = held_until + ${ms}`);
    };
    sink.answer = async () => {
      await later(60_000);
      return 200;
    };
    const id = await published();
    await append('goes on');
    await until('its run is under way', () => sink.deliveries.length === 1, 60_000);
    await shift(-HOUR_MS);
    n8n.main.freeze();
    n8n.worker.freeze();
    // Longer than a lease.
    await later(35_000);
    n8n.main.resume();
    n8n.worker.resume();
    const [event] = await done(id, 1);
    assert.deepEqual([event?.attempt, event?.failures], [1, 0]);
    assert.equal(sink.deliveries.length, 1, 'it ran once');
    sink.reset();
    sink.answer = async (_, earlier) => (earlier === 0 ? 500 : 200);
    await append('tried again');
    await until('it waits for its retry', async () =>
      (await eventsOf(id)).some(({ state }) => state === 'RETRY'),
    );
    await shift(HOUR_MS);
    await done(id, 2);
    assert.equal(sink.accepted.length, 1);
    await n8n.api.unpublish(id);
  });

  it('a worker that is away for longer than a run may wait: the old jobs end empty, each mail runs once', async (t) => {
    const id = await published({ startWithin: 0.5 });
    await n8n.worker.down();
    await append('late one', 'late two', 'late three');
    await until(
      'they are offered a second time',
      async () => {
        const events = await eventsOf(id);
        return events.length === 3 && events.every(({ attempt }) => attempt >= 2);
      },
      180_000,
    );
    await n8n.worker.up();
    await done(id, 3);
    // The jobs of the first offers are in Redis still: they are run, and find nothing to do.
    const executions = await until('n8n has run them all', async () => {
      const of = (await n8n.api.executions()).filter(({ workflowId }) => workflowId === id);
      return of.length >= 6 && of.every(({ status }) => status === 'success') && of;
    });
    t.diagnostic(`3 mails, executions ${executions.length}, deliveries ${sink.deliveries.length}`);
    assert.equal(sink.deliveries.length, 3);
    await n8n.api.unpublish(id);
  });

  it('Redis restarted empty while jobs wait in it: they are offered again, each runs once', async (t) => {
    const id = await published({ startWithin: 0.5 });
    await n8n.worker.down();
    const count = 12;
    await append(...Array.from({ length: count }, (_, index) => `lost on the way ${index}`));
    // As many as may run at once; where Bull, n8n's queue, has its waiting jobs.
    await until('jobs wait in Redis', async () => (await n8n.redis.length('bull:jobs:wait')) === 5, 60_000);
    await n8n.redis.down('SIGKILL');
    await n8n.redis.up();
    await n8n.worker.up();
    const events = await done(id, count);
    const counts = sink.counts();
    const again = events.filter(({ attempt }) => attempt > 1).length;
    t.diagnostic(
      `${count} mails, offered again ${again}, lost ${count - counts.size}, run more than once ${sink.deliveries.length - counts.size}`,
    );
    assert.equal(counts.size, count);
    assert.equal(sink.deliveries.length, count);
    assert.ok(again > 0, 'some jobs were lost with Redis');
    await n8n.api.unpublish(id);
  });
});
