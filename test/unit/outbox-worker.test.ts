// Whoever sends what the outbox holds, over an outbox in memory: lanes for themselves, limits, fences, what is in doubt, waiting, an
// outage, the end.
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { DueEntry, Entry } from '../../engine/ledger/outbox';
import type { Sender, TryEnd, Trying } from '../../engine/outbox/sender';
import { OutboxWorker } from '../../engine/outbox/worker';
import { ProcessWake } from '../../engine/signal/wake';
import { silentLog } from '../support/log';
import { MemoryOutbox } from '../support/memory-outbox';
import { until } from '../support/until';

const SENT: TryEnd = { end: 'sent', answer: '250 OK' };
const failed = (error = 'refused', more = {}): TryEnd => ({ end: 'failed', error, why: 'refused', ...more });

/** Sends as the test says, and remembers what it has handed over. */
class Senders {
  readonly handed: string[] = [];
  atOnce = 0;
  mostAtOnce = 0;
  closed = 0;

  constructor(readonly send: (entry: DueEntry, trying: Trying) => Promise<TryEnd> = async () => SENT) {}

  sender(more: Partial<Sender> = {}): Sender {
    return {
      kind: 'mail',
      limits: () => ({ mostAtOnce: 3, mostAMinute: null }),
      schedule: () => ({ connection: [10, 10], refused: [10, 10] }),
      inDoubt: () => 'aside',
      send: async (entry, trying) => {
        this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
        try {
          if (!(await trying.handOver())) return { end: 'returned', error: 'not ours', afterMs: 10 };
          this.handed.push(entry.key);
          return await this.send(entry, trying);
        } finally {
          this.atOnce--;
        }
      },
      close: async () => {
        this.closed++;
      },
      ...more,
    };
  }
}

const whenAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
const soon = (ms = 20): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('whoever sends what the outbox holds', () => {
  const workers: OutboxWorker[] = [];
  afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.close())));

  const worker = (outbox: MemoryOutbox, sender: Sender, settings = {}): OutboxWorker => {
    const senders = new Map([[sender.kind, sender]]);
    const made = new OutboxWorker(
      { ledger: outbox, wake: new ProcessWake(), log: silentLog, senders },
      settings,
    );
    workers.push(made);
    return made;
  };
  const started = (outbox: MemoryOutbox, sender: Sender, settings = {}): OutboxWorker => {
    const made = worker(outbox, sender, settings);
    made.start();
    return made;
  };
  const states = (outbox: MemoryOutbox): string => [...new Set(outbox.rows.map(({ state }) => state))].join();
  const becomes = (outbox: MemoryOutbox, state: string): Promise<unknown> =>
    until(`all are ${state}`, () => states(outbox) === state);
  const waiting = (untilMs = 30_000, signal = new AbortController().signal) => ({ untilMs, signal });

  it('sends what is queued, and what is queued later, each once', async () => {
    const outbox = new MemoryOutbox();
    const senders = new Senders();
    outbox.enqueue([{ key: 'a' }, { key: 'b' }]);
    const sending = started(outbox, senders.sender());
    await becomes(outbox, 'SENT');
    outbox.enqueue([{ key: 'c' }]);
    sending.queued();
    await becomes(outbox, 'SENT');
    assert.deepEqual(senders.handed.sort(), ['a', 'b', 'c']);
    assert.equal(outbox.of('id-c').lastAnswer, '250 OK');
  });

  it('has no more of a lane on their way than the lane takes', async () => {
    const outbox = new MemoryOutbox();
    const senders = new Senders(async () => {
      await soon();
      return SENT;
    });
    outbox.enqueue(Array.from({ length: 20 }, (_, at) => ({ key: `${at}` })));
    started(outbox, senders.sender());
    await becomes(outbox, 'SENT');
    assert.equal(senders.mostAtOnce, 3);
    assert.equal(senders.handed.length, 20);
  });

  it('begins no more within a minute than the lane takes, and goes on after it', async () => {
    const outbox = new MemoryOutbox();
    const senders = new Senders();
    const limits = () => ({ mostAtOnce: 5, mostAMinute: 4 });
    outbox.enqueue(Array.from({ length: 7 }, (_, at) => ({ key: `${at}` })));
    started(outbox, senders.sender({ limits }));
    await until('four are handed over', () => senders.handed.length === 4);
    await soon(300);
    assert.equal(senders.handed.length, 4);
    // A process that has just begun has seen nothing of the lane yet.
    started(outbox, senders.sender({ limits })).queued();
    await soon(300);
    assert.equal(senders.handed.length, 4);
    outbox.moveOn(61_000);
    await becomes(outbox, 'SENT');
  });

  it('lets no slow receiver hold up another, and begins with no more lanes than it may', async () => {
    const outbox = new MemoryOutbox();
    const senders = new Senders(async ({ lane }, { signal }) => {
      if (lane === 'slow') await whenAborted(signal);
      return SENT;
    });
    outbox.enqueue([
      ...Array.from({ length: 9 }, (_, at) => ({ key: `slow ${at}`, lane: 'slow' })),
      ...Array.from({ length: 9 }, (_, at) => ({ key: `${at}`, lane: `quick ${at % 3}` })),
    ]);
    started(outbox, senders.sender(), { mostLanes: 2 });
    await until('the quick ones are there', () =>
      outbox.rows.every(({ lane, state }) => lane === 'slow' || state === 'SENT'),
    );
    assert.equal(outbox.rows.filter(({ state }) => state === 'SENDING').length, 3);
  });

  it('sends from a lane that rests when its rest is over, and from others meanwhile', async () => {
    const outbox = new MemoryOutbox();
    let isFirst = true;
    const senders = new Senders(async ({ lane }) => {
      if (lane !== 'busy' || !isFirst) return SENT;
      isFirst = false;
      return failed('not now', { laneRestsMs: 60_000 });
    });
    outbox.enqueue([{ key: 'a', lane: 'busy' }]);
    const sending = started(outbox, senders.sender());
    await until('it was tried', () => outbox.of('id-a').lastError === 'not now');
    outbox.enqueue([
      { key: 'b', lane: 'busy' },
      { key: 'c', lane: 'other' },
    ]);
    sending.queued();
    await until('the other lane goes on', () => outbox.of('id-c').state === 'SENT');
    assert.deepEqual(senders.handed, ['a', 'c']);
    outbox.moveOn(61_000);
    sending.queued();
    await becomes(outbox, 'SENT');
  });

  it('tries again as the schedule says, and then says that it has failed', async () => {
    const outbox = new MemoryOutbox();
    const senders = new Senders(async () => failed());
    outbox.enqueue([{ key: 'a' }]);
    started(outbox, senders.sender());
    await becomes(outbox, 'FAILED');
    assert.deepEqual(senders.handed, ['a', 'a', 'a']);
    assert.match(
      outbox.of('id-a').lastError ?? '',
      /^It was tried 3 times in \d+ s. The last time: refused$/,
    );
  });

  it('counts what is refused for now apart from what is not reached', async () => {
    const outbox = new MemoryOutbox();
    const whys = (['connection', 'connection', 'refused', 'refused', 'refused'] as const)[Symbol.iterator]();
    const senders = new Senders(async () => failed('no', { why: whys.next().value ?? 'refused' }));
    outbox.enqueue([{ key: 'a' }]);
    started(outbox, senders.sender({ schedule: () => ({ connection: [1, 1], refused: [1, 1, 1, 1] }) }));
    await becomes(outbox, 'FAILED');
    assert.equal(senders.handed.length, 5);
    assert.deepEqual([outbox.of('id-a').tries, outbox.of('id-a').refusals], [5, 2]);
  });

  it('settles nothing, and hands nothing over, of what another has by now', async () => {
    const outbox = new MemoryOutbox();
    let isSlow = true;
    const slow = new Senders();
    const lost: string[] = [];
    const sender = slow.sender({
      send: async (entry, trying) => {
        if (!isSlow) return slow.sender().send(entry, trying);
        isSlow = false;
        outbox.lapse([entry.id]);
        await outbox.takeEntries({
          of: { lane: 'smtp:a' },
          limit: 1,
          leaseMs: 1,
          mostAtOnce: 1,
          mostAMinute: null,
        });
        lost.push(String(await trying.handOver()), String(trying.signal.aborted));
        return SENT;
      },
    });
    outbox.enqueue([{ key: 'a' }]);
    started(outbox, sender);
    await until('the slow one has ended', () => lost.length > 0);
    assert.deepEqual(lost, ['false', 'true']);
    await becomes(outbox, 'SENT');
    assert.deepEqual(slow.handed, ['a']);
    assert.equal(outbox.of('id-a').fence, 3);
  });

  it('stores what the receiver said after the lease was lost, where nobody has begun it since', async () => {
    for (const isRetried of [false, true]) {
      const outbox = new MemoryOutbox();
      let answer = (): void => undefined;
      const waits = new Promise<void>((resolve) => (answer = resolve));
      const slow = new Senders(async () => waits.then(() => SENT));
      const [id] = outbox.enqueue([{ key: 'a' }]) as [string];
      const asleep = started(outbox, slow.sender());
      await until('it is handed over', () => slow.handed.length === 1);
      await asleep.stop();
      outbox.lapse([id]);
      const other = new Senders(async () => failed('550', {}));
      started(outbox, other.sender({ schedule: () => ({ connection: [], refused: [] }) }));
      await until('it is set aside', () => outbox.of(id).state === 'UNKNOWN' && outbox.of(id).dueAt === null);
      if (isRetried) {
        // As a person does.
        Object.assign(outbox.of(id), { state: 'QUEUED', looks: 0, dueAt: 0 });
        await until(
          'it was sent again',
          () => other.handed.length === 1 && outbox.of(id).leaseUntil === null,
        );
      }
      answer();
      if (!isRetried) await becomes(outbox, 'SENT');
      await soon(50);
      const { state, lastAnswer } = outbox.of(id);
      assert.deepEqual([state, lastAnswer], isRetried ? ['UNKNOWN', null] : ['SENT', '250 OK']);
    }
  });

  it('hands nothing over while the ledger cannot note it, and goes on when it can', async () => {
    const outbox = new MemoryOutbox();
    const senders = new Senders();
    const isAllowed: boolean[] = [];
    const sender = senders.sender({
      limits: () => ({ mostAtOnce: 1, mostAMinute: null }),
      send: async (entry, trying) => {
        if (isAllowed.length > 0) return senders.sender().send(entry, trying);
        outbox.isAway = true;
        isAllowed.push(await trying.handOver());
        return { end: 'returned', error: 'not noted', afterMs: 0 };
      },
    });
    outbox.enqueue([{ key: 'a' }, { key: 'b' }]);
    started(outbox, sender);
    await until('it was away', () => isAllowed.length > 0);
    await soon(300);
    assert.deepEqual([...isAllowed, ...senders.handed], [false]);
    outbox.isAway = false;
    await becomes(outbox, 'SENT');
    assert.deepEqual(senders.handed.sort(), ['a', 'b']);
  });

  it('sets aside what may have arrived, where its sender fails or stops after it was handed over', async () => {
    const outbox = new MemoryOutbox();
    const senders = new Senders(async () => Promise.reject(new Error('a fault of ours')));
    outbox.enqueue([{ key: 'a' }]);
    started(outbox, senders.sender());
    await becomes(outbox, 'UNKNOWN');
    assert.equal(outbox.of('id-a').dueAt, null);
    assert.match(outbox.of('id-a').lastError ?? '', /a fault of ours/);
    assert.equal(senders.handed.length, 1);
  });

  it('gives back what its sender fails with before that, and counts no try', async () => {
    const outbox = new MemoryOutbox();
    outbox.enqueue([{ key: 'a' }]);
    started(outbox, new Senders().sender({ send: async () => Promise.reject(new Error('a fault of ours')) }));
    await until('it is given back', () => outbox.of('id-a').lastError !== null);
    assert.deepEqual([outbox.of('id-a').state, outbox.of('id-a').tries], ['QUEUED', 0]);
  });

  it('looks for what a process that died may have sent, and sends it only where it is not there', async () => {
    const outbox = new MemoryOutbox();
    const senders = new Senders();
    const looked: string[] = [];
    const sender = senders.sender({
      inDoubt: () => 'again',
      look: async ({ key }) => {
        looked.push(key);
        return key === 'there' ? 'sent' : 'notSent';
      },
    });
    outbox.enqueue([{ key: 'there' }, { key: 'gone' }]);
    const died = await outbox.takeEntries({
      ...{ of: { lane: 'smtp:a' }, limit: 2, leaseMs: 60_000, mostAtOnce: 9, mostAMinute: null },
    });
    await Promise.all(died.map((ref) => outbox.handOver(ref)));
    outbox.lapse(died.map(({ id }) => id));
    const sending = started(outbox, sender);
    await until('both were looked for', () => looked.length === 2);
    await until('it is there', () => outbox.of('id-there').state === 'SENT');
    assert.deepEqual(senders.handed, []);
    for (const [count, ms] of [
      [3, 61_000],
      [4, 301_000],
    ] as const) {
      assert.deepEqual(senders.handed, []);
      outbox.moveOn(ms);
      sending.queued();
      await until('it was looked for again', () => looked.length === count);
    }
    await becomes(outbox, 'SENT');
    assert.deepEqual([senders.handed, looked.sort()], [['gone'], ['gone', 'gone', 'gone', 'there']]);
  });

  it('waits with what it has no sender for, and sends the others', async () => {
    const outbox = new MemoryOutbox();
    outbox.enqueue([{ key: 'a', kind: 'fax', lane: 'fax' }, { key: 'b' }]);
    started(outbox, new Senders().sender(), { mostLanes: 1 });
    await until('the other one is sent', () => outbox.of('id-b').state === 'SENT');
    assert.equal(outbox.of('id-a').state, 'QUEUED');
  });

  it('takes no more content at once than there is room for', async () => {
    const outbox = new MemoryOutbox();
    const mebibytes = (count: number): Buffer => Buffer.alloc(count * 1024 * 1024);
    const senders = new Senders(async (_, { signal }) => {
      await whenAborted(signal);
      return SENT;
    });
    const limits = () => ({ mostAtOnce: 20, mostAMinute: null });
    outbox.enqueue(Array.from({ length: 12 }, (_, at) => ({ key: `${at}`, content: mebibytes(10) })));
    started(outbox, senders.sender({ limits }));
    await until('there is no more room', () => senders.handed.length >= 7);
    await soon(300);
    assert.equal(senders.handed.length, 7);
  });

  describe('for a run that waits', () => {
    it('sends what it has queued, though it is not started, and nothing else', async () => {
      const outbox = new MemoryOutbox();
      const senders = new Senders();
      const ids = outbox.enqueue([{ key: 'a' }, { key: 'b', lane: 'smtp:b' }]);
      outbox.enqueue([{ key: 'of another' }]);
      const entries = await worker(outbox, senders.sender()).sendNow([...ids].reverse(), waiting());
      assert.deepEqual(
        entries.map(({ key, state }) => `${key} ${state}`),
        ['b SENT', 'a SENT'],
      );
      assert.deepEqual(senders.handed.sort(), ['a', 'b']);
    });

    it('tries again while the run waits', async () => {
      const outbox = new MemoryOutbox();
      const ends = [failed(), failed(), SENT];
      const senders = new Senders(async () => ends.shift()!);
      const ids = outbox.enqueue([{ key: 'a' }]);
      const [entry] = await worker(outbox, senders.sender()).sendNow(ids, waiting());
      assert.deepEqual([entry?.state, entry?.tries], ['SENT', 3]);
    });

    it('answers when the time is over, or the run is cancelled; what is on its way goes on', async () => {
      const outbox = new MemoryOutbox();
      const receiver = { answer: (): void => undefined };
      const senders = new Senders(async () => {
        await new Promise<void>((resolve) => (receiver.answer = resolve));
        return SENT;
      });
      const ids = outbox.enqueue([{ key: 'a' }]);
      const sending = worker(outbox, senders.sender());
      const [entry] = await sending.sendNow(ids, waiting(200));
      assert.equal(entry?.state, 'SENDING');
      const cancelled = new AbortController();
      const waits = sending.waitFor(ids, waiting(30_000, cancelled.signal));
      cancelled.abort();
      assert.equal((await waits)[0]?.state, 'SENDING');
      assert.equal(sending.isIdle, false);
      receiver.answer();
      await becomes(outbox, 'SENT');
      await until('it is idle', () => sending.isIdle);
    });

    it('sends nothing for it after the time is over', async () => {
      const outbox = new MemoryOutbox();
      const senders = new Senders(async () => failed());
      const schedule = () => ({ connection: [], refused: [1_500] });
      const ids = outbox.enqueue([{ key: 'a' }]);
      const [entry] = await worker(outbox, senders.sender({ schedule })).sendNow(ids, waiting(300));
      assert.equal(entry?.state, 'QUEUED');
      outbox.moveOn(10_000);
      await soon(1_500);
      assert.deepEqual(senders.handed, ['a']);
    });

    it('sees what another process has sent', async () => {
      const outbox = new MemoryOutbox();
      const ids = outbox.enqueue([{ key: 'a' }]);
      const waits = worker(outbox, new Senders().sender()).waitFor(ids, waiting());
      await worker(outbox, new Senders().sender()).sendNow(ids, waiting());
      assert.equal((await waits)[0]?.state, 'SENT');
    });

    it('waits while one in doubt is to be looked for, and no longer', async () => {
      const outbox = new MemoryOutbox();
      const senders = new Senders(async () => ({ end: 'unknown', error: 'cut off' }));
      const look = async (): Promise<'sent'> => 'sent';
      const ids = outbox.enqueue([{ key: 'a' }]);
      const waits = worker(outbox, senders.sender({ look })).sendNow(ids, waiting());
      await becomes(outbox, 'UNKNOWN');
      outbox.moveOn(11_000);
      assert.equal((await waits)[0]?.state, 'SENT');
      const aside = outbox.enqueue([{ key: 'b' }]);
      const [entry] = await worker(outbox, senders.sender()).sendNow(aside, waiting());
      assert.deepEqual([entry?.state, entry?.dueAt], ['UNKNOWN', null]);
    });

    it('asks the ledger as one, however many wait', async () => {
      const outbox = new MemoryOutbox();
      const senders = new Senders(async () => {
        await soon();
        return SENT;
      });
      const ids = outbox.enqueue(Array.from({ length: 60 }, (_, at) => ({ key: `${at}` })));
      const sending = worker(outbox, senders.sender());
      const all: readonly (readonly Entry[])[] = await Promise.all(
        ids.map((id) => sending.sendNow([id], waiting())),
      );
      assert.ok(all.every(([entry]) => entry?.state === 'SENT'));
      assert.equal(senders.handed.length, 60);
      assert.ok((outbox.asked.get('takeEntries') ?? 0) < 100, `${outbox.asked.get('takeEntries')} asked`);
    });

    it('says that the ledger is away only when the time is over', async () => {
      const outbox = new MemoryOutbox();
      const ids = outbox.enqueue([{ key: 'a' }]);
      const sending = worker(outbox, new Senders().sender());
      outbox.isAway = true;
      const inTime = sending.sendNow(ids, waiting());
      await assert.rejects(sending.sendNow(ids, waiting(100)), /The ledger is away/);
      outbox.isAway = false;
      assert.equal((await inTime)[0]?.state, 'SENT');
    });
  });

  describe('at its end', () => {
    it('gives back what was not handed over, and waits for what was', async () => {
      const outbox = new MemoryOutbox();
      const senders = new Senders(async (_, { signal }) => {
        await whenAborted(signal);
        await soon();
        return SENT;
      });
      const sender = senders.sender();
      const send: Sender['send'] = async (entry, trying) => {
        if (entry.key === 'a') return sender.send(entry, trying);
        await whenAborted(trying.signal);
        return { end: 'returned', error: 'it ends', afterMs: 0 };
      };
      outbox.enqueue([{ key: 'a' }, { key: 'b' }, { key: 'c' }, { key: 'd' }]);
      const sending = started(outbox, { ...sender, send });
      await until('three are on their way', () => outbox.rows.filter((row) => row.leaseUntil).length === 3);
      await sending.close();
      const left = outbox.rows.map(({ key, state, tries }) => `${key} ${state} ${tries}`);
      assert.deepEqual(left, ['a SENT 1', 'b QUEUED 0', 'c QUEUED 0', 'd QUEUED 0']);
      assert.equal(senders.closed, 1);
    });

    it('goes on with what is on its way when it is only stopped, and can be started again', async () => {
      const outbox = new MemoryOutbox();
      const senders = new Senders(async () => {
        await soon(100);
        return SENT;
      });
      outbox.enqueue(Array.from({ length: 5 }, (_, at) => ({ key: `${at}` })));
      const sending = started(outbox, senders.sender());
      await until('three are on their way', () => senders.handed.length === 3);
      await sending.stop();
      await until('it is idle', () => sending.isIdle);
      assert.equal(outbox.rows.filter(({ state }) => state === 'SENT').length, senders.handed.length);
      assert.ok(senders.handed.length < 5);
      sending.start();
      await becomes(outbox, 'SENT');
    });

    it('begins nothing after it', async () => {
      const outbox = new MemoryOutbox();
      const senders = new Senders();
      const sending = started(outbox, senders.sender());
      await sending.close();
      const ids = outbox.enqueue([{ key: 'a' }]);
      sending.start();
      const [entry] = await sending.sendNow(ids, waiting(200));
      assert.equal(entry?.state, 'QUEUED');
      assert.deepEqual(senders.handed, []);
    });
  });
});
