// The table of accounts as the collector reads it: one that is slow, or does not answer, holds up neither other accounts nor the end.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { AccountsTable, FromPostgres } from '../../cli/collect/accounts-table';
import { ReadTable } from '../../cli/collect/read-table';
import { silentLog } from '../support/log';
import { until } from '../support/until';

const never = new AbortController().signal;

describe('the table of accounts', () => {
  const from = (table = 'accounts'): FromPostgres => ({ url: { env: 'TABLE_URL' }, table });
  /** Those that are open, by table. */
  let open: string[];
  let looks: ((rows: readonly unknown[] | Error) => void)[];
  let called: number;
  /** How often one was opened. */
  let opens: number;
  /** What the table says on its channel. */
  let notify: () => void;
  let read: ReadTable;

  beforeEach(() => {
    process.env['TABLE_URL'] = 'postgres://mail:secret@127.0.0.1/mail';
    [open, looks, called, opens] = [[], [], 0, 0];
    const opened = async ({ table }: FromPostgres, changed: () => void): Promise<AccountsTable> => {
      notify = changed;
      open.push(table!);
      opens++;
      return {
        place: 'a table',
        rows: () =>
          new Promise((resolve, reject) =>
            looks.push((rows) => (rows instanceof Error ? reject(rows) : resolve(rows))),
          ),
        close: async () => void open.splice(open.indexOf(table!), 1),
      };
    };
    read = new ReadTable(silentLog, () => called++, opened);
  });
  afterEach(async () => {
    await read.close();
    delete process.env['TABLE_URL'];
  });

  const answer = (rows: readonly unknown[] | Error): Promise<unknown> =>
    until('it is asked', () => looks.length > 0).then(() => looks.shift()!(rows));

  it('is not waited for; what was read of it last stays, and when it has answered that is told', async () => {
    const first = read.read(from(), never);
    await answer(['ann']);
    assert.deepEqual([await first, read.rows, called], [null, ['ann'], 0]);
    assert.equal(await read.read(from(), never), null);
    assert.deepEqual([read.rows, called], [['ann'], 0]);
    await answer(['ann', 'bob']);
    await until('it is told', () => called === 1);
    assert.equal(await read.read(from(), never), null);
    assert.deepEqual([read.rows, looks.length, called], [['ann', 'bob'], 0, 1]);
  });

  it('is read once more where it may have changed while it was slow', async () => {
    for (let times = 0; times < 2; times++) await read.read(from(), never);
    await answer(['ann']);
    await until('it is told', () => called === 1);
    await read.read(from(), never);
    assert.deepEqual([read.rows, called], [['ann'], 2]);
  });

  it('is read once more where it says that it has changed while it is looked at', async () => {
    const reading = read.read(from(), never);
    await until('it is asked', () => looks.length > 0);
    notify();
    await answer(['of before']);
    assert.deepEqual([await reading, called], [null, 2]);
  });

  it('that failed stays wrong while the next look is slow', async () => {
    const first = read.read(from(), never);
    await answer(new Error('it is away'));
    assert.equal(await first, 'it is away');
    assert.equal(await read.read(from(), never), 'it is away');
    await answer(['ann']);
    await until('it is told', () => called === 1);
    assert.deepEqual([await read.read(from(), never), read.rows], [null, ['ann']]);
  });

  it('says why it cannot be read, and keeps what was read before', async () => {
    const first = read.read(from(), never);
    await answer(['ann']);
    await first;
    const second = read.read(from(), never);
    await answer(new Error('it is away'));
    assert.deepEqual([await second, read.rows], ['it is away', ['ann']]);
  });

  it('is one at a time: what is not named any more is closed, and what it says then counts for nothing', async () => {
    const slow = read.read(from('old'), AbortSignal.timeout(50));
    await slow;
    const fresh = read.read(from('new'), never);
    await until('both were asked', () => looks.length === 2);
    looks.shift()!(['of the old one']);
    await answer(['of the new one']);
    await fresh;
    assert.deepEqual([read.rows, open, called], [['of the new one'], ['new'], 0]);
    await read.read(undefined, never);
    assert.deepEqual([read.rows, open], [null, []]);
  });

  it('is opened anew where its URL is another by now, and stays where that cannot be read', async () => {
    for (const host of ['127.0.0.1', '127.0.0.2', '']) {
      if (host) process.env['TABLE_URL'] = `postgres://mail:secret@${host}/mail`;
      else delete process.env['TABLE_URL'];
      const reading = read.read(from(), never);
      if (host) await answer([host]);
      const failed = await reading;
      assert.equal(
        failed,
        host ? null : 'accountsFrom.postgres.url: the environment variable TABLE_URL is not set',
      );
      assert.deepEqual([read.rows, open], [[host || '127.0.0.2'], ['accounts']]);
    }
    assert.equal(opens, 2);
  });

  it('holds up no end where its server takes connections, and never answers', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    process.env['TABLE_URL'] = `postgres://mail:secret@127.0.0.1:${port}/mail`;
    const real = new ReadTable(silentLog, () => undefined);
    const ending = new AbortController();
    const reading = real.read(from(), ending.signal);
    await until('it is connected to', () => sockets.length > 0);
    const began = performance.now();
    ending.abort();
    assert.equal(await reading, null);
    await real.close();
    assert.ok(performance.now() - began < 8_000);
    for (const socket of sockets) socket.destroy();
    server.close();
  });
});
