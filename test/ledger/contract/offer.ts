// The contract's offers: what becomes QUEUED, in which runs, and what becomes of leases that run out.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Offer } from '../../../engine/ledger/offers';
import type { Subscription } from '../../../engine/ledger/subscriptions';
import { failure, type Fixture, LEASE_MS, success } from './fixture';

export function offerContract(fixture: Fixture): void {
  const sizes = ({ runs }: Offer): number[] => runs.map(({ pointers }) => pointers.length);

  describe('offer', () => {
    it('offers the oldest first, and never more runs than there may be', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1, 2, 3, 4, 5);
      const first = await fixture.pointers(to, { mostRuns: 2 });
      assert.equal(first.length, 2);
      assert.deepEqual(await fixture.pointers(to, { mostRuns: 2 }), []);
      await fixture.claim([first[0]!]);
      assert.deepEqual(
        await fixture.pointers(to, { mostRuns: 2 }),
        [],
        'a running one still takes its place',
      );
      await fixture.settle([first[0]!], success);
      assert.equal((await fixture.pointers(to, { mostRuns: 2 })).length, 1);
      assert.deepEqual(await fixture.states(), ['DONE', 'QUEUED', 'QUEUED', 'PENDING', 'PENDING']);
    });

    it('offers an event again under a new attempt when nobody started it in time', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      const first = await fixture.offer(to);
      assert.deepEqual((await fixture.offer(to)).runs, []);
      await fixture.elapse(LEASE_MS);
      const again = await fixture.offer(to);
      const { event, attempt } = first.runs[0]!.pointers[0]!;
      assert.deepEqual(again.runs[0]?.pointers, [{ event, attempt: attempt + 1 }]);
      assert.notEqual(again.runs[0].id, first.runs[0]!.id);
    });

    it('says when it is worth looking again', async () => {
      const to = await fixture.subscribe();
      const ask = (mostRuns: number): Promise<Offer> => fixture.offer(to, { mostRuns });
      assert.equal((await ask(5)).nextInMs, null);
      await fixture.record(to, 1, 2);
      const { nextInMs, runs } = await ask(1);
      assert.equal(runs.length, 1);
      assert.ok(nextInMs !== null && nextInMs > 0 && nextInMs <= LEASE_MS, 'full: not before a lease lapses');
      assert.equal((await ask(3)).runs.length, 1);
    });

    it('begins no more runs than it is asked for, and says that there is more to begin', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1, 2, 3, 4);
      const none = await fixture.offer(to, { mostRuns: 3, mostNew: 0 });
      assert.deepEqual([sizes(none), none.nextInMs], [[], 0]);
      const two = await fixture.offer(to, { mostRuns: 3, mostNew: 2 });
      assert.deepEqual([sizes(two), two.nextInMs], [[1, 1], 0]);
      const third = await fixture.offer(to, { mostRuns: 3, mostNew: 2 });
      assert.equal(third.runs.length, 1, 'nor more than there may be at once');
      assert.ok(third.nextInMs !== null && third.nextInMs > 0);
    });

    it('says when a retry is due', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [60_000] });
      await fixture.record(to, 1);
      await fixture.run(to, failure);
      const { nextInMs } = await fixture.offer(to);
      assert.ok(nextInMs !== null && nextInMs > 50_000 && nextInMs <= 66_000, String(nextInMs));
    });

    it("does not offer another subscription's events, nor count them", async () => {
      const [a, b] = [await fixture.subscribe('a'), await fixture.subscribe('b')];
      await fixture.record(a, 1);
      assert.deepEqual((await fixture.offer(b)).runs, []);
      await fixture.record(b, 2);
      await fixture.offer(a, { mostRuns: 1 });
      assert.equal((await fixture.pointers(b, { mostRuns: 1 })).length, 1);
    });

    it('offers several subscriptions together, the oldest of them all first', async () => {
      const [a, b] = [await fixture.subscribe('a'), await fixture.subscribe('b')];
      await fixture.record(a, 1);
      await fixture.elapse(10);
      await fixture.record(b, 2);
      await fixture.elapse(10);
      await fixture.record(a, 3);
      const subscriptionIds = [b.id, a.id];
      const two = await fixture.pointers(a, { subscriptionIds, mostRuns: 2 });
      const stored = await fixture.events();
      assert.deepEqual(
        two.map(({ event }) => event),
        [stored[0]!.id, stored[1]!.id],
      );
      assert.deepEqual(
        await fixture.pointers(a, { subscriptionIds, mostRuns: 2 }),
        [],
        'and counts them together',
      );
    });

    it('says while somebody has to be told of one that ended without success', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      const other = await fixture.subscribe('another', { retryDelaysMs: [] });
      const isUntold = async (of: Subscription): Promise<boolean> => (await fixture.offer(of)).untold;
      await fixture.record(to, 1);
      await fixture.run(to, success);
      assert.equal(await isUntold(to), false, 'all went well');
      await fixture.failed(to, 2, 3);
      assert.equal(await isUntold(to), true);
      assert.equal(await isUntold(other), false, "another's");
      await fixture.ledger.takeEnded([to.id], 1);
      assert.equal(await isUntold(to), true, 'there is one more');
      await fixture.ledger.takeEnded([to.id], 1);
      assert.equal(await isUntold(to), false);
    });

    it('says so of what this very offer found to have ended', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      await fixture.record(to, 1);
      await fixture.running(to);
      await fixture.elapse(LEASE_MS);
      assert.equal((await fixture.offer(to)).untold, true);
    });

    it('offers no more than 2,000 mails at once, so that it is short, and says that there are more', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, ...Array.from({ length: 2_001 }, (_, uid) => uid + 1));
      const { runs, nextInMs } = await fixture.offer(to, { mostRuns: 300, mailsPerRun: 10 });
      assert.equal(runs.flatMap(({ pointers }) => pointers).length, 2_000);
      assert.equal(nextInMs, 0);
      assert.equal((await fixture.pointers(to, { mostRuns: 300, mailsPerRun: 10 })).length, 1);
    });

    it('offers nothing where there is no subscription', async () => {
      const to = await fixture.subscribe();
      assert.deepEqual(await fixture.offer(to, { subscriptionIds: [] }), {
        runs: [],
        lapsed: 0,
        nextInMs: null,
        untold: false,
      });
    });
  });

  describe('runs of several mails', () => {
    it('are filled with the oldest, in order, each run with its own id', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1, 2, 3, 4, 5, 6, 7);
      const offer = await fixture.offer(to, { mailsPerRun: 3 });
      assert.deepEqual(sizes(offer), [3, 3, 1]);
      assert.equal(new Set(offer.runs.map(({ id }) => id)).size, 3);
      const stored = await fixture.events();
      assert.deepEqual(
        offer.runs.flatMap(({ pointers }) => pointers.map(({ event }) => event)),
        stored.map(({ id }) => id),
      );
      assert.deepEqual(
        stored.map((event) => event.run_id),
        offer.runs.flatMap(({ id, pointers }) => pointers.map(() => id)),
      );
    });

    it('are counted as runs, not as mails', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, ...Array.from({ length: 10 }, (_, i) => i + 1));
      const first = await fixture.offer(to, { mostRuns: 2, mailsPerRun: 3 });
      assert.deepEqual(sizes(first), [3, 3]);
      assert.deepEqual(sizes(await fixture.offer(to, { mostRuns: 2, mailsPerRun: 3 })), []);
      await fixture.claim(first.runs[0]!.pointers);
      await fixture.settle(first.runs[0]!.pointers.slice(0, 2), success);
      assert.deepEqual(
        sizes(await fixture.offer(to, { mostRuns: 2, mailsPerRun: 3 })),
        [],
        'its third mail still runs',
      );
      await fixture.settle(first.runs[0]!.pointers.slice(2), success);
      assert.deepEqual(sizes(await fixture.offer(to, { mostRuns: 2, mailsPerRun: 3 })), [3]);
    });

    it('leave out a mail whose run failed before: it runs alone', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [1_000, 1_000] });
      await fixture.record(to, 1, 2);
      const failed = await fixture.offer(to, { mailsPerRun: 2 });
      assert.deepEqual(sizes(failed), [2]);
      await fixture.claim(failed.runs[0]!.pointers);
      await fixture.settle(failed.runs[0]!.pointers, failure);
      await fixture.elapse(2_000);
      await fixture.record(to, 3, 4, 5);
      assert.deepEqual(sizes(await fixture.offer(to, { mailsPerRun: 10 })), [1, 1, 3]);
    });

    it('take the fresh mails before and after one that failed together', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [0] });
      await fixture.record(to, 1);
      await fixture.elapse(10);
      await fixture.record(to, 2);
      const [first] = await fixture.pointers(to, { mostRuns: 1 });
      await fixture.claim([first!]);
      await fixture.settle([first!], failure);
      await fixture.elapse(10);
      await fixture.record(to, 3);
      const { runs } = await fixture.offer(to, { mailsPerRun: 5 });
      const stored = await fixture.events();
      assert.deepEqual(
        runs.map(({ pointers }) =>
          pointers.map(({ event }) => stored.findIndex(({ id }) => id === event) + 1),
        ),
        [[2, 3], [1]],
      );
    });

    it('hold one mail each while few are due, and more the more there are, so that all run at once', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [60_000] });
      let uid = 0;
      const sizesOf = async (mails: number, mostRuns: number): Promise<number[]> => {
        await fixture.record(to, ...Array.from({ length: mails }, () => ++uid));
        const offer = await fixture.offer(to, { mostRuns, mailsPerRun: 20, fewAlone: true });
        const pointers = offer.runs.flatMap((run) => run.pointers);
        await fixture.claim(pointers);
        await fixture.settle(pointers, success);
        return sizes(offer);
      };
      assert.deepEqual(await sizesOf(1, 5), [1]);
      assert.deepEqual(await sizesOf(5, 5), [1, 1, 1, 1, 1]);
      assert.deepEqual(await sizesOf(12, 5), [3, 3, 3, 3]);
      assert.deepEqual(await sizesOf(100, 5), [20, 20, 20, 20, 20]);
      assert.deepEqual(await sizesOf(40, 50), Array<number>(40).fill(1));
      assert.deepEqual(await sizesOf(5, 1), [1], 'few are few, also where one runs at a time');
      assert.deepEqual(await sizesOf(8, 1), [12], 'four of before, and these');
      assert.deepEqual(await sizesOf(150, 1), [20]);
    });

    it('hold as many mails as it takes for all to begin in the places that are free', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, ...Array.from({ length: 66 }, (_, index) => index + 1));
      const request = { mostRuns: 5, mailsPerRun: 20, fewAlone: true };
      assert.deepEqual(sizes(await fixture.offer(to, { ...request, mostNew: 1 })), [20]);
      assert.deepEqual(sizes(await fixture.offer(to, { ...request, mostNew: 2 })), [20, 20]);
      assert.deepEqual(sizes(await fixture.offer(to, { ...request, mostNew: 3 })), [3, 3]);
    });

    it('hold one mail alone that failed before, however many are due', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [0] });
      await fixture.record(to, 1, 2);
      const failed = await fixture.pointers(to);
      await fixture.claim(failed);
      await fixture.settle(failed, failure);
      await fixture.elapse(10);
      await fixture.record(to, ...Array.from({ length: 40 }, (_, index) => index + 3));
      const offer = await fixture.offer(to, { mostRuns: 10, mailsPerRun: 20, fewAlone: true });
      assert.deepEqual(
        offer.runs.slice(0, 3).map(({ pointers }) => pointers.length),
        [1, 1, 5],
      );
    });

    it('take mails that were lost on the way together again: they never ran', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1, 2);
      await fixture.offer(to, { mailsPerRun: 2 });
      await fixture.elapse(LEASE_MS);
      assert.deepEqual(sizes(await fixture.offer(to, { mailsPerRun: 2 })), [2]);
    });
  });

  describe('leases', () => {
    it('a run whose lease ran out is a failed run, and its old holder can no longer settle', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      const running = await fixture.running(to);
      assert.equal((await fixture.offer(to)).lapsed, 0);
      await fixture.elapse(LEASE_MS);
      const { lapsed, nextInMs } = await fixture.offer(to);
      assert.equal(lapsed, 1);
      assert.ok(nextInMs !== null && nextInMs > 20_000);
      const [event] = await fixture.events();
      assert.deepEqual([event?.state, event?.failures], ['RETRY', 1]);
      assert.match(event?.last_error ?? '', /^The run did not end/);
      assert.deepEqual(await fixture.settle(running, success), []);
      await fixture.elapse(33_000);
      assert.equal((await fixture.offerOne(to)).attempt, 2);
    });

    it('a lapse on the last try is DEAD: a mail that kills the process cannot loop', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      await fixture.record(to, 1);
      await fixture.running(to);
      await fixture.elapse(LEASE_MS);
      assert.deepEqual(await fixture.offer(to), { runs: [], lapsed: 1, nextInMs: null, untold: true });
      assert.deepEqual(await fixture.states(), ['DEAD']);
    });

    it('with at most once, nobody knows how it ended: UNKNOWN, and never run again', async () => {
      const to = await fixture.subscribe('workflow', { guarantee: 'atMostOnce' });
      await fixture.record(to, 1);
      const running = await fixture.running(to);
      await fixture.elapse(LEASE_MS);
      assert.deepEqual(await fixture.offer(to), { runs: [], lapsed: 1, nextInMs: null, untold: true });
      const [event] = await fixture.events();
      assert.deepEqual([event?.state, event?.failures], ['UNKNOWN', 1]);
      assert.ok(event?.settled_at);
      assert.equal(await fixture.count('content'), 1, 'kept for a replay');
      assert.deepEqual(await fixture.settle(running, success), []);
      await fixture.elapse(1_000_000);
      assert.deepEqual(await fixture.offer(to), { runs: [], lapsed: 0, nextInMs: null, untold: true });
    });

    it('with at most once, a pointer that no run began with is offered again', async () => {
      const to = await fixture.subscribe('workflow', { guarantee: 'atMostOnce' });
      await fixture.record(to, 1);
      await fixture.offerOne(to);
      await fixture.elapse(LEASE_MS);
      assert.equal((await fixture.offerOne(to)).attempt, 2);
    });

    it('a late settle counts while nobody has found the lapse', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      const running = await fixture.running(to);
      await fixture.elapse(LEASE_MS);
      assert.deepEqual(await fixture.settle(running, success), ['DONE']);
      assert.equal((await fixture.offer(to)).lapsed, 0);
    });

    it('renewing keeps what is still held, and tells what is not', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1, 2);
      const [running, queued] = await fixture.pointers(to);
      const [claim] = await fixture.claim([running!]);
      assert.deepEqual(await fixture.ledger.renew([claim!, queued!], 'RUNNING', LEASE_MS * 2), [running]);
      assert.deepEqual(await fixture.ledger.renew([{ ...queued!, attempt: 9 }], 'QUEUED', LEASE_MS), []);
      assert.deepEqual(await fixture.ledger.renew([], 'QUEUED', LEASE_MS), []);
      await fixture.elapse(LEASE_MS);
      const { lapsed, runs } = await fixture.offer(to);
      assert.equal(lapsed, 0);
      assert.equal(runs.length, 1, 'the queued one was not renewed');
    });
  });
}
