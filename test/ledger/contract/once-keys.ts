// The contract's once keys: each is taken by one run at a time, and finished once.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KeyAnswer, KeyRequest, SeenKey } from '../../../engine/ledger/once-keys';
import { DAY_MS, type Fixture, HOUR_MS, LEASE_MS } from './fixture';

export function onceKeysContract(fixture: Fixture): void {
  const take = async (
    holder: string,
    keys: readonly string[],
    more: Partial<KeyRequest> = {},
  ): Promise<(KeyAnswer | undefined)[]> => {
    const request = { keys, holder, leaseMs: LEASE_MS, finish: 'onSuccess', keepMs: null, ...more } as const;
    const answers = await fixture.ledger.takeKeys(request);
    assert.equal(answers.size, keys.length);
    return keys.map((key) => answers.get(key));
  };

  /** The keys that a sweep leaves. */
  const swept = async (unrenewed?: readonly SeenKey[]): Promise<string[]> => {
    await fixture.ledger.sweep(100, unrenewed);
    const left = await fixture.under.query<{ key: string }>('select key from once_key order by key');
    return left.map(({ key }) => key);
  };

  describe('once keys', () => {
    it('are taken by one holder, who is told when it asks again', async () => {
      assert.deepEqual(await take('a', ['k1', 'k2']), ['taken', 'taken']);
      assert.deepEqual(await take('b', ['k2', 'k3']), ['held', 'taken']);
      assert.deepEqual(await take('a', ['k1', 'k3']), ['mine', 'held']);
      assert.deepEqual(await take('a', []), []);
    });

    it('are finished for good when their holder ends well', async () => {
      await take('a', ['k']);
      await fixture.ledger.endKeys('a', 'success');
      assert.deepEqual(await take('b', ['k']), ['finished']);
      await fixture.elapse(10_000 * DAY_MS);
      assert.deepEqual(await take('b', ['k']), ['finished']);
    });

    it('are free again when their holder fails, or when nobody renews their lease', async () => {
      await take('a', ['k']);
      await fixture.ledger.endKeys('a', 'failure');
      assert.deepEqual(await take('b', ['k']), ['taken']);
      await fixture.elapse(LEASE_MS);
      assert.deepEqual(await take('c', ['k']), ['taken']);
      await fixture.ledger.endKeys('b', 'success');
      assert.deepEqual(await take('d', ['k']), ['held'], 'the old holder no longer ends it');
    });

    it('of `anyway` are finished however their holder ends', async () => {
      await take('a', ['k1'], { finish: 'anyway' });
      await fixture.ledger.endKeys('a', 'failure');
      assert.deepEqual(await take('b', ['k1']), ['finished']);
      await take('c', ['k2'], { finish: 'anyway' });
      assert.deepEqual(await take('d', ['k2']), ['held']);
      await fixture.elapse(LEASE_MS);
      assert.deepEqual(await take('d', ['k2']), ['finished']);
      await fixture.ledger.sweep(100);
      assert.deepEqual(await take('d', ['k2']), ['finished']);
    });

    it('of `atOnce` are finished by taking them', async () => {
      assert.deepEqual(await take('a', ['k'], { finish: 'atOnce' }), ['taken']);
      assert.deepEqual(await take('a', ['k'], { finish: 'atOnce' }), ['mine']);
      assert.deepEqual(await take('b', ['k'], { finish: 'atOnce' }), ['finished']);
      await fixture.ledger.endKeys('a', 'failure');
      await fixture.elapse(DAY_MS);
      assert.deepEqual(await take('b', ['k']), ['finished']);
    });

    it('are kept for their time after they were finished, and are free then', async () => {
      await take('a', ['once'], { finish: 'atOnce', keepMs: DAY_MS });
      await take('a', ['success'], { keepMs: DAY_MS });
      await take('a', ['anyway'], { finish: 'anyway', keepMs: DAY_MS });
      await fixture.elapse(LEASE_MS / 2);
      await fixture.ledger.endKeys('a', 'success');
      await fixture.elapse(DAY_MS - LEASE_MS / 2);
      assert.deepEqual(await take('b', ['once', 'success', 'anyway']), ['taken', 'finished', 'finished']);
      await fixture.elapse(LEASE_MS / 2);
      assert.deepEqual(await take('c', ['success', 'anyway']), ['taken', 'taken']);
    });

    it('are held as long as their holder renews them', async () => {
      await take('a', ['k1', 'k2']);
      await take('b', ['k3'], { finish: 'anyway' });
      await take('c', ['k4']);
      await fixture.elapse(LEASE_MS / 2);
      await fixture.ledger.renewKeys(['a', 'b'], LEASE_MS);
      await fixture.ledger.renewKeys([], LEASE_MS);
      await fixture.elapse(LEASE_MS / 2);
      assert.deepEqual(await take('d', ['k1', 'k2', 'k3', 'k4']), ['held', 'held', 'held', 'taken']);
      await fixture.ledger.endKeys('b', 'failure');
      assert.deepEqual(await take('d', ['k3']), ['finished']);
    });

    it('that were done are finished one by one, whatever becomes of their run', async () => {
      await take('a', ['k1', 'k2', 'k3']);
      await take('a', ['k4'], { keepMs: DAY_MS });
      await take('b', ['k5']);
      await fixture.ledger.finishKeys('a', ['k1', 'k4', 'k5', 'never']);
      await fixture.ledger.finishKeys('a', []);
      assert.deepEqual(await take('c', ['k1', 'k2', 'k4', 'k5']), ['finished', 'held', 'finished', 'held']);
      assert.deepEqual(await take('a', ['k1']), ['mine']);
      await fixture.ledger.endKeys('a', 'failure');
      assert.deepEqual(await take('c', ['k1', 'k2', 'k3', 'k4']), ['finished', 'taken', 'taken', 'finished']);
      await fixture.elapse(DAY_MS);
      assert.deepEqual(await take('d', ['k1', 'k4']), ['finished', 'taken']);
    });

    it('that were not used are given back by whoever took them', async () => {
      await take('a', ['k1', 'k2', 'k3']);
      await take('a', ['k4'], { finish: 'atOnce' });
      await take('b', ['k5']);
      await fixture.ledger.returnKeys('a', ['k1', 'k4', 'k5', 'never']);
      await fixture.ledger.returnKeys('a', []);
      assert.deepEqual(await take('c', ['k1', 'k2', 'k3', 'k4', 'k5']), [
        'taken',
        'held',
        'held',
        'taken',
        'held',
      ]);
    });

    it('that mean nothing any more are swept, and no others', async () => {
      await take('a', ['freed', 'renewed']);
      await take('a', ['lapsed'], { finish: 'anyway', keepMs: 1_000 });
      await take('a', ['expired'], { finish: 'atOnce', keepMs: 1_000 });
      await fixture.elapse(LEASE_MS);
      await take('b', ['held']);
      await take('b', ['kept'], { finish: 'atOnce', keepMs: 2 * DAY_MS });
      await take('b', ['forever'], { finish: 'atOnce' });
      await take('b', ['over'], { finish: 'anyway' });
      assert.deepEqual(await swept(), ['forever', 'freed', 'held', 'kept', 'lapsed', 'over', 'renewed']);
      assert.deepEqual(await take('c', ['expired']), ['taken']);
      await fixture.ledger.returnKeys('c', ['expired']);
      await fixture.elapse(DAY_MS - 1_000);
      await take('d', ['renewed']);
      await fixture.elapse(LEASE_MS + 1_000);
      assert.deepEqual(
        await swept(),
        ['forever', 'kept', 'over', 'renewed'],
        'a day after their leases ran out',
      );
      assert.deepEqual(await take('e', ['freed', 'lapsed', 'over']), ['taken', 'taken', 'finished']);
    });

    it('are not swept because of a clock that was set forward: only those that nobody was seen to renew', async () => {
      await take('alive', ['k1']);
      await take('alive', ['k2'], { finish: 'anyway', keepMs: DAY_MS / 2 });
      await take('dead', ['k3', 'k4']);
      await take('dead', ['k5'], { finish: 'anyway' });
      await take('dead', ['k6'], { finish: 'atOnce', keepMs: 1_000 });
      assert.deepEqual(await fixture.ledger.leftKeys(10), []);
      await fixture.elapse(2 * DAY_MS);
      assert.deepEqual(await swept([]), ['k1', 'k2', 'k3', 'k4', 'k5']);
      const left = await fixture.ledger.leftKeys(10);
      assert.deepEqual(left.map(({ key }) => key).sort(), ['k1', 'k2', 'k3', 'k4']);
      assert.equal((await fixture.ledger.leftKeys(3)).length, 3);
      await fixture.ledger.renewKeys(['alive'], LEASE_MS);
      assert.deepEqual(await swept(left.filter(({ key }) => key !== 'k4')), ['k1', 'k2', 'k4', 'k5']);
      await fixture.ledger.endKeys('alive', 'success');
      assert.deepEqual(await take('b', ['k1', 'k2']), ['finished', 'finished']);
    });

    for (const finish of ['onSuccess', 'anyway'] as const) {
      it(`of \`${finish}\` whose holder sleeps are kept for it, and are as they were when it comes back`, async () => {
        const keepMs = LEASE_MS;
        await take('a', ['renewed', 'finished', 'ended', 'returned'], { finish, keepMs });
        await fixture.elapse(10 * LEASE_MS);
        await swept();
        await fixture.ledger.renewKeys(['a'], LEASE_MS);
        assert.deepEqual(await take('b', ['renewed', 'ended']), ['held', 'held']);
        await fixture.elapse(10 * LEASE_MS);
        await swept();
        await fixture.ledger.finishKeys('a', ['finished']);
        await fixture.ledger.returnKeys('a', ['returned']);
        assert.deepEqual(await take('b', ['finished', 'returned']), ['finished', 'taken']);
        await fixture.ledger.endKeys('a', 'success');
        assert.deepEqual(await take('b', ['renewed', 'ended']), ['finished', 'finished']);
      });
    }

    it('whose lease ran out are what they were taken as: free, or finished for their time', async () => {
      await take('a', ['onSuccess']);
      await take('a', ['anyway', 'short'], { finish: 'anyway', keepMs: LEASE_MS });
      await take('a', ['for good'], { finish: 'anyway' });
      const all = ['onSuccess', 'anyway', 'for good'];
      await fixture.elapse(LEASE_MS);
      await swept();
      assert.deepEqual(await take('b', all), ['taken', 'finished', 'finished']);
      await fixture.elapse(LEASE_MS);
      await swept();
      assert.deepEqual(await take('c', all), ['taken', 'taken', 'finished']);
      await fixture.elapse(2 * DAY_MS);
      await swept();
      assert.deepEqual(await take('d', all), ['taken', 'taken', 'finished']);
    });

    it('whose lease ran out are not taken from a holder that may live: only from one that nobody renews', async () => {
      await take('alive', ['k1']);
      await take('dead', ['k2', 'k3'], { finish: 'onSuccess' });
      await take('dead', ['k4'], { finish: 'anyway', keepMs: 1_000 });
      await fixture.elapse(HOUR_MS);
      const all = ['k1', 'k2', 'k3', 'k4'];
      assert.deepEqual(await take('b', all, { unrenewed: [] }), ['lapsed', 'lapsed', 'lapsed', 'finished']);
      const seen = await fixture.ledger.heldKeys([...all, 'never']);
      assert.deepEqual(seen.map(({ key }) => key).sort(), all);
      await fixture.ledger.renewKeys(['alive'], LEASE_MS);
      const unrenewed = seen.filter(({ key }) => key !== 'k3');
      assert.deepEqual(await take('b', all, { unrenewed }), ['held', 'taken', 'lapsed', 'taken']);
    });

    it("of a clock that was set back do not wait for the whole jump, and are their holder's if it lives", async () => {
      await take('alive', ['k1']);
      await take('dead', ['k2']);
      await fixture.elapse(-HOUR_MS);
      assert.deepEqual(await take('b', ['k1', 'k2'], { unrenewed: [] }), ['lapsed', 'lapsed']);
      const unrenewed = await fixture.ledger.heldKeys(['k1', 'k2']);
      await fixture.ledger.renewKeys(['alive'], LEASE_MS);
      assert.deepEqual(await take('b', ['k1', 'k2'], { unrenewed }), ['held', 'taken']);
    });

    it('are taken one by one by two processes that race for them', async () => {
      const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
      const backwards = [...keys].reverse();
      await fixture.withAnother(async (another) => {
        const request = { leaseMs: LEASE_MS, finish: 'onSuccess', keepMs: null } as const;
        const answers = await Promise.all(
          [fixture.ledger, another, fixture.ledger, another].map((ledger, i) =>
            ledger.takeKeys({ ...request, holder: `h${i}`, keys: i % 2 === 0 ? keys : backwards }),
          ),
        );
        for (const key of keys) {
          const got = answers.map((answer) => answer.get(key)).sort();
          assert.deepEqual(got, ['held', 'held', 'held', 'taken'], key);
        }
      });
    });

    it('take as many statements for five hundred as for one', async () => {
      const keys = Array.from({ length: 500 }, (_, i) => `k${i}`);
      const one = await fixture.statementsOf(() => take('a', ['k']));
      assert.equal(await fixture.statementsOf(() => take('b', keys)), one);
      assert.ok(one <= 4, String(one));
    });
  });
}
