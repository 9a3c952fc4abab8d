// The quota of a Gmail account: never more than Google allows in any minute, nearly as much as it allows while there
// is work, new mail first, and quiet after a refusal.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { QuotaTable } from '../../engine/gmail/api/login';
import { COSTS, QUOTA_LIMITS, quotaOf } from '../../engine/gmail/api/quota';
import { type Permit, type Priority, QuotaBucket, QuotaPaused } from '../../engine/http/quota';
import { VirtualTime } from '../support/virtual-time';

const MINUTE_MS = 60_000;
const LIMITS: Record<QuotaTable, number> = { new: 6_000, old: 15_000 };

interface Seen {
  readonly at: number;
  readonly units: number;
}

/** The most and the least that a server saw in any 60 s; the least only between the two times. */
function minutes(seen: readonly Seen[], from = Infinity, to = -Infinity): { most: number; least: number } {
  const inOrder = [...seen].sort((a, b) => a.at - b.at);
  const minuteFrom = (start: number): number => {
    const until = inOrder.findLastIndex(({ at }) => at < start + MINUTE_MS);
    const since = inOrder.findIndex(({ at }) => at >= start);
    return since < 0 ? 0 : inOrder.slice(since, until + 1).reduce((sum, { units }) => sum + units, 0);
  };
  // A minute has its extremes where it begins with a request, just after one, or ends before one.
  const times = [...new Set(inOrder.map(({ at }) => at))];
  const starts = [from, ...times.flatMap((at) => [at + 0.001, at - MINUTE_MS])];
  const full = starts.filter((start) => start >= from && start + MINUTE_MS <= to);
  return { most: Math.max(0, ...times.map(minuteFrom)), least: Math.min(...full.map(minuteFrom)) };
}

/** A bucket whose requests all go well, and take so long. */
class Mailbox {
  readonly time = new VirtualTime();
  readonly bucket: QuotaBucket;
  readonly seen: (Seen & { readonly priority: Priority; readonly name: string })[] = [];
  readonly #signal = new AbortController().signal;
  underWay = 0;
  mostUnderWay = 0;

  constructor(table: QuotaTable, places?: number) {
    this.bucket = new QuotaBucket(QUOTA_LIMITS[table], { ...(places && { places }), times: this.time });
  }

  async ask(
    units: number,
    priority: Priority,
    way: { toMs?: number; ms?: number; name?: string } = {},
  ): Promise<void> {
    const permit = await this.bucket.take(units, priority, this.#signal);
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
    await this.time.pause(way.toMs ?? 0);
    this.seen.push({ at: this.time.now(), units, priority, name: way.name ?? '' });
    await this.time.pause(way.ms ?? 50);
    this.underWay--;
    permit.done();
  }
}

const many = <T>(count: number, one: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => one(i));

describe('The quota of an account', () => {
  it('costs what Google says, by either table', () => {
    assert.equal(COSTS.new.get, 20);
    assert.equal(COSTS.old.get, 5);
    for (const table of [COSTS.new, COSTS.old])
      assert.deepEqual(
        { ...table, get: 0 },
        {
          history: 2,
          list: 5,
          profile: 1,
          labels: 1,
          modify: 5,
          batchModify: 50,
          trash: 5,
          watch: 100,
          get: 0,
        },
      );
  });

  for (const [table, priority, mails] of [
    ['new', 'new', 1000],
    ['new', 'backfill', 1000],
    ['old', 'new', 6500],
  ] as const) {
    it(`is used above 90 % and never exceeded with a long queue of ${priority} mail, ${table} table`, async () => {
      const box = new Mailbox(table);
      const cost = COSTS[table].get;
      // On their way they take between nothing and so long: five at a time are still enough for the limit.
      const longestMs = table === 'new' ? 500 : 50;
      const toMs = (i: number): number => (((i * 7) % 11) / 10) * longestMs;
      const asked = many(mails, (i) => box.ask(cost, priority, { toMs: toMs(i), ms: 20 }));
      const began = box.time.now();
      await box.time.until(Promise.all(asked));
      const ended = box.seen.at(-1)!.at;
      assert.ok(ended - began > 2 * MINUTE_MS, 'There was work for some minutes');
      const { most, least } = minutes(box.seen, began, ended);
      assert.ok(most <= LIMITS[table], `${most} in one minute`);
      assert.ok(least >= 0.9 * LIMITS[table], `only ${least} in one minute`);
    });
  }

  it('lets a mail that comes alone go at once', async () => {
    const box = new Mailbox('new');
    const began = box.time.now();
    await box.time.until(Promise.all(many(5, () => box.ask(20, 'new'))));
    assert.deepEqual(
      box.seen.map(({ at }) => at - began),
      [0, 0, 0, 0, 0],
    );
  });

  it('is never exceeded, whatever is asked for and whenever', async () => {
    const request = fc.record({
      afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40_000 })),
      units: fc.constantFrom(...Object.values(COSTS.new)),
      priority: fc.constantFrom<Priority>('new', 'action', 'backfill'),
      toMs: fc.integer({ min: 0, max: 600 }),
      ms: fc.integer({ min: 0, max: 2_000 }),
      times: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 300 })),
    });
    const property = fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 8 }), async (requests) => {
      const box = new Mailbox('new');
      const asked: Promise<void>[] = [];
      const arrivals = (async () => {
        for (const { afterMs, units, priority, toMs, ms, times } of requests) {
          if (afterMs > 0) await box.time.pause(afterMs);
          asked.push(...many(times, () => box.ask(units, priority, { toMs, ms })));
        }
      })();
      await box.time.until(arrivals);
      await box.time.until(Promise.all(asked));
      assert.equal(
        box.seen.length,
        requests.reduce((sum, { times }) => sum + times, 0),
      );
      assert.ok(minutes(box.seen).most <= LIMITS.new);
      assert.ok(box.mostUnderWay <= 5);
    });
    await fc.assert(property, { numRuns: 30 });
  });

  it('goes to new mail first, then to actions, then to older mail, and in their order to those alike', async () => {
    const box = new Mailbox('new', 1);
    const first = box.ask(1, 'backfill', { name: 'first' });
    const asked = (['backfill', 'action', 'new'] as const).flatMap((priority) =>
      many(2, (i) => box.ask(20, priority, { name: `${priority} ${i}` })),
    );
    await box.time.until(Promise.all([first, ...asked]));
    assert.deepEqual(
      box.seen.map(({ name }) => name),
      ['first', 'new 0', 'new 1', 'action 0', 'action 1', 'backfill 0', 'backfill 1'],
    );
  });

  it('keeps a place for new mail, and units for the next poll, while older mail takes all it can get', async () => {
    const box = new Mailbox('new');
    const older = many(600, () => box.ask(20, 'backfill', { ms: 1000 }));
    await box.time.until(box.time.pause(20_500));
    assert.equal(box.underWay, 4);
    const began = box.time.now();
    await box.time.until(box.ask(2, 'new', { name: 'poll', ms: 0 }));
    assert.equal(box.seen.find(({ name }) => name === 'poll')!.at, began);
    await box.time.until(box.time.pause(59_000));
    const later = box.time.now();
    await box.time.until(box.ask(2, 'new', { name: 'later poll', ms: 0 }));
    assert.ok(box.seen.find(({ name }) => name === 'later poll')!.at - later < 1000);
    await box.time.until(Promise.all(older));
  });

  it('gives older mail no unit that a waiting new mail could have', async () => {
    const box = new Mailbox('new');
    const older = many(290, () => box.ask(20, 'backfill', { ms: 0 }));
    await box.time.until(Promise.all(older));
    const more = [...many(20, () => box.ask(20, 'backfill')), ...many(20, () => box.ask(20, 'new'))];
    await box.time.until(Promise.all(more));
    const order = box.seen.slice(290).map(({ priority }) => priority);
    assert.deepEqual(order, [...many(20, () => 'new'), ...many(20, () => 'backfill')]);
  });

  it('forgets who gave up waiting', async () => {
    const time = new VirtualTime();
    const bucket = new QuotaBucket(QUOTA_LIMITS.new, { places: 1, times: time });
    const { signal } = new AbortController();
    const held = await bucket.take(1, 'new', signal);
    const stop = new AbortController();
    const gaveUp = bucket.take(1, 'new', stop.signal);
    const next = bucket.take(1, 'new', signal);
    stop.abort(new Error('It was switched off'));
    await assert.rejects(gaveUp, /switched off/);
    await assert.rejects(bucket.take(1, 'new', stop.signal), /switched off/);
    held.done();
    held.done();
    (await next).done();
  });

  it('is one for all that share an account, and another for another endpoint', () => {
    const quota = quotaOf('https://gmail.googleapis.com', 'ann@example.com', 'new');
    assert.equal(quotaOf('https://gmail.googleapis.com', 'ann@example.com', 'new'), quota);
    assert.notEqual(quotaOf('https://gmail.googleapis.com', 'bob@example.com', 'new'), quota);
    assert.notEqual(quotaOf('http://127.0.0.1:9', 'ann@example.com', 'new'), quota);
  });
});

describe('After Gmail wanted fewer requests', () => {
  const { signal } = new AbortController();

  async function refused(time: VirtualTime, bucket: QuotaBucket, retryAfterMs: number | null): Promise<void> {
    const permit = await time.until(bucket.take(1, 'new', signal));
    permit.limited(retryAfterMs);
  }

  async function waited(time: VirtualTime, bucket: QuotaBucket): Promise<[ms: number, permit: Permit]> {
    const began = time.now();
    const permit = await time.until(bucket.take(1, 'new', signal));
    return [time.now() - began, permit];
  }

  it('the whole account waits as long as it was told to', async () => {
    const time = new VirtualTime();
    const bucket = new QuotaBucket(QUOTA_LIMITS.new, { times: time });
    await refused(time, bucket, 12_000);
    assert.equal((await waited(time, bucket))[0], 12_000);
  });

  it('it waits longer after each refusal in a row, 64 s at most, and a success ends the row', async () => {
    const time = new VirtualTime();
    const bucket = new QuotaBucket(QUOTA_LIMITS.new, { times: time });
    time.dice = 0.999999;
    const waits: number[] = [];
    for (let i = 0; i < 7; i++) {
      await time.until(time.pause(1));
      const [ms, permit] = await waited(time, bucket);
      waits.push(Math.round(ms / 1000));
      await time.until(time.pause(1));
      permit.limited(null);
    }
    assert.deepEqual(waits, [0, 2, 4, 8, 16, 32, 64]);
    (await waited(time, bucket))[1].done();
    await time.until(time.pause(1));
    await refused(time, bucket, null);
    assert.equal(Math.round((await waited(time, bucket))[0] / 1000), 2);
  });

  it('requests that were refused together count as one refusal', async () => {
    const time = new VirtualTime();
    const bucket = new QuotaBucket(QUOTA_LIMITS.new, { times: time });
    time.dice = 0.999999;
    const together = await Promise.all(many(5, () => bucket.take(1, 'new', signal)));
    for (const permit of together) permit.limited(null);
    assert.equal(Math.round((await waited(time, bucket))[0] / 1000), 2);
  });

  it('nobody waits for the end of a long pause: who waits and who comes is told so', async () => {
    const time = new VirtualTime();
    const bucket = new QuotaBucket(QUOTA_LIMITS.new, { places: 1, times: time });
    const permit = await bucket.take(1, 'new', signal);
    const waiting = bucket.take(1, 'new', signal);
    permit.limited(15 * MINUTE_MS);
    const isPause = (error: unknown): boolean =>
      error instanceof QuotaPaused && error.forMs === 15 * MINUTE_MS;
    await assert.rejects(waiting, isPause);
    await assert.rejects(bucket.take(1, 'new', signal), isPause);
    await time.until(time.pause(15 * MINUTE_MS));
    (await time.until(bucket.take(1, 'new', signal))).done();
  });
});
