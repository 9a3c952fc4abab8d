// Work by Redis streams: a real Redis, with all that it does to a stream; and the built command with a real Dovecot, its consumers
// and itself killed again and again: every mail is done.
import assert from 'node:assert/strict';
import { randomInt, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, before, describe, it } from 'node:test';
import { connectRedis, type RedisConnection } from '../../engine/redis/connection';
import { redisFromUrl } from '../../engine/redis/settings';
import { WorkStream } from '../../engine/work/stream';
import type { WorkSettings } from '../../engine/work/work';
import { buildIfChanged } from '../../tools/build.mjs';
import { Cleanup } from '../support/cleanup';
import { CollectorProcess } from '../support/collector-process';
import { Dovecot } from '../support/dovecot';
import { openAt } from '../support/feed/open-at';
import { silentLog } from '../support/log';
import { rawMail } from '../support/mails';
import { freePort } from '../support/net';
import { RedisServer } from '../support/redis';
import { until } from '../support/until';
import { Consumers } from '../support/work/consumers';
import { WorkScene } from '../support/work/scene';

const MAILS = Number(process.env['WORK_MAILS'] ?? 60);
const PASSWORD = 'dovecot-test-password';
const TOKEN = 'token-of-the-consumers';
const LEDGER = 'a-ledger';

describe('a stream of work', { timeout: 60_000 }, () => {
  const cleanup = new Cleanup();
  let redis: RedisServer;
  let connection: RedisConnection;
  let streams = 0;

  before(async () => {
    redis = await cleanup.of(RedisServer.start());
    connection = await connectRedis(redisFromUrl(redis.url), silentLog);
    await connection.ready(new AbortController().signal);
  });
  after(async () => {
    connection.close();
    await cleanup.run();
  });

  /** Three entries, the first of which c1 has acknowledged, and the second of which it holds. */
  const scene = async () => {
    const name = `work-${++streams}`;
    const stream = new WorkStream(connection, { stream: name, group: 'workers' }, 'Redis');
    for (const event of ['a', 'b', 'c']) await stream.add({ event, attempt: 1, ledger: LEDGER, mail: '{}' });
    const { client } = connection;
    const read = async (consumer: string, count: number): Promise<string[]> => {
      const read = (await client.xreadgroup(
        ...(['GROUP', 'workers', consumer, 'COUNT', count, 'STREAMS', name, '>'] as const),
      )) as [string, [string, string[]][]][] | null;
      return (read?.[0]?.[1] ?? []).map(([id]) => id);
    };
    const [first] = await read('c1', 2);
    await client.xack(name, 'workers', first!);
    const standing = async (): Promise<string> => {
      const { entries } = await stream.look(LEDGER);
      return entries.map((entry) => `${entry.event} ${entry.standing}`).join(', ');
    };
    return { name, stream, client, read, standing };
  };

  it('tells what waits, what is held by whom, and what was acknowledged', async () => {
    const { stream, standing } = await scene();
    assert.equal(await standing(), 'a acknowledged, b held, c waiting');
    const { entries, consumers, isAnew } = await stream.look(LEDGER);
    assert.deepEqual([entries[1]!.consumer, entries[1]!.deliveries, isAnew], ['c1', 1, false]);
    assert.ok(consumers.has('c1'));
    await stream.drop(entries.slice(0, 2).map(({ id }) => id));
    assert.equal(await standing(), 'c waiting');
  });

  it('takes nothing for acknowledged in a group that somebody else made, at $ perhaps', async () => {
    const { name, client, standing, read } = await scene();
    await client.xgroup('DESTROY', name, 'workers');
    await client.xgroup('CREATE', name, 'workers', '$');
    assert.equal(await standing(), 'a waiting, b waiting, c waiting');
    assert.equal((await read('c2', 10)).length, 3);
    await client.xgroup('DESTROY', name, 'workers');
    assert.equal(await standing(), 'a waiting, b waiting, c waiting');
    assert.equal((await read('c2', 10)).length, 3);
  });

  it('is made again, with its group at 0, when it was deleted; what is added first makes it, too', async () => {
    const { name, stream, client, standing, read } = await scene();
    await client.del(name);
    assert.equal(await standing(), '');
    await stream.add({ event: 'd', attempt: 2, ledger: LEDGER, mail: '{}' });
    assert.equal((await read('c1', 10)).length, 1);
    await client.flushall();
    await stream.add({ event: 'e', attempt: 2, ledger: LEDGER, mail: '{}' });
    assert.equal(await standing(), 'e waiting');
    assert.equal((await read('c1', 10)).length, 1);
  });

  it('is looked at in pages, also where entries were cut away while they were held, and others are not ours', async () => {
    const { name, stream, client, read, standing } = await scene();
    await read('c1', 1);
    await client.xtrim(name, 'MAXLEN', 1);
    assert.equal(await standing(), 'c held');
    await client.xadd(name, '*', 'event', 'x', 'attempt', '1', 'ledger', 'another');
    await client.xadd(name, '*', 'some', 'thing');
    assert.equal(await standing(), 'c held');
    for (let n = 0; n < 450; n++)
      await stream.add({ event: `n${n}`, attempt: 1, ledger: LEDGER, mail: '{}' });
    await read('c2', 300);
    const { entries } = await stream.look(LEDGER);
    const count = (standing: string): number => entries.filter((one) => one.standing === standing).length;
    assert.deepEqual([count('held'), count('waiting'), count('acknowledged')], [299, 152, 0]);
  });

  it('loses the names of consumers that are gone and hold nothing, and no other', async () => {
    const { stream, client, name } = await scene();
    await client.xgroup('CREATECONSUMER', name, 'workers', 'idle');
    await until('it was not there for a moment', async () => (await stream.tidy(20)) === 1);
    const { consumers } = await stream.look(LEDGER);
    assert.deepEqual([...consumers].toSorted(), ['c1', 'durable-mail']);
  });
});

describe('work by a stream', { timeout: 3 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let folder: string;
  let place: Awaited<ReturnType<typeof openAt>>;
  let connection: RedisConnection;
  let scenes: WorkScene[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-work-'));
    const redis = await cleanup.of(RedisServer.start());
    place = await cleanup.of(openAt(join(folder, 'ledger.sqlite')));
    connection = await connectRedis(redisFromUrl(redis.url), silentLog);
    await connection.ready(new AbortController().signal);
  });
  afterEach(async () => {
    await Promise.all(scenes.map((scene) => scene.dispose()));
    scenes = [];
  });
  after(async () => {
    connection.close();
    await cleanup.run();
    await rm(folder, { recursive: true, force: true });
  });

  const scene = (settings: Partial<WorkSettings> = {}): WorkScene => {
    const made = new WorkScene(place, connection, settings);
    scenes.push(made);
    return made;
  };

  it('a failure over HTTP is a new entry at its time, at the end DEAD; a late word is refused, one said twice is not', async () => {
    const work = await scene().mails(1, [50]);
    const first = await work.next('c1');
    for (let times = 0; times < 2; times++) {
      const told = await work.settle(first, 'no luck');
      assert.deepEqual(told, { event: first.event, attempt: 1, state: 'RETRY' });
    }
    const second = await work.next('c1');
    assert.deepEqual([second.event, second.attempt], [first.event, 2]);
    const late = await work.settle(first);
    assert.ok('why' in late);
    assert.match(late.error, /Attempt 1 .* handed out again since, as attempt 2, and is QUEUED/);
    assert.equal((await work.event(first)).state, 'QUEUED');
    const dead = await work.settle(second, 'again');
    assert.deepEqual(dead, { event: first.event, attempt: 2, state: 'DEAD' });
    assert.equal((await work.event(first)).lastError, 'again');
    await until('nothing is left of it', async () => (await work.length()) === 0);
    const unknown = await work.settle({ event: randomUUID(), attempt: 1 });
    assert.ok('why' in unknown && unknown.why === 'unknown');
  });

  it('XACK alone is DONE; more than the most wait in the ledger', async () => {
    const work = await scene({ mostUnsettled: 2 }).mails(5);
    const first = await work.next('c1');
    await until('two are there', async () => (await work.length()) === 2);
    assert.equal((await work.states()).PENDING, 3);
    await first.ack();
    await until('it is done', async () => (await work.event(first)).state === 'DONE');
    for (let left = 4; left > 0; left--) await (await work.next('c1')).ack();
    await until('all are', async () => (await work.states()).DONE === 5);
    await until('nothing is left', async () => (await work.length()) === 0);
  });

  it('what is claimed again and again, or held for too long, is a failed try; what its removed consumer held is not', async () => {
    const often = await scene({ mostDeliveries: 2 }).mails(1);
    const long = await scene({ mostHeldMs: 100 }).mails(1);
    const removed = await scene().mails(2);
    const [claimed, held, orphan] = [await often.next('c1'), await long.next('c1'), await removed.next('c1')];
    for (let times = 0; times < 2; times++) await often.claim('c2');
    await until('both are dead', async () =>
      [(await often.event(claimed)).state, (await long.event(held)).state].every((state) => state === 'DEAD'),
    );
    assert.match((await often.event(claimed)).lastError!, /2 times, and none has acknowledged it/);
    assert.match((await long.event(held)).lastError!, /no other has claimed it/);
    // A look has seen it held: what was acknowledged before it is settled by that look.
    const other = await removed.next('c2');
    await other.ack();
    await until('a look was there', async () => (await removed.event(other)).state === 'DONE');
    await removed.removeConsumer('c1');
    const again = await removed.next('c3');
    assert.deepEqual([again.event, again.attempt], [orphan.event, 2]);
    assert.equal((await removed.event(orphan)).failures, 0);
  });

  it('what stands there while no process looks is not added twice by the next one, though its lease ran out', async () => {
    const work = await scene().mails(2);
    const [first, second] = [await work.next('c1'), await work.next('c1')];
    await work.dispose();
    await first.ack();
    const database = new DatabaseSync(join(folder, 'ledger.sqlite'));
    database.exec('update event set lease_until = 1 where lease_until is not null');
    database.close();
    work.begin();
    await until('it is done', async () => (await work.event(first)).state === 'DONE');
    assert.deepEqual([(await work.event(second)).attempt, (await work.event(second)).state], [1, 'QUEUED']);
    assert.equal(await work.length(), 1);
    assert.equal('state' in (await work.settle(second)), true);
    await until('nothing is left', async () => (await work.length()) === 0);
  });
});

describe('durable-mail collect, to a stream', { timeout: 15 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let folder: string;
  let dovecot: Dovecot;
  let redis: RedisServer;

  before(async () => {
    await buildIfChanged();
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-work-'));
    [dovecot, redis] = await Promise.all([cleanup.of(Dovecot.start()), cleanup.of(RedisServer.start())]);
  });
  after(async () => {
    await cleanup.run();
    await rm(folder, { recursive: true, force: true });
  });

  it('whatever is killed, emptied, restarted or deleted: every mail has its effect, once', async () => {
    const ledger = join(folder, 'ledger.sqlite');
    const port = await freePort();
    const file = join(folder, 'config.json');
    const user = 'ann@example.com';
    const account = {
      ...{ host: '127.0.0.1', port: dovecot.port, user, password: { env: 'MAIL_PASSWORD' } },
      ...{ secure: false, startTls: 'ifOffered' },
    };
    const config = {
      accounts: { ann: account },
      jobs: {
        all: {
          ...{ accounts: 'ann', start: 'everything', retries: [1, 1, 1, 1, 1, 1, 1, 1] },
          to: { stream: { name: 'mails', mostUnsettled: 30, mostHeldMinutes: 0.5 } },
        },
      },
      redis: { url: { env: 'REDIS_URL' } },
      http: { port, tokens: { read: { env: 'READ_TOKEN' }, operate: { env: 'MAIL_TOKEN' } } },
    };
    await writeFile(file, JSON.stringify(config));
    const environment = {
      ...{ DURABLE_MAIL_SQLITE_FILE: ledger, MAIL_PASSWORD: PASSWORD, REDIS_URL: redis.url },
      ...{ READ_TOKEN: 'token-of-those-who-look', MAIL_TOKEN: TOKEN },
    };
    const start = (): CollectorProcess => {
      const made = new CollectorProcess(['collect', '--config', file], environment);
      written = (): string => made.written;
      return made;
    };
    let written = (): string => '';
    let collector = start();
    await cleanup.of(Promise.resolve({ dispose: () => collector.dispose() }));
    await collector.line(/\] connected/);
    const consumers = await cleanup.of(
      Consumers.in(join(folder, 'consumers'), {
        ...{ REDIS_URL: redis.url, MAIL_URL: `http://127.0.0.1:${port}`, MAIL_TOKEN: TOKEN, STREAM: 'mails' },
        ...{ CLAIM_MS: '1500', MOST_LIVES: String(Math.max(8, MAILS / 6)) },
      }),
    );
    for (const n of [1, 2]) {
      consumers.begin('http', `http${n}`);
      consumers.begin('xack', `xack${n}`);
    }
    const subjects: string[] = [];
    const hazards: readonly (() => Promise<unknown>)[] = [
      () => redis.command('flushall'),
      async () => {
        await collector.end('SIGKILL');
        collector = start();
        await collector.line(/\] connected/);
      },
      () => redis.command('xgroup', 'destroy', 'mails', 'workers'),
      async () => {
        await redis.down('SIGKILL');
        await redis.up();
      },
      async () => {
        await collector.end('SIGKILL');
        await redis.command('flushall');
        collector = start();
        await collector.line(/\] connected/);
      },
      () => redis.command('xtrim', 'mails', 'MAXLEN', '2'),
    ];
    for (const [at, hazard] of hazards.entries()) {
      const part = Array.from({ length: Math.ceil(MAILS / hazards.length) }, (_, n) => `mail ${at} ${n}`);
      subjects.push(...part);
      const appending = dovecot.append(
        user,
        part.map((subject) => rawMail({ subject })),
      );
      await new Promise((resolve) => setTimeout(resolve, randomInt(500, 2_500)));
      await hazard();
      await appending;
    }
    const missing = (): string[] => {
      const { effects } = consumers.effects;
      return subjects.filter((subject) => !effects.has(subject));
    };
    const because = (error: unknown): never => {
      throw new Error(
        `${(error as Error).message}\n${missing().join(', ')}\n${written()}\n${consumers.written}`,
      );
    };
    await until('every mail had its effect', () => missing().length === 0, 300_000, 500).catch(because);
    const states = (): Map<string, number> => {
      const database = new DatabaseSync(ledger, { readOnly: true });
      const rows = database.prepare('select state, count(*) as n from event group by state').all();
      database.close();
      return new Map(rows.map(({ state, n }) => [String(state), Number(n)]));
    };
    await until('all is settled', () => states().get('DONE') === subjects.length, 300_000, 500).catch(
      because,
    );
    const { effects, works } = consumers.effects;
    assert.deepEqual(
      subjects.filter((subject) => effects.get(subject) !== 1),
      [],
    );
    assert.ok(consumers.kills > 0, 'nobody was killed');
    await until('nothing is left of it', async () => (await redis.command('xlen', 'mails')) === '0');
    console.log(`${subjects.length} mails, ${works} works, ${consumers.kills} consumers killed`);
    const posted = async (token: string, body: object): Promise<number> => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body: JSON.stringify(body) };
      return (await fetch(`http://127.0.0.1:${port}/api/work/settle`, init)).status;
    };
    const unknown = { event: randomUUID(), attempt: '1' };
    assert.equal(await posted(TOKEN, { ...unknown, ok: true }), 404);
    assert.equal(await posted(TOKEN, { ...unknown, ok: true, error: 'both' }), 400);
    assert.equal(await posted('token-of-those-who-look', { ...unknown, ok: true }), 403);
    assert.equal((await collector.end()).code, 0);
    for (const secret of [PASSWORD, TOKEN]) assert.ok(!written().includes(secret));
  });
});
