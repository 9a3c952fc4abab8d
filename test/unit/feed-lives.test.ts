// Random lives of a feed: changes that come, some of them late; clients that come, go, stop reading, and come again after the
// last id that they have; a ledger that forgets, is away, or answers slowly.
// Invariant held: what a client is told begins right after its position, has no hole and nothing twice, or has a reset where
// something is left out; and in the end it has been told all there is.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FeedAsk } from '../../engine/feed/client';
import { Feed } from '../../engine/feed/feed';
import type { ChangeType } from '../../engine/ledger/changes';
import { ProcessWake } from '../../engine/signal/wake';
import { FakeClient } from '../support/feed/fake-client';
import { FakeLedger } from '../support/feed/fake-ledger';
import { silentLog } from '../support/log';
import { VirtualTime } from '../support/virtual-time';

const TYPES: readonly ChangeType[] = ['email.new', 'email.done', 'email.dead'];
const FILTERS: readonly FeedAsk[] = [
  {},
  {},
  { types: ['email.done'] },
  { types: ['email.new', 'email.dead', 'stats'] },
];
const CLIENTS = 4;

type Step =
  | { readonly do: 'change'; readonly count: number; readonly type: number; readonly wakes: boolean }
  | { readonly do: 'late'; readonly count: number }
  | { readonly do: 'certain' | 'fault' | 'well' | 'slow' | 'quick' }
  | { readonly do: 'forget'; readonly part: number }
  | { readonly do: 'come' | 'go' | 'stop' | 'read'; readonly client: number }
  | { readonly do: 'wait'; readonly ms: number };

const client = fc.nat({ max: CLIENTS - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      count: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 1_200 })),
      type: fc.nat({ max: TYPES.length - 1 }),
      wakes: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('late' as const), count: fc.integer({ min: 1, max: 20 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('certain' as const, 'fault', 'well', 'well', 'slow', 'quick'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('forget' as const),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({ do: fc.constantFrom('come' as const, 'come', 'go', 'stop', 'read'), client }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 10, 49, 60, 300, 2_000, 15_000),
    }),
  },
);

/** One person's client: connection after connection, each after the last id of the one before. */
class Life {
  readonly filter: FeedAsk;
  connection: FakeClient | null = null;
  #leave: (() => void) | null = null;
  /** What it has been told, over all connections; null: a reset. */
  readonly told: (number | null)[] = [];
  /** Where it began; then where it stands. */
  position: number | null = null;
  began: number | null = null;
  #read = 0;

  constructor(filter: FeedAsk) {
    this.filter = filter;
  }

  come(feed: Feed): void {
    if (this.connection && !this.connection.end_) return;
    this.#take();
    this.connection = new FakeClient();
    this.#read = 0;
    this.#leave = feed.join(this.connection, {
      ...this.filter,
      ...(this.position !== null && { after: String(this.position) }),
    });
  }

  go(): void {
    this.#take();
    this.#leave?.();
    this.connection = null;
  }

  /** What the connection has had: what lies unsent when it ends is lost, and comes again. */
  #take(): void {
    if (!this.connection) return;
    const text = Buffer.concat(this.connection.received).toString();
    const ids = [...text.slice(this.#read).matchAll(/^id: (\d+)(?:\nevent: (\S+))?/gm)];
    this.#read = text.length;
    for (const [, id, type] of ids) {
      const number = Number(id);
      this.began ??= type === undefined || type === 'reset' ? number : number - 1;
      if (type === 'reset') this.told.push(null, number);
      else if (type !== undefined) this.told.push(number);
      this.position = number;
    }
  }

  /** Each change that it asked for, after where it began and after each reset, once, in its order. */
  check(ledger: FakeLedger, isEnd: boolean): void {
    this.#take();
    if (this.began === null) return;
    const asked = ledger.all.filter(({ type }) => !this.filter.types || this.filter.types.includes(type));
    let at = this.began;
    for (let place = 0; place < this.told.length; place++) {
      const told = this.told[place];
      if (told === null) {
        at = this.told[++place]!;
        continue;
      }
      const next = asked.find(({ position }) => Number(position) > at);
      assert.equal(told, Number(next?.position), `after ${at}`);
      at = told!;
    }
    if (!isEnd) return;
    const left = asked.filter(({ position }) => Number(position) > at).map(({ position }) => position);
    assert.deepEqual(left, [], `nothing is left after ${at}`);
  }
}

describe('a feed', () => {
  it('tells each of its clients all that came after its position once, or that it cannot', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat({ max: 99 }), async (steps, dice) => {
        const time = new VirtualTime();
        time.dice = dice / 100;
        const ledger = new FakeLedger();
        const wake = new ProcessWake();
        const feed = new Feed({
          ...{ ledger, changeAt: ledger.changeAt, mailsOf: null, wake, log: silentLog, times: time },
        });
        const lives = FILTERS.map((filter) => new Life(filter));
        const wait = (ms: number): Promise<void> => time.until(time.pause(ms));
        for (const one of steps) {
          if (one.do === 'wait') await wait(one.ms);
          else if ('client' in one) live(lives[one.client]!, one.do, feed);
          else happen(ledger, wake, one, time);
          for (const life of lives) life.check(ledger, false);
        }
        happen(ledger, wake, { do: 'well' }, time);
        happen(ledger, wake, { do: 'quick' }, time);
        happen(ledger, wake, { do: 'certain' }, time);
        for (const life of lives) {
          life.connection?.drain();
          life.come(feed);
        }
        await wait(60_000);
        for (const life of lives) life.check(ledger, true);
        feed.close();
        await wait(1_000);
      }),
      { numRuns: 60 },
    );
  });
});

function live(life: Life, what: 'come' | 'go' | 'stop' | 'read', feed: Feed): void {
  if (what === 'come') life.come(feed);
  else if (what === 'go') life.go();
  else if (what === 'stop' && life.connection) life.connection.stop();
  else if (what === 'read' && life.connection && !life.connection.end_) life.connection.drain();
}

/** ms; each call takes another time. */
let slow = 0;

function happen(ledger: FakeLedger, wake: ProcessWake, what: Step, time: VirtualTime): void {
  switch (what.do) {
    case 'change':
      for (let n = 0; n < what.count; n++) ledger.add(TYPES[(what.type + n) % TYPES.length]);
      if (what.wakes) wake.notify([1]);
      break;
    case 'late':
      ledger.certain ??= ledger.all.length;
      for (let n = 0; n < what.count; n++) ledger.add();
      break;
    case 'certain':
      ledger.certain = null;
      break;
    case 'forget':
      ledger.oldest = Math.max(ledger.oldest, Math.floor(what.part * (ledger.certain ?? ledger.all.length)));
      break;
    case 'fault':
      ledger.fault = new Error('away');
      break;
    case 'well':
      ledger.fault = null;
      break;
    case 'slow':
      ledger.slowness = () => time.pause((slow = (slow * 37 + 11) % 97), new AbortController().signal);
      break;
    case 'quick':
      ledger.slowness = () => Promise.resolve();
  }
}
