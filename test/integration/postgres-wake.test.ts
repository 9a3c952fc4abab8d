// Wake-ups among processes that share a Postgres: each process here is a SharedWake with connections of its own.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openPostgresChannel } from '../../engine/ledger/postgres/channel';
import { settingsFromUrl } from '../../engine/ledger/postgres/settings';
import { SharedWake } from '../../engine/signal/shared-wake';
import { Cleanup } from '../support/cleanup';
import { silentLog } from '../support/log';
import { PostgresServer } from '../support/postgres';
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
});
