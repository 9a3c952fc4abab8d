// The ledger's contract on SQLite, and what only a file can do wrong.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { ledgerContract, type LedgerUnderTest, type StoredEvent } from './contract';

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
    elapse: async (ms) => {
      beside.prepare('update event set due_at = due_at - ?1, lease_until = lease_until - ?1').run(ms);
    },
    events: async () =>
      beside
        .prepare(
          'select id, state, attempt, failures, execution_id as executionId, last_error as lastError from event order by seq',
        )
        .all()
        .map((row) => ({ ...row }) as unknown as StoredEvent),
    contents: async () => Number(beside.prepare('select count(*) as n from content').get()?.['n']),
    forceEvents: async (columns) => {
      const names = Object.keys(columns);
      beside
        .prepare(`update event set ${names.map((name) => `${name} = ?`).join(', ')}`)
        .run(...Object.values(columns));
    },
    openAnother: () => openSqliteLedger(file),
    dispose: async () => {
      beside.close();
      await ledger.close();
      await rm(folder, { recursive: true });
    },
  };
}

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
        /written by a newer n8n-nodes-durable-mail .*Update the package/,
      );
      assert.ok((await readFile(file)).length > 0);
    }));

  it('that is no database gives an error that names it', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'ledger.sqlite');
      await writeFile(file, 'this is not a database, but it is long enough to look like one at first sight');
      await assert.rejects(openSqliteLedger(file), /ledger\.sqlite/);
    }));

  it('in a place that cannot be written gives an error that says what to do', () =>
    inFolder(async (folder) => {
      const blocked = join(folder, 'file');
      await writeFile(blocked, '');
      await assert.rejects(openSqliteLedger(join(blocked, 'ledger.sqlite')), /cannot be opened.*may write/s);
    }));

  it('holds what was recorded when it is opened again', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'ledger.sqlite');
      const subscription = {
        workflowId: 'w',
        nodeId: 'n',
        source: { kind: 'imap', account: 'a', mailbox: 'INBOX' } as const,
        retryDelaysMs: [1],
      };
      const first = await openSqliteLedger(file);
      const { id, sourceId } = await first.subscribe(subscription);
      await first.record({ sourceId, messages: [], cursors: [{ subscriptionId: id, cursor: { uid: 3 } }] });
      await first.close();
      const second = await openSqliteLedger(file);
      assert.deepEqual((await second.subscribe(subscription)).cursor, { uid: 3 });
      await second.close();
    }));
});
