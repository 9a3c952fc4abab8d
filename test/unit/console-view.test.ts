// A view in one request: the feed, and on it what the page shows, answered where the feed begins.
import assert from 'node:assert/strict';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { BatchAnswer, Me, StatisticsAnswer } from '../../engine/console/api';
import { Feed } from '../../engine/feed/feed';
import { ResponseClient } from '../../engine/feed/response-client';
import { ProcessWake } from '../../engine/signal/wake';
import { openConsole, type OpenConsole, OPERATE, READ, refusedWith } from '../support/console';
import { heardOf } from '../support/feed/fake-client';
import { FakeLedger } from '../support/feed/fake-ledger';
import { silentLog } from '../support/log';
import { until } from '../support/until';

const JSON_TYPE = { 'content-type': 'application/json' };

/** What one hears, as it comes. */
class Heard {
  text = '';
  #left = new AbortController();

  static async of(open: OpenConsole, view: object, headers: Record<string, string> = READ): Promise<Heard> {
    const heard = new Heard();
    const response = await fetch(`http://127.0.0.1:${open.port}/api/view`, {
      ...{ method: 'POST', headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(view) },
      signal: heard.#left.signal,
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    assert.equal(response.headers.get('x-accel-buffering'), 'no');
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    void heard.#take(response);
    return heard;
  }

  leave(): void {
    this.#left.abort();
  }

  get answers(): BatchAnswer['answers'] | undefined {
    const [answers] = heardOf(this.text).filter(({ type }) => type === 'answers');
    return answers && (answers.data as unknown as BatchAnswer).answers;
  }

  answered(): Promise<BatchAnswer['answers']> {
    return until('it is answered', () => this.answers);
  }

  async #take(response: Response): Promise<void> {
    const text = new TextDecoder();
    try {
      for await (const chunk of response.body!)
        this.text += text.decode(chunk as Uint8Array, { stream: true });
    } catch {
      // It has left.
    }
  }
}

describe('a view in one request', () => {
  let open: OpenConsole;

  const begin = async (settings: Parameters<typeof openConsole>[0]): Promise<void> => {
    await open.close();
    open = await openConsole(settings);
  };

  beforeEach(async () => {
    open = await openConsole();
  });
  afterEach(() => open.close());

  it('is the feed with what is asked, in its order, each with what became of it', async () => {
    const asks = ['/api/me', '/api/mails?limit=x', '/nothing', 1, '/api/view', '/api/statistics'];
    const heard = await Heard.of(open, { asks });
    const answers = await heard.answered();
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 400, 404, 400, 404, 200],
    );
    assert.equal((answers[0]!.body as Me).right, 'read');
    assert.match((answers[1]!.body as { error: string }).error, /"limit"/);
    assert.equal(open.feed.clients, 1);
    heard.leave();
    await until('it has left', () => open.feed.clients === 0);
    assert.deepEqual(open.errors, []);
  });

  it('asks of the feed what its address does', async () => {
    for (const [view, more, ask] of [
      [{}, {}, {}],
      [{ asks: [] }, {}, {}],
      [{ since: '1-2' }, {}, { after: '1-2' }],
      [{ since: '1-2' }, { 'last-event-id': '5-6' }, { after: '5-6' }],
      [
        { source: '3', workflow: 'w1', type: 'email.dead,stats', since: '2026-01-31T08:00:00Z' },
        {},
        {
          ...{ since: Date.parse('2026-01-31T08:00:00Z'), types: ['email.dead', 'stats'] },
          ...{ sourceId: 3, workflowId: 'w1' },
        },
      ],
    ] as const) {
      const heard = await Heard.of(open, view, { ...READ, ...more });
      assert.deepEqual(open.feed.asks.at(-1), ask);
      heard.leave();
      await until('it has left', () => open.feed.clients === 0);
      assert.equal(heard.answers, undefined, 'nothing was asked');
    }
  });

  it('is refused where it cannot be meant, and joins nothing then', async () => {
    for (const [view, words] of [
      [{ more: '1' }, /"more" is not known here\. There are source, .*, asks\./],
      [{ token: 'x' }, /never into an address/],
      [{ source: 3 }, /"source" has to be text/],
      [{ source: 'x' }, /whole number/],
      [{ type: 'nonsense' }, /"nonsense" is no "type"/],
      [{ since: 'a b' }, /a time, or the id/],
      [{ asks: '/api/me' }, /list of at most 16/],
      [{ asks: null }, /list of at most 16/],
      [{ asks: Array(17).fill('/api/me') }, /list of at most 16/],
    ] as const) {
      refusedWith(await open.post('/api/view', view, READ), 400, words);
    }
    refusedWith(await open.post('/api/view', { asks: ['x'.repeat(70_000)] }, READ), 413, /larger than/);
    refusedWith(await open.post('/api/view', {}, { authorization: 'Bearer x' }), 401, /none of the console/);
    refusedWith(await open.post('/api/view', {}, { ...READ, 'content-type': 'text/plain' }), 415, /JSON/);
    refusedWith(await open.post('/api/view', {}, { origin: 'https://evil.example' }), 403, /may not ask/);
    refusedWith(await open.send('/api/view', { headers: OPERATE }), 405, /POST only/);
    assert.deepEqual(open.feed.asks, []);
  });

  it('may be looked at with what a browser sends by itself, as all that changes nothing', async () => {
    const authorization = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
    await begin({
      login: { kind: 'challenge', challenge: 'Basic realm="Mail Console"' },
      rights: (headers) => (headers.authorization === authorization ? 'read' : null),
      isOwnOrigin: false,
    });
    const heard = await Heard.of(open, { asks: ['/api/me'] }, { authorization, origin: 'null' });
    assert.equal((await heard.answered())[0]!.status, 200);
    heard.leave();
  });

  it('is answered where the feed begins, and not before', async () => {
    open.feed.begins = null;
    const heard = await Heard.of(open, { asks: ['/api/statistics'] });
    await pause(200);
    assert.equal(heard.answers, undefined);
    for (const client of open.feed.joined) client.begin?.('7');
    assert.equal((await heard.answered())[0]!.status, 200);
    heard.leave();
  });

  it('is answered all the same where that takes long, and told of the hole as soon as it is known', async () => {
    open.feed.begins = null;
    const heard = await Heard.of(open, { asks: ['/api/statistics'] });
    await heard.answered();
    await pause(100);
    assert.doesNotMatch(heard.text, /reset/);
    for (const client of open.feed.joined) client.begin?.('7');
    await until('it is told', () => heard.text.includes('event: reset'));
    assert.deepEqual(
      heardOf(heard.text).map(({ type }) => type),
      ['answers', 'reset'],
    );
    assert.equal(heardOf(heard.text)[1]!.id, '7');
    heard.leave();
  });

  it('is looked up for nobody who has left before', async () => {
    let looked = 0;
    await begin({
      over: (ledger) => ({
        statistics: (filter) => {
          looked += 1;
          return ledger.statistics(filter);
        },
      }),
    });
    open.feed.begins = null;
    const heard = await Heard.of(open, { asks: ['/api/statistics'] });
    const [client] = open.feed.joined;
    heard.leave();
    await until('it has left', () => open.feed.clients === 0);
    client!.begin!('7');
    await pause(50);
    assert.equal(looked, 0);
  });

  it('leaves no hole between its answers and what it is told, however slow the ledger is', async () => {
    const changes = new FakeLedger();
    const ports = { changeAt: changes.changeAt, mailsOf: null, wake: new ProcessWake(), log: silentLog };
    const feed = new Feed({ ledger: changes, ...ports });
    await begin({
      feed,
      over: (ledger) => ({
        // The answer tells how much had become so when it was made.
        statistics: async (filter) => ({ ...(await ledger.statistics(filter)), DONE: changes.all.length }),
      }),
    });
    const adds = setInterval(() => changes.add(), 2);
    try {
      for (const slowMs of [0, 20, 60]) {
        changes.slowness = () => pause(slowMs);
        const all = await Promise.all(
          [{}, {}, { since: '1' }].map((more) => Heard.of(open, { ...more, asks: ['/api/statistics'] })),
        );
        for (const heard of all) {
          const [answer] = await heard.answered();
          const { counts } = answer!.body as StatisticsAnswer;
          const ids = (): number[] =>
            heardOf(heard.text).flatMap(({ type, id }) => (type === 'email.new' ? [Number(id)] : []));
          await until('what came since is told', () => ids().some((id) => id > counts.DONE));
          const told = ids();
          assert.ok(told[0]! <= counts.DONE + 1, `${counts.DONE} were told of, and then from ${told[0]} on`);
          assert.deepEqual(
            told,
            told.map((_, at) => told[0]! + at),
          );
        }
        for (const heard of all) heard.leave();
        await until('nobody listens', () => feed.clients === 0);
      }
    } finally {
      clearInterval(adds);
      feed.close();
    }
  });
});

describe('what a client of the feed is handed beside it', () => {
  it('is not held against it, of whatever size, and all it is sent comes in order', async () => {
    const huge = Buffer.alloc(8 * 1024 * 1024, 'x');
    let client: ResponseClient | undefined;
    const server = createServer((_, res) => (client = ResponseClient.answer(res)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const asked = request({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }).end();
    const answering = new Promise<IncomingMessage>((resolve) => asked.once('response', resolve));
    try {
      const there = await until('it is there', () => client);
      there.hand(huge);
      const answer = await answering;
      assert.ok(there.write(Buffer.from('one')), 'it is not full');
      assert.ok(there.unsent() < 1_000, `${there.unsent()} octets`);
      assert.ok(!there.write(Buffer.alloc(100_000, 'y')), 'it is, by what is the feed’s');
      assert.ok(there.unsent() >= 100_000);
      const drained = new Promise<void>((resolve) => there.onDrain(resolve));
      let read = '';
      answer.setEncoding('latin1').on('data', (text: string) => (read += text));
      await drained;
      assert.equal(there.unsent(), 0);
      there.end();
      await new Promise((resolve) => answer.once('end', resolve));
      assert.equal(read.length, huge.length + 3 + 100_000);
      assert.match(read.slice(huge.length - 1), /^xoney+$/);
      there.hand(huge);
    } finally {
      asked.destroy();
      server.closeAllConnections();
      server.close();
    }
  });
});
