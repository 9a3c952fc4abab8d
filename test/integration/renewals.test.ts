// Leases on Postgres whose connections fall silent: whoever is well renews them in time, over new connections.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client } from 'pg';
import type { Ledger } from '../../engine/ledger/ledger';
import { openPostgresLedger } from '../../engine/ledger/postgres/postgres-ledger';
import { settingsFromUrl } from '../../engine/ledger/postgres/settings';
import { held } from '../ledger/held';
import { Cleanup } from '../support/cleanup';
import { TcpProxy } from '../support/net';
import { PostgresServer } from '../support/postgres';

/** A lease when it is renewed has at least so much left: it lasts 30 s and is renewed every 10 s. */
const LEFT_MS = 20_000;
const LEASE_MS = 30_000;

describe('leases whose connections to Postgres fall silent', { timeout: 3 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let proxy: TcpProxy;
  let ledger: Ledger;
  let beside: Client;

  before(async () => {
    const server = await cleanup.of(PostgresServer.start({ fsync: false }));
    const url = await server.createDatabase();
    const settings = settingsFromUrl(url);
    proxy = await TcpProxy.to(settings.port);
    ledger = await openPostgresLedger({ ...settings, host: '127.0.0.1', port: proxy.port });
    beside = new Client({ connectionString: url, options: '-c search_path=durable_mail' });
    await beside.connect();
  });
  after(async () => {
    proxy.cut();
    await ledger.close();
    await proxy.close();
    await beside.end();
    await cleanup.run();
  });

  it('are renewed within what is left of them: of runs, of pointers, of keys and of sources', async () => {
    const to = await ledger.subscribe({
      ...{ workflowId: 'w', nodeId: 'n', retryDelaysMs: [1], guarantee: 'atLeastOnce', keepContentMs: 0 },
      ...{ source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'INBOX' }, retentionMs: 1_000_000 },
      ...{ afterSuccess: null, whenDead: null },
    });
    const hold = await held(ledger, to.sourceId);
    const message = (uid: number) => ({
      ...{ identity: `uid:${uid}`, softIdentity: null, accountWide: false, weakIdentity: null },
      ...{ messageId: null, sender: null, subject: null, uid, uidValidity: '1', receivedAt: 1, size: 1 },
      ...{ content: Buffer.from('x'), due: [to.id] },
    });
    await ledger.record({ hold, messages: [message(1), message(2)], cursors: [] });
    const offer = { subscriptionIds: [to.id], mostRuns: 10, mailsPerRun: 1, leaseMs: LEASE_MS };
    const [running, queued] = (await ledger.offer(offer)).runs.flatMap(({ pointers }) => pointers);
    await ledger.claim([running!], '1', LEASE_MS);
    const take = { keys: ['k'], holder: 'h', leaseMs: LEASE_MS, finish: 'onSuccess', keepMs: null } as const;
    await ledger.takeKeys(take);
    const renewAll = (): Promise<unknown[]> =>
      Promise.all([
        ledger.renew([running!], 'RUNNING', LEASE_MS),
        ledger.renew([queued!], 'QUEUED', LEASE_MS),
        ledger.renewKeys(['h'], LEASE_MS),
        ledger.renewHolds([hold], LEASE_MS),
      ]);
    // They have been renewed before, so that there are connections which can fall silent.
    await renewAll();
    for (const [table, column] of [
      ['event', 'lease_until'],
      ['once_key', 'lease_until'],
      ['source', 'held_until'],
    ] as const) {
      await beside.query(`update ${table} set ${column} = 1`);
    }
    assert.ok(proxy.open > 0);
    proxy.freeze();
    const began = performance.now();
    const renewed = await renewAll();
    const tookMs = performance.now() - began;
    assert.deepEqual(renewed, [[running], [queued], undefined, [hold]]);
    assert.ok(tookMs < LEFT_MS, `${Math.round(tookMs)} ms`);
    const { rows } = await beside.query<{ left: boolean }>(
      `select lease_until > 1 as left from event
       union all select lease_until > 1 from once_key union all select held_until > 1 from source`,
    );
    assert.deepEqual(
      rows.map(({ left }) => left),
      [true, true, true, true],
    );
  });
});
