// The promise as a whole in queue mode, where workers run what main has read: every mail takes effect once. How many mails, an
// environment variable raises: DURABLE_MAIL_QUEUE_MAILS=5000 npm test -- e2e/exactly-once-queue-mode
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { countUnderKills } from '../support/counted';
import { Dovecot } from '../support/dovecot';
import { QueueModeN8n } from '../support/queue-mode';
import { Resident } from '../support/resident';

const MAILS = Number(process.env['DURABLE_MAIL_QUEUE_MAILS'] ?? 200);
const KILLS = Math.max(5, Math.round(MAILS / 200));
/** From here on main's memory has had the time to grow, if it does. */
const MANY = 2_000;
const MOST_GROWTH = 1.25;

describe(
  `${MAILS} mails through a workflow that fails one time in five`,
  { timeout: (20 * 60 + MAILS) * 1_000 },
  () => {
    const cleanup = new Cleanup();
    after(() => cleanup.run());

    it(`are counted once each, while one of two workers is killed, ${KILLS} times${MAILS >= MANY ? '; main holds no more for it' : ''}`, async (t) => {
      const dovecot = await cleanup.of(Dovecot.start());
      const n8n = await cleanup.of(QueueModeN8n.start({}, { takesWebhooks: true }));
      const second = await n8n.anotherWorker({});
      await second.up();
      const main = n8n.main.pid!;
      const resident = new Resident(main);
      const begun = performance.now();
      try {
        await countUnderKills(t, { n8n, dovecot, mails: MAILS, victims: [n8n.worker, second], kills: KILLS });
      } finally {
        resident.stop();
      }
      const parts = resident.parts(10);
      t.diagnostic(
        `${Math.round((performance.now() - begun) / 1_000)} s; main's memory in each tenth of it: ${parts.join(', ')} MB, ` +
          `at most ${Math.round(Math.max(...resident.samples))} MB`,
      );
      assert.equal(n8n.main.pid, main, 'main was there all the time');
      assert.ok(await n8n.webhook.isReady());
      if (MAILS >= MANY)
        assert.ok(
          parts[9]! <= MOST_GROWTH * parts[4]!,
          'the second half needs no more memory than the first',
        );
    });
  },
);
