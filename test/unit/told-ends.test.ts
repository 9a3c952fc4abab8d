// What is made of n8n's word that a run has ended, over a ledger in memory; and when runs end before they took their mail.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ToldEnds } from '../../engine/delivery/told-ends';
import { UnclaimedRuns } from '../../engine/delivery/unclaimed-runs';
import type { Pointer } from '../../engine/ledger/pointer';
import type { Outcome, Settled } from '../../engine/ledger/runs';
import type { Released, Whereabouts } from '../../engine/ledger/run-ends';

const success: Outcome = { kind: 'success' };
const failure: Outcome = { kind: 'failure', error: 'no ledger' };

const at = (state: Whereabouts['state'], more: Partial<Whereabouts> = {}): Whereabouts => ({
  state,
  attempt: 1,
  executionId: '1',
  endIsTold: true,
  run: state === 'PENDING' ? null : 'run',
  ...more,
});

/** Runs that nobody renews. */
const NONE = new Set<string>();
const LOST = new Set(['run']);

class Ledger {
  readonly events = new Map<string, Whereabouts>();
  readonly released: string[] = [];
  readonly settled: string[] = [];
  queries = 0;
  meanwhile = (): void => undefined;

  async whereabouts(events: readonly string[]): Promise<Map<string, Whereabouts>> {
    this.queries++;
    const found = new Map([...this.events].filter(([event]) => events.includes(event)));
    this.meanwhile();
    return found;
  }

  async release(pointers: readonly Pointer[]): Promise<Released[]> {
    this.queries++;
    this.released.push(...pointers.map(({ event }) => event));
    return pointers.map((pointer) => ({ ...pointer, unclaimed: 1 }));
  }

  async settle(pointers: readonly Pointer[], outcome: Outcome): Promise<Settled[]> {
    this.queries++;
    this.settled.push(...pointers.map(({ event }) => `${event} ${outcome.kind}`));
    for (const { event } of pointers) this.events.set(event, at('DONE'));
    return [];
  }
}

const pointer = (event: string): Pointer => ({ event, attempt: 1 });

describe('n8n says that a run has ended', () => {
  const told = (ledger: Ledger, end: { outcome: Outcome; wentNoFurther?: boolean }): ToldEnds => {
    const ends = new ToldEnds(ledger);
    for (const event of ledger.events.keys()) ends.tell([pointer(event)], { wentNoFurther: false, ...end });
    return ends;
  };

  it('and it was settled by itself: nothing is left to do', async () => {
    const ledger = new Ledger();
    for (const state of ['DONE', 'RETRY', 'DEAD'] as const) ledger.events.set(state, at(state));
    ledger.events.set('later', at('QUEUED', { attempt: 2 }));
    const ends = told(ledger, { outcome: success });
    ends.tell([pointer('not here')], { outcome: success, wentNoFurther: false });
    assert.deepEqual(await ends.settle(NONE), { unclaimed: [], claimed: 3 });
    assert.deepEqual([ends.isEmpty, ledger.queries], [true, 1]);
    await ends.settle(NONE);
    assert.equal(ledger.queries, 1, 'and nothing is asked');
  });

  it('before it took its mails: they are released together, however it ended', async () => {
    for (const outcome of [success, failure]) {
      const ledger = new Ledger();
      for (const event of ['a', 'b', 'c']) ledger.events.set(event, at('QUEUED'));
      const ends = told(ledger, { outcome });
      const { unclaimed, claimed } = await ends.settle(NONE);
      assert.deepEqual([unclaimed.length, claimed, ends.isEmpty], [3, 0, true]);
      assert.deepEqual([ledger.released, ledger.queries], [['a', 'b', 'c'], 2]);
      assert.match(unclaimed[0]!, outcome === failure ? /no ledger/ : /before its first step/);
    }
  });

  it('and its own process does not hear it: it is settled so', async () => {
    const ledger = new Ledger();
    ledger.events.set('a', at('RUNNING', { endIsTold: false }));
    const ends = told(ledger, { outcome: failure });
    assert.equal((await ends.settle(NONE)).claimed, 1);
    assert.deepEqual([ledger.settled, ends.isEmpty], [['a failure'], true]);
  });

  it('and a living process holds it: n8n may have started it twice, so it is left to that process', async () => {
    const ledger = new Ledger();
    ledger.events.set('a', at('RUNNING'));
    const ends = told(ledger, { outcome: success });
    await ends.settle(NONE);
    assert.deepEqual([ledger.settled, ends.isEmpty], [[], false]);
    await ends.settle(new Set(['another']));
    assert.deepEqual([ledger.settled, ends.isEmpty], [[], false]);
    await ends.settle(LOST);
    assert.deepEqual([ledger.settled, ends.isEmpty], [['a success'], true], 'the process is gone');
  });

  it('of a run whose process is gone: not by a second run that went no further, and not as a failure', async () => {
    for (const end of [
      { outcome: success, wentNoFurther: true },
      { outcome: failure, wentNoFurther: false },
    ]) {
      const ledger = new Ledger();
      ledger.events.set('a', at('RUNNING'));
      const ends = told(ledger, end);
      await ends.settle(LOST);
      assert.deepEqual([ledger.settled, ends.isEmpty], [[], false]);
    }
  });

  it('while the ledger is asked about others: it is not lost', async () => {
    const ledger = new Ledger();
    ledger.events.set('a', at('DONE'));
    const ends = told(ledger, { outcome: success });
    ledger.meanwhile = () => {
      ledger.meanwhile = () => undefined;
      ledger.events.set('b', at('QUEUED'));
      ends.tell([pointer('b')], { outcome: failure, wentNoFurther: true });
    };
    await ends.settle(NONE);
    assert.equal(ends.isEmpty, false);
    assert.deepEqual((await ends.settle(NONE)).unclaimed, ['no ledger']);
    assert.ok(ends.isEmpty);
  });
});

describe('runs that end before they took their mail', () => {
  it('are tried one at a time after a few, ever more seldom, and told once, until one takes its mail', () => {
    let now = 0;
    const told: [string, number][] = [];
    const runs = new UnclaimedRuns(
      (error, count) => told.push([error, count]),
      () => now,
    );
    runs.ended(['a', 'b']);
    assert.deepEqual([runs.areMany, runs.limit(5), runs.waitMs], [false, 5, 0]);
    runs.ended(['c']);
    let waits = 0;
    for (let times = 0; times < 12; times++) {
      assert.equal(runs.limit(5), 0);
      assert.ok(runs.waitMs >= waits, 'ever longer');
      waits = runs.waitMs;
      now += waits;
      assert.equal(runs.limit(5), 1);
      runs.began();
      runs.ended(['d']);
    }
    assert.equal(waits, 5 * 60_000);
    assert.deepEqual(told, [['c', 3]]);
    assert.equal(runs.claimed(), true);
    assert.equal(runs.claimed(), false);
    assert.deepEqual([runs.limit(5), runs.waitMs], [5, 0]);
    runs.ended(['e', 'e', 'e']);
    assert.equal(told.length, 2, 'it is another time');
  });

  it('and that began together are one try, however they end one after the other', () => {
    let now = 0;
    const runs = new UnclaimedRuns(
      () => undefined,
      () => now,
    );
    const begin = (count: number): void => Array.from({ length: count }).forEach(() => runs.began());
    begin(20);
    runs.ended(['away', 'away', 'away']);
    const first = runs.waitMs;
    // While it waits, and after that: nothing was tried since.
    for (let left = 17; left > 0; left--) {
      now += first / 10;
      runs.ended(['away']);
    }
    assert.deepEqual([runs.waitMs, runs.limit(5)], [0, 1]);
    begin(1);
    runs.ended(['away']);
    const second = runs.waitMs;
    assert.ok(second > first && second < 2 * first, `${first} ms, then ${second} ms`);
  });
});
