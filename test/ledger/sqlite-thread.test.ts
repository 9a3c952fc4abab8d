// A SQLite ledger's thread: what crosses to it and back, how it ends, and what then becomes of the ledger.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import threads, { Worker, type WorkerOptions } from 'node:worker_threads';
import { LedgerFault } from '../../engine/ledger/fault';
import type { Ledger } from '../../engine/ledger/ledger';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { Silence } from '../../engine/ledger/sqlite/thread/silence';
import { ROOT } from '../../tools/shell.mjs';
import { subscription, Traffic } from '../support/slow-disk/ledger-holds';

/** Every thread of this process, the newest last. */
const started: Worker[] = [];
threads.Worker = class extends Worker {
  constructor(file: string | URL, options: WorkerOptions = {}) {
    super(file, options);
    started.push(this);
  }
};

let folder: string;
let file: string;
let ledger: Ledger;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durable-mail-thread-'));
  file = join(folder, 'ledger.sqlite');
  ledger = await openSqliteLedger(file);
});
afterEach(async () => {
  await ledger.close();
  await rm(folder, { recursive: true });
});

const endThreads = async (): Promise<void> => {
  await Promise.all(started.splice(0).map((thread) => thread.terminate()));
};

const hasEnded = (error: unknown): true => {
  assert.ok(error instanceof LedgerFault, String(error));
  assert.equal(error.kind, 'unreachable');
  assert.match(error.message, /ledger\.sqlite: the thread that has it open has ended .* It is started anew/);
  return true;
};

describe('the thread of a SQLite ledger', () => {
  it('that ends says so to whoever waits for it, and the next call has a new one', async () => {
    const traffic = await Traffic.begin(ledger);
    await traffic.record(3);
    // It waits for the file's lock.
    const beside = new DatabaseSync(file);
    beside.exec('begin immediate');
    const recording = traffic.record(1);
    const ending = endThreads();
    await assert.rejects(recording, hasEnded);
    await ending;
    beside.close();
    assert.equal(await ledger.waiting([traffic.to.id], 10), 3);
    await traffic.pass(2);
    assert.equal((await ledger.statistics({})).PENDING, 3);
    await endThreads();
    assert.equal((await ledger.statistics({})).PENDING, 3);
  });

  it('that ends while its file is deleted or replaced does not take another for it', async () => {
    await endThreads();
    for (const suffix of ['', '-wal', '-shm']) await rm(`${file}${suffix}`, { force: true });
    const isReplaced = (what: RegExp) => (error: unknown) =>
      error instanceof LedgerFault && error.kind === 'replaced' && what.test(error.message);
    await assert.rejects(ledger.ledgerId(), isReplaced(/was deleted while it was used/));
    await assert.rejects(ledger.statistics({}), isReplaced(/was deleted/));
    const fresh = await openSqliteLedger(file);
    await assert.rejects(ledger.ledgerId(), isReplaced(/was replaced while it was used/));
    await fresh.close();
  });

  it('does first what it was asked before, when its ledger is closed; then the ledger answers nobody', async () => {
    const traffic = await Traffic.begin(ledger);
    const recording = [traffic.record(2), traffic.record(2)];
    const looking = ledger.sources();
    await ledger.close();
    assert.deepEqual(await Promise.all(recording), [[traffic.to.id], [traffic.to.id]]);
    assert.equal((await looking).length, 1);
    await assert.rejects(ledger.sources(), /The mail ledger .*ledger\.sqlite was closed/);
    await ledger.close();
    ledger = await openSqliteLedger(file);
    assert.equal(await ledger.waiting([traffic.to.id], 10), 4);
  });

  it('takes no time of any processor when nothing is asked, however quickly one call followed another before', async () => {
    const traffic = await Traffic.begin(ledger);
    await traffic.pass(5);
    for (let n = 0; n < 50; n++) await ledger.event('none');
    const before = process.cpuUsage();
    await pause(500);
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 200_000, `${user + system} µs`);
  });

  it('answers in the order of the questions, also those that come while it waits for the next', async () => {
    const answered: number[] = [];
    const ask = async (n: number): Promise<void> => {
      await ledger.event('none');
      answered.push(n);
    };
    for (let round = 0; round < 20; round++) {
      answered.length = 0;
      const asking = [ask(0), ask(1)];
      await asking[0];
      asking.push(ask(2), ask(3));
      await Promise.all(asking);
      assert.deepEqual(answered, [0, 1, 2, 3]);
    }
  });

  it('goes on with a call that had to wait while others follow each other', async () => {
    const traffic = await Traffic.begin(ledger);
    const beside = new DatabaseSync(file);
    beside.exec('begin immediate');
    const done: string[] = [];
    const recording = traffic.record(1).finally(() => done.push('recorded'));
    for (let n = 0; n < 50; n++) await ledger.event('none');
    assert.deepEqual(done, []);
    beside.exec('commit');
    beside.close();
    const until = performance.now() + 10_000;
    while (done.length === 0 && performance.now() < until) await ledger.event('none');
    assert.deepEqual(await recording, [traffic.to.id]);
  });

  it('serves the next ledger when it has nothing to do any more', async () => {
    const before = started.length;
    for (let n = 0; n < 5; n++) {
      const another = await openSqliteLedger(join(folder, `${n}.sqlite`));
      await another.ledgerId();
      await another.close();
    }
    assert.ok(started.length - before <= 1, `${started.length - before} were started`);
  });

  it('that cannot be had is said in words', async () => {
    const { Worker: working } = threads;
    await endThreads();
    threads.Worker = function refuse() {
      throw new Error('Access to this API has been restricted');
    } as unknown as typeof Worker;
    try {
      await assert.rejects(openSqliteLedger(join(folder, 'other.sqlite')), (error) => {
        assert.ok(error instanceof LedgerFault);
        assert.match(error.message, /needs a thread of its own .* gives it none: Access to this API/);
        return true;
      });
    } finally {
      threads.Worker = working;
    }
  });
});

describe('a thread that is waited for', () => {
  const never = (): Promise<number> => new Promise(() => undefined);
  const after = (ms: number): Promise<number> => new Promise((resolve) => setTimeout(() => resolve(ms), ms));
  const silence = (mostMs: number, ask = never): { silence: Silence; fallen: () => number } => {
    let fallen = 0;
    const fall = (): Error => new Error(`silent ${++fallen}`);
    return { silence: new Silence(mostMs, ask, fall), fallen: () => fallen };
  };

  it('has fallen silent when it has answered nobody for long, which all are told together', async () => {
    const { silence: of, fallen } = silence(120);
    const all = await Promise.allSettled([of.unless(never()), of.unless(never())]);
    assert.deepEqual(
      all.map((one) => one.status === 'rejected' && (one.reason as Error).message),
      ['silent 1', 'silent 1'],
    );
    assert.equal(fallen(), 1);
  });

  it('has not while it answers others, says what is wrong, or has nothing to answer', async () => {
    const { silence: of, fallen } = silence(600);
    const slow = of.unless(after(1_500));
    for (let n = 0; n < 10; n++) await of.unless(after(100));
    await assert.rejects(of.unless(Promise.reject(new Error('full'))), /full/);
    assert.equal(await slow, 1_500);
    await after(1_000);
    assert.equal(await of.unless(after(50)), 50);
    assert.equal(fallen(), 0);
  });

  it('has not while it says that it is there, though what it does takes long', async () => {
    const answers = [
      (): Promise<number> => after(10),
      (): Promise<never> => Promise.reject(new Error('busy')),
    ];
    for (const ask of answers) {
      const { silence: of, fallen } = silence(240, ask);
      assert.equal(await of.unless(after(1_000)), 1_000);
      assert.equal(fallen(), 0);
    }
  });

  it('has not where it was the process that stood still', async () => {
    const { silence: of, fallen } = silence(200);
    const answer = of.unless(after(50));
    const until = performance.now() + 500;
    while (performance.now() < until);
    assert.equal(await answer, 50);
    assert.equal(fallen(), 0);
  });
});

describe('a process that leaves a SQLite ledger open', () => {
  const script = `
    import { openSqliteLedger } from ${JSON.stringify(join(ROOT, 'engine/ledger/sqlite/sqlite-ledger'))};
    const ledger = await openSqliteLedger(process.argv[2]);
    void ledger.subscribe(${JSON.stringify({ ...subscription, workflowId: 'w', nodeId: 'left' })});`;
  const run = async (env: NodeJS.ProcessEnv = {}): Promise<void> => {
    const path = join(folder, 'script.mts');
    await writeFile(path, script.replace(/^ +/gm, ''));
    await promisify(execFile)(process.execPath, ['--import', 'tsx', path, file], {
      ...{ cwd: ROOT, timeout: 30_000 },
      env: { ...process.env, ...env },
    });
  };

  it('ends by itself, when what it asked for is done', async () => {
    await run();
    assert.equal((await ledger.subscriptionsOf('w', 'left')).length, 1);
  });

  it('may have been started with options that are none of a thread’s', async () => {
    await run({ NODE_OPTIONS: '--max-old-space-size=512 --expose-gc --title=n8n' });
    assert.equal((await ledger.subscriptionsOf('w', 'left')).length, 1);
  });
});

describe('what crosses to a SQLite ledger’s thread', () => {
  it('stays the caller’s: contents that share their memory with others are as they were', async () => {
    const traffic = await Traffic.begin(ledger);
    const [content, beside] = [Buffer.from('a small mail'), Buffer.from('something else')];
    assert.equal(content.buffer, beside.buffer, 'both are of one pool');
    const message = { ...traffic.mail(), content };
    const batch = { hold: traffic.hold, messages: [message], cursors: [] };
    await ledger.record(batch);
    assert.deepEqual([String(content), String(beside)], ['a small mail', 'something else']);
    const { events } = await ledger.events({}, { limit: 1 });
    const contents = await ledger.contents([events[0]!.id]);
    assert.deepEqual(contents.get(events[0]!.id), content);
  });

  it('may be long: the event loop turns while it comes, and all of it is there', async () => {
    const beside = new DatabaseSync(file, { timeout: 5_000 });
    beside.exec(`
      insert into source (kind, account, mailbox)
      with recursive number (i) as (select 1 union all select i + 1 from number where i < 1234)
      select 'imap', 'account ' || i, 'INBOX' from number`);
    beside.close();
    let turns = 0;
    const turning = setInterval(() => turns++, 0);
    const sources = await ledger.sources();
    clearInterval(turning);
    assert.deepEqual(
      sources.map(({ account }) => account),
      Array.from({ length: 1234 }, (_, i) => `account ${i + 1}`).sort(),
    );
    assert.ok(turns >= 3, String(turns));
  });

  it('is no more than the ledger reads: what else a candidate or a mail has does not matter', async () => {
    const traffic = await Traffic.begin(ledger);
    const odd = { ...traffic.mail(), read: () => 'not to be sent' };
    const [asked] = await ledger.unrecorded([odd]);
    assert.deepEqual(asked, odd);
    assert.deepEqual(await ledger.record({ hold: traffic.hold, messages: [odd], cursors: [] }), [
      traffic.to.id,
    ]);
  });
});
