// A SQLite ledger never holds the event loop of the process that uses it: not with a disk that takes 100 ms for each sync,
// not while another process holds the file's lock, and not while people look at a large ledger.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { holdOfLock, holdOfLooks, type Where } from '../support/slow-disk/ledger-holds';
import type { Hung } from '../support/slow-disk/hanging-disk';
import { noPreload } from '../support/preload';
import { type SlowDisk, slowDisk } from '../support/slow-disk/slow-disk';

const SYNC_MS = 100;
/** Less than the syncs of one mail, and far less than a lock. On a busy machine what else is going on takes up most of it. */
const MOST_MS = 3 * SYNC_MS;
const TRIES = 4;
const MAILS = join(__dirname, '..', 'support', 'slow-disk', 'hold-of-mails.ts');

let folder: string;
let files = 0;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durable-mail-holds-'));
});
after(() => rm(folder, { recursive: true }));

const newFile = (): string => join(folder, `${++files}.sqlite`);

/** A machine that is busy may hold anybody: what the ledger does shows each time. */
async function holdsNobody(measure: () => Promise<number>): Promise<void> {
  const seen: number[] = [];
  while (seen.length < TRIES) {
    seen.push(await measure());
    if (seen.at(-1)! < MOST_MS) return;
  }
  assert.fail(`the process was held for ${seen.map(Math.round).join(', ')} ms`);
}

describe('on a disk that takes 100 ms for each sync', { skip: noPreload }, () => {
  let disk: SlowDisk;
  before(async () => {
    disk = await slowDisk(SYNC_MS);
  });
  after(() => disk.dispose());

  const hold = (where: Where): Promise<number> => disk.run(MAILS, where, newFile(), '3');

  it('nobody is held while mails are recorded, claimed and settled', () => holdsNobody(() => hold('own')));

  it('whoever asked would be, by the adapter without a thread of its own', async () => {
    const ms = await hold('here');
    assert.ok(ms > MOST_MS, `${ms} ms`);
  });
});

describe('on a disk that does not answer any more', { skip: noPreload }, () => {
  let disk: SlowDisk;
  before(async () => {
    disk = await slowDisk(0);
  });
  after(() => disk.dispose());

  it('those who wait are told, what had not begun is never done, and it goes on when the disk answers', async () => {
    const { waited, afterMs, next, nextMs, before, after, more } = await disk.run<Hung>(
      join(__dirname, '..', 'support', 'slow-disk', 'hanging-disk.ts'),
      newFile(),
      disk.hangs,
    );
    assert.equal(waited.length, 3);
    for (const told of [...waited, next])
      assert.match(told, /^unreachable: The mail ledger .*[.]sqlite: its disk does not answer/);
    assert.ok(afterMs >= 1_400, `${afterMs} ms`);
    assert.ok(nextMs < 500, `${nextMs} ms`);
    // Nobody knows of the one mail that was being written.
    assert.ok(before === 1 && (after === 1 || after === 2), `${before}, then ${after}`);
    assert.equal(more, 1);
  });
});

describe('while another process holds the file’s lock for 10 s', () => {
  it('nobody is held, and the mail is recorded afterwards', () =>
    holdsNobody(() => holdOfLock('own', newFile(), 10_000)));
});

describe('while people look at a large ledger', () => {
  it('nobody is held by statistics, a listing or the sources', () =>
    holdsNobody(async () => {
      const { statistics, list, sources } = await holdOfLooks('own', newFile(), 200_000, 2_000);
      return Math.max(statistics, list, sources);
    }));
});
