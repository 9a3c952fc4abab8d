// Work by Redis streams: a real Redis, with all that it does to a stream; and the built command with a real Dovecot, its consumers
// and itself killed again and again: every mail is done.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { connectRedis, type RedisConnection } from '../../engine/redis/connection';
import { redisFromUrl } from '../../engine/redis/settings';
import { WorkStream } from '../../engine/work/stream';
import { buildIfChanged } from '../../tools/build.mjs';
import { Cleanup } from '../support/cleanup';
import { CollectorProcess } from '../support/collector-process';
import { Dovecot } from '../support/dovecot';
import { silentLog } from '../support/log';
import { rawMail } from '../support/mails';
import { freePort } from '../support/net';
import { RedisServer } from '../support/redis';
import { until } from '../support/until';
import { Consumers } from '../support/work/consumers';

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
    assert.equal((await collector.end()).code, 0);
    for (const secret of [PASSWORD, TOKEN]) assert.ok(!written().includes(secret));
  });
});
