// Two hundred mails through a workflow that fails one time in five at random and counts each mail once, while a
// process of n8n is killed again and again: the same in regular and in queue mode.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Cleanup } from './cleanup';
import type { Dovecot } from './dovecot';
import { rawMail } from './mails';
import type { N8n } from './n8n';
import type { N8nProcess } from './n8n-process';
import { Sink } from './sink';
import { failAtRandom, inBatches } from './under-kills';
import { until } from './until';
import { mailWorkflow, postMail, runOnce } from './workflows';

const MAILS = 200;

export interface Counting {
  readonly n8n: N8n;
  readonly dovecot: Dovecot;
  /** The process that is killed. */
  readonly victim: N8nProcess;
  readonly kills: number;
}

/** Asserts that every mail is DONE or DEAD in the end, and that the counter saw each exactly once; prints the figures. */
export async function countUnderKills(
  t: TestContext,
  { n8n, dovecot, victim, kills }: Counting,
): Promise<void> {
  const cleanup = new Cleanup();
  try {
    const [before, counter, after] = (await Promise.all(
      Array.from({ length: 3 }, () => cleanup.of(Sink.start())),
    )) as [Sink, Sink, Sink];
    const failed = failAtRandom([before, after], 300);
    const user = 'counted';
    const steps = [
      postMail(before, 'May Fail Before'),
      runOnce(),
      postMail(counter, 'Counter'),
      postMail(after, 'May Fail After'),
    ];
    const retrySchedule = Array.from({ length: 15 }, () => '1s').join(', ');
    const id = await mailWorkflow(n8n, dovecot.login(user), steps, {
      options: { retrySchedule, mostInFlight: 10 },
      links: [{ from: 'Run Once', output: 1, to: 'May Fail After' }],
    });
    await n8n.api.publish(id);
    await n8n.watching(id);
    const subjects = Array.from({ length: MAILS }, (_, index) => `mail ${index}`);
    const batches = inBatches(subjects, kills);
    const append = (batch: number): Promise<void> =>
      dovecot.append(
        user,
        batches(batch).map((subject) => rawMail({ subject })),
      );
    await append(0);

    let cutOff = 0;
    for (let kill = 1; kill <= kills; kill++) {
      const seen = before.deliveries.length;
      await until('runs are under way', () => before.deliveries.length >= seen + 5, 180_000, 20);
      await killOutsideTheWindow(n8n, victim);
      cutOff += (await n8n.events()).filter(({ state }) => state === 'RUNNING').length;
      await append(kill);
      await victim.up();
    }
    const events = await until(
      'every mail is settled',
      async () => {
        const events = (await n8n.events()).filter(({ workflow }) => workflow === id);
        return (
          events.length === MAILS && events.every(({ state }) => ['DONE', 'DEAD'].includes(state)) && events
        );
      },
      600_000,
      500,
    );
    const counts = counter.counts();
    const twice = [...counts.values()].filter((count) => count > 1).length;
    const of = (state: string): number => events.filter((event) => event.state === state).length;
    t.diagnostic(
      `${MAILS} mails, ${kills} kills: runs begun ${before.deliveries.length}, runs that failed ${failed()}, cut off by a kill ${cutOff}; ` +
        `DONE ${of('DONE')}, DEAD ${of('DEAD')}; counted ${counts.size}, never ${MAILS - counts.size}, more than once ${twice}`,
    );
    assert.equal(events.length, MAILS);
    assert.equal(of('DONE') + of('DEAD'), MAILS);
    // A DEAD one may have failed every time before it reached the counter.
    const uncounted = subjects.filter((subject) => !counts.has(subject)).length;
    assert.ok(uncounted <= of('DEAD'), 'every mail that is DONE was counted');
    const finished = new Set(after.accepted.map(({ subject }) => subject));
    const unfinished = subjects.filter((subject) => !finished.has(subject)).length;
    assert.ok(unfinished <= of('DEAD'), 'and went through to its end');
    assert.equal(twice, 0, 'none was counted twice');
    assert.ok(cutOff > 0 && failed() > 0, 'there was something to survive');
  } finally {
    await cleanup.run();
  }
}

/**
 * Kills the process at a random moment, but for one kind: while the very step behind Run Once is being done. Whether a
 * step was done that was cut off in the middle, nobody can know but the one who was asked for it; docs/run-once.md
 * says what happens then. The process is frozen first, so that it cannot get there between the look and the kill.
 */
export async function killOutsideTheWindow(n8n: N8n, victim: N8nProcess): Promise<void> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
    victim.freeze();
    const [held] = await n8n.ledger<{ n: number }>(
      'select count(*) as n from once_key where finished_at is null',
    );
    if (held!.n === 0) break;
    victim.resume();
  }
  await victim.down('SIGKILL');
}
