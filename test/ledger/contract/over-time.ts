// The contract of what is summed up: how it went over time, and how triggers are doing.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  KEEP_HOURS_MS,
  KEEP_MINUTES_MS,
  type SeriesPoint,
  type SeriesRequest,
} from '../../../engine/ledger/series';
import type { TriggerHealth } from '../../../engine/ledger/trigger-health';
import { DAY_MS, failure, type Fixture, gone, HOUR_MS, LEASE_MS, success } from './fixture';

const MINUTE_MS = 60_000;

export function overTimeContract(fixture: Fixture): void {
  const seriesOf = (more: Partial<SeriesRequest> = {}): Promise<SeriesPoint[]> =>
    fixture.ledger.series({ from: 0, until: Date.now() + DAY_MS, step: 'minute', ...more });

  /** All of it, in whatever step it was. */
  const total = async (more: Partial<SeriesRequest> = {}): Promise<readonly number[]> => {
    const points = await seriesOf(more);
    return (['recorded', 'done', 'failed', 'dead'] as const).map((name) =>
      points.reduce((sum, point) => sum + point[name], 0),
    );
  };

  /** Sums are shifted by whole hours. */
  const shiftSums = (ms: number): Promise<unknown> =>
    fixture.under.query(`update step_sum set at = at - ${ms}`);

  describe('over time', () => {
    it('is told what was recorded and how runs ended, by source and workflow', async () => {
      const a = await fixture.subscribe('a', { retryDelaysMs: [60_000] });
      const b = await fixture.subscribe('b', {
        retryDelaysMs: [],
        source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'Other' },
      });
      assert.deepEqual(await seriesOf(), []);
      await fixture.record(a, 1, 2, 3, 4);
      await fixture.record(b, 1, 2);
      const [one, two, three, four] = await fixture.running(a);
      await fixture.settle([one!, two!], success);
      await fixture.settle([three!], failure);
      await fixture.settle([four!], gone);
      await fixture.run(b, failure);
      assert.deepEqual(await total(), [6, 2, 3, 2]);
      assert.deepEqual(await total({ step: 'hour' }), [6, 2, 3, 2]);
      assert.deepEqual(await total({ workflowId: 'a' }), [4, 2, 1, 0]);
      assert.deepEqual(await total({ sourceId: b.sourceId }), [2, 0, 2, 2]);
      assert.deepEqual(await total({ sourceId: b.sourceId, workflowId: 'a' }), [0, 0, 0, 0]);
      assert.deepEqual(await total({ workflowId: 'nobody' }), [0, 0, 0, 0]);
      // What nobody ran, and what people do, is no end of a run.
      await fixture.ledger.replay({ filter: { states: ['DEAD'] } });
      await fixture.ledger.markDone({ filter: { workflowId: 'b' } });
      assert.deepEqual(await total(), [6, 2, 3, 2]);
      for (const { at } of await seriesOf()) {
        assert.equal(at % MINUTE_MS, 0);
        assert.ok(Math.abs(at - Date.now()) < 2 * MINUTE_MS);
      }
    });

    it('is told how many mails waited or ran, whatever became of them', async () => {
      const a = await fixture.subscribe('a', { retryDelaysMs: [DAY_MS] });
      const b = await fixture.subscribe('b', {
        retryDelaysMs: [],
        source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'Other' },
      });
      const hour = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
      const waiting = (from: number, of: Partial<SeriesRequest> = {}): Promise<number> =>
        fixture.ledger.waitingBefore({ from, until: from + 1, step: 'hour', ...of });
      const open: number[] = [];
      // Each two hours before what comes then: the clock may come into the next hour meanwhile.
      const step = async (did: Promise<unknown>, waits: number): Promise<void> => {
        await did;
        assert.equal(await waiting(hour + 2 * HOUR_MS), waits);
        open.push(waits);
        await shiftSums(2 * HOUR_MS);
      };
      await step(fixture.record(a, 1, 2, 3, 4, 5, 6), 6);
      await step(fixture.recordMails(a, [fixture.mail([a], 7, { gone: true })]), 6);
      await step(fixture.record(b, 1, 2), 8);
      const [one, two, three, ...others] = await fixture.running(a);
      await step(fixture.settle([one!], success), 7);
      await step(fixture.settle([two!], failure), 7);
      await step(fixture.settle([three!], gone), 6);
      await step(fixture.run(b, failure), 4);
      await step(fixture.ledger.replay({ filter: { states: ['DEAD'] } }), 6);
      await step(fixture.ledger.markDone({ filter: { workflowId: 'b' } }), 4);
      await step(fixture.ledger.markDone({ filter: { states: ['RETRY'] } }), 3);
      const late = hour + 2 * HOUR_MS;
      assert.equal(await waiting(late, { workflowId: 'a' }), 3);
      assert.equal(await waiting(late, { sourceId: b.sourceId }), 0);
      assert.equal(await waiting(late, { workflowId: 'nobody' }), 0);
      await step(fixture.settle(others, success), 0);
      const after = (of: number): number => hour - 2 * HOUR_MS * (open.length - of) + 2 * HOUR_MS;
      for (const [at, waits] of open.entries()) assert.equal(await waiting(after(at)), waits, `after ${at}`);
      assert.equal(await waiting(after(-1)), 0, 'before all');
      // A reader of points that adds them up comes to the same.
      const points = await seriesOf({ step: 'hour' });
      assert.equal(
        points.reduce((sum, { growth }) => sum + growth, 0),
        0,
      );
      assert.equal(points.find(({ growth }) => growth === 6)?.recorded, 6);
    });

    it('is told how long mails waited for their first run, and how long runs took', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [0] });
      for (const [uid, waited, took] of [
        [1, 2_000, 100_000],
        [2, 2_000, 100_000],
        [3, 900_000, 20_000_000],
      ] as const) {
        await fixture.record(to, uid);
        await fixture.elapse(waited);
        const pointers = await fixture.running(to);
        await fixture.ledger.renew(pointers, 'RUNNING', 10 * DAY_MS);
        await fixture.elapse(took);
        assert.deepEqual(await fixture.settle(pointers, uid === 1 ? failure : success), [
          uid === 1 ? 'RETRY' : 'DONE',
        ]);
        if (uid !== 1) continue;
        await fixture.elapse(HOUR_MS);
        const again = await fixture.running(to);
        await fixture.elapse(100_000);
        await fixture.settle(again, success);
      }
      const [point, ...others] = await seriesOf({ step: 'hour' });
      assert.ok(others.length <= 1);
      if (others.length > 0) return;
      const near = (seconds: number | undefined, expected: number): void =>
        assert.ok(seconds! > expected / 1.6 && seconds! < expected * 1.6, `${seconds}, not ${expected} s`);
      near(point!.untilRun?.p50, 2);
      near(point!.untilRun?.p95, 900);
      near(point!.untilEnd?.p50, 100);
      near(point!.untilEnd?.p95, 20_000);
    });

    it('leaves out of a spread what is not known', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      assert.deepEqual(
        (await seriesOf()).map(({ untilRun, untilEnd }) => [untilRun, untilEnd]),
        [[null, null]],
      );
      const [one] = await fixture.running(to);
      await fixture.forceEvents({ began_at: null });
      await fixture.settle([one!], success);
      assert.deepEqual(
        (await seriesOf({ step: 'hour' })).flatMap(({ untilEnd }) => untilEnd ?? []),
        [],
      );
    });

    it('is in the steps that are asked for, at or after, and before', async () => {
      const to = await fixture.subscribe();
      for (let hours = 0; hours < 3; hours++) {
        await fixture.record(to, hours);
        await shiftSums(HOUR_MS);
      }
      const points = await seriesOf();
      assert.equal(points.length, 3);
      const [first, second, third] = points.map(({ at }) => at) as [number, number, number];
      const steps = async (more: Partial<SeriesRequest>): Promise<number[]> =>
        (await seriesOf(more)).map(({ at }) => at);
      assert.ok(first < second && second < third);
      assert.deepEqual(await steps({ from: second, until: third }), [second]);
      assert.deepEqual(await steps({ from: second + 1, until: third + 1 }), [third]);
      const hour = Math.floor(second / HOUR_MS) * HOUR_MS;
      assert.deepEqual(await steps({ step: 'hour', from: hour, until: hour + 1 }), [hour]);
      assert.deepEqual(await steps({ step: 'hour', from: hour + 1, until: hour + HOUR_MS }), []);
    });

    it('is kept by the minute for a day and by the hour for longer, and nothing is lost between', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      await fixture.record(to, 1, 2, 3);
      await fixture.run(to, failure);
      await shiftSums(HOUR_MS);
      await fixture.record(to, 4);
      await shiftSums(KEEP_MINUTES_MS);
      await fixture.record(to, 5, 6);
      const before = await seriesOf({ step: 'hour' });
      while (await fixture.ledger.sweep(1));
      assert.deepEqual(await seriesOf({ step: 'hour' }), before);
      assert.deepEqual(await total(), [2, 0, 0, 0], 'of today');
      await shiftSums(KEEP_HOURS_MS - KEEP_MINUTES_MS - HOUR_MS);
      await fixture.ledger.sweep(100);
      assert.deepEqual(await total({ step: 'hour' }), [3, 0, 0, 0]);
      await shiftSums(KEEP_HOURS_MS);
      while (await fixture.ledger.sweep(1));
      assert.equal(await fixture.count('step_sum'), 0);
    });

    it('is summed by many at once, none of whom waits for another', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, ...Array.from({ length: 60 }, (_, n) => n));
      await fixture.withAnother(async (another) => {
        const pointers = await fixture.pointers(to);
        await Promise.all(
          pointers.map(async (pointer, n) => {
            const ledger = n % 2 ? another : fixture.ledger;
            await ledger.claim([pointer], '1', LEASE_MS);
            await ledger.settle([pointer], success);
          }),
        );
      });
      assert.deepEqual(await total(), [60, 60, 0, 0]);
      assert.equal(await fixture.count('try'), 60);
    });
  });

  describe('counts by state', () => {
    /** Whether they are what is stored is looked at after each test of the contract. */
    const told = async (): Promise<unknown> => {
      const counts = Object.entries(await fixture.ledger.statistics({})).filter(([, count]) => count > 0);
      return Object.fromEntries(counts);
    };

    it('are of what is stored now, whoever changed it', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [60_000] });
      await fixture.record(to, 1, 2, 3, 4, 5, 6);
      await fixture.recordMails(to, [fixture.mail([to], 7, { gone: true })]);
      assert.deepEqual(await told(), { PENDING: 6, GONE: 1 });
      const [one, two, three, four] = await fixture.running(to);
      assert.deepEqual(await told(), { RUNNING: 6, GONE: 1 });
      await fixture.settle([one!], success);
      await fixture.settle([two!], failure);
      await fixture.settle([three!], gone);
      assert.deepEqual(await told(), { RUNNING: 3, DONE: 1, RETRY: 1, GONE: 2 });
      await fixture.under.query(
        `update event set state = 'DEAD', lease_until = null, settled_at = 1, failures = 1 where id = '${four!.event}'`,
      );
      assert.deepEqual(await told(), { RUNNING: 2, DONE: 1, RETRY: 1, DEAD: 1, GONE: 2 });
      await fixture.under.query(`delete from event where state = 'DEAD'`);
      assert.deepEqual(await told(), { RUNNING: 2, DONE: 1, RETRY: 1, GONE: 2 });
      const [trigger] = await fixture.ledger.triggers();
      assert.deepEqual([trigger!.running, trigger!.retrying, trigger!.dead], [2, 1, 0]);
    });

    it('of several processes are put together by the sweep, and nothing is lost', async () => {
      const to = await fixture.subscribe();
      await fixture.withAnother(async (another) => {
        await fixture.record(to, ...Array.from({ length: 40 }, (_, n) => n));
        const pointers = await fixture.pointers(to);
        const half = pointers.slice(20);
        await Promise.all(
          half.map(async (pointer, n) => {
            const ledger = n % 2 ? another : fixture.ledger;
            await ledger.claim([pointer], '1', LEASE_MS);
            await Promise.all([ledger.sweep(3), ledger.settle([pointer], success)]);
          }),
        );
        await another.release(pointers.slice(0, 20), 'no');
        while (await fixture.ledger.sweep(100));
      });
      assert.deepEqual(await told(), { PENDING: 20, DONE: 20 });
      assert.equal(await fixture.count('standing'), 2);
    });
  });

  describe('triggers', () => {
    it('are told with what waits, runs and fails, by workflow and node', async () => {
      const a = await fixture.subscribe('a', { retryDelaysMs: [DAY_MS], nodeName: 'Trigger' });
      const other = await fixture.subscribe('a', {
        source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'Other' },
        nodeName: 'Trigger',
        retryDelaysMs: [],
      });
      const b = await fixture.subscribe('b', { nodeId: 'x', guarantee: 'atMostOnce' });
      await fixture.record(a, 1, 2);
      const [one, two] = await fixture.running(a);
      await fixture.settle([one!], success);
      await fixture.settle([two!], failure);
      await fixture.elapse(10_000);
      await fixture.record(other, 1, 2);
      const [, dead] = await fixture.running(other);
      await fixture.settle([dead!], { kind: 'failure', error: 'the last' });
      await fixture.record(a, 3);
      await fixture.elapse(50_000);
      await fixture.record(a, 4);
      await fixture.pointers(a, { mostRuns: 1 });
      await fixture.unserved(2 * DAY_MS, b);
      const [first, second, ...more] = await fixture.ledger.triggers();
      assert.deepEqual(more, []);
      const { oldestWaitingAt, lastDoneAt, lastFailedAt, ...rest } = first!;
      assert.deepEqual(rest, {
        ...{ workflowId: 'a', nodeId: 'node', nodeName: 'Trigger', served: true },
        sourceIds: [a.sourceId, other.sourceId],
        ...{ waiting: 2, running: 1, retrying: 1, dead: 1, unknown: 0 },
        ...{ doneLately: 1, failedLately: 2, lastError: 'the last' },
      } satisfies Partial<TriggerHealth>);
      const ago = (at: number | null): number => Math.round((Date.now() - at!) / 10_000);
      assert.deepEqual([ago(oldestWaitingAt), ago(lastDoneAt), ago(lastFailedAt)], [5, 6, 5]);
      assert.deepEqual(second, {
        ...{ workflowId: 'b', nodeId: 'x', nodeName: null, sourceIds: [b.sourceId], served: false },
        ...{ waiting: 0, oldestWaitingAt: null, running: 0, retrying: 0, dead: 0, unknown: 0 },
        ...{ doneLately: 0, failedLately: 0, lastDoneAt: null, lastFailedAt: null, lastError: null },
      });
    });

    it('have of the last hour what ended in it, and the last end, however old', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      await fixture.record(to, 1, 2);
      await fixture.running(to).then(([one]) => fixture.settle([one!], success));
      await fixture.elapse(2 * LEASE_MS);
      await fixture.offer(to);
      await fixture.elapse(2 * HOUR_MS);
      await shiftSums(2 * HOUR_MS);
      const [trigger] = await fixture.ledger.triggers();
      assert.deepEqual([trigger!.doneLately, trigger!.failedLately, trigger!.dead], [0, 0, 1]);
      assert.ok(Date.now() - trigger!.lastDoneAt! > 2 * HOUR_MS);
      assert.ok(trigger!.lastFailedAt! > trigger!.lastDoneAt!);
      // One that is run again waits since its last run, not since it was recorded.
      await fixture.ledger.replay({ filter: {} });
      const [again] = await fixture.ledger.triggers();
      assert.equal(again!.waiting, 2);
      assert.ok(again!.oldestWaitingAt! <= trigger!.lastDoneAt!);
    });
  });
}
