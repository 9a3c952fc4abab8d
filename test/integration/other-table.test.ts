// A table of another system in a real Postgres that is cut off at the worst moment.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openOtherTable } from '../../engine/ledger/postgres/other-table';
import { Cleanup } from '../support/cleanup';
import { Way } from '../support/many/many';
import { PostgresServer } from '../support/postgres';
import { until } from '../support/until';

describe('a connection to Postgres that breaks in the middle of a query', { timeout: 120_000 }, () => {
  const cleanup = new Cleanup();
  let server: PostgresServer;
  let way: Way;
  let url: string;
  let behind: string;

  before(async () => {
    server = await cleanup.of(PostgresServer.start({ fsync: false }));
    url = await server.createDatabase();
    way = await new Way(Number(new URL(url).port)).begin();
    behind = Object.assign(new URL(url), { host: `127.0.0.1:${way.port}` }).href;
  });
  after(async () => {
    way.end();
    await cleanup.run();
  });

  const isAsked = async (): Promise<boolean> =>
    (await server.query(url, `select 1 from pg_stat_activity where query like 'select 1 as a%'`)).length > 0;

  // That it would end the process is seen by the test's own: an error that nobody takes fails it.
  it('fails the look at the table alone, and the next look has its rows', async () => {
    const sql = 'select 1 as a from pg_sleep(30)';
    const slow = await cleanup.of(openOtherTable(behind, sql));
    const looking = slow.rows();
    const failed = assert.rejects(looking, /did not give the accounts/);
    await until('it is asked', isAsked);
    way.be('cut');
    await failed;
    way.be('open');
    const table = await cleanup.of(openOtherTable(behind, 'select 1 as a'));
    assert.deepEqual(await table.rows(), [{ a: 1 }]);
  });
});
