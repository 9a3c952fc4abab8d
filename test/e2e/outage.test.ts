// The mail server goes away under a real n8n, and comes back.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { sinkWorkflow } from '../support/workflows';

const OUTAGE_MS = 60_000;

describe('a mail server that is away for a minute', { timeout: 15 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let dovecot: Dovecot;
  let n8n: N8n;
  let sink: Sink;
  let id: string;

  before(async () => {
    dovecot = await cleanup.of(Dovecot.start());
    sink = await cleanup.of(Sink.start());
    n8n = await cleanup.of(N8n.start());
    id = await sinkWorkflow(n8n, sink, dovecot.login('away'));
    await n8n.api.publish(id);
    await n8n.watching(id);
    await dovecot.append('away', [rawMail({ subject: 'before' })]);
    await delivered('before');
  });
  after(() => cleanup.run());

  const delivered = (...subjects: string[]): Promise<unknown> =>
    until(
      `${subjects.join(', ')} ran`,
      () => subjects.every((subject) => sink.accepted.some((one) => one.subject === subject)),
      // The pause between two tries grows to two minutes at most.
      180_000,
    );

  const stillFine = async (): Promise<void> => {
    assert.deepEqual(await n8n.api.triggers(id), ['activated']);
    const failed = (await n8n.api.executions()).filter(({ status }) => status !== 'success');
    assert.deepEqual(failed, [], 'a short outage is nothing to report');
    assert.ok([...sink.counts().values()].every((count) => count === 1));
  };

  const outage = async (...subjects: string[]): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS / 2));
    await dovecot.deliver(
      'away',
      subjects.map((subject) => rawMail({ subject })),
    );
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS / 2));
  };

  it('delays its mails and loses none; the trigger is never deactivated', async () => {
    await dovecot.down();
    await outage('meanwhile one', 'meanwhile two');
    assert.deepEqual(await n8n.api.triggers(id), ['activated']);
    await dovecot.up();
    await delivered('meanwhile one', 'meanwhile two');
    await stillFine();
  });

  it('does no harm either when n8n is started in the middle of it', async () => {
    await n8n.down();
    await dovecot.down();
    await n8n.up();
    await outage('before it was there');
    assert.deepEqual(await n8n.api.triggers(id), ['activated']);
    await dovecot.up();
    await delivered('before it was there');
    await dovecot.append('away', [rawMail({ subject: 'afterwards' })]);
    await delivered('afterwards');
    await stillFine();
  });
});
