// The ledger's contract on SQLite, and what only a file can do wrong.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { piecesOf } from '../../engine/ledger/content';
import { LedgerFault, type LedgerFaultKind } from '../../engine/ledger/fault';
import type { Ledger } from '../../engine/ledger/ledger';
import type { NewSubscription } from '../../engine/ledger/subscriptions';
import { migrations } from '../../engine/ledger/sqlite/migrations';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { exec, statementsSent, textsOf } from '../support/seen-threads';
import { until } from '../support/until';
import { ledgerContract } from './contract';
import { Fixture, success } from './contract/fixture';
import { held } from './held';
import type { LedgerUnderTest } from './contract/harness';

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-mail-ledger-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function openUnderTest(): Promise<LedgerUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-mail-ledger-'));
  const file = join(folder, 'ledger.sqlite');
  const ledger = await openSqliteLedger(file);
  const beside = new DatabaseSync(file, { timeout: 5_000 });
  return {
    ledger,
    query: async <Row>(sql: string) =>
      beside
        .prepare(sql)
        .all()
        .map((row) => ({ ...row }) as Row),
    statements: statementsSent,
    readThrough: async (work) => readThrough(beside, await textsOf(work)),
    withoutIndex: async (name, work) => {
      const index = beside.prepare('select sql from sqlite_schema where name = ?').get(name);
      beside.exec(`drop index ${name}`);
      await work();
      beside.exec(String(index!['sql']));
    },
    openAnother: (instance) => openSqliteLedger(file, { instance }),
    dispose: async () => {
      beside.close();
      await ledger.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** @returns what the statements read from one end to the other, as SQLite plans them */
function readThrough(database: DatabaseSync, texts: ReadonlySet<string>): string[] {
  // SQLite prepares a statement with such a limit anew each time.
  for (const sql of texts) assert.doesNotMatch(sql, /limit \?/);
  const tables = database
    .prepare("select name from sqlite_schema where type = 'table' and name <> 'ownership'")
    .all()
    .map(({ name }) => String(name));
  return [...texts].flatMap((sql) => {
    // The names that the statement gives to tables, their own among them.
    const named = [...sql.matchAll(new RegExp(`\\b(${tables.join('|')})(?: (?:as )?(\\w+))?`, 'g'))];
    const names = new Map(
      named.flatMap(([, table, alias = table]) => [[alias, table!] as const, [table, table!] as const]),
    );
    return database
      .prepare(`explain query plan ${sql}`)
      .all()
      .flatMap(({ detail }) => names.get(/^SCAN (\w+)(?!.*VIRTUAL)/.exec(String(detail))?.[1]) ?? [])
      .map((table) => `${table}: ${sql}`);
  });
}

const subscription: NewSubscription = {
  workflowId: 'w',
  nodeId: 'n',
  source: { kind: 'imap', account: 'a', mailbox: 'INBOX' },
  retryDelaysMs: [1],
  guarantee: 'atLeastOnce',
  keepContentMs: 0,
  retentionMs: 1_000,
  afterSuccess: null,
  whenDead: null,
};

const fault = (kind: LedgerFaultKind, text: RegExp): ((error: unknown) => boolean) => {
  return (error) => {
    assert.ok(error instanceof LedgerFault, String(error));
    assert.match(error.message, text);
    assert.equal(error.kind, kind);
    return true;
  };
};

ledgerContract('SQLite', openUnderTest);

describe('the ledger file', () => {
  it('is made with its folder, for its user only: it holds mail', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'new', 'ledger.sqlite');
      await (await openSqliteLedger(file)).close();
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      assert.equal((await stat(join(folder, 'new'))).mode & 0o777, 0o700);
    }));

  it('written by a newer version is refused, and left as it is', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'ledger.sqlite');
      const newer = new DatabaseSync(file);
      newer.exec('pragma user_version = 99');
      newer.close();
      await assert.rejects(
        openSqliteLedger(file),
        fault('schema', /written by a newer n8n-nodes-durable-mail .*Update the package/),
      );
      assert.ok((await readFile(file)).length > 0);
    }));

  it('that is no database gives an error that names it', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'ledger.sqlite');
      await writeFile(file, 'this is not a database, but it is long enough to look like one at first sight');
      await assert.rejects(
        openSqliteLedger(file),
        fault('other', /ledger\.sqlite: this is no SQLite database/),
      );
    }));

  it('in a place that cannot be written gives an error that says what to do', () =>
    inFolder(async (folder) => {
      const blocked = join(folder, 'file');
      await writeFile(blocked, '');
      await assert.rejects(
        openSqliteLedger(join(blocked, 'ledger.sqlite')),
        fault('unreachable', /ledger\.sqlite: it cannot be opened\. Check that n8n may write/),
      );
      await assert.rejects(openSqliteLedger(folder), fault('unreachable', /it cannot be opened/));
    }));

  it('holds what was recorded when it is opened again', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'ledger.sqlite');
      const first = await openSqliteLedger(file);
      const { id, sourceId } = await first.subscribe(subscription);
      const hold = await held(first, sourceId);
      await first.record({ hold, messages: [], cursors: [{ subscriptionId: id, cursor: { uid: 3 } }] });
      await first.close();
      const second = await openSqliteLedger(file);
      assert.deepEqual((await second.subscribe(subscription)).cursor, { uid: 3 });
      await second.close();
    }));
});

describe('changes in a file', () => {
  it('that was restored from a backup are not told after a position of what came after that backup', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'ledger.sqlite');
      /** @returns where changes begin and end */
      const recorded = async (...uids: number[]): Promise<{ oldest: string; newest: string }> => {
        const ledger = await openSqliteLedger(file);
        const { id, sourceId } = await ledger.subscribe(subscription);
        const messages = uids.map((uid) => ({
          ...{ identity: `uid:1:${uid}:INBOX`, softIdentity: null, accountWide: false, weakIdentity: null },
          ...{ messageId: null, sender: null, subject: null, uid, uidValidity: '1', receivedAt: 1, size: 1 },
          ...{ content: null, due: [id] },
        }));
        await ledger.record({ hold: await held(ledger, sourceId), messages, cursors: [] });
        const positions = await ledger.changePositions();
        await ledger.close();
        return positions;
      };
      const before = await recorded(1);
      const backup = await readFile(file);
      const lost = await recorded(2, 3);
      await writeFile(file, backup);
      await recorded(4, 5, 6);
      const ledger = await openSqliteLedger(file);
      assert.equal(await ledger.changes(lost.newest, 10), 'reset');
      const page = await ledger.changes(before.newest, 10);
      assert.equal(page !== 'reset' && page.changes.length, 3);
      await ledger.close();
    }));
});

describe('large mails', () => {
  const fixture = new Fixture(openUnderTest);

  it('of more bytes than are handed over in one piece are kept byte for byte', async () => {
    const to = await fixture.subscribe();
    const sizes = [5_000_000, 9_000_000, 10, 5_000_000, 4_000_000, 0];
    const raw = sizes.map((size, i) => Buffer.alloc(size, `${i} and so on `));
    await fixture.recordMails(
      to,
      raw.map((content, i) => fixture.mail([to], i, { content })),
    );
    const events = (await fixture.events()).map(({ id }) => id);
    const contents = await fixture.ledger.contents(events);
    assert.deepEqual(
      events.map((id, i) => Buffer.concat(piecesOf(contents.get(id)!)).equals(raw[i]!)),
      sizes.map(() => true),
    );
  });
});

describe('what SQLite cannot do', () => {
  const cases: [what: string, cause: string, kind: LedgerFaultKind, text: RegExp][] = [
    ['a full disk', 'pragma max_page_count = 1', 'full', /the disk is full\. Make room/],
    [
      'a file that takes no changes',
      'pragma query_only = on',
      'readonly',
      /takes no changes\. Let n8n write/,
    ],
  ];
  for (const [what, cause, kind, text] of cases) {
    it(`is told: ${what}; and when it is over, all goes on`, () =>
      inFolder(async (folder) => {
        const file = join(folder, 'ledger.sqlite');
        const ledger = await openSqliteLedger(file);
        const { id, sourceId } = await ledger.subscribe(subscription);
        const large = { identity: '1', content: Buffer.alloc(100_000), due: [id] };
        const message = {
          ...{
            softIdentity: null,
            accountWide: false,
            weakIdentity: null,
            messageId: null,
            sender: null,
            subject: 'secret',
            uid: 1,
            uidValidity: '1',
          },
          ...{ receivedAt: 1, size: 1, ...large },
        };
        const hold = await held(ledger, sourceId);
        const send = (): Promise<readonly number[]> =>
          ledger.record({ hold, messages: [message], cursors: [] });
        await exec(cause);
        await assert.rejects(send(), (error: Error) => {
          assert.ok(error.message.includes(file) && !error.message.includes('secret'), error.message);
          return fault(kind, text)(error);
        });
        await exec('pragma max_page_count = 1000000; pragma query_only = off');
        assert.deepEqual(await send(), [id]);
        await ledger.close();
      }));
  }

  it('is told: another process holds the file for long', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'ledger.sqlite');
      const ledger = await openSqliteLedger(file);
      const another = new DatabaseSync(file);
      another.exec('begin immediate');
      await assert.rejects(
        ledger.subscribe(subscription),
        fault('unreachable', /another process has locked it/),
      );
      another.exec('rollback');
      another.close();
      await ledger.subscribe(subscription);
      await ledger.close();
    }));

  it('does not hold its process while another one holds the file', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'ledger.sqlite');
      const ledger = await openSqliteLedger(file);
      const another = new DatabaseSync(file);
      another.exec('begin immediate');
      const delay = monitorEventLoopDelay({ resolution: 5 });
      delay.enable();
      const subscribing = ledger.subscribe(subscription);
      await setTimeout(1_000);
      another.exec('rollback');
      another.close();
      await subscribing;
      delay.disable();
      assert.ok(delay.max < 500e6, `the process was held for ${delay.max / 1e6} ms`);
      await ledger.close();
    }));

  it('is told when it was deleted or replaced while it is open: nothing is recorded where it will be lost', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'ledger.sqlite');
      const offer = { subscriptionIds: [1], mostRuns: 1, mailsPerRun: 1, leaseMs: 1_000 };
      const ledger = await openSqliteLedger(file);
      for (const name of [file, `${file}-wal`, `${file}-shm`]) await rm(name);
      await until('it is noticed', async () => {
        await assert.rejects(ledger.offer(offer), fault('replaced', /ledger\.sqlite was deleted/));
        return true;
      });
      const fresh = await openSqliteLedger(file);
      await assert.rejects(ledger.own(), fault('replaced', /ledger\.sqlite was replaced/));
      await fresh.offer(offer);
      await fresh.close();
    }));

  it('does not hide a mistake of our own', () =>
    inFolder(async (folder) => {
      const ledger = await openSqliteLedger(join(folder, 'ledger.sqlite'));
      await ledger.close();
      await assert.rejects(ledger.subscribe(subscription), (error) => !(error instanceof LedgerFault));
    }));
});

describe('a file of version 1', () => {
  const STATES = ['PENDING', 'QUEUED', 'RUNNING', 'RETRY', 'DONE', 'DEAD', 'GONE', 'UNKNOWN'];
  let folder: string;
  let ledger: Ledger;
  let beside: DatabaseSync;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-ledger-'));
    const file = join(folder, 'ledger.sqlite');
    beside = new DatabaseSync(file, { enableForeignKeyConstraints: true });
    beside.exec(migrations[0]!);
    beside.exec(`
      pragma user_version = 1;
      insert into source (id, kind, account, mailbox) values (1, 'imap', 'a', 'INBOX');
      insert into subscription (id, key, workflow_id, node_id, source_id, retry_delays_ms, cursor, created_at)
        values (7, '["w","n","[\\"imap\\",\\"a\\",\\"INBOX\\"]"]', 'w', 'n', 1, '[1000]', '{"uid":9}', 5);`);
    const waiting = ['PENDING', 'RETRY'];
    const leased = ['QUEUED', 'RUNNING'];
    for (const [i, state] of STATES.entries()) {
      const n = i + 1;
      beside
        .prepare(
          `insert into message (id, source_id, identity, soft_identity, uid, uid_validity, recorded_at, size, truncated)
           values (?, 1, ?, ?, ?, '1', 5, 100, ?)`,
        )
        .run(n, `id:${n}`, `soft ${n}`, n, n === 4 ? 1 : 0);
      beside.prepare('insert into content values (?, ?)').run(n, Buffer.from(`content ${n}`));
      beside
        .prepare(
          `insert into event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state,
             attempt, failures, due_at, lease_until, execution_id, last_error, created_at, settled_at)
           values (?, ?, 7, ?, ?, ?, ?, ?, 3, ?, ?, ?, ?, 'why', 5, ?)`,
        )
        .run(
          ...[n * 10, `event-${n}`, n, `id:${n}`, `soft ${n}`, `key ${n}`, state],
          ...[['RETRY', 'DEAD'].includes(state) ? 1 : 0, waiting.includes(state) ? 1 : null],
          ...[leased.includes(state) ? 9e12 : null, state === 'PENDING' ? null : '42'],
          [...waiting, ...leased].includes(state) ? null : 6,
        );
    }
    ledger = await openSqliteLedger(file);
  });
  afterEach(async () => {
    beside.close();
    await ledger.close();
    await rm(folder, { recursive: true });
  });

  const servedUntil = (): number =>
    (beside.prepare('select served_until as at from subscription').get() as { at: number }).at;

  it('is brought up to date with all that is in it', async () => {
    const events = beside.prepare('select * from event order by seq').all();
    assert.deepEqual(
      events.map((event) => [
        event['seq'],
        event['id'],
        event['state'],
        event['run_id'],
        event['execution_id'],
      ]),
      STATES.map((state, i) => [
        (i + 1) * 10,
        `event-${i + 1}`,
        state,
        ['QUEUED', 'RUNNING'].includes(state) ? `event-${i + 1}` : null,
        state === 'PENDING' ? null : '42',
      ]),
    );
    for (const event of events) {
      assert.deepEqual([event['attempt'], event['last_error'], event['created_at']], [3, 'why', 5]);
    }
    assert.deepEqual(
      { ...beside.prepare('select * from subscription').get() },
      {
        ...{
          id: 7,
          key: '["w","n","[\\"imap\\",\\"a\\",\\"INBOX\\"]"]',
          workflow_id: 'w',
          node_id: 'n',
          source_id: 1,
        },
        ...{ retry_delays_ms: '[1000]', cursor: '{"uid":9}', created_at: 5 },
        ...{ guarantee: 'atLeastOnce', keep_content_ms: 0, retention_ms: 90 * 86_400_000 },
        ...{ after_success: null, when_dead: null, served_since: null },
        ...{ node_name: null, reading: null, unserved_told: 0, served_until: servedUntil() },
      },
    );
    assert.ok(Math.abs(servedUntil() - Date.now()) < 60_000, 'it counts as served until now');
    const contents = await ledger.contents(STATES.map((_, i) => `event-${i + 1}`));
    assert.equal(contents.get('event-4'), undefined, 'a header only: the mail is read again');
    assert.deepEqual(
      [...contents.values()].map(String).sort(),
      [1, 2, 3, 5, 6, 7, 8].map((n) => `content ${n}`),
    );
    assert.deepEqual(beside.prepare('pragma foreign_key_check').all(), []);
    assert.equal(beside.prepare('pragma integrity_check').get()?.['integrity_check'], 'ok');
  });

  it('works on', async () => {
    const { id, cursor } = await ledger.subscribe({ ...subscription, retentionMs: 9e12 });
    assert.deepEqual([id, cursor], [7, { uid: 9 }]);
    const held = { event: 'event-3', attempt: 3 };
    assert.deepEqual(await ledger.settle([held], { kind: 'success' }), [{ ...held, state: 'DONE' }]);
    assert.equal((await ledger.claim([{ event: 'event-2', attempt: 3 }], '43', 1_000)).length, 1);
    const offer = await ledger.offer({ subscriptionIds: [7], mostRuns: 10, mailsPerRun: 5, leaseMs: 1_000 });
    assert.deepEqual(
      offer.runs.map(({ pointers }) => pointers),
      [[{ event: 'event-1', attempt: 4 }], [{ event: 'event-4', attempt: 4 }]],
    );
    assert.deepEqual(
      (await ledger.takeEnded([7], 10)).map(({ event }) => event),
      ['event-6', 'event-8'],
    );
    const known = { identity: 'id:5', softIdentity: null, accountWide: false, due: [7] };
    assert.deepEqual(await ledger.unrecorded([known]), [{ ...known, due: [] }]);
  });
});

describe('a file of version 2', () => {
  it('is brought up to date with all that is in it, and works on', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'ledger.sqlite');
      const beside = new DatabaseSync(file, { enableForeignKeyConstraints: true });
      for (const migration of migrations.slice(0, 2)) beside.exec(migration);
      beside.exec(`
        pragma user_version = 2;
        insert into source (id, kind, account, mailbox, state, connection, last_success_at, last_error)
          values (3, 'imap', 'a', 'INBOX', 'idle', 'idling', 8, 'why');
        insert into subscription (id, key, workflow_id, node_id, source_id, retry_delays_ms, cursor, created_at,
            guarantee, keep_content_ms, retention_ms)
          values (7, '["w","n","[\\"imap\\",\\"a\\",\\"INBOX\\"]"]', 'w', 'n', 3, '[1000]', '{"uid":9}', 5, 'atMostOnce', 1, 2);
        insert into message (id, source_id, identity, soft_identity, uid, uid_validity, recorded_at, size, sender, subject)
          values (1, 3, 'id:1', 'soft 1', 1, '1', 5, 100, 'bob@mail.example', 'hello');
        insert into content (message_id, gzip) values (1, x'00');
        insert into event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt,
            lease_until, run_id, execution_id, created_at)
          values (1, 'event-1', 7, 1, 'id:1', 'soft 1', 'key', 'RUNNING', 1, 9000000000000, 'run', '42', 5);
        insert into seen values (7, 'id:0');
        insert into once_key (key, holder, lease_until, finish) values ('k', 'h', 9000000000000, 'onSuccess');`);
      const tables = ['event', 'content', 'seen', 'once_key'];
      const all = (): unknown[] =>
        tables.map((table) =>
          beside
            .prepare(`select * from ${table}`)
            .all()
            .map((row) => ({ ...row })),
        );
      const before = all();
      const ledger = await openSqliteLedger(file);
      const added = { unclaimed: 0, end_told: 1, began_at: null };
      const [events, contents, ...others] = before as [object[], object[], ...object[][]];
      assert.deepEqual(all(), [
        events.map((event) => ({ ...event, ...added })),
        contents.map((content) => ({ ...content, pieces: 1 })),
        ...others,
      ]);
      assert.deepEqual(
        { ...beside.prepare('select * from subscription').get() },
        {
          ...{ id: 7, key: '["w","n","[\\"imap\\",\\"a\\",\\"INBOX\\"]"]', workflow_id: 'w', node_id: 'n' },
          ...{ source_id: 3, retry_delays_ms: '[1000]', cursor: '{"uid":9}', created_at: 5 },
          ...{ guarantee: 'atMostOnce', keep_content_ms: 1, retention_ms: 2 },
          ...{ after_success: null, when_dead: null, node_name: null, reading: null, unserved_told: 0 },
          served_since: null,
          served_until: beside.prepare('select served_until as at from subscription').get()?.['at'],
        },
      );
      const [source] = await ledger.sources();
      assert.deepEqual(
        [source?.id, source?.state, source?.lastSuccessAt, source?.lastError],
        [3, 'idle', 8, 'why'],
      );
      assert.deepEqual([source?.backfill, source?.actionsWaiting, source?.actionError], [null, 0, null]);
      assert.deepEqual([source?.recovered, source?.recoveredAt, source?.notifiedUntil], [null, null, null]);
      assert.deepEqual(beside.prepare('pragma foreign_key_check').all(), []);
      assert.equal(beside.prepare('pragma integrity_check').get()?.['integrity_check'], 'ok');

      const to = await ledger.subscribe({ ...subscription, afterSuccess: { kind: 'markRead' } });
      assert.equal(to.id, 7);
      const hold = await held(ledger, to.sourceId);
      assert.deepEqual(hold, { sourceId: 3, fence: 1 });
      const pointer = { event: 'event-1', attempt: 1 };
      assert.deepEqual(await ledger.settle([pointer], success), [{ ...pointer, state: 'DONE' }]);
      assert.deepEqual(
        (await ledger.takeErrands(hold, 10, 1_000)).map(({ event, action }) => [event, action]),
        [['event-1', { kind: 'markRead' }]],
      );
      beside.close();
      await ledger.close();
    }));
});
