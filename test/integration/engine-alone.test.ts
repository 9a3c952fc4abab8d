// The engine as a program uses it that has never heard of n8n: a mail of a real Dovecot reaches a function, and what that
// function does settles it.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Dispatcher } from '../../engine/delivery/dispatcher';
import { RunSlots } from '../../engine/delivery/run-slots';
import type { Runs } from '../../engine/delivery/runs';
import { type Engine, openEngine } from '../../engine/instance/engine';
import { accountName } from '../../engine/imap/session/login';
import { unpackContent } from '../../engine/ledger/content';
import type { Ended, OfferedRun } from '../../engine/ledger/ledger';
import { splitMail } from '../../engine/mail/headers';
import { Dovecot } from '../support/dovecot';
import { silentLog } from '../support/log';
import { rawMail } from '../support/mails';
import { readingOf } from '../support/reading';
import { until } from '../support/until';

const ROOT = join(__dirname, '..', '..');
const DELIVERY = { mostRuns: 2, mailsPerRun: 1, mostQueuedMs: 60_000 };

interface Received {
  readonly event: string;
  readonly attempt: number;
  readonly body: string;
}

describe('The engine without n8n', { timeout: 120_000 }, () => {
  let folder: string;
  let dovecot: Dovecot;
  let engine: Engine;
  /** What people would be told of, beside mails that are set aside. */
  const faults: unknown[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-alone-'));
    dovecot = await Dovecot.start();
    const file = join(folder, 'ledger.sqlite');
    engine = await openEngine({ kind: 'sqlite', file }, { log: silentLog, listens: true });
    await engine.own();
  });
  after(async () => {
    await engine.close();
    await dovecot.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  /** Calls the function with each mail of the run; its run ends well if nothing is thrown. */
  const runWith = async (
    runs: Runs,
    { id, pointers }: OfferedRun,
    receive: (mail: Received) => void,
  ): Promise<void> => {
    const claims = await runs.begin(pointers, id);
    const contents = await engine.ledger.contents(claims.map(({ event }) => event));
    try {
      for (const { event, attempt } of claims) {
        const raw = await unpackContent(contents.get(event)!);
        receive({ event, attempt, body: splitMail(raw).body.toString().trim() });
      }
      await runs.end(id, { kind: 'success' });
    } catch (error) {
      await runs.end(id, { kind: 'failure', error: (error as Error).message });
    }
  };

  /** Listens to the user's INBOX. @param ended gets the events that are given up */
  const listen = async (
    user: string,
    receive: (mail: Received) => void,
    { retryDelaysMs = [1], ended = [] }: { retryDelaysMs?: number[]; ended?: Ended[] } = {},
  ): Promise<{ stop: () => Promise<unknown> }> => {
    const login = dovecot.login(user);
    const source = { kind: 'imap', account: accountName(login), mailbox: 'INBOX' } as const;
    const subscription = await engine.ledger.subscribe({
      ...{ workflowId: user, nodeId: 'a function', source },
      ...{ retryDelaysMs, guarantee: 'atLeastOnce', keepContentMs: 60_000, retentionMs: 86_400_000 },
      ...{ afterSuccess: null, whenDead: null },
    });
    let isPlaced = false;
    const leave = engine.imap.join(source, {
      ...{ subscription, reading: readingOf(), login: () => Promise.resolve(login) },
      ...{ outage: { afterMs: null, whenOver: false }, hasActions: false, joinedAt: Date.now() },
      mostConnections: login.mostConnections,
      begun: () => true,
      synced: () => void (isPlaced = true),
      report: (fault) => faults.push(fault),
      warn: (fault) => faults.push(fault),
      reportOver: () => undefined,
      moved: () => undefined,
    });
    const dispatcher: Dispatcher = engine.deliver(DELIVERY, {
      slots: new RunSlots(Infinity),
      emit: async (run) => {
        await runWith(engine.runs, run, receive);
        return undefined;
      },
      report: (event) => ended.push(event),
      reportUnclaimed: (error) => faults.push(error),
    });
    dispatcher.serve([subscription.id]);
    await until('it is read from here on', () => isPlaced);
    return { stop: () => Promise.all([dispatcher.stop(), leave()]) };
  };

  const state = async (event: string): Promise<string | undefined> =>
    (await engine.ledger.event(event))?.state;

  it('hands a mail to a function, and the mail is DONE when that returns', async () => {
    const received: Received[] = [];
    const { stop } = await listen('ann', (mail) => received.push(mail));
    await dovecot.append('ann', [rawMail({ subject: 'one', text: 'Hello, function' })]);
    await until('it is received', () => received.length > 0);
    const [mail] = received as [Received];
    assert.deepEqual([mail.body, mail.attempt], ['Hello, function', 1]);
    await until('it is DONE', async () => (await state(mail.event)) === 'DONE');
    await stop();
    assert.equal(received.length, 1);
  });

  it('hands it out again when the function throws: RETRY, then DONE', async () => {
    const received: Received[] = [];
    const states: (string | undefined)[] = [];
    const { stop } = await listen(
      'bob',
      (mail) => {
        received.push(mail);
        if (mail.attempt === 1) throw new Error('Not now.');
      },
      { retryDelaysMs: [2_000] },
    );
    await dovecot.append('bob', [rawMail({ subject: 'two' })]);
    await until('it was tried', () => received.length > 0);
    const { event } = received[0]!;
    await until('it waits for its next try', async () => {
      states.push(await state(event));
      return states.at(-1) === 'RETRY';
    });
    assert.equal((await engine.ledger.event(event))?.lastError, 'Not now.');
    await until('it is DONE', async () => (await state(event)) === 'DONE');
    await stop();
    assert.deepEqual(
      received.map(({ attempt }) => attempt),
      [1, 2],
    );
  });

  it('sets it aside when its tries are used up, and says so', async () => {
    const ended: Ended[] = [];
    const { stop } = await listen(
      'carol',
      () => {
        throw new Error('Never.');
      },
      { retryDelaysMs: [], ended },
    );
    await dovecot.append('carol', [rawMail({ subject: 'three' })]);
    await until('a person is told', () => ended.length > 0);
    assert.deepEqual([ended[0]!.state, ended[0]!.lastError, ended[0]!.subject], ['DEAD', 'Never.', 'three']);
    await stop();
  });

  it('had nothing to complain of', () => assert.deepEqual(faults, []));

  it('loads nothing of n8n, and nothing of its nodes', () => {
    const loaded = Object.keys(require.cache).map((file) => relative(ROOT, file).replaceAll('\\', '/'));
    assert.ok(loaded.includes('engine/instance/engine.ts'));
    const ofN8n = loaded.filter((file) => /^nodes\/|(^|\/)node_modules\/(n8n-|@n8n\/)/.test(file));
    assert.deepEqual(ofN8n, []);
  });
});
