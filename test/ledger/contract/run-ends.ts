// The contract's word on runs that are heard of from outside: where an event stands, offers that ended unclaimed, and
// runs that a person asks for.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failure, type Fixture, LEASE_MS, success } from './fixture';

export function runEndsContract(fixture: Fixture): void {
  describe('what is heard of a run', () => {
    it('says where events stand, and nothing of those that are not here', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1, 2, 3);
      const [a, b, c] = await fixture.pointers(to);
      await fixture.ledger.claim([a!], '7', LEASE_MS);
      await fixture.ledger.claim([b!], '8', LEASE_MS, false);
      const found = await fixture.ledger.whereabouts([a!.event, b!.event, c!.event, 'nobody']);
      assert.equal(found.size, 3);
      const { run, ...first } = found.get(a!.event)!;
      assert.deepEqual(first, { state: 'RUNNING', attempt: 1, executionId: '7', endIsTold: true });
      const running = (await fixture.offer(to, { unrenewed: [] })).running!;
      assert.ok(
        running.some((lease) => lease.run === run),
        'by the name that its lease goes by',
      );
      assert.equal(found.get(b!.event)!.endIsTold, false);
      assert.equal(found.get(c!.event)!.state, 'QUEUED');
      await fixture.settle([a!], success);
      await fixture.ledger.release([c!], 'no ledger');
      assert.equal((await fixture.ledger.whereabouts([c!.event])).get(c!.event)!.run, null);
      assert.deepEqual(await fixture.ledger.whereabouts([]), new Map());
    });

    it('lets wait what no run has claimed, each time longer, and uses up no try', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      let longest = 0;
      for (let times = 1; times <= 10; times++) {
        const pointer = await fixture.offerOne(to);
        assert.deepEqual(await fixture.ledger.release([pointer], 'no ledger'), [
          { ...pointer, unclaimed: times },
        ]);
        const [event] = await fixture.events();
        assert.deepEqual([event!.state, event!.failures], ['PENDING', 0]);
        const { nextInMs } = await fixture.offer(to);
        assert.deepEqual(await fixture.pointers(to), [], 'not before it is due');
        assert.ok(nextInMs! >= longest - 1_000 && nextInMs! <= 3_600_000, `${nextInMs}`);
        longest = nextInMs!;
        await fixture.elapse(longest + 10);
      }
      assert.ok(longest > 3_000_000, 'an hour in the end');
      const pointer = await fixture.offerOne(to);
      await fixture.claim([pointer]);
      assert.deepEqual(await fixture.ledger.release([pointer], 'too late'), [], 'a run has it');
      await fixture.settle([pointer], failure);
      await fixture.elapse(40_000);
      const again = await fixture.offerOne(to);
      assert.deepEqual(await fixture.ledger.release([pointer, again], 'no ledger'), [
        { ...again, unclaimed: 1 },
      ]);
      assert.deepEqual(await fixture.states(), ['RETRY']);
    });

    it('hurries what waits so, and nothing else', async () => {
      const to = await fixture.subscribe();
      await fixture.failed(to, 1);
      await fixture.record(to, 2);
      for (let times = 0; times < 5; times++) {
        const pointer = await fixture.offerOne(to);
        await fixture.ledger.release([pointer], 'no ledger');
        await fixture.ledger.hurryReleased([to.id]);
      }
      const pointers = await fixture.pointers(to);
      assert.equal(pointers.length, 1);
      assert.deepEqual(await fixture.states(), ['RETRY', 'QUEUED']);
    });

    it('gives a person what nobody runs, under a new attempt', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [], whenDead: { kind: 'flag' } });
      const [dead] = await fixture.failed(to, 1);
      await fixture.record(to, 2, 3, 4);
      const [queued, running, done] = await fixture.pointers(to);
      await fixture.claim([running!, done!]);
      await fixture.settle([done!], success);
      const asked = [done!.event, running!.event, queued!.event, 'nobody', dead!, dead!];
      const taken = await fixture.ledger.takeByHand(asked, 'by hand', LEASE_MS);
      assert.deepEqual(
        taken.map(({ event, attempt, uid }) => [event, attempt, uid]),
        [
          [queued!.event, 2, 2],
          [dead, 2, 1],
        ],
      );
      assert.equal(await fixture.count('errand'), 0, 'what was to be done with the dead one is not');
      assert.deepEqual(await fixture.claim([queued!]), [], 'the run that was offered has nothing to do');
      await fixture.settle(taken, failure);
      assert.deepEqual(await fixture.states(), ['DEAD', 'DEAD', 'RUNNING', 'DONE']);
      const again = await fixture.ledger.takeByHand([dead!], 'by hand', LEASE_MS);
      assert.deepEqual(await fixture.settle(again, success), ['DONE']);
    });

    it('lets a replay begin anew, however often it was not claimed', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      const [dead] = await fixture.failed(to, 1);
      await fixture.under.query('update event set unclaimed = 9');
      await fixture.ledger.replay({ ids: [dead!] });
      const pointer = await fixture.offerOne(to);
      assert.deepEqual(await fixture.ledger.release([pointer], 'no ledger'), [{ ...pointer, unclaimed: 1 }]);
    });
  });
}
