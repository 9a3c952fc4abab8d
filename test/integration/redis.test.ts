// Events out by a Redis stream, through everything that Redis does to it: the ledger's changes are in memory, Redis is real.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { openPlace } from '../../engine/instance/place';
import { checkRedis } from '../../engine/redis/check';
import { connectRedis } from '../../engine/redis/connection';
import { EVENT_STREAM, type EventStreamSettings } from '../../engine/redis/event-entry';
import { EventStream } from '../../engine/redis/event-stream';
import { watchEviction } from '../../engine/redis/eviction';
import { keysOf } from '../../engine/redis/keys';
import { redisMarks } from '../../engine/redis/seen-cache';
import { redisFromUrl, type RedisSettings } from '../../engine/redis/settings';
import { StreamWriting } from '../../engine/redis/stream-writing';
import { redisWakeChannel } from '../../engine/redis/wake-channel';
import { ProcessWake } from '../../engine/signal/wake';
import type { Log } from '../../engine/runtime/log';
import { selfSigned } from '../support/certificate';
import { Cleanup } from '../support/cleanup';
import { FaultProxy } from '../support/fault-proxy';
import { silentLog } from '../support/log';
import { RedisServer } from '../support/redis';
import { NumberedLedger } from '../support/redis-stream/numbered';
import { GroupReader, OwnReader } from '../support/redis-stream/readers';
import { until } from '../support/until';

describe('the stream of events', { timeout: 5 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let redis: RedisServer;
  let ledgers = 0;
  const ends: (() => Promise<void>)[] = [];

  before(async () => {
    redis = await cleanup.of(RedisServer.start());
  });
  after(() => cleanup.run());

  const ending = async (test: () => Promise<void>): Promise<void> => {
    try {
      await test();
    } finally {
      await Promise.all(ends.splice(0).map((end) => end()));
    }
  };

  const atEnd = (end: () => void): void => {
    ends.push(() => {
      end();
      return Promise.resolve();
    });
  };

  const streamName = (): string => keysOf(`ledger-${ledgers}`)('events');

  /** A process that writes. */
  async function writer(
    ledger: NumberedLedger,
    settings: RedisSettings,
    { log = silentLog, ...more }: Partial<EventStreamSettings> & { log?: Log } = {},
  ): Promise<() => Promise<void>> {
    const connection = await connectRedis(settings, log, { use: 'commands', commandMs: 1_500 });
    const keys = keysOf(`ledger-${ledgers}`);
    const writing = new StreamWriting(connection, keys, 'events', `process ${Math.random()}`);
    const over = new AbortController();
    const ports = { ledger, wake: new ProcessWake(), connection, writing, log };
    const running = new EventStream(ports, { ...EVENT_STREAM, ...more }).run(over.signal);
    const end = async (): Promise<void> => {
      over.abort();
      await running;
      connection.close();
    };
    ends.push(end);
    return end;
  }

  /** A ledger in which something happens all the time, its writer, and a reader. */
  async function scene(settings = redisFromUrl(redis.url)) {
    ledgers++;
    const ledger = new NumberedLedger();
    const adding = setInterval(() => ledger.add(), 5);
    const endWriter = await writer(ledger, settings);
    const reader = new OwnReader(streamName(), settings);
    const member = new GroupReader(streamName(), settings);
    ends.push(
      () => reader.close(),
      () => member.close(),
    );
    atEnd(() => clearInterval(adding));
    const reads = (): Promise<unknown> => {
      const from = reader.events.length;
      return until('the reader reads', () => reader.events.length > from + 20);
    };
    await reads();
    return {
      ledger,
      endWriter,
      reader,
      member,
      reads,
      /** Each event once; in order for who reads alone. */
      exact: async (): Promise<void> => {
        clearInterval(adding);
        const all = ledger.fake.all.map(({ event }) => event);
        await until('the reader has all', () => reader.events.length >= all.length, 60_000);
        assert.deepEqual(reader.events, all);
        await until('the group has all', () => member.events.length >= all.length, 60_000);
        assert.deepEqual(member.events.toSorted(), all.toSorted());
      },
    };
  }

  it('has every event, in order, with its position, and is gone on with by the next writer', () =>
    ending(async () => {
      const { ledger, endWriter, reader, reads, exact } = await scene();
      await endWriter();
      await writer(ledger, redisFromUrl(redis.url));
      await reads();
      await exact();
      assert.equal(reader.resets, 1);
      const first = await redis.command('xrange', streamName(), '-', '+', 'count', '2');
      assert.match(first, /^7-1\ntype\nreset\nposition\nledger01\.7\.1\.1000\nv\n1\ntime\n/);
      assert.match(first, /7-2\ntype\nemail\.new\nposition\nledger01\.7\.2\.1000\n.*data\n\{\}$/s);
    }));

  it('is written by one process at a time: who stood still, and comes back, writes nothing', () =>
    ending(async () => {
      const { ledger, reads, exact } = await scene();
      // Both believe that they write: what one of them wrote the other finds there, and goes on after it.
      await writer(ledger, redisFromUrl(redis.url));
      for (let times = 0; times < 5; times++) {
        await redis.command('del', keysOf(`ledger-${ledgers}`)('events:writer'));
        await reads();
      }
      await exact();
      const length = Number(await redis.command('xlen', streamName()));
      assert.equal(length, ledger.fake.all.length + 1);
    }));

  it('that was emptied, deleted, lost its group, or was on a server that was restarted, is there again', () =>
    ending(async () => {
      const { member, reads, exact } = await scene();
      await redis.command('flushall');
      await reads();
      await redis.command('del', streamName());
      // Also what its readers have read is there again, though nobody took the lease away.
      await until('it begins with "reset" again', async () =>
        (await redis.command('xrange', streamName(), '-', '+', 'count', '1')).includes('\nreset\n'),
      );
      await reads();
      await redis.command('xgroup', 'destroy', streamName(), 'group');
      await reads();
      await redis.down('SIGKILL');
      await redis.up();
      await reads();
      await exact();
      assert.ok(member.groupsMade >= 4, `the group was made ${member.groupsMade} times`);
    }));

  it('is seen to be deleted also where nothing happens', () =>
    ending(async () => {
      ledgers++;
      const ledger = new NumberedLedger();
      ledger.add();
      await writer(ledger, redisFromUrl(redis.url));
      const length = async (): Promise<number> => Number(await redis.command('xlen', streamName()));
      await until('it is there', async () => (await length()) === 2);
      await redis.command('del', streamName());
      await until('it is there again', async () => (await length()) === 2);
    }));

  it('goes on over a line that is slow, cut, silent, or closed', () =>
    ending(async () => {
      const proxy = await FaultProxy.to(redis.port);
      ends.push(() => proxy.dispose());
      const { reads, exact } = await scene(redisFromUrl(`redis://127.0.0.1:${proxy.port}`));
      proxy.begin({ bytesPerSecond: 40_000 });
      await reads();
      await proxy.heal();
      proxy.reset();
      await reads();
      proxy.halfOpen();
      await reads();
      await proxy.refuse();
      await new Promise((resolve) => setTimeout(resolve, 500));
      await proxy.heal();
      await reads();
      await exact();
      assert.ok(proxy.struck > 5);
    }));

  it('waits for a Redis that stands still', () =>
    ending(async () => {
      const { reads, exact } = await scene();
      redis.freeze();
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      redis.resume();
      await reads();
      await exact();
    }));

  it('goes on on another server after a failover that lost what was acknowledged', () =>
    ending(async () => {
      const master = await RedisServer.start();
      const replica = await RedisServer.start({ replicaof: `127.0.0.1 ${master.port}` });
      const sentinel = await RedisServer.sentinel('mails', master.port);
      ends.push(
        () => master.dispose(),
        () => replica.dispose(),
        () => sentinel.dispose(),
      );
      await until('the replica follows', async () =>
        (await replica.command('info', 'replication')).includes('master_link_status:up'),
      );
      await until('the sentinel knows the replica', async () =>
        (await sentinel.command('sentinel', 'replicas', 'mails')).includes(String(replica.port)),
      );
      const settings = redisFromUrl(`redis+sentinel://127.0.0.1:${sentinel.port}/mails`);
      const { ledger, reader, reads, exact } = await scene(settings);
      replica.freeze();
      await master.command('client', 'kill', 'type', 'replica');
      await reads();
      const acknowledged = Number(await master.command('xlen', streamName()));
      await master.down('SIGKILL');
      replica.resume();
      const kept = Number(await replica.command('xlen', streamName()));
      assert.ok(kept < acknowledged, `${kept} of ${acknowledged} entries were kept`);
      await until(
        'the replica is master',
        async () => (await replica.command('role')).startsWith('master'),
        60_000,
      );
      await reads();
      await exact();
      assert.equal(Number(await replica.command('xlen', streamName())), ledger.fake.all.length + 1);
      assert.ok(reader.resets === 1);
    }));

  it('is connected to again also where a failover is heard of, or a new connection asked for, while it connects', () =>
    ending(async () => {
      const sentinel = await RedisServer.sentinel('mails', redis.port);
      const cluster = await RedisServer.start({
        'cluster-enabled': 'yes',
        'cluster-announce-ip': '127.0.0.1',
      });
      ends.push(
        () => sentinel.dispose(),
        () => cluster.dispose(),
      );
      await cluster.command('cluster', 'addslotsrange', '0', '16383');
      const urls = [redis.url, `redis+sentinel://127.0.0.1:${sentinel.port}/mails`];
      for (const url of [...urls, `redis+cluster://127.0.0.1:${cluster.port}`]) {
        const connection = await connectRedis(redisFromUrl(url), silentLog);
        atEnd(() => connection.close());
        assert.equal(connection.client.status, 'connecting', url);
        connection.renew();
        await until(`it is there: ${url}`, () => connection.isReady);
      }
      for (const url of urls) {
        const connection = await connectRedis(redisFromUrl(url), silentLog);
        atEnd(() => connection.close());
        // What ioredis does itself at a failover, at whatever moment it hears of it.
        connection.client.disconnect(true);
        await until('it is given up', () => connection.client.status === 'end', undefined, 1);
        await until(`it is there after all: ${url}`, () => connection.isReady);
      }
    }));

  it('is connected to by another sentinel where one stands still', () =>
    ending(async () => {
      const [frozen, other] = await Promise.all([
        RedisServer.sentinel('mails', redis.port),
        RedisServer.sentinel('mails', redis.port),
      ]);
      ends.push(
        () => frozen.dispose(),
        () => other.dispose(),
      );
      frozen.freeze();
      const addresses = [frozen, other].map(({ port }) => `127.0.0.1:${port}`).join(',');
      const connection = await connectRedis(redisFromUrl(`redis+sentinel://${addresses}/mails`), silentLog);
      atEnd(() => connection.close());
      await until('it is there', () => connection.isReady);
    }));

  it('that is thrown away for want of memory is begun anew, and that it can be is said', () =>
    ending(async () => {
      // Not the one of what was used least lately: its readers use the stream, and on a slow machine all else is older.
      await redis.command('config', 'set', 'maxmemory-policy', 'allkeys-random');
      ends.push(async () => {
        await redis.command('flushall');
        await redis.command('config', 'set', 'maxmemory', '0');
      });
      const { reads, exact } = await scene();
      const said: string[] = [];
      const connection = await connectRedis(redisFromUrl(redis.url), silentLog);
      atEnd(() => connection.close());
      await connection.ready(AbortSignal.timeout(10_000));
      const memory = /used_memory:(\d+)/.exec(await redis.command('info', 'memory'))![1]!;
      await redis.command('config', 'set', 'maxmemory', String(Number(memory) + 1_000_000));
      watchEviction(connection, 'Redis at home', { ...silentLog, warn: (text) => said.push(text) });
      await until('it is said', () => said.length === 1);
      assert.match(said[0]!, /^Redis at home throws keys away .*allkeys-random.* begun anew/);
      let junk = 0;
      // It is begun anew at once: whoever looks whether it is there comes too late.
      await redis.command('config', 'set', 'notify-keyspace-events', 'Ee');
      const evicted = new Set<string>();
      const told = new Redis(redis.url);
      atEnd(() => told.disconnect());
      told.on('message', (_, key) => evicted.add(key));
      await told.subscribe('__keyevent@0__:evicted');
      const isGone = async (): Promise<boolean> => {
        for (let n = 0; n < 50; n++)
          await connection.client.set(`junk ${junk++}`, 'x'.repeat(20_000)).catch(() => null);
        return evicted.has(streamName());
      };
      await until('the stream is thrown away', isGone, 30_000, 1);
      await redis.command('config', 'set', 'maxmemory', '0');
      await reads();
      await exact();
    }));

  it('says "reset" where the ledger has not all any more, and where it was put back', () =>
    ending(async () => {
      const { ledger, endWriter, reader, reads } = await scene();
      await endWriter();
      for (let n = 0; n < 100; n++) ledger.add();
      ledger.fake.oldest = ledger.fake.all.length - 50;
      const endNext = await writer(ledger, redisFromUrl(redis.url));
      await until('it is reset', () => reader.resets === 2);
      await reads();
      await endNext();
      // A backup: the same places stand for other changes, and some are gone.
      ledger.moment = 2_000;
      ledger.fake.all.splice(ledger.fake.oldest + 5);
      await writer(ledger, redisFromUrl(redis.url));
      await until('it is reset again', () => reader.resets === 3);
      await reads();
    }));

  it('keeps about so many entries, and none older than so many days', () =>
    ending(async () => {
      ledgers++;
      const ledger = new NumberedLedger();
      for (let n = 0; n < 2_000; n++) ledger.add();
      const length = async (): Promise<number> => Number(await redis.command('xlen', streamName()));
      const last = async (): Promise<boolean> =>
        (await redis.command('xrevrange', streamName(), '+', '-', 'count', '1')).endsWith('e2000');
      const end = await writer(ledger, redisFromUrl(redis.url), { most: 500, fields: ['event'] });
      await until('all are written', last);
      assert.ok((await length()) < 700, `${await length()} are kept`);
      await end();
      // They are of 2023.
      await writer(ledger, redisFromUrl(redis.url), { keepMs: 86_400_000 });
      await until('the old are gone', async () => (await length()) === 1);
      ledger.add();
      await until('it goes on', async () => (await length()) === 2);
    }));

  it('is written in a cluster, too, with a login', () =>
    ending(async () => {
      const cluster = await RedisServer.start({
        'cluster-enabled': 'yes',
        'cluster-announce-ip': '127.0.0.1',
      });
      ends.push(() => cluster.dispose());
      await cluster.command('cluster', 'addslotsrange', '0', '16383');
      await until('the cluster is ready', async () =>
        (await cluster.command('cluster', 'info')).includes('cluster_state:ok'),
      );
      await cluster.command('config', 'set', 'requirepass', 'the secret');
      const settings = redisFromUrl(`redis+cluster://:the%20secret@127.0.0.1:${cluster.port}`);
      const { exact } = await scene(settings);
      await exact();
      const keys = keysOf('ledger');
      const connection = await connectRedis(settings, silentLog);
      atEnd(() => connection.close());
      await connection.ready(AbortSignal.timeout(10_000));
      const channel = redisWakeChannel({ settings, keys, connection, log: silentLog });
      const heard: string[] = [];
      atEnd(() => stop());
      const stop = channel.receive((text) => heard.push(text));
      await until('a wake-up is heard', async () => {
        await channel.send('1 2');
        return heard.includes('1 2');
      });
      const marks = redisMarks(connection, keys, 60_000);
      marks.mark(['a', 'b']);
      await until('the marks are seen', async () => (await marks.marked(['a', 'b', 'c'])).size === 2);
      await connection.client.set(keys('seen:c'), 'of somebody else');
      assert.deepEqual([...(await marks.marked(['b', 'c']))], ['b']);
    }));

  it('is of a Redis that is checked: its certificate, its login, and whether it is there', () =>
    ending(async () => {
      const certificate = await selfSigned('localhost');
      const proxy = await FaultProxy.to(redis.port, certificate);
      const file = join(await mkdtemp(join(tmpdir(), 'redis-ca-')), 'ca.pem');
      await writeFile(file, certificate.cert);
      ends.push(
        () => proxy.dispose(),
        () => rm(dirname(file), { recursive: true }),
      );
      const secure = `rediss://localhost:${proxy.port}`;
      const at = `Redis at localhost:${proxy.port}`;
      assert.match(
        await checkRedis(redisFromUrl(`${secure}?ca=${file}`)),
        new RegExp(`^Connected to ${at} \\(version 7`),
      );
      assert.match(await checkRedis(redisFromUrl(`${secure}?tls=no-verify`)), /^Connected/);
      await assert.rejects(
        checkRedis(redisFromUrl(secure)),
        new RegExp(`${at} cannot be used: self.signed certificate`),
      );
      await redis.command('config', 'set', 'requirepass', 'right');
      ends.push(async () => {
        await redis.command('-a', 'right', 'config', 'set', 'requirepass', '');
      });
      const wrong = redis.url.replace('//', '//:mistaken@');
      await assert.rejects(checkRedis(redisFromUrl(wrong)), (error: Error) => {
        assert.match(error.message, /WRONGPASS/);
        return !/mistaken/.test(error.message);
      });
      await assert.rejects(
        checkRedis(redisFromUrl('redis://127.0.0.1:1')),
        /127.0.0.1:1 cannot be used: .*ECONNREFUSED/,
      );
    }));

  it('needs no other rights than docs/redis.md names', () =>
    ending(async () => {
      const rights = ['~durable-mail:*', '&durable-mail:*', '+@all', '-@dangerous', '+info'];
      await redis.command('acl', 'setuser', 'bob', 'reset', 'on', '>secret', ...rights);
      const settings = redisFromUrl(redis.url.replace('//', '//bob:secret@'));
      assert.match(await checkRedis(settings), /^Connected to [^,]*$/);
      const { reader, exact } = await scene(settings);
      await exact();
      assert.equal(reader.resets, 1);
    }));

  it('wakes nobody where a user has no channels, which is said once, and does as soon as it has', () =>
    ending(async () => {
      await redis.command('acl', 'setuser', 'ann', 'on', '>secret', '~*', '+@all', 'resetchannels');
      const settings = redisFromUrl(redis.url.replace('//', '//ann:secret@'));
      assert.match(
        await checkRedis(settings),
        /^Connected .* lets nobody be woken: NOPERM .*&durable-mail:\*/,
      );
      const connections = async (): Promise<number> =>
        Number(/total_connections_received:(\d+)/.exec(await redis.command('info', 'stats'))![1]);
      const connection = await connectRedis(settings, silentLog);
      const said: string[] = [];
      const log = { ...silentLog, warn: (text: string) => void said.push(text) };
      const channel = redisWakeChannel({ settings, keys: keysOf('unheard'), connection, log });
      let heard = 0;
      const deaf = channel.receive(() => heard++);
      atEnd(deaf);
      atEnd(() => connection.close());
      await until('it is said', () => said.length > 0);
      assert.match(said[0]!, /lets nobody be woken: NOPERM .*ACL SETUSER/);
      const before = await connections();
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      assert.ok((await connections()) - before <= 2, 'it does not connect again and again');
      await redis.command('acl', 'setuser', 'ann', '&durable-mail:*');
      await redis.command('client', 'kill', 'user', 'ann');
      await until('it is heard', async () => {
        await channel.send('x').catch(() => undefined);
        return heard > 0;
      });
      assert.equal(said.length, 1);
    }));

  it('comes of a ledger that names a Redis, wherever that ledger is', () =>
    ending(async () => {
      const folder = await mkdtemp(join(tmpdir(), 'redis-ledger-'));
      ends.push(() => rm(folder, { recursive: true }));
      const place = {
        ...{ kind: 'sqlite' as const, file: join(folder, 'ledger.sqlite') },
        redis: { settings: redisFromUrl(redis.url), stream: EVENT_STREAM, seenMs: 60_000 },
      };
      const { ledger, close } = await openPlace(place, silentLog, undefined);
      try {
        const stream = keysOf(await ledger.ledgerId())('events');
        await ledger.saveTemplate('thanks', { subject: 'a', text: 'b', html: null }, 'ann');
        await until('it is told', async () =>
          (await redis.command('xrange', stream, '-', '+')).includes('template.changed'),
        );
      } finally {
        await close();
      }
    }));
});
