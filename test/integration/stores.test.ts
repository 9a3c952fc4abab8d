// The stores of one process: one for each database, and let go when nobody needs it.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { PostgresSettings } from '../../engine/ledger/postgres/settings';
import { settingsFromUrl } from '../../engine/ledger/postgres/settings';
import { closeIdle } from '../../engine/instance/open-engines';
import { log } from '../../nodes/host/n8n/log';
import { openStore, processState, type Store, type StoreContext } from '../../nodes/host/store/store';
import { Cleanup } from '../support/cleanup';
import { PostgresServer, queryOnce } from '../support/postgres';
import { until } from '../support/until';

describe('a store whose credential was edited', { timeout: 120_000 }, () => {
  const cleanup = new Cleanup();
  let url: string;
  let settings: PostgresSettings;

  before(async () => {
    const server = await cleanup.of(PostgresServer.start());
    url = await server.createDatabase('ledger');
    settings = settingsFromUrl(url);
  });
  after(() => cleanup.run());

  const open = (schema: string): Promise<Store> => {
    const { host, port, database, user, password } = settings;
    return openStore({
      getNode: () => ({ parameters: { mailStore: 'postgres' } }),
      getCredentials: async () => ({ host, port, database, user, password, schema, ssl: 'disable' }),
      getInstanceId: () => 'this n8n',
    } as unknown as StoreContext);
  };

  const connections = async (): Promise<number> => {
    const ours = `select count(*)::int as n from pg_stat_activity where application_name = 'n8n-nodes-durable-mail'`;
    return (await queryOnce<{ n: number }>(url, ours))[0]!.n;
  };

  it('is closed when nobody listens on it and no run is held there, and not before', async () => {
    const store = await open('first');
    const second = await open('second');
    assert.equal(await open('first'), store);
    store.listeners.add(store);
    second.runs.hold('a run');
    await closeIdle(processState(), log, 0);
    assert.equal(await open('first'), store);
    assert.equal(await open('second'), second);
    store.listeners.delete(store);
    second.runs.release('a run');
    await closeIdle(processState(), log, 60_000);
    assert.equal(await open('first'), store, 'it was asked for a moment ago');
    await closeIdle(processState(), log, 0);
    await until('its connections are closed', async () => (await connections()) === 0);
    assert.notEqual(await open('first'), store);
    await closeIdle(processState(), log, 0);
  });
});
