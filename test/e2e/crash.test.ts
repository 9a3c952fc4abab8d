// n8n is killed, again and again, while runs are under way: no mail is lost, and none that was done runs again.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { sinkWorkflow } from '../support/workflows';

const MAILS = 40;
const KILLS = 5;

describe('n8n killed while runs are under way', { timeout: 20 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let dovecot: Dovecot;
  let n8n: N8n;
  let sink: Sink;

  before(async () => {
    dovecot = await cleanup.of(Dovecot.start());
    sink = await cleanup.of(Sink.start());
    n8n = await cleanup.of(N8n.start());
  });
  after(() => cleanup.run());

  it('loses none of forty mails over five kills, and never runs again what was done', async (t) => {
    let open = 0;
    sink.answer = async () => {
      open++;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      open--;
      return 200;
    };
    const retrySchedule = Array.from({ length: 10 }, () => '1s').join(', ');
    const id = await sinkWorkflow(n8n, sink, dovecot.login('crash'), { retrySchedule });
    await n8n.api.publish(id);
    await n8n.watching(id);
    // Half of them at once, the others while n8n is down.
    const subjects = Array.from({ length: MAILS }, (_, index) => `mail ${index}`);
    const batches = [
      subjects.slice(0, 20),
      ...Array.from({ length: KILLS }, (_, i) => subjects.slice(20 + i * 4, 24 + i * 4)),
    ];
    const append = (batch: readonly string[]): Promise<void> =>
      dovecot.append(
        'crash',
        batch.map((subject) => rawMail({ subject })),
      );
    await append(batches[0]!);

    /** Events that were running when n8n was killed, as event:attempt. */
    const interrupted = new Set<string>();
    /** What was DONE at each kill, and how many deliveries there had been by then. */
    const kills: { done: Set<string>; seen: number }[] = [];
    for (let kill = 1; kill <= KILLS; kill++) {
      const before = sink.deliveries.length;
      await until('runs are under way', () => sink.deliveries.length >= before + 4 && open >= 2, 120_000, 5);
      await n8n.down('SIGKILL');
      const events = await n8n.events();
      for (const { id, attempt, state } of events)
        if (state === 'RUNNING') interrupted.add(`${id}:${attempt}`);
      const done = new Set(events.filter(({ state }) => state === 'DONE').map(({ id }) => id));
      const seen = sink.deliveries.length;
      kills.push({ done, seen });
      await append(batches[kill]!);
      await n8n.up();
      await until('deliveries go on', () => sink.deliveries.length > seen, 120_000);
    }
    await until(
      'all mails are done',
      async () => (await n8n.events()).filter(({ state }) => state === 'DONE').length === MAILS,
      240_000,
    );

    const runs = sink.deliveries.length;
    const doneAgain = kills.flatMap(({ done, seen }) =>
      sink.deliveries.slice(seen).filter(({ eventId }) => done.has(eventId)),
    );
    const counts = sink.counts();
    const repeated = [...counts.values()].filter((count) => count > 1).length;
    const again = sink.deliveries.filter(({ attempt }) => attempt > 1);
    // A second run is right only where the one before it was cut off by a kill before its end was known.
    const unexplained = again.filter(({ eventId, attempt }) => {
      const earlier = sink.deliveries.filter((other) => other.eventId === eventId && other.attempt < attempt);
      return earlier.some((other) => !interrupted.has(`${eventId}:${other.attempt}`));
    });
    t.diagnostic(
      `${KILLS} kills, ${MAILS} mails: lost ${MAILS - counts.size}, runs ${runs}, mails run more than once ${repeated} ` +
        `(all of them cut off by a kill while RUNNING: ${interrupted.size} runs were), ` +
        `run again after DONE ${doneAgain.length}, repeats without a cause ${unexplained.length}`,
    );
    assert.equal(counts.size, MAILS, 'no mail is lost');
    assert.equal((await n8n.events()).length, MAILS, 'one event for one mail');
    assert.deepEqual(doneAgain, []);
    assert.deepEqual(unexplained, []);
  });
});
