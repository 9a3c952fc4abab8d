// The live feed with clients and a ledger in memory, and a clock that stands still: who is told what, when, and who is let go.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { FeedAsk } from '../../engine/feed/client';
import { Feed, type FeedPorts } from '../../engine/feed/feed';
import type { Log } from '../../engine/runtime/log';
import { ProcessWake } from '../../engine/signal/wake';
import { FakeClient } from '../support/feed/fake-client';
import { FakeLedger } from '../support/feed/fake-ledger';
import { silentLog } from '../support/log';
import { VirtualTime } from '../support/virtual-time';

const MB = 1024 * 1024;

let time: VirtualTime;
let ledger: FakeLedger;
let wake: ProcessWake;
let feed: Feed;

const make = (more: Partial<FeedPorts> = {}): Feed =>
  new Feed({ ledger, changeAt: ledger.changeAt, mailsOf: null, wake, log: silentLog, times: time, ...more });

beforeEach(() => {
  time = new VirtualTime();
  ledger = new FakeLedger();
  wake = new ProcessWake();
  feed = make();
});

/** Lets so much time go by. */
const wait = (ms: number): Promise<void> => time.until(time.pause(ms));

function joined(ask: FeedAsk = {}, client = new FakeClient()): FakeClient & { leave: () => void } {
  return Object.assign(client, { leave: feed.join(client, ask) });
}

const add = (count: number): string[] => Array.from({ length: count }, () => ledger.add().position);

describe('the live feed', () => {
  it('tells what becomes so in the words that others build on', async () => {
    const client = joined();
    await wait(100);
    const dueAt = Date.parse('2026-01-02T03:04:05.006Z');
    ledger.add('email.failed', { details: { state: 'RETRY', attempt: 1, failures: 1, dueAt } });
    ledger.add('source.state', {
      ...{ event: null, workflowId: null },
      details: { state: 'idle', connection: 'idling', notifiedUntil: null },
    });
    await wait(300);
    const [failed, state] = client.heard.filter(({ type }) => type !== 'stats');
    assert.deepEqual(failed, {
      ...{ id: '1', type: 'email.failed' },
      data: {
        ...{ v: 1, id: '1', type: 'email.failed', time: '2023-11-14T22:13:20.001Z' },
        ...{ source: 1, workflow: 'w', event: 'e1' },
        data: { state: 'RETRY', attempt: 1, failures: 1, dueAt: '2026-01-02T03:04:05.006Z' },
      },
    });
    assert.deepEqual(state!.data['data'], { state: 'idle', connection: 'idling', notifiedUntil: null });
    assert.deepEqual([state!.data['workflow'], state!.data['event']], [null, null]);
  });

  it('is held up by no time that nobody can write', async () => {
    const client = joined();
    await wait(100);
    ledger.add('email.new', { at: 1e300, details: { dueAt: 9e15 } });
    add(1);
    await wait(300);
    assert.deepEqual(client.told, ['1', '2']);
  });

  it('gathers what comes within 50 ms, and tells it with one write', async () => {
    const client = joined();
    await wait(1_000);
    const before = client.chunks.length;
    for (let n = 0; n < 100; n++) {
      add(1);
      wake.notify([1]);
      await wait(10);
    }
    await wait(300);
    const writes = client.chunks.slice(before).filter((chunk) => chunk.includes('email.new'));
    assert.deepEqual(client.told.length, 100);
    assert.ok(writes.length >= 15 && writes.length <= 22, `${writes.length} writes`);
  });

  it('tells at once what it is woken for, and within a quarter of a second what it is not', async () => {
    const client = joined({ types: ['email.new'] });
    await wait(10_000);
    add(1);
    wake.notify([7]);
    await wait(1);
    assert.deepEqual(client.told, ['1']);
    await wait(10_000);
    add(1);
    await wait(251);
    assert.deepEqual(client.told, ['1', '2']);
  });

  it('makes one buffer for all who ask the same', async () => {
    const [first, second] = [
      joined({ types: ['email.new', 'email.done'] }),
      joined({ types: ['email.done', 'email.new'] }),
    ];
    const other = joined({ types: ['email.done'] });
    await wait(100);
    add(3);
    ledger.add('email.done');
    await wait(300);
    assert.ok(first.chunks.at(-1)!.includes('email.new'));
    assert.equal(first.chunks.at(-1), second.chunks.at(-1));
    assert.notEqual(first.chunks.at(-1), other.chunks.at(-1));
    assert.equal(first.chunks.at(-1)!.buffer.byteLength, first.chunks.at(-1)!.length, 'with its own memory');
  });

  it('tells what was asked for, whether live or from before', async () => {
    const tell = (): void => {
      ledger.add('email.new', { workflowId: 'a', sourceId: 1 });
      ledger.add('email.done', { workflowId: 'a', sourceId: 2 });
      ledger.add('email.done', { workflowId: 'b', sourceId: 2 });
      ledger.add('source.state', { workflowId: null, event: null, sourceId: 1 });
    };
    tell();
    const asks: readonly (readonly [FeedAsk, readonly string[]])[] = [
      [{}, ['1', '2', '3', '4', '5', '6', '7', '8']],
      [{ types: ['email.done'] }, ['2', '3', '6', '7']],
      [{ workflowId: 'a' }, ['1', '2', '5', '6']],
      [{ sourceId: 1 }, ['1', '4', '5', '8']],
      [{ types: ['email.done'], workflowId: 'b', sourceId: 2 }, ['3', '7']],
      [{ types: ['no such'] }, []],
    ];
    const clients = asks.map(([ask]) => joined({ after: '0', ...ask }));
    await wait(1_000);
    tell();
    await wait(1_000);
    for (const [place, [ask, expected]] of asks.entries())
      assert.deepEqual(clients[place]!.told, expected, JSON.stringify(ask));
  });

  it('shows sender and subject where it may, looked up once a page', async () => {
    const asked: (readonly string[])[] = [];
    feed = make({
      mailsOf: async (events) => {
        asked.push(events);
        return events.map((event) => ({
          event,
          sender: 'ann@mail.example',
          subject: event === 'e2' ? null : 'Hi',
        }));
      },
    });
    const client = joined();
    await wait(100);
    add(2);
    ledger.add('email.done', { event: 'e1' });
    ledger.add('source.state', { event: null, workflowId: null });
    await wait(300);
    assert.deepEqual(asked, [['e1', 'e2']]);
    const data = client.heard.filter(({ type }) => type !== 'stats').map((heard) => heard.data['data']);
    const both = { sender: 'ann@mail.example', subject: 'Hi' };
    assert.deepEqual(data, [both, { sender: 'ann@mail.example' }, both, {}]);
  });

  it('goes on after an id without a hole, and then live', async () => {
    add(1_000);
    const client = joined({ after: '10' });
    await wait(20);
    add(5);
    await wait(1_000);
    add(5);
    await wait(1_000);
    assert.deepEqual(
      client.told,
      Array.from({ length: 1_000 }, (_, n) => String(n + 11)),
    );
  });

  describe('takes in who has caught up, without a hole and nothing twice', () => {
    /** What happens once, when the first page of those who go on after an id was read and is not told yet. */
    const onceRead = (happens: () => void | Promise<void>): void => {
      let hasHappened = false;
      const changes: FakeLedger['changes'] = async (after, limit, filter) => {
        const page = await ledger.changes(after, limit, filter);
        // Who reads for all who listen live reads without a filter.
        if (filter !== undefined && !hasHappened) {
          hasHappened = true;
          await happens();
        }
        return page;
      };
      const { changePositions, statistics } = ledger;
      feed = make({ ledger: { changes, changePositions, statistics } });
    };

    const all = (): string[] => ledger.all.map(({ position }) => position);

    for (const [where, happens] of [
      ['where all who listen live are', () => undefined],
      ['ahead of them, within what they are told next', () => void add(2)],
      [
        'behind them: they were told more meanwhile',
        async () => {
          add(2);
          await time.pause(300);
        },
      ],
    ] as const) {
      it(where, async () => {
        onceRead(happens);
        const live = joined();
        await wait(1_000);
        add(3);
        const behind = [
          joined({ after: '0' }),
          joined({ after: '0', types: ['email.new'] }),
          joined({ after: '1' }),
        ];
        await wait(2_000);
        add(2);
        await wait(1_000);
        assert.deepEqual(live.told, all());
        for (const [at, client] of behind.entries())
          assert.deepEqual(client.told, all().slice(at === 2 ? 1 : 0), `the client ${at}`);
      });
    }
  });

  it('goes on from a time', async () => {
    add(100);
    const client = joined({ since: ledger.all[90]!.at });
    await wait(1_000);
    assert.deepEqual(
      client.told,
      ledger.all.slice(90).map(({ position }) => position),
    );
  });

  it('says a reset where the time lies before all that is kept, and tells all of that', async () => {
    add(100);
    ledger.oldest = 95;
    const client = joined({ since: 1 });
    await wait(1_000);
    assert.deepEqual(client.told, ['reset 95', '96', '97', '98', '99', '100']);
  });

  it('says a reset to who comes with what is no id, or is not kept any more, and goes on from now', async () => {
    add(100);
    ledger.oldest = 50;
    const clients = ['49', 'x', '', '101'].map((after) => joined({ after }));
    await wait(1_000);
    add(2);
    await wait(1_000);
    for (const client of clients) {
      assert.deepEqual(client.told, ['reset 100', '101', '102']);
      const reset = client.heard.find(({ type }) => type === 'reset')!;
      assert.deepEqual(Object.keys(reset.data), ['v', 'type', 'id', 'time']);
    }
  });

  it('says a reset to all who listen when the ledger has lost what it read last, and goes on from there', async () => {
    add(5);
    const clients = [joined(), joined({ types: ['email.done'] })];
    await wait(1_000);
    ledger.all.splice(2);
    await wait(1_000);
    const { position } = ledger.add('email.done');
    await wait(1_000);
    for (const client of clients) assert.deepEqual(client.told, ['reset 2', position]);
  });

  it('tells where it stands at once, so that who hears nothing can go on there, also behind a filter', async () => {
    add(3);
    const client = joined({ types: ['email.dead'] });
    await wait(100);
    assert.equal(client.lastId, '3');
    add(10);
    await wait(21_000);
    assert.equal(client.lastId, '13');
    assert.deepEqual(client.told, []);
  });

  it('gives a sign of life every 20 s to who is told nothing, one buffer for all', async () => {
    const [first, second] = [joined(), joined()];
    await wait(100);
    const before = first.comments;
    await wait(101_000);
    assert.equal(first.comments - before, 5);
    assert.equal(first.chunks.at(-1), second.chunks.at(-1));
  });

  it('never sends back what a client said in place of an id', async () => {
    ledger.fault = new Error('away');
    const client = joined({ after: '1\ndata: x' });
    await wait(65_000);
    assert.equal(client.comments, 3);
    assert.doesNotMatch(client.text, /data: x/);
  });

  it('tells each to come again after another time', () => {
    const times = Array.from({ length: 100 }, (_, n) => {
      time.dice = n / 100;
      return joined().retryMs;
    });
    assert.ok(new Set(times).size > 90);
    assert.ok(Math.min(...times) >= 1_000 && Math.max(...times) <= 5_000);
  });

  it('ends every connection after 10 to 15 minutes, and each at another time', async () => {
    const clients = [0, 0.25, 0.5, 0.75, 0.999].map((dice) => {
      time.dice = dice;
      return joined();
    });
    const began = time.now();
    const ended = new Map<FakeClient, number>();
    while (feed.clients > 0) {
      await wait(1_000);
      for (const client of clients)
        if (client.end_ && !ended.has(client)) ended.set(client, time.now() - began);
    }
    const minutes = clients.map((client) => ended.get(client)! / 60_000);
    assert.ok(
      minutes.every((minute, n) => Math.abs(minute - (10 + 1.25 * n)) < 0.1),
      String(minutes),
    );
    assert.ok(clients.every(({ end_ }) => end_ === 'ended'));
    assert.equal(feed.cut, 0);
  });

  it('tells how many mails are in which state, at most once a second, and only after something became so', async () => {
    const client = joined();
    await wait(5_000);
    const count = (): number => client.heard.filter(({ type }) => type === 'stats').length;
    assert.equal(count(), 1);
    assert.equal(ledger.calls.statistics, 1);
    for (let n = 0; n < 100; n++) {
      add(1);
      await wait(100);
    }
    await wait(2_000);
    assert.ok(count() >= 10 && count() <= 13, `${count()} in 12 s`);
    const stats = client.heard.find(({ type }) => type === 'stats')!;
    assert.deepEqual(stats.data['data'], { waiting: 3, active: 3, completed: 5, failed: 21, delayed: 4 });
    assert.equal(stats.data['id'], undefined);
    assert.equal(client.lastId, '100', 'it is nothing to go on after');
  });

  it('counts mails more rarely where that takes long, and not at all for those who do not ask for it', async () => {
    joined({ types: ['email.new'] });
    for (let n = 0; n < 10; n++) {
      add(1);
      await wait(1_000);
    }
    assert.deepEqual({ ...ledger.calls }.statistics, 0);
    const client = joined({ types: ['stats'] });
    const before = { ...ledger.calls };
    ledger.statisticsTake = () => time.pause(500, new AbortController().signal);
    for (let n = 0; n < 60; n++) {
      add(1);
      await wait(1_000);
    }
    const counted = ledger.calls.statistics - before.statistics;
    assert.ok(counted >= 5 && counted <= 7, `${counted} times in a minute`);
    assert.deepEqual(client.told, []);
  });

  it('asks the ledger for nothing while nobody listens, and begins with what comes then', async () => {
    const calls = (): number => Object.values(ledger.calls).reduce((sum, n) => sum + n, 0);
    add(1);
    wake.notify([1]);
    await wait(60_000);
    assert.equal(calls(), 0);
    const client = joined();
    await wait(1_000);
    client.leave();
    client.leave();
    assert.equal(feed.clients, 0);
    const before = calls();
    add(1);
    wake.notify([1]);
    await wait(60_000);
    assert.equal(calls(), before);
    const next = joined();
    await wait(1_000);
    add(1);
    await wait(1_000);
    assert.deepEqual([client.told, next.told], [[], ['3']]);
  });

  it('asks little of the ledger while nothing becomes so, however many listen', async () => {
    for (let n = 0; n < 50; n++) joined();
    await wait(1_000);
    const before = { ...ledger.calls };
    await wait(10_000);
    assert.equal(ledger.calls.changes, before.changes);
    assert.ok(ledger.calls.changePositions - before.changePositions <= 41);
  });

  it('reads once for all who go on after the same id', async () => {
    add(200);
    for (let n = 0; n < 50; n++) joined({ after: '100' });
    await wait(1_000);
    assert.ok(ledger.calls.changes <= 4, `${ledger.calls.changes} times`);
  });

  it('does not mix up those who come while it stops with those who went', async () => {
    const answer: (() => void)[] = [];
    ledger.slowness = () => new Promise((resolve) => answer.push(resolve));
    const first = joined();
    first.leave();
    const second = joined();
    answer[0]!();
    await wait(100);
    assert.equal(second.lastId, undefined, 'the reader of before takes in nobody');
    add(1);
    ledger.slowness = () => Promise.resolve();
    answer[1]!();
    await wait(1_000);
    assert.equal(second.lastId, '1');
    add(1);
    await wait(1_000);
    assert.deepEqual([first.told, second.told], [[], ['2']]);
  });

  it('lets those who listen go when it is closed, and takes nobody in', async () => {
    const client = joined();
    const late = new FakeClient();
    await wait(100);
    feed.close();
    feed.join(late, {})();
    assert.deepEqual([client.end_, late.end_, feed.clients], ['ended', 'ended', 0]);
  });
});

describe('a client of the feed that does not read', () => {
  it('is cut when it has been full for ten seconds; whoever reads is not', async () => {
    const [slow, good] = [joined(), joined()];
    await wait(100);
    slow.reads = false;
    for (let n = 0; n < 9; n++) {
      add(100);
      await wait(1_000);
    }
    assert.equal(slow.end_, null);
    await wait(3_000);
    assert.deepEqual([slow.end_, good.end_, feed.cut, feed.clients], ['cut', null, 1, 1]);
  });

  it('is let be when it has read all in time, however often', async () => {
    const slow = joined();
    await wait(100);
    for (let n = 0; n < 10; n++) {
      slow.reads = false;
      add(200);
      await wait(9_000);
      slow.drain();
    }
    assert.equal(slow.end_, null);
    assert.equal(slow.told.length, 2_000);
  });

  it('is cut by size before a write, never by the size of what is written', async () => {
    const big = { details: { error: 'x'.repeat(500_000) } };
    const [slow, good] = [joined(), joined()];
    await wait(100);
    slow.reads = false;
    for (let n = 0; n < 5; n++) ledger.add('sync.error', big);
    await wait(300);
    assert.equal(slow.end_, null, 'one write of more than that is none too many');
    assert.ok(slow.unsent() > 2 * MB);
    add(1);
    await wait(300);
    assert.deepEqual([slow.end_, good.end_, feed.cut], ['cut', null, 1]);
    assert.ok(slow.unsent() < 3 * MB, 'it was given no more');
  });

  it('goes on after the last id that it has', async () => {
    const slow = joined();
    await wait(100);
    add(5);
    await wait(300);
    const { lastId } = slow;
    slow.reads = false;
    for (let n = 0; n < 20; n++) {
      add(100);
      await wait(1_000);
    }
    assert.equal(slow.end_, 'cut');
    const again = joined({ after: lastId! });
    await wait(2_000);
    assert.equal(again.told.length, 2_000);
    assert.deepEqual([again.told[0], again.told.at(-1)], ['6', '2005']);
  });

  it('takes no more than a page of what came before, and holds up nobody', async () => {
    add(20_000);
    const slow = joined({ after: '0' }, Object.assign(new FakeClient(), { reads: false }));
    const good = joined({ after: '0' });
    await wait(5_000);
    assert.equal(good.told.length, 20_000);
    assert.ok(slow.unsent() < 100_000, `${slow.unsent()} octets`);
    slow.drain();
    await wait(5_000);
    assert.deepEqual(slow.told, good.told);
  });

  it('is ended in time only when it has read what it has', async () => {
    time.dice = 0;
    const slow = joined();
    await wait(595_000);
    slow.reads = false;
    add(200);
    await wait(8_000);
    assert.equal(slow.end_, null);
    slow.drain();
    await wait(2_000);
    assert.equal(slow.end_, 'ended');
  });

  it('does not keep others from being told when it breaks', async () => {
    const broken = joined();
    const good = joined();
    await wait(100);
    broken.write = () => {
      throw new Error('broken');
    };
    add(1);
    await wait(1_000);
    assert.deepEqual([good.told, broken.end_, feed.clients], [['1'], 'cut', 1]);
  });
});

describe('a feed whose ledger is away', () => {
  it('says so once, keeps those who listen, and leaves nothing out', async () => {
    const said: string[] = [];
    const note = (text: string): void => void said.push(text);
    const log: Log = { ...silentLog, warn: note, info: note };
    feed = make({ log });
    const live = joined();
    await wait(100);
    ledger.fault = new Error('the database is away');
    const [behind, since, fresh] = [joined({ after: '0' }), joined({ since: 1 }), joined()];
    add(3);
    await wait(120_000);
    assert.deepEqual([live.end_, behind.end_], [null, null]);
    assert.ok(behind.comments >= 5);
    assert.equal(said.length, 2, said.join('\n'));
    ledger.fault = null;
    await wait(20_000);
    add(1);
    await wait(1_000);
    for (const client of [live, behind, fresh]) assert.deepEqual(client.told, ['1', '2', '3', '4']);
    assert.deepEqual(since.told, ['reset 0', '1', '2', '3', '4']);
    assert.equal(said.length, 3, said.join('\n'));
  });
});
