// Which leases are held against their runs, by a clock that the test sets.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RENEW_MS } from '../../engine/delivery/runs';
import { LEASES_SUFFER_MS, Unrenewed, UNRENEWED_MS } from '../../engine/delivery/unrenewed';
import type { RunningLease } from '../../engine/ledger/offers';

const HOUR_MS = 3_600_000;

describe('leases that are watched', () => {
  const watched = (): { unrenewed: Unrenewed; pass: (ms: number) => void } => {
    let now = 0;
    return { unrenewed: new Unrenewed(() => now), pass: (ms) => void (now += ms) };
  };
  const lease = (run: string, until: number, lapsesInMs = 20_000): RunningLease => ({
    run,
    until,
    lapsesInMs,
  });
  const names = (unrenewed: Unrenewed): string[] => unrenewed.leases().map(({ run }) => run);

  it('count as not renewed when they have stayed as they were for longer than a renewal takes', () => {
    const { unrenewed, pass } = watched();
    unrenewed.see([lease('alive', 1), lease('dead', 1)]);
    assert.deepEqual(names(unrenewed), []);
    pass(UNRENEWED_MS - 1);
    unrenewed.see([lease('alive', 2), lease('dead', 1)]);
    assert.deepEqual(names(unrenewed), []);
    pass(1);
    assert.deepEqual(unrenewed.leases(), [{ run: 'dead', until: 1 }]);
    unrenewed.see([lease('alive', 2)]);
    assert.deepEqual(names(unrenewed), []);
  });

  it('whatever the clock of the database does, forward or back', () => {
    for (const jump of [HOUR_MS, -HOUR_MS]) {
      const { unrenewed, pass } = watched();
      let until = 10 * HOUR_MS;
      for (let look = 1; look <= 10; look++) {
        const jumped = look > 5;
        // Renewed at every second look; what was stored by then has run out, or lies far ahead.
        if (look % 2 === 0) until += RENEW_MS + (look === 6 ? jump : 0);
        unrenewed.see([lease('alive', until, jumped ? 20_000 - jump : 20_000)]);
        pass(RENEW_MS / 2);
        assert.deepEqual(names(unrenewed), []);
      }
    }
  });

  it('are looked at again when one of them may have to be held against its run', () => {
    const { unrenewed, pass } = watched();
    assert.equal(unrenewed.see([]), null);
    assert.equal(unrenewed.see([lease('a', 1, -HOUR_MS)]), UNRENEWED_MS, 'it may still be renewed');
    pass(UNRENEWED_MS);
    assert.equal(unrenewed.see([lease('a', 1, 3_000)]), 3_000);
    assert.ok(unrenewed.see([lease('a', 1, HOUR_MS)])! < UNRENEWED_MS, 'the clock was set back');
    assert.ok(unrenewed.see([lease('a', 1, -1)])! > 100, 'not without a pause');
  });

  it('count for nothing when nobody may have been able to renew', () => {
    const { unrenewed, pass } = watched();
    unrenewed.see([lease('a', 1)]);
    pass(2 * UNRENEWED_MS);
    unrenewed.forget();
    assert.deepEqual(names(unrenewed), []);
    unrenewed.see([lease('a', 1)]);
    assert.deepEqual(names(unrenewed), []);
    pass(UNRENEWED_MS);
    assert.deepEqual(names(unrenewed), ['a']);
  });

  it('count for nothing in a look that comes late: this process stood still, and perhaps all others', () => {
    const { unrenewed, pass } = watched();
    for (const lateMs of [0, LEASES_SUFFER_MS + 1]) {
      unrenewed.see([lease('a', 1)]);
      unrenewed.looksAgainIn(UNRENEWED_MS);
      pass(UNRENEWED_MS + lateMs);
      assert.deepEqual(names(unrenewed), lateMs === 0 ? ['a'] : []);
    }
    unrenewed.see([lease('a', 1)]);
    pass(UNRENEWED_MS);
    assert.deepEqual(names(unrenewed), ['a'], 'from then on it is seen anew');
  });
});
