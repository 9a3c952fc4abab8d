// What is told of changes on a Postgres where transactions commit in another order than they began, in other databases, too;
// whose numbers of transactions have grown past 32 bits; and on one that was given the ledger of another server.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Client } from 'pg';
import type { Change, ChangePage } from '../../engine/ledger/changes';
import type { Ledger } from '../../engine/ledger/ledger';
import type { NewMessage } from '../../engine/ledger/recording';
import type { Subscription } from '../../engine/ledger/subscriptions';
import { openPostgresLedger } from '../../engine/ledger/postgres/postgres-ledger';
import { settingsFromUrl } from '../../engine/ledger/postgres/settings';
import { run } from '../../tools/shell.mjs';
import { held } from '../ledger/held';
import { PostgresServer } from '../support/postgres';
import { unprivileged } from '../support/server-process';
import { until } from '../support/until';

let server: PostgresServer;
before(async () => {
  server = await PostgresServer.start({ fsync: false });
});
after(() => server.dispose());

async function withLedger(url: string, work: (ledger: Ledger) => Promise<void>): Promise<void> {
  const ledger = await openPostgresLedger(settingsFromUrl(url));
  try {
    await work(ledger);
  } finally {
    await ledger.close();
  }
}

/** A connection that may hold a transaction open. */
async function beside(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url, options: '-c search_path=durable_mail' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

const subscribe = (ledger: Ledger): Promise<Subscription> =>
  ledger.subscribe({
    ...{
      workflowId: 'w',
      nodeId: 'n',
      source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'INBOX' },
    },
    ...{ retryDelaysMs: [1], guarantee: 'atLeastOnce', keepContentMs: 0, retentionMs: 1_000_000 },
    ...{ afterSuccess: null, whenDead: null },
  });

const mail = (uid: number, to: Subscription): NewMessage => ({
  ...{ identity: `uid:1:${uid}:INBOX`, softIdentity: null, accountWide: false, weakIdentity: null },
  ...{ messageId: null, sender: null, subject: null, uid, uidValidity: '1', receivedAt: 1, size: 1 },
  ...{ content: null, due: [to.id] },
});

const record = async (ledger: Ledger, to: Subscription, ...uids: number[]): Promise<void> => {
  const messages = uids.map((uid) => mail(uid, to));
  await ledger.record({ hold: await held(ledger, to.sourceId), messages, cursors: [] });
};

const page = async (ledger: Ledger, after: string, limit = 1_000): Promise<ChangePage> => {
  const answer = await ledger.changes(after, limit);
  assert.ok(answer !== 'reset');
  return answer;
};

/** How many are told, once they are. */
const toldAfter = (ledger: Ledger, position: string, count: number): Promise<readonly Change[]> =>
  until(`${count} changes are told`, async () => {
    const { changes } = await page(ledger, position);
    assert.ok(changes.length <= count);
    return changes.length === count && changes;
  });

const newest = (ledger: Ledger): Promise<string> =>
  until('all is told', async () => {
    const { oldest, newest: last } = await ledger.changePositions();
    return (await page(ledger, oldest)).position === last && last;
  });

describe('changes in Postgres', () => {
  it('are told without a hole while a transaction is held open that wrote before others', async () => {
    const url = await server.createDatabase();
    await withLedger(url, (ledger) =>
      beside(url, async (slow) => {
        const to = await subscribe(ledger);
        await record(ledger, to, 1, 2);
        const begin = await newest(ledger);
        await slow.query('begin');
        await slow.query(`
          update event set state = 'DONE', due_at = null, settled_at = 1 where identity = 'uid:1:1:INBOX'`);
        await record(ledger, to, 3);
        await record(ledger, to, 4);
        const { rows } = await slow.query<{ n: string }>('select count(*) as n from change');
        assert.equal(rows[0]!.n, '7', 'all of it is stored');
        assert.deepEqual(await page(ledger, begin), { changes: [], position: begin, more: false });
        assert.equal((await ledger.changePositions()).newest, begin);
        await slow.query('commit');
        const told = await toldAfter(ledger, begin, 3);
        assert.deepEqual(
          told.map(({ type }) => type),
          ['email.updated', 'email.new', 'email.new'],
        );
        assert.deepEqual((await page(ledger, told[0]!.position)).changes, told.slice(1));
      }),
    );
  });

  it('are told late, and all of them, while one is held open in another database', async () => {
    const url = await server.createDatabase();
    await withLedger(url, (ledger) =>
      beside(server.url(), async (other) => {
        const to = await subscribe(ledger);
        const begin = await newest(ledger);
        await other.query('begin');
        await other.query('select pg_current_xact_id()');
        await record(ledger, to, 1);
        assert.deepEqual((await page(ledger, begin)).changes, []);
        await other.query('rollback');
        await toldAfter(ledger, begin, 1);
      }),
    );
  });

  it('can be begun on and swept while one has been held open since before the ledger was made', async () => {
    const url = await server.createDatabase();
    await beside(server.url(), async (other) => {
      await other.query('begin');
      await other.query('select pg_current_xact_id()');
      await withLedger(url, async (ledger) => {
        const to = await subscribe(ledger);
        const { oldest, newest: last } = await ledger.changePositions();
        assert.equal(oldest, last);
        await record(ledger, to, 1);
        await server.query(url, 'update durable_mail.change set at = 1 where xid > $1::xid8', ['0']);
        await ledger.sweep(100);
        await other.query('rollback');
        await toldAfter(ledger, oldest, 2);
      });
    });
  });

  it('go on in their order when numbers of transactions grow past 32 bits', async () => {
    const url = await server.createDatabase();
    let to: Subscription | undefined;
    let begin = '';
    await withLedger(url, async (ledger) => {
      to = await subscribe(ledger);
      begin = await newest(ledger);
      await record(ledger, to, 1);
      await toldAfter(ledger, begin, 1);
    });
    await server.down();
    await run(...resetWal('--epoch=5'));
    await server.up();
    await withLedger(url, async (ledger) => {
      await record(ledger, to!, 2);
      const told = await toldAfter(ledger, begin, 2);
      const [first, second] = await server.query<{ xid: string }>(
        url,
        `select xid from durable_mail.change where type = 'email.new' order by xid`,
      );
      assert.ok(Number(first!.xid) < 2 ** 32 && Number(second!.xid) > 5 * 2 ** 32);
      assert.deepEqual((await page(ledger, told[0]!.position)).changes, told.slice(1));
    });
  });

  it('of another server, which a dump brought here, are behind what is written here, or gone', async () => {
    const url = await server.createDatabase();
    await withLedger(url, async (ledger) => record(ledger, await subscribe(ledger), 1, 2, 3));
    // As a server numbered them that has had more transactions than this one will for a long time.
    await server.query(
      url,
      `update durable_mail.change set xid = (xid::text::bigint + 1000000000)::text::xid8`,
    );
    const [foreign] = await server.query<{ position: string }>(
      url,
      `select left(ledger_id, 8) || '.' || xid || '.' || id || '.' || at as position
       from durable_mail.change, durable_mail.ownership order by xid desc, id desc limit 1`,
    );
    await withLedger(url, async (ledger) => {
      assert.equal(await ledger.changes(foreign!.position, 10), 'reset');
      const { oldest, newest: last } = await ledger.changePositions();
      assert.equal(oldest, last);
      await record(ledger, await subscribe(ledger), 4);
      assert.deepEqual(
        (await toldAfter(ledger, oldest, 1)).map(({ type }) => type),
        ['email.new'],
      );
    });
    await withLedger(url, async (ledger) => {
      const { oldest } = await ledger.changePositions();
      await toldAfter(ledger, oldest, 1);
    });
  });
});

/** The program, and its arguments. */
function resetWal(option: string): [string, readonly string[], { cwd: string }] {
  const [program, ...args] = unprivileged([server.program('pg_resetwal'), option, server.data]);
  return [program!, args, { cwd: join(server.data, '..') }];
}
