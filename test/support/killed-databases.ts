// A hundred runs, while the databases of n8n and of the mail ledger are killed at random moments. In the end every mail is
// done, nothing is left that nobody runs, and what a step did twice it did for a run that had not ended well.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { Dovecot } from './dovecot';
import { rawMail } from './mails';
import type { N8n } from './n8n';
import type { PostgresServer } from './postgres';
import { Sink } from './sink';
import { until } from './until';
import { mailWorkflow, postMail } from './workflows';

const MAILS = 100;
const KILLS = 6;

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface KilledDatabases {
  readonly n8n: N8n;
  readonly dovecot: Dovecot;
  readonly user: string;
  /** Those that are killed, one or several at a time. */
  readonly databases: readonly PostgresServer[];
}

export async function survivesKilledDatabases(
  t: TestContext,
  { n8n, dovecot, user, databases }: KilledDatabases,
): Promise<void> {
  const sink = await Sink.start();
  try {
    sink.answer = async () => {
      await later(randomInt(200, 3_000));
      return 200;
    };
    const id = await mailWorkflow(n8n, dovecot.login(user), [postMail(sink)], {
      // What n8n's queue loses with its database it tells nobody.
      options: { retrySchedule: '1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s', mostInFlight: 10, startWithin: 0.5 },
    });
    await n8n.api.publish(id);
    await n8n.watching(id);
    const subjects = Array.from({ length: MAILS }, (_, index) => `mail ${index}`);
    await dovecot.append(
      user,
      subjects.map((subject) => rawMail({ subject })),
    );
    await until('the first of them run', () => sink.deliveries.length >= 5, 60_000);
    for (let kill = 0; kill < KILLS; kill++) {
      await later(randomInt(500, 6_000));
      const killed = databases.length > 1 && kill % 3 < 2 ? [databases[kill % 2]!] : databases;
      await Promise.all(killed.map((database) => database.down(kill % 2 === 0 ? 'SIGKILL' : 'SIGINT')));
      await later(randomInt(300, 9_000));
      await Promise.all(killed.map((database) => database.up()));
    }
    const events = await until(
      'every mail is done, and nothing runs or waits',
      async () => {
        const found = (await n8n.events()).filter(({ workflow }) => workflow === id);
        const open = found.filter(({ state }) => state !== 'DONE');
        assert.deepEqual(open, [], `${found.length} mails are recorded`);
        return found.length === MAILS && found;
      },
      300_000,
      500,
    );
    const delivered = sink.counts();
    const failures = new Map(events.map((event) => [event.id, event.failures]));
    const repeats = sink.deliveries.filter(
      ({ eventId, attempt }) => attempt > Math.min(...of(eventId, sink)),
    );
    const unexplained = [...new Set(repeats.map(({ eventId }) => eventId))].filter(
      (eventId) => of(eventId, sink).length > failures.get(eventId)! + 1,
    );
    t.diagnostic(
      `${MAILS} mails, ${KILLS} kills: lost ${MAILS - delivered.size}, delivered again ${repeats.length}, ` +
        `runs cut off ${[...failures.values()].reduce((sum, count) => sum + count, 0)}`,
    );
    assert.deepEqual([...delivered.keys()].sort(), [...subjects].sort(), 'none is lost');
    assert.deepEqual(unexplained, [], 'repeated only where a run had not ended well');
    await n8n.api.unpublish(id);
  } finally {
    await sink.close();
  }
}

/** The attempts under which an event was delivered. */
const of = (eventId: string, sink: Sink): number[] =>
  sink.deliveries.filter((one) => one.eventId === eventId).map(({ attempt }) => attempt);
