// The contract's sweep: what need not be kept goes, and no mail that went ever runs again.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DAY_MS, failure, type Fixture, gone, RETENTION_MS, success } from './fixture';

export function sweepContract(fixture: Fixture): void {
  describe('sweep', () => {
    it('deletes settled events past their retention, with their mails, and no others', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      for (const [uid, outcome] of [
        [1, success],
        [2, failure],
        [3, gone],
      ] as const) {
        await fixture.record(to, uid);
        await fixture.run(to, outcome);
      }
      await fixture.record(to, 4);
      await fixture.elapse(RETENTION_MS - 10_000);
      await fixture.ledger.sweep(100);
      assert.equal(await fixture.count('event'), 4, 'not before its time');
      await fixture.record(to, 5);
      const [, five] = await fixture.pointers(to);
      await fixture.claim([five!]);
      await fixture.settle([five!], success);
      await fixture.elapse(10_000);
      await fixture.ledger.sweep(100);
      assert.deepEqual(await fixture.states(), ['QUEUED', 'DONE']);
      assert.equal(await fixture.count('message'), 2);
      assert.equal(await fixture.count('content'), 1);
    });

    it('never lets a mail run again, by its identity or by its soft identity', async () => {
      const to = await fixture.subscribe();
      const old = fixture.mail([to], 1, { softIdentity: 'soft' });
      await fixture.recordMails(to, [old, fixture.mail([to], 2)]);
      await fixture.run(to, success);
      await fixture.elapse(RETENTION_MS);
      await fixture.ledger.sweep(100);
      assert.equal(await fixture.count('event'), 0);
      const again = [old, fixture.mail([to], 2), fixture.mail([to], 3, { softIdentity: 'soft' })];
      const unrecorded = await fixture.ledger.unrecorded(again);
      assert.deepEqual(
        unrecorded.map(({ due }) => due),
        [[], [], []],
      );
      assert.deepEqual(await fixture.recordMails(to, again), []);
      assert.equal(await fixture.count('event'), 0);
      assert.equal(await fixture.count('message'), 0, 'and leaves nothing behind');
      const other = await fixture.subscribe('other');
      assert.deepEqual(await fixture.recordMails(to, [fixture.mail([to, other], 1)]), [other.id]);
    });

    it('leaves content that another workflow needs, to which the mail came later', async () => {
      const first = await fixture.subscribe('first', { keepContentMs: DAY_MS });
      await fixture.record(first, 1);
      await fixture.run(first, success);
      const second = await fixture.subscribe('second');
      await fixture.record(second, 1);
      await fixture.elapse(2 * DAY_MS);
      await fixture.ledger.sweep(100);
      assert.equal(await fixture.count('content'), 1);
      await fixture.run(second, success);
      await fixture.elapse(2 * DAY_MS);
      await fixture.ledger.sweep(100);
      assert.equal(await fixture.count('content'), 0);
    });

    it('lets content go with the DEAD event that it was kept for', async () => {
      const dead = await fixture.subscribe('dead', { retryDelaysMs: [], retentionMs: DAY_MS });
      const done = await fixture.subscribe('done');
      await fixture.recordMails(dead, [fixture.mail([dead, done], 1)]);
      await fixture.run(dead, failure);
      await fixture.run(done, success);
      assert.equal(await fixture.count('content'), 1);
      await fixture.elapse(DAY_MS);
      await fixture.ledger.sweep(100);
      assert.deepEqual(await fixture.states(), ['DONE']);
      assert.equal(await fixture.count('content'), 0);
    });

    it("goes by each subscription's own retention, and keeps a mail until its last event", async () => {
      const [short, long] = [
        await fixture.subscribe('short', { retentionMs: DAY_MS }),
        await fixture.subscribe('long', { retentionMs: 3 * DAY_MS }),
      ];
      await fixture.recordMails(short, [fixture.mail([short, long], 1)]);
      for (const to of [short, long]) await fixture.run(to, success);
      for (const [events, messages] of [
        [2, 1],
        [1, 1],
        [1, 1],
        [0, 0],
      ]) {
        await fixture.ledger.sweep(100);
        assert.deepEqual([await fixture.count('event'), await fixture.count('message')], [events, messages]);
        await fixture.elapse(DAY_MS);
      }
    });

    it('takes no more than it was told, and says whether there may be more', async () => {
      const to = await fixture.subscribe('workflow', { keepContentMs: DAY_MS });
      await fixture.record(to, 1, 2, 3, 4, 5);
      await fixture.run(to, success);
      assert.equal(await fixture.ledger.sweep(2), false);
      await fixture.elapse(DAY_MS);
      assert.equal(await fixture.ledger.sweep(2), true);
      assert.equal(await fixture.count('content'), 3);
      while (await fixture.ledger.sweep(2));
      assert.equal(await fixture.count('content'), 0);
      assert.equal(await fixture.count('event'), 5);
      await fixture.elapse(RETENTION_MS);
      assert.equal(await fixture.ledger.sweep(2), true);
      assert.equal(await fixture.count('event'), 3);
      while (await fixture.ledger.sweep(2));
      assert.equal(await fixture.count('event'), 0);
      const request = { leaseMs: 1, finish: 'atOnce', keepMs: DAY_MS, holder: 'a' } as const;
      await fixture.ledger.takeKeys({ ...request, keys: ['k1', 'k2', 'k3'] });
      await fixture.elapse(DAY_MS);
      assert.equal(await fixture.ledger.sweep(2), true);
      assert.equal(await fixture.ledger.sweep(2), false);
      assert.equal(await fixture.count('once_key'), 0);
    });

    it('takes as many statements for hundreds as for one', async () => {
      const to = await fixture.subscribe();
      const sweepOf = async (...uids: number[]): Promise<number> => {
        await fixture.record(to, ...uids);
        await fixture.run(to, success);
        await fixture.elapse(RETENTION_MS);
        return fixture.statementsOf(() => fixture.ledger.sweep(1_000));
      };
      const one = await sweepOf(1);
      assert.equal(await sweepOf(...Array.from({ length: 90 }, (_, i) => i + 2)), one);
      assert.equal(await fixture.count('event'), 0);
    });
  });
}
