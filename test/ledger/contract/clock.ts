// The contract of times: the database's clock may jump, forward as after a sleep, and back. All that is stored is then
// earlier or later than it should be, which is what these tests make of it.
// Invariants: a run that is renewed is not held to have ended, and nothing waits for the length of a jump.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Offer, SeenLease } from '../../../engine/ledger/offers';
import type { Subscription } from '../../../engine/ledger/subscriptions';
import { DAY_MS, failure, type Fixture, HOUR_MS, LEASE_MS } from './fixture';

export function clockContract(fixture: Fixture): void {
  describe('a clock that jumps', () => {
    const forward = (): Promise<void> => fixture.elapse(HOUR_MS);
    const back = (): Promise<void> => fixture.elapse(-HOUR_MS);

    const look = (to: Subscription, unrenewed: readonly SeenLease[] = []): Promise<Offer> =>
      fixture.offer(to, { unrenewed });

    it('forward: only a run that was seen not to be renewed is held to have ended', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1, 2);
      const [alive] = await fixture.running(to);
      const before = (await look(to)).running!;
      assert.equal(before.length, 2);
      assert.ok(before.every(({ lapsesInMs }) => lapsesInMs > LEASE_MS / 2 && lapsesInMs <= LEASE_MS));
      assert.equal((await look(to, before)).lapsed, 0, 'none has run out yet');
      await forward();
      const { lapsed, running } = await look(to);
      assert.equal(lapsed, 0);
      assert.ok(running!.every(({ lapsesInMs }) => lapsesInMs < 0));
      await fixture.ledger.renew([alive!], 'RUNNING', LEASE_MS);
      assert.equal((await look(to, running)).lapsed, 1, 'the other one');
      assert.deepEqual((await fixture.states()).sort(), ['RETRY', 'RUNNING']);
    });

    it('forward: a run whose lease is not held against it still counts as one', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      await fixture.running(to);
      await fixture.record(to, 2);
      await forward();
      const { runs, nextInMs } = await fixture.offer(to, { mostRuns: 1, unrenewed: [] });
      assert.deepEqual(runs, []);
      assert.equal(nextInMs, null, 'and is no reason to look again at once');
    });

    it('the mails of one run are held against it together', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1, 2, 3);
      const pointers = await fixture.pointers(to, { mailsPerRun: 3 });
      await fixture.claim(pointers);
      await forward();
      const { running } = await look(to);
      assert.equal(running!.length, 1);
      await fixture.ledger.renew(pointers, 'RUNNING', LEASE_MS);
      assert.equal((await look(to, running)).lapsed, 0);
      await forward();
      assert.equal((await look(to, (await look(to)).running)).lapsed, 3);
    });

    it('back: a run that nobody renews is found, one that is renewed goes on', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1, 2);
      const [alive] = await fixture.running(to);
      await back();
      const { running } = await look(to);
      await fixture.ledger.renew([alive!], 'RUNNING', LEASE_MS);
      assert.equal((await look(to, running)).lapsed, 1);
      assert.deepEqual((await fixture.states()).sort(), ['RETRY', 'RUNNING']);
    });

    it('back: what waits to be run does not wait for the jump', async () => {
      const to = await fixture.subscribe();
      await fixture.failed(to, 1);
      await fixture.record(to, 2);
      assert.equal((await fixture.offer(to)).runs.length, 1);
      await fixture.record(to, 3);
      await back();
      const offered = (await fixture.pointers(to)).map(({ event }) => event);
      assert.deepEqual(offered.sort(), (await fixture.events()).map(({ id }) => id).sort());
      assert.deepEqual(await fixture.pointers(to), [], 'once');
    });

    it('back: a mail that waits for no retry does not wait as long as one might', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [DAY_MS] });
      await fixture.failed(to, 1);
      await fixture.record(to, 2);
      await back();
      const offered = (await fixture.pointers(to)).map(({ event }) => event);
      assert.ok(offered.includes((await fixture.events())[1]!.id));
    });

    it('a retry is not taken before its time, however long that is', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [1_000, DAY_MS] });
      await fixture.record(to, 1);
      await fixture.run(to, failure);
      await fixture.elapse(2_000);
      await fixture.run(to, failure);
      await fixture.elapse(DAY_MS - 60_000);
      assert.deepEqual(await fixture.pointers(to), []);
    });

    it('back: what is to be done with mails does not wait for the jump', async () => {
      const to = await fixture.subscribe('workflow', { afterSuccess: { kind: 'markRead' } });
      const hold = fixture.hold(to);
      for (const uid of [1, 2, 3]) await fixture.record(to, uid);
      await fixture.run(to, { kind: 'success' });
      const [first, second] = await fixture.ledger.takeErrands(hold, 2, LEASE_MS);
      await fixture.ledger.postponeErrands([second!.id], 'no', HOUR_MS);
      await back();
      const again = (await fixture.ledger.takeErrands(hold, 10, LEASE_MS)).map(({ id }) => id);
      assert.equal(again.length, 3);
      assert.ok(again.includes(first!.id) && again.includes(second!.id));
    });

    it('what is to be done is not taken before its time', async () => {
      const to = await fixture.subscribe('workflow', { afterSuccess: { kind: 'markRead' } });
      const hold = fixture.hold(to);
      await fixture.record(to, 1);
      await fixture.run(to, { kind: 'success' });
      const [action] = await fixture.ledger.takeErrands(hold, 10, LEASE_MS);
      assert.deepEqual(await fixture.ledger.takeErrands(hold, 10, LEASE_MS), []);
      await fixture.ledger.postponeErrands([action!.id], 'no', HOUR_MS);
      assert.deepEqual(await fixture.ledger.takeErrands(hold, 10, LEASE_MS), []);
    });
  });
}
