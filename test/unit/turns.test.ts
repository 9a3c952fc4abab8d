// Long work in pieces: others have their turn between them, and nothing of it is lost.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inPieces } from '../../engine/runtime/turns';
import { longestHold } from '../support/slow-disk/ledger-holds';
import { busy, threadTime } from '../support/thread-time';

describe('work in pieces', () => {
  it('gives what becomes of each, in order, whichever is done first', async () => {
    const work = (item: number): Promise<number> =>
      new Promise((resolve) => setTimeout(() => resolve(item * 2), 20 - item));
    assert.deepEqual(await inPieces([1, 10, 5], work), [2, 20, 10]);
  });

  it('lets others have their turn in between', async () => {
    const items = Array.from({ length: 300 }, (_, index) => index);
    const held = await longestHold(() => inPieces(items, async () => busy(1)), threadTime);
    assert.ok(held < 150, `held for ${Math.round(held)} ms`);
  });

  it('fails with the first that fails, and leaves nothing unhandled', async () => {
    const unhandled: unknown[] = [];
    const hear = (reason: unknown): unknown => unhandled.push(reason);
    process.on('unhandledRejection', hear);
    const work = async (item: number): Promise<void> => {
      busy(3);
      throw new Error(`no ${item}`);
    };
    await assert.rejects(inPieces([1, 2, 3, 4, 5], work), /no 1/);
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', hear);
    assert.deepEqual(unhandled, []);
  });
});
