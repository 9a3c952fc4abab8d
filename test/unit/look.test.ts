// How far it is looked at a time for what a filter lets through.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Look } from '../../engine/ledger/common/look';

/** A look at events that take so long each. @returns how long it took in all, ms, and how far it went at a time */
function lookAt(msOf: (looked: number) => number): { readonly ms: number; readonly sizes: number[] } {
  let now = 1_000;
  let looked = 0;
  const look = new Look({ first: 2_000, most: 10_000 }, () => now);
  const sizes: number[] = [];
  do {
    assert.ok(sizes.push(look.size) < 1_000, 'it ends');
    now += look.size * msOf(looked);
    looked += look.size;
  } while (look.goesOn());
  return { ms: now - 1_000, sizes };
}

describe('a look', () => {
  it('ends about when its time is over, however long an event takes', () => {
    for (const ms of [0.001, 0.002, 0.005, 0.01, 0.02]) {
      const { ms: took } = lookAt(() => ms);
      assert.ok(took > 33 && took <= 41, `${ms} ms each: ${took} ms`);
    }
  });

  it('goes as far as it may while it is quick, and no further than it has time for', () => {
    const { sizes } = lookAt(() => 0.001);
    assert.deepEqual(sizes.slice(0, 4), [2_000, 6_000, 10_000, 10_000]);
    assert.ok(sizes.at(-1)! < 10_000);
  });

  it('goes on with less where what comes is slower than what was cached', () => {
    const { ms, sizes } = lookAt((looked) => (looked < 8_000 ? 0.001 : 0.01));
    assert.ok(ms < 160, `${ms} ms`);
    assert.equal(sizes[2], 10_000);
    assert.ok(sizes.length <= 4);
  });

  it('ends after its first part where that took all the time', () => {
    assert.deepEqual(lookAt(() => 1).sizes, [2_000]);
  });

  it('goes on where nothing took any time', () => {
    let left = 50;
    const look = new Look({ first: 2_000, most: 10_000 }, () => 0);
    while (left-- > 0) assert.ok(look.goesOn());
    assert.equal(look.size, 10_000);
  });
});
