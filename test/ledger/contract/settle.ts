// The contract's endings: what an outcome makes of an event and of its content, and who is told.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DAY_MS, failure, type Fixture, gone, LEASE_MS, success } from './fixture';

export function settleContract(fixture: Fixture): void {
  describe('settle', () => {
    it('makes a successful run DONE and lets its content go', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      assert.deepEqual(await fixture.run(to, success), ['DONE']);
      assert.equal(await fixture.count('content'), 0);
      assert.deepEqual((await fixture.offer(to)).runs, []);
    });

    it('ends all mails of a run at once', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1, 2, 3);
      const [a, b, c] = await fixture.pointers(to, { mailsPerRun: 3 });
      await fixture.claim([a!, b!]);
      assert.deepEqual(await fixture.ledger.settle([a!, b!, c!], success), [
        { ...a!, state: 'DONE' },
        { ...b!, state: 'DONE' },
      ]);
      assert.deepEqual(await fixture.states(), ['DONE', 'DONE', 'QUEUED']);
      assert.equal(await fixture.count('content'), 1);
      assert.deepEqual(await fixture.ledger.settle([], success), []);
    });

    it('keeps the content until the last subscription is done with it', async () => {
      const [a, b] = [await fixture.subscribe('a'), await fixture.subscribe('b')];
      await fixture.recordMails(a, [fixture.mail([a, b], 1)]);
      await fixture.run(a, success);
      assert.equal(await fixture.count('content'), 1);
      await fixture.run(b, gone);
      assert.equal(await fixture.count('content'), 0);
    });

    it('keeps the content as long as one of its subscriptions asks for', async () => {
      const a = await fixture.subscribe('a', { keepContentMs: DAY_MS });
      const b = await fixture.subscribe('b', { keepContentMs: 3 * DAY_MS });
      const c = await fixture.subscribe('c');
      await fixture.recordMails(a, [fixture.mail([a, b, c], 1)]);
      for (const to of [a, b, c]) await fixture.run(to, success);
      await fixture.elapse(2 * DAY_MS);
      await fixture.ledger.sweep(100);
      assert.equal(await fixture.count('content'), 1);
      await fixture.elapse(DAY_MS);
      await fixture.ledger.sweep(100);
      assert.equal(await fixture.count('content'), 0);
      assert.deepEqual(await fixture.states(), ['DONE', 'DONE', 'DONE']);
    });

    it('retries a failed run after each delay, and then leaves the event DEAD with its content', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [30_000, 60_000], keepContentMs: 1 });
      await fixture.record(to, 1);
      for (const [attempt, delay] of [
        [1, 30_000],
        [2, 60_000],
      ] as const) {
        const pointer = await fixture.offerOne(to);
        assert.equal(pointer.attempt, attempt);
        await fixture.claim([pointer]);
        assert.deepEqual(await fixture.settle([pointer], failure), ['RETRY']);
        await fixture.elapse(delay - 5_000);
        assert.deepEqual((await fixture.offer(to)).runs, [], 'not before its time');
        await fixture.elapse(5_000 + delay / 10);
      }
      assert.deepEqual(await fixture.run(to, failure), ['DEAD']);
      const [event] = await fixture.events();
      assert.deepEqual([event?.attempt, event?.failures, event?.last_error], [3, 3, 'it broke']);
      await fixture.elapse(DAY_MS);
      await fixture.ledger.sweep(100);
      assert.equal(await fixture.count('content'), 1);
    });

    it('spreads retries over a tenth of their delay, so that they do not all come at once', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [1_000_000] });
      await fixture.record(to, ...Array.from({ length: 30 }, (_, i) => i));
      await fixture.run(to, failure);
      const due = (await fixture.events()).map((event) => event.due_at!);
      assert.ok(new Set(due).size > 10, 'at random');
      assert.ok(Math.max(...due) - Math.min(...due) <= 100_000);
      await fixture.elapse(990_000);
      assert.deepEqual(await fixture.pointers(to), [], 'not before its time');
      await fixture.elapse(110_000);
      assert.equal((await fixture.pointers(to)).length, 30);
    });

    it('with at most once, a failed run is DEAD at once', async () => {
      const to = await fixture.subscribe('workflow', { guarantee: 'atMostOnce' });
      await fixture.record(to, 1);
      assert.deepEqual(await fixture.run(to, failure), ['DEAD']);
      await fixture.elapse(DAY_MS);
      assert.deepEqual((await fixture.offer(to)).runs, []);
    });

    it('makes a mail that is not there any more GONE, which is no failure', async () => {
      const to = await fixture.subscribe();
      await fixture.recordMails(to, [fixture.mail([to], 1, { content: null })]);
      assert.deepEqual(await fixture.run(to, gone), ['GONE']);
      const [event] = await fixture.events();
      assert.deepEqual([event?.failures, event?.settled_at === null], [0, false]);
      assert.deepEqual(await fixture.ledger.takeEnded([to.id], 10), []);
    });

    it('is refused from whoever does not hold the event', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      const pointer = await fixture.offerOne(to);
      assert.deepEqual(await fixture.settle([pointer], success), [], 'before it was claimed');
      await fixture.claim([pointer]);
      assert.deepEqual(
        await fixture.settle([{ ...pointer, attempt: 2 }], success),
        [],
        'under another attempt',
      );
      assert.deepEqual(await fixture.settle([pointer], success), ['DONE']);
      for (const outcome of [failure, success, gone]) {
        assert.deepEqual(await fixture.settle([pointer], outcome), [], 'a second time');
      }
      assert.deepEqual(await fixture.states(), ['DONE']);
    });

    it('is final: DONE is left by a replay alone', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      const [pointer] = await fixture.running(to);
      await fixture.settle([pointer!], success);
      const before = await fixture.events();
      await fixture.record(to, 1);
      await fixture.claim([pointer!]);
      for (const state of ['QUEUED', 'RUNNING'] as const)
        await fixture.ledger.renew([pointer!], state, LEASE_MS);
      for (const outcome of [failure, gone]) await fixture.settle([pointer!], outcome);
      for (const action of ['retryNow', 'markDone', 'forget'] as const) {
        await fixture.ledger[action]({ ids: [pointer!.event] });
      }
      await fixture.offer(to);
      await fixture.ledger.takeEnded([to.id], 10);
      await fixture.ledger.sweep(10);
      assert.deepEqual(await fixture.events(), before);
      await fixture.ledger.replay({ ids: [pointer!.event] });
      assert.deepEqual(await fixture.states(), ['PENDING']);
    });

    it('a pointer that was lost on the way uses up no retry', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      await fixture.record(to, 1);
      for (let lost = 0; lost < 5; lost++) {
        await fixture.offerOne(to);
        await fixture.elapse(LEASE_MS);
      }
      assert.deepEqual(await fixture.run(to, success), ['DONE']);
      assert.equal((await fixture.events())[0]?.failures, 0);
    });
  });

  describe('takeEnded', () => {
    it('hands out each event that ended without success once, the oldest first', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      const ids = await fixture.failed(to, 1, 2, 3);
      const [first, ...others] = await fixture.ledger.takeEnded([to.id], 1);
      assert.deepEqual(first, {
        event: ids[0],
        state: 'DEAD',
        failures: 1,
        executionId: '1',
        account: 'ann@mail.example',
        mailbox: 'INBOX',
        uid: 1,
        lastError: 'it broke',
        sender: 'bob@mail.example',
        subject: 'Mail 1',
      });
      assert.deepEqual(others, []);
      const rest = await fixture.ledger.takeEnded([to.id], 10);
      assert.deepEqual(
        rest.map(({ event }) => event),
        ids.slice(1),
      );
      assert.deepEqual(await fixture.ledger.takeEnded([to.id], 10), []);
      assert.deepEqual(await fixture.ledger.takeEnded([], 10), []);
    });

    it('hands out what was recorded first before what ended first', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      await fixture.record(to, 1, 2);
      const [first, second] = await fixture.running(to);
      await fixture.settle([second!], failure);
      await fixture.elapse(1_000);
      await fixture.settle([first!], failure);
      assert.deepEqual(
        (await fixture.ledger.takeEnded([to.id], 10)).map(({ uid }) => uid),
        [1, 2],
      );
    });

    it('tells of UNKNOWN, too, and of nothing else', async () => {
      const to = await fixture.subscribe('workflow', { guarantee: 'atMostOnce' });
      await fixture.record(to, 1);
      await fixture.running(to);
      await fixture.elapse(LEASE_MS);
      await fixture.record(to, 2, 3);
      await fixture.run(to, success);
      const ended = await fixture.ledger.takeEnded([to.id], 10);
      assert.deepEqual(
        ended.map(({ state, uid }) => [state, uid]),
        [['UNKNOWN', 1]],
      );
    });

    it("leaves another subscription's alone", async () => {
      const [a, b] = [
        await fixture.subscribe('a', { retryDelaysMs: [] }),
        await fixture.subscribe('b', { retryDelaysMs: [] }),
      ];
      await fixture.failed(a, 1);
      assert.deepEqual(await fixture.ledger.takeEnded([b.id], 10), []);
      assert.equal((await fixture.ledger.takeEnded([a.id, b.id], 10)).length, 1);
    });

    it('tells again of an event that was replayed and ended so again', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      const ids = await fixture.failed(to, 1);
      await fixture.ledger.takeEnded([to.id], 10);
      await fixture.ledger.replay({ ids });
      await fixture.run(to, failure);
      assert.equal((await fixture.ledger.takeEnded([to.id], 10)).length, 1);
    });
  });
}
