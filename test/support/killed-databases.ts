// A hundred runs, while the databases of n8n and of the mail ledger are killed at random moments. In the end every mail is
// done, nothing is left that nobody runs, and what a step did twice it did for a run that had not ended well.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, it, type TestContext } from 'node:test';
import { Cleanup } from './cleanup';
import { Dovecot } from './dovecot';
import { rawMail } from './mails';
import type { N8n, StoredEvent } from './n8n';
import type { PostgresServer } from './postgres';
import { Sink } from './sink';
import { Supervisor } from './supervisor';
import { until } from './until';
import { mailWorkflow, postMail } from './workflows';

const MAILS = 100;
const KILLS = 6;

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface KilledDatabases {
  readonly n8n: N8n;
  /** Those that are killed, one or several at a time. */
  readonly databases: readonly PostgresServer[];
}

/**
 * @param mode of n8n, for the name
 * @param start starts n8n with one database for its own data and the ledger, or with two
 */
export function survivesKilledDatabases(
  mode: string,
  start: (isOne: boolean, cleanup: Cleanup) => Promise<KilledDatabases>,
): void {
  describe(`n8n in ${mode} goes on when its databases are killed`, { timeout: 20 * 60_000 }, () => {
    const cleanup = new Cleanup();
    let dovecot: Dovecot;

    before(async () => {
      dovecot = await cleanup.of(Dovecot.start());
    });
    after(() => cleanup.run());

    for (const [what, isOne] of [
      ['one for both', true],
      ['two', false],
    ] as const) {
      it(what, async (t) => {
        const own = new Cleanup();
        try {
          await survives(t, await start(isOne, own), dovecot, `killed-${isOne ? 1 : 2}`);
        } finally {
          await own.run();
        }
      });
    }
  });
}

async function survives(
  t: TestContext,
  { n8n, databases }: KilledDatabases,
  dovecot: Dovecot,
  user: string,
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
    const supervisor = new Supervisor(n8n.processes);
    const events = await until(
      'every mail is done, and nothing runs or waits',
      async () => {
        await supervisor.look();
        const found = (await n8n.events()).filter(({ workflow }) => workflow === id);
        const open = found.filter(({ state }) => state !== 'DONE');
        // Few words for many mails: what stands beside them is what n8n has logged.
        assert.equal(
          open.length,
          0,
          `Of ${found.length} recorded mails are open: ${JSON.stringify(inStates(open))}`,
        );
        return found.length === MAILS && found;
      },
      420_000,
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
        `runs cut off ${[...failures.values()].reduce((sum, count) => sum + count, 0)}, ` +
        `processes of n8n that did not find their database again ${supervisor.restarts}`,
    );
    assert.deepEqual([...delivered.keys()].sort(), [...subjects].sort(), 'none is lost');
    assert.deepEqual(unexplained, [], 'repeated only where a run had not ended well');
    await n8n.api.unpublish(id);
  } finally {
    await sink.close();
  }
}

/** How many are in each state, with the last of these. */
function inStates(events: readonly StoredEvent[]): Record<string, unknown> {
  const states = new Set(events.map(({ state }) => state));
  const inState = (wanted: string): StoredEvent[] => events.filter(({ state }) => state === wanted);
  return Object.fromEntries(
    [...states].map((state) => [state, { count: inState(state).length, last: inState(state).at(-1) }]),
  );
}

/** The attempts under which an event was delivered. */
const of = (eventId: string, sink: Sink): number[] =>
  sink.deliveries.filter((one) => one.eventId === eventId).map(({ attempt }) => attempt);
