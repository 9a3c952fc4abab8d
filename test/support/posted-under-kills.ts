// Mails that each post one webhook behind steps that fail, to a receiver with faults that knows ids again, while a process of n8n is
// killed again and again: the same in regular and in queue mode. An endpoint is told of the same mails, and an Outbox Trigger
// of those that can never be posted.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Cleanup } from './cleanup';
import type { Dovecot } from './dovecot';
import { durableWebhook, signingCredential, storedWebhooks, subscriber } from './durable-webhook';
import { rawMail } from './mails';
import type { N8n } from './n8n';
import type { N8nProcess } from './n8n-process';
import { noticesIn, outboxWorkflow, startsOf } from './outbox-trigger';
import { Sink } from './sink';
import { failAtRandom, inBatches } from './under-kills';
import { until } from './until';
import type { IdempotentReceiver } from './webhook/idempotent';
import { mailWorkflow, postMail } from './workflows';

export interface Posting {
  readonly n8n: N8n;
  readonly dovecot: Dovecot;
  readonly receiver: IdempotentReceiver;
  /** The process that is killed. */
  readonly victim: N8nProcess;
  readonly mails: number;
  readonly kills: number;
}

/** Asserts that each mail took effect under one id, and every entry is settled; prints the figures. */
export async function postUnderKills(
  t: TestContext,
  { n8n, dovecot, receiver, victim, mails, kills }: Posting,
): Promise<void> {
  const cleanup = new Cleanup();
  try {
    const [before, after, heard] = (await Promise.all(
      Array.from({ length: 3 }, () => cleanup.of(Sink.start())),
    )) as [Sink, Sink, Sink];
    const failed = failAtRandom([before, after], 200);
    const credentials = await signingCredential(n8n);
    const subscribe = await subscriber(n8n, credentials);
    const watching = await outboxWorkflow(n8n, heard, { when: ['failed'], entryKind: 'webhook' });
    const url = (path: string): string => receiver.receiver.url(undefined, path);
    const options = { retrySchedule: Array.from({ length: 15 }, () => '1s').join(', '), mostInFlight: 10 };
    const post = durableWebhook(credentials, url('/posted'));
    const steps = [postMail(before, 'May Fail Before'), post, postMail(after, 'May Fail After')];
    const id = await mailWorkflow(n8n, dovecot.login('posters'), steps, { options });
    const never = await mailWorkflow(
      ...([n8n, dovecot.login('goners'), [durableWebhook(credentials, url('/gone'))]] as const),
      { options: { retrySchedule: '1s' } },
    );
    for (const one of [id, never]) {
      await n8n.api.publish(one);
      await n8n.watching(one);
    }
    await subscribe({ name: 'CRM', url: url('/told'), events: ['email.new', 'email.done'], workflow: id });

    const subjects = Array.from({ length: mails }, (_, index) => `mail ${index}`);
    const batches = inBatches(subjects, kills);
    const append = async (batch: number): Promise<void> => {
      await dovecot.append(
        'posters',
        batches(batch).map((subject) => rawMail({ subject })),
      );
      await dovecot.append('goners', [rawMail({ subject: `gone ${batch}` })]);
    };
    await append(0);
    let cutOff = 0;
    for (let kill = 1; kill <= kills; kill++) {
      await receiver.more(2);
      await append(kill);
      cutOff += await killedAmidRuns(n8n, victim);
      await victim.up();
    }
    const settled = (workflow: string, count: number): Promise<Map<string, number>> =>
      until(
        'every mail is settled',
        async () => {
          const all = (await n8n.events()).filter((event) => event.workflow === workflow);
          const states = all.map(({ state }) => state);
          if (all.length !== count || !states.every((state) => ['DONE', 'DEAD'].includes(state)))
            return false;
          return counted(states);
        },
        400_000,
        500,
      );
    const ended = await settled(id, mails);
    await settled(never, kills + 1);
    const told = await until(
      'the endpoint is told of all of it, and nothing waits',
      async () => {
        const entries = await storedWebhooks(n8n, url('/told'));
        const open = entries.filter(({ state }) => ['QUEUED', 'SENDING'].includes(state));
        return entries.length >= 2 * mails && open.length === 0 && entries;
      },
      180_000,
      500,
    );
    const gone = await storedWebhooks(n8n, url('/gone'));
    await until(
      'the trigger was started for each that failed',
      async () => (await startsOf(n8n, watching)) >= gone.length,
      120_000,
      500,
    );
    const entries = await storedWebhooks(n8n, url('/posted'));
    const posted = receiver.ids(({ mail }: { mail?: string }) => mail ?? null);
    const events = receiver.ids(({ type, data }: { type?: string; data?: { event?: string } }) =>
      type === undefined ? null : `${type} ${data?.event}`,
    );
    const twice = [...posted, ...events].filter(([, ids]) => ids.length > 1);
    const lost = subjects.filter((subject) => !posted.has(subject));
    const starts = await startsOf(n8n, watching);
    t.diagnostic(
      `${mails} mails, ${kills} kills: steps that failed ${failed()}, runs cut off by a kill ${cutOff}; mails ${shown(ended)}; ` +
        `entries ${shown(counted(entries.map(({ state }) => state)))}; lost ${lost.length}, with two ids ${twice.length}; ` +
        `tries ${receiver.tries} (${shown(new Map(Object.entries(receiver.fates)))}), of what was done ${receiver.known}; told ` +
        `${events.size} events; failed for good ${gone.length}, the trigger was started ${starts} times, and told ` +
        `${noticesIn(heard).length}`,
    );
    assert.deepEqual(receiver.unsigned, []);
    assert.deepEqual([lost, twice], [[], []]);
    assert.deepEqual(ended, new Map([['DONE', mails]]));
    assert.deepEqual([entries.length, entries.filter(({ state }) => state !== 'SENT')], [mails, []]);
    assert.deepEqual(
      told.filter(({ state }) => state !== 'SENT'),
      [],
    );
    assert.equal([...events.keys()].filter((event) => event.startsWith('email.new ')).length, mails);
    assert.equal([...events.keys()].filter((event) => event.startsWith('email.done ')).length, mails);
    assert.deepEqual(
      gone.map(({ state }) => state),
      Array.from({ length: kills + 1 }, () => 'FAILED'),
    );
    assert.equal(starts, gone.length, 'one execution for each that failed for good');
    const heardOf = new Set(noticesIn(heard).map(({ entry }) => entry!.id));
    assert.ok([...heardOf].every((entry) => gone.some(({ id }) => id === entry)));
    assert.ok(cutOff > 0 && failed() > 0 && receiver.known > 0, 'there was something to survive');
  } finally {
    await cleanup.run();
  }
}

/** At a random moment, but for those in which nothing runs. @returns how many runs were cut off */
function killedAmidRuns(n8n: N8n, victim: N8nProcess): Promise<number> {
  return until(
    'runs are under way',
    async () => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
      victim.freeze();
      const running = (await n8n.events()).filter(({ state }) => state === 'RUNNING').length;
      if (running === 0) victim.resume();
      else await victim.down('SIGKILL');
      return running > 0 && running;
    },
    120_000,
  );
}

function counted(states: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

const shown = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([what, count]) => `${what} ${count}`).join(', ');
