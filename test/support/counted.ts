// Mails with an attachment each, through a workflow that fails one time in five at random and counts each mail once, while
// processes of n8n are killed again and again: the same in regular and in queue mode, with hundreds of mails and with thousands.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
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

export interface Counting {
  readonly n8n: N8n;
  readonly dovecot: Dovecot;
  readonly mails: number;
  /** All that run workflows: each time one of them is killed, whichever it is. */
  readonly victims: readonly N8nProcess[];
  readonly kills: number;
}

/** What the first step posts of each mail. */
const ITS_ATTACHMENT = { sendBody: true, contentType: 'binaryData', inputDataFieldName: 'attachment_0' };
const ATTACHMENT_BYTES = 20_000;

/** Asserts that every mail is DONE or DEAD in the end, and that the counter saw each exactly once; prints the figures. */
export async function countUnderKills(
  t: TestContext,
  { n8n, dovecot, mails, victims, kills }: Counting,
): Promise<void> {
  const cleanup = new Cleanup();
  try {
    const [before, counter, after] = (await Promise.all(
      Array.from({ length: 3 }, () => cleanup.of(Sink.start())),
    )) as [Sink, Sink, Sink];
    const failed = failAtRandom([before, after], 300);
    const user = 'counted';
    const steps = [
      postMail(before, 'May Fail Before', ITS_ATTACHMENT),
      runOnce(),
      postMail(counter, 'Counter'),
      postMail(after, 'May Fail After'),
    ];
    const retrySchedule = Array.from({ length: 15 }, () => '1s').join(', ');
    const id = await mailWorkflow(n8n, dovecot.login(user), steps, {
      options: { retrySchedule, mostInFlight: 10 * victims.length },
      parameters: { downloadAttachments: true },
      links: [{ from: 'Run Once', output: 1, to: 'May Fail After' }],
    });
    await n8n.api.publish(id);
    await n8n.watching(id);
    const subjects = Array.from({ length: mails }, (_, index) => `mail ${index}`);
    // One first, and with each kill one before it and one while the process is away.
    const batches = inBatches(subjects, 2 * kills);
    let appended = 0;
    const append = async (batch: number): Promise<void> => {
      const raw = batches(batch).map((subject) =>
        rawMail({ subject, attachment: { name: 'data.bin', content: attachmentOf(subject) } }),
      );
      await dovecot.append(user, raw);
      appended += raw.length;
    };
    await append(0);

    let cutOff = 0;
    for (let kill = 1; kill <= kills; kill++) {
      const earlier = appended;
      await append(2 * kill - 1);
      // No earlier: so the kills are spread over all mails. As many have been begun at some time, for they have come.
      await until('runs are under way', () => before.deliveries.length >= earlier + 5, 600_000, 20);
      const victim = victims[Math.floor(Math.random() * victims.length)]!;
      await killOutsideTheWindow(n8n, victim, victims);
      cutOff += (await n8n.events()).filter(({ state }) => state === 'RUNNING').length;
      await append(2 * kill);
      await victim.up();
    }
    const events = await until(
      'every mail is settled',
      async () => {
        const events = (await n8n.events()).filter(({ workflow }) => workflow === id);
        return (
          events.length === mails && events.every(({ state }) => ['DONE', 'DEAD'].includes(state)) && events
        );
      },
      600_000 + mails * 300,
      1_000,
    );
    const counts = counter.counts();
    const twice = [...counts.values()].filter((count) => count > 1).length;
    const of = (state: string): number => events.filter((event) => event.state === state).length;
    t.diagnostic(
      `${mails} mails, ${kills} kills: runs begun ${before.deliveries.length}, runs that failed ${failed()}, under way at a kill ${cutOff}; ` +
        `DONE ${of('DONE')}, DEAD ${of('DEAD')}; counted ${counts.size}, never ${mails - counts.size}, more than once ${twice}`,
    );
    assert.equal(events.length, mails);
    assert.equal(of('DONE') + of('DEAD'), mails);
    // A DEAD one may have failed every time before it reached the counter.
    const uncounted = subjects.filter((subject) => !counts.has(subject)).length;
    assert.ok(uncounted <= of('DEAD'), 'every mail that is DONE was counted');
    const finished = new Set(after.accepted.map(({ subject }) => subject));
    const unfinished = subjects.filter((subject) => !finished.has(subject)).length;
    assert.ok(unfinished <= of('DEAD'), 'and went through to its end');
    assert.equal(twice, 0, 'none was counted twice');
    const foreign = before.deliveries.filter(
      ({ subject, attachment }) => !attachment.equals(attachmentOf(subject)),
    );
    assert.equal(foreign.length, 0, 'each run had the attachment of its own mail');
    assert.ok(cutOff > 0 && failed() > 0, 'there was something to survive');
  } finally {
    await cleanup.run();
  }
}

/** Nothing else is in it, and no other mail has it. */
const attachmentOf = (subject: string): Buffer => {
  const block = createHash('sha512').update(subject).digest();
  return Buffer.concat(Array.from({ length: ATTACHMENT_BYTES / block.length }, () => block));
};

/**
 * Kills the process at a random moment, but for one kind: while the very step behind Run Once is being done. Whether a
 * step was done that was cut off in the middle, nobody can know but the one who was asked for it; docs/run-once.md
 * says what happens then. The processes are frozen first, so that none can get there between the look and the kill.
 * @param all that run workflows, where there are more of them: which one is in that step, the ledger does not tell
 */
export async function killOutsideTheWindow(
  n8n: N8n,
  victim: N8nProcess,
  all: readonly N8nProcess[] = [victim],
): Promise<void> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
    for (const each of all) each.freeze();
    const [held] = await n8n.ledger<{ n: number }>(
      'select count(*) as n from once_key where finished_at is null',
    );
    if (held!.n === 0) break;
    for (const each of all) each.resume();
  }
  await victim.down('SIGKILL');
  for (const each of all) each.resume();
}
