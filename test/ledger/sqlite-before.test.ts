// A ledger's file of the version before is brought up to date.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { type Before, DATE_AHEAD, ledgerOfBefore, selectAll, TABLES } from './before/to-its-end';
import { Fixture } from './contract/fixture';
import type { LedgerUnderTest, Value } from './contract/harness';

let before: Before;

async function openBefore(): Promise<LedgerUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-mail-ledger-'));
  const file = join(folder, 'ledger.sqlite');
  await writeFile(file, gunzipSync(await readFile(join(__dirname, 'before', 'sqlite-8.gz'))));
  const beside = new DatabaseSync(file, { timeout: 5_000 });
  const all = <Row>(sql: string): Row[] =>
    beside
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }) as Row);
  beside.exec(DATE_AHEAD);
  before = Object.fromEntries(
    TABLES.map((table) => [table, all<Record<string, Value>>(selectAll(table))]),
  ) as unknown as Before;
  const ledger = await openSqliteLedger(file);
  return {
    ledger,
    query: async (sql) => all(sql),
    statements: () => 0,
    readThrough: async () => [],
    withoutIndex: (_, work) => work(),
    openAnother: (instance) => openSqliteLedger(file, { instance }),
    dispose: async () => {
      beside.close();
      await ledger.close();
      await rm(folder, { recursive: true });
    },
  };
}

describe('a SQLite ledger of the version before', () => {
  ledgerOfBefore(new Fixture(openBefore), () => before);
});
