// Wake-ups among processes that share a Postgres: each process here is a SharedWake with connections of its own.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openPlace } from '../../engine/instance/place';
import { openPostgresChannel } from '../../engine/ledger/postgres/channel';
import { settingsFromUrl } from '../../engine/ledger/postgres/settings';
import { redisFromUrl } from '../../engine/redis/settings';
import { SharedWake } from '../../engine/signal/shared-wake';
import type { Wake } from '../../engine/signal/wake';
import { hasPgbouncer } from '../../tools/pgbouncer.mjs';
import { Cleanup } from '../support/cleanup';
import { silentLog } from '../support/log';
import { PgBouncer } from '../support/pgbouncer';
import { PostgresServer } from '../support/postgres';
import { RedisServer } from '../support/redis';
import { until } from '../support/until';

describe('a wake-up', { timeout: 3 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let server: PostgresServer;
  let url: string;

  before(async () => {
    server = await cleanup.of(PostgresServer.start({ fsync: false }));
    url = await server.createDatabase();
  });
  after(() => cleanup.run());

  const process = async (): Promise<SharedWake> =>
    new SharedWake(await openPostgresChannel(settingsFromUrl(url)), silentLog);

  it('reaches who waits in another process, and nobody else', async () => {
    const [main, other, worker] = await Promise.all([process(), process(), process()]);
    const woken: string[] = [];
    const deaf = [main.listen(1, () => woken.push('main 1')), other.listen(2, () => woken.push('other 2'))];
    await until('main hears the worker', () => {
      worker.notify([1]);
      return woken.length > 0;
    });
    woken.length = 0;
    await until('the other hears the worker', () => {
      worker.notify([2, 3]);
      return woken.includes('other 2');
    });
    deaf.forEach((stop) => stop());
  });

  it('of somebody in the same process is not sent, and comes once', async () => {
    const here = await process();
    let woken = 0;
    const deaf = here.listen(7, () => woken++);
    const listening = "select count(*) as n from pg_stat_activity where query like 'listen%'";
    await until('it listens', async () => (await server.query<{ n: number }>(url, listening))[0]!.n === 1);
    here.notify([7, 7]);
    assert.equal(woken, 1);
    // A text of its own comes back over the database, and wakes nobody a second time.
    here.notify([7, 8]);
    const other = await process();
    await until('others are heard', () => {
      other.notify([7]);
      return woken > 2;
    });
    deaf();
  });

  it('is heard again after the database was away', async () => {
    const [main, worker] = await Promise.all([process(), process()]);
    let woken = 0;
    const deaf = main.listen(1, () => woken++);
    await until('main hears the worker', () => {
      worker.notify([1]);
      return woken > 0;
    });
    await server.down('SIGKILL');
    worker.notify([1]);
    await server.up();
    woken = 0;
    await until(
      'main hears the worker again',
      () => {
        worker.notify([1]);
        return woken > 0;
      },
      60_000,
      200,
    );
    deaf();
  });

  describe('of processes with a Redis', () => {
    const near = new Cleanup();
    let redis: RedisServer;

    before(async () => {
      redis = await near.of(RedisServer.start());
    });
    after(() => near.run());

    const RULES = { stream: null, seenMs: null };

    /** @param said what it logs above debug */
    async function open(at: string, isBeside: boolean, said: string[]): Promise<Wake> {
      const say = (text: string): void => void said.push(text);
      const place = {
        kind: 'postgres' as const,
        settings: settingsFromUrl(at),
        ...(isBeside && { redis: { ...RULES, settings: redisFromUrl(redis.url) } }),
      };
      const log = { ...silentLog, info: say, warn: say };
      return (await near.of(openPlace(place, log, undefined))).wake;
    }

    const hearers = async (): Promise<number> =>
      Number(/\n(\d+)$/.exec(await redis.command('pubsub', 'numsub', await channel()))?.[1] ?? 0);
    const channel = async (): Promise<string> =>
      (await redis.command('pubsub', 'channels', '*')).split('\n')[0]!;

    it('goes by Postgres where that can notify', async () => {
      const said: string[] = [];
      const [main, worker] = [await open(url, true, said), await open(url, true, said)];
      let woken = 0;
      const deaf = main.listen(1, () => woken++);
      await until('Redis is not heard any more', async () => {
        worker.notify([1]);
        return woken > 1 && (await hearers()) === 0;
      });
      deaf();
      assert.deepEqual(said, []);
    });

    it(
      'goes by Redis behind a PgBouncer in transaction mode, also to who listens to all, and again after Redis was away',
      { skip: hasPgbouncer() ? false : 'PgBouncer is not here; "npm test" fetches it on Debian and Ubuntu' },
      async () => {
        const bouncer = await near.of(PgBouncer.before(server));
        const behind = bouncer.url(url);
        const [said, alone]: [string[], string[]] = [[], []];
        const [main, worker, console] = [
          await open(behind, true, said),
          await open(behind, true, said),
          await open(behind, true, said),
        ];
        const woken = new Set<string>();
        const deaf = [
          main.listen(1, () => woken.add('main')),
          console.listenToAll(() => woken.add('console')),
        ];
        worker.notify([1]);
        const byRedis = 'Postgres cannot notify (PgBouncer in transaction mode?): wake-ups go by Redis';
        await until('it is said by each', () => said.filter((text) => text === byRedis).length === 3);
        const areHeard = (): boolean => {
          worker.notify([1]);
          return woken.size === 2;
        };
        woken.clear();
        await until('both hear the worker', areHeard);
        // What is heard where it is said is sent as well, for the feeds of others.
        woken.clear();
        await until('the console hears main', () => {
          main.notify([1]);
          return woken.has('console');
        });
        await redis.down('SIGKILL');
        worker.notify([1]);
        await redis.up();
        woken.clear();
        await until('both hear the worker again', areHeard, 60_000);
        deaf.forEach((stop) => stop());

        const without = await open(behind, false, alone);
        without.notify([1]);
        await until('it is said', () => alone.length === 1);
        assert.match(alone[0]!, /no Redis is named: each process looks by itself.* up to 30 s later/);
      },
    );
  });
});
