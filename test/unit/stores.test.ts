// The stores of a process in which no trigger listens: what keeps house there, and what is opened without any node.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { openDefaultStore } from '../../nodes/host/store/default-store';
import {
  ledgerFile,
  openStore,
  processState,
  type Store,
  type StoreContext,
} from '../../nodes/host/store/store';

describe('a mail ledger, where no trigger listens,', () => {
  const before = process.env['N8N_USER_FOLDER'];
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'durable-mail-stores-'));
    process.env['N8N_USER_FOLDER'] = folder;
  });
  afterEach(async () => {
    mock.timers.reset();
    for (const { opening } of processState().engines.values()) await (await opening).close();
    processState().engines.clear();
    if (before === undefined) delete process.env['N8N_USER_FOLDER'];
    else process.env['N8N_USER_FOLDER'] = before;
    rmSync(folder, { recursive: true });
  });

  const open = (): Promise<Store> =>
    openStore({ getNode: () => ({ parameters: {} }) } as unknown as StoreContext);

  const keys = (): unknown[] => {
    const database = new DatabaseSync(ledgerFile(), { readOnly: true });
    try {
      return database.prepare('select key from once_key').all();
    } finally {
      database.close();
    }
  };

  it('is rid of what it need not keep by whatever node has opened it', async () => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    const { ledger } = await open();
    await ledger.takeKeys({ keys: ['k'], holder: 'h', leaseMs: 30_000, finish: 'atOnce', keepMs: 1 });
    assert.equal(keys().length, 1);
    for (let round = 0; round < 1_000 && keys().length > 0; round++) {
      mock.timers.tick(60_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(keys(), []);
  });

  it('is opened some time after n8n began, if it is there, and is not made', async () => {
    await openDefaultStore();
    assert.equal(existsSync(ledgerFile()), false);
    assert.equal(processState().engines.size, 0);
    const { ledger } = await open();
    const id = await ledger.ledgerId();
    await ledger.close();
    processState().engines.clear();
    await openDefaultStore();
    const [kept] = processState().engines.values();
    assert.equal(await (await kept!.opening).ledger.ledgerId(), id);
  });
});
