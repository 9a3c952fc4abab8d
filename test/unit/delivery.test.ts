// Offers, runs and retries over a ledger in memory, which fails when it is told to.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Dispatcher, type DispatcherPorts } from '../../engine/delivery/dispatcher';
import { parseRetrySchedule } from '../../engine/delivery/retry-schedule';
import { Runs } from '../../engine/delivery/runs';
import type { Ledger, Pointer } from '../../engine/ledger/ledger';
import { ProcessWake } from '../../engine/signal/wake';
import { silentLog } from '../support/log';
import { until } from '../support/until';

/** Just so much of a ledger that a dispatcher can work: due pointers, and what was renewed. */
class FakeLedger implements Pick<Ledger, 'offer' | 'lapse' | 'renew'> {
  due: Pointer[] = [];
  renewed: Pointer[][] = [];
  failing = 0;
  offers = 0;

  async lapse(): Promise<number> {
    if (this.failing > 0) {
      this.failing--;
      throw new Error('disk full');
    }
    return 0;
  }

  async offer(): ReturnType<Ledger['offer']> {
    this.offers++;
    return { pointers: this.due.splice(0), nextInMs: null };
  }

  async renew(pointers: readonly Pointer[]): Promise<Pointer[]> {
    this.renewed.push([...pointers]);
    return [...pointers];
  }
}

const pointer = (event: string, attempt = 1): Pointer => ({ event, attempt });

function dispatch(
  emit: DispatcherPorts['emit'],
  ledger = new FakeLedger(),
): { ledger: FakeLedger; wake: ProcessWake; dispatcher: Dispatcher } {
  const wake = new ProcessWake();
  const ports = {
    ledger: ledger as unknown as Ledger,
    wake,
    log: silentLog,
    emit,
    renewRuns: async () => undefined,
  };
  return { ledger, wake, dispatcher: new Dispatcher({ subscriptionIds: [1], mostInFlight: 5 }, ports) };
}

describe('the dispatcher', () => {
  it('emits what is due, at the start and at every wake-up', async () => {
    const emitted: Pointer[] = [];
    const ledger = new FakeLedger();
    ledger.due = [pointer('a')];
    const { wake, dispatcher } = dispatch(async (one) => void emitted.push(one), ledger);
    await until('a is emitted', () => emitted.length === 1);
    ledger.due = [pointer('b'), pointer('c')];
    wake.notify([2]);
    wake.notify([1]);
    await until('b and c are emitted', () => emitted.length === 3);
    await dispatcher.stop();
    assert.deepEqual(emitted, [pointer('a'), pointer('b'), pointer('c')]);
  });

  it('does not miss a wake-up that comes while it works', async () => {
    const { ledger, wake, dispatcher } = dispatch(async () => undefined);
    wake.notify([1]);
    await until('it looked twice', () => ledger.offers >= 2);
    await dispatcher.stop();
  });

  it('goes on when the ledger fails', async () => {
    const emitted: Pointer[] = [];
    const ledger = new FakeLedger();
    ledger.failing = 2;
    ledger.due = [pointer('a')];
    const { dispatcher } = dispatch(async (one) => void emitted.push(one), ledger);
    await until('it is emitted', () => emitted.length === 1);
    await dispatcher.stop();
  });

  it('keeps what n8n may still start, and lets go what n8n is done with', async () => {
    let done: (() => void) | undefined;
    const ledger = new FakeLedger();
    ledger.due = [pointer('waits'), pointer('given up')];
    const emit = (one: Pointer): Promise<void> =>
      one.event === 'waits' ? new Promise((resolve) => (done = resolve)) : Promise.reject(new Error('no'));
    const { wake, dispatcher } = dispatch(emit, ledger);
    await until('both are emitted', () => done !== undefined);
    ledger.renewed.length = 0;
    wake.notify([1]);
    await until('it renews', () => ledger.renewed.length > 0);
    assert.deepEqual(ledger.renewed[0], [pointer('waits')]);
    done?.();
    await Promise.resolve();
    ledger.renewed.length = 0;
    wake.notify([1]);
    await until('it looks again', () => ledger.renewed.length > 0);
    assert.deepEqual(ledger.renewed[0], []);
    await dispatcher.stop();
  });

  it('survives an emit that throws', async () => {
    const emitted: Pointer[] = [];
    const ledger = new FakeLedger();
    ledger.due = [pointer('throws')];
    const { dispatcher } = dispatch((one) => {
      if (one.event === 'throws') {
        ledger.due = [pointer('next')];
        throw new Error('n8n is not ready');
      }
      emitted.push(one);
      return Promise.resolve();
    }, ledger);
    await until('the next one is emitted', () => emitted.length === 1);
    await dispatcher.stop();
  });

  it('emits nothing after it was stopped', async () => {
    const emitted: Pointer[] = [];
    const { ledger, wake, dispatcher } = dispatch(async (one) => void emitted.push(one));
    await dispatcher.stop();
    ledger.due = [pointer('late')];
    wake.notify([1]);
    await new Promise(setImmediate);
    assert.deepEqual(emitted, []);
  });
});

describe('runs', () => {
  const claim = { subscriptionId: 1, failures: 0, idempotencyKey: 'k', receivedAt: null, uid: 1, size: 1 };

  function runs(settle: Ledger['settle']): { runs: Runs; woken: number[] } {
    const wake = new ProcessWake();
    const woken: number[] = [];
    wake.listen(1, () => woken.push(1));
    const ledger = {
      claim: async (one: Pointer) =>
        one.event === 'lost' ? null : { ...one, ...claim, content: null, truncated: false },
      settle,
      renew: async (pointers: readonly Pointer[]) => [...pointers],
    };
    return { runs: new Runs(ledger as unknown as Ledger, wake, silentLog), woken };
  }

  it('settle once, whoever learns the end first, and wake the dispatcher', async () => {
    const settled: string[] = [];
    const { runs: held, woken } = runs(async (one, outcome) => {
      settled.push(`${one.event} ${outcome.kind}`);
      return 'DONE';
    });
    assert.ok(await held.begin(pointer('a'), '1'));
    const ends = await Promise.all([
      held.end(pointer('a'), { kind: 'success' }),
      held.end(pointer('a'), { kind: 'failure', error: 'late' }),
    ]);
    assert.deepEqual(ends, ['DONE', null]);
    assert.deepEqual(settled, ['a success']);
    assert.equal(woken.length, 1);
  });

  it('do not settle what this process does not hold', async () => {
    const { runs: held } = runs(() => assert.fail('settled'));
    assert.equal(await held.begin(pointer('lost'), '1'), null);
    assert.equal(await held.end(pointer('lost'), { kind: 'success' }), null);
    assert.equal(await held.end(pointer('unknown'), { kind: 'success' }), null);
  });

  it('try again to settle when the ledger does not take it', async () => {
    let tries = 0;
    const { runs: held } = runs(async () => {
      if (++tries < 3) throw new Error('disk full');
      return 'DONE';
    });
    await held.begin(pointer('a'), '1');
    assert.equal(await held.end(pointer('a'), { kind: 'success' }), 'DONE');
    assert.equal(tries, 3);
  });
});

describe('a retry schedule', () => {
  it('is read as people write it', () => {
    assert.deepEqual(parseRetrySchedule('30s, 1m, 5m'), [30_000, 60_000, 300_000]);
    assert.deepEqual(parseRetrySchedule('0.5 H,1D'), [1_800_000, 86_400_000]);
    assert.deepEqual(parseRetrySchedule(' '), []);
  });

  it('that cannot be used names the faulty part', () => {
    assert.throws(() => parseRetrySchedule('30s, soon'), /"soon" is not a time/);
    assert.throws(() => parseRetrySchedule('-5s'), /"-5s"/);
    assert.throws(() => parseRetrySchedule('31d'), /"31d" is too long/);
    assert.throws(() => parseRetrySchedule('1s,'.repeat(21)), /At most 20 retries/);
  });
});
