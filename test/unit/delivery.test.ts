// Offers, runs and retries over a ledger in memory, which fails when it is told to.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Dispatcher, type DispatcherPorts } from '../../engine/delivery/dispatcher';
import { keepHouse } from '../../engine/delivery/housekeeping';
import { ServedNodes } from '../../engine/delivery/served-nodes';
import { parseRetrySchedule } from '../../engine/delivery/retry-schedule';
import { RunSlots } from '../../engine/delivery/run-slots';
import { Runs } from '../../engine/delivery/runs';
import { LEASES_SUFFER_MS, Unrenewed } from '../../engine/delivery/unrenewed';
import type { ToldEnd } from '../../engine/delivery/told-ends';
import { LedgerFault } from '../../engine/ledger/fault';
import type { Ledger } from '../../engine/ledger/ledger';
import type { OfferedRun, OfferRequest, RunningLease, SeenLease } from '../../engine/ledger/offers';
import type { Pointer } from '../../engine/ledger/pointer';
import type { Ended, Outcome } from '../../engine/ledger/runs';
import type { SeenKey } from '../../engine/ledger/once-keys';
import type { Whereabouts } from '../../engine/ledger/run-ends';
import type { NodeId, Unserved } from '../../engine/ledger/serving';
import { ProcessWake } from '../../engine/signal/wake';
import { silentLog } from '../support/log';
import { until } from '../support/until';

/** Just so much of a ledger that a dispatcher can work: due runs, what was renewed, what ended. */
class FakeLedger implements Pick<Ledger, 'offer' | 'renew' | 'cursors' | 'takeEnded'> {
  due: OfferedRun[] = [];
  ended: Ended[] = [];
  renewed: Pointer[][] = [];
  failing = 0;
  fault: Error = new Error('disk full');
  offers = 0;
  running: RunningLease[] = [];
  unrenewed: (readonly SeenLease[])[] = [];

  async cursors(): Promise<Map<number, null>> {
    return new Map();
  }

  async offer({ unrenewed, mostNew = Infinity }: OfferRequest): ReturnType<Ledger['offer']> {
    if (this.failing > 0) {
      this.failing--;
      throw this.fault;
    }
    this.offers++;
    this.unrenewed.push(unrenewed!);
    const runs = this.due.splice(0, mostNew);
    return {
      runs,
      lapsed: 0,
      nextInMs: this.due.length > 0 ? 0 : null,
      running: this.running,
      untold: this.ended.length > 0,
    };
  }

  async renew(pointers: readonly Pointer[]): Promise<Pointer[]> {
    this.renewed.push([...pointers]);
    return [...pointers];
  }

  async takeEnded(_: readonly number[], limit: number): Promise<Ended[]> {
    return this.ended.splice(0, limit);
  }
}

const pointer = (event: string, attempt = 1): Pointer => ({ event, attempt });
const run = (...events: string[]): OfferedRun => ({
  id: events.join('+'),
  pointers: events.map((event) => pointer(event)),
});

/** @returns lets time pass, as processes measure it */
function clock(t: TestContext): (ms: number) => void {
  let later = 0;
  const monotonic = performance.now.bind(performance);
  t.mock.method(performance, 'now', () => monotonic() + later);
  return (ms) => void (later += ms);
}

function dispatch(
  emit: DispatcherPorts['emit'],
  ledger = new FakeLedger(),
  {
    mostQueuedMs = 60_000,
    report = (_: Ended): void => undefined,
    slots = new RunSlots(Infinity),
    mostRuns = 5,
    wereSettled = (_: readonly Pointer[]): boolean => false,
  } = {},
): { ledger: FakeLedger; wake: ProcessWake; dispatcher: Dispatcher } {
  const wake = new ProcessWake();
  const ports = {
    ledger: ledger as unknown as Ledger,
    wake,
    log: silentLog,
    slots,
    emit,
    report,
    reportUnclaimed: () => undefined,
    renewRuns: async () => undefined,
    wereSettled,
  };
  const settings = { mostRuns, mailsPerRun: 1, mostQueuedMs };
  return { ledger, wake, dispatcher: new Dispatcher([1], settings, ports) };
}

describe('the dispatcher', () => {
  it('emits what is due, at the start and at every wake-up', async () => {
    const emitted: string[] = [];
    const ledger = new FakeLedger();
    ledger.due = [run('a')];
    const { wake, dispatcher } = dispatch(async ({ id }) => void emitted.push(id), ledger);
    await until('a is emitted', () => emitted.length === 1);
    ledger.due = [run('b'), run('c', 'd')];
    wake.notify([2]);
    wake.notify([1]);
    await until('b and c are emitted', () => emitted.length === 3);
    await dispatcher.stop();
    assert.deepEqual(emitted, ['a', 'b', 'c+d']);
  });

  it('does not miss a wake-up that comes while it works', async () => {
    const { ledger, wake, dispatcher } = dispatch(async () => undefined);
    wake.notify([1]);
    await until('it looked twice', () => ledger.offers >= 2);
    await dispatcher.stop();
  });

  it('leaves a run that n8n told the end of to its process, when it had stood still itself since it looked', async (t) => {
    let stoodStill = 0;
    const monotonic = performance.now.bind(performance);
    t.mock.method(performance, 'now', () => monotonic() + stoodStill);
    const settled: Pointer[] = [];
    const found: Whereabouts = { state: 'RUNNING', attempt: 1, executionId: '1', endIsTold: true, run: 'a' };
    const ledger = Object.assign(new FakeLedger(), {
      whereabouts: async (events: readonly string[]) => new Map(events.map((event) => [event, found])),
      settle: async (pointers: readonly Pointer[]) => settled.push(...pointers),
      release: async () => [],
      hurryReleased: async () => undefined,
    });
    ledger.due = [run('a')];
    ledger.running = [{ run: 'a', until: 1, lapsesInMs: -1 }];
    let end: ((told: ToldEnd) => void) | undefined;
    const emit = (): Promise<ToldEnd> => new Promise((resolve) => (end = resolve));
    const { dispatcher } = dispatch(emit, ledger, { mostQueuedMs: 3_600_000 });
    await until('it has looked', () => ledger.offers === 1 && end !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    stoodStill = 60_000;
    end!({ outcome: { kind: 'success' }, wentNoFurther: false });
    await until('it has looked again', () => ledger.offers >= 2);
    await dispatcher.stop();
    assert.deepEqual(settled, []);
  });

  it('goes on when the ledger fails', async () => {
    const emitted: string[] = [];
    const ledger = new FakeLedger();
    ledger.failing = 2;
    ledger.due = [run('a')];
    const { dispatcher } = dispatch(async ({ id }) => void emitted.push(id), ledger);
    await until('it is emitted', () => emitted.length === 1);
    await dispatcher.stop();
  });

  it('keeps what n8n may still start, and lets go what n8n is done with', async (t) => {
    const pass = clock(t);
    let done: (() => void) | undefined;
    const ledger = new FakeLedger();
    ledger.due = [run('waits'), run('given up')];
    const { wake, dispatcher } = dispatch(
      ({ id }) =>
        id === 'waits'
          ? new Promise((resolve) => (done = () => resolve(undefined)))
          : Promise.reject(new Error('no')),
      ledger,
    );
    await until('both are emitted', () => done !== undefined);
    ledger.renewed.length = 0;
    pass(10_000);
    wake.notify([1]);
    await until('it renews', () => ledger.renewed.length > 0);
    assert.deepEqual(ledger.renewed[0], [pointer('waits')]);
    const before = ledger.offers;
    const renewals = ledger.renewed.length;
    pass(10_000);
    done?.();
    await until('it looks again by itself: the run may have ended elsewhere', () => ledger.offers > before);
    assert.equal(ledger.renewed.length, renewals);
    await dispatcher.stop();
  });

  it('asks the ledger once for a run that this process has ended itself', async () => {
    const calls: string[] = [];
    const ledger = new FakeLedger();
    ledger.due = [run('a')];
    const watched = new Proxy(ledger, {
      get: (target, name, receiver) => {
        const value: unknown = Reflect.get(target, name, receiver);
        if (typeof value === 'function') calls.push(String(name));
        return value;
      },
    });
    let end: ((told: ToldEnd) => void) | undefined;
    const emit = (): Promise<ToldEnd> => new Promise((resolve) => (end = resolve));
    const { dispatcher } = dispatch(emit, watched, { wereSettled: () => true });
    await until('it is emitted', () => end !== undefined);
    end!({ outcome: { kind: 'success' }, wentNoFurther: false });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await dispatcher.stop();
    assert.deepEqual(calls, ['offer']);
  });

  it('renews what is queued in time for its lease, not at every look', async (t) => {
    const pass = clock(t);
    const ledger = new FakeLedger();
    ledger.due = [run('waits')];
    const { wake, dispatcher } = dispatch(() => new Promise(() => undefined), ledger);
    await until('it is emitted', () => ledger.due.length === 0);
    const look = async (): Promise<void> => {
      const { offers } = ledger;
      wake.notify([1]);
      await until('it has looked', () => ledger.offers > offers);
    };
    ledger.renewed.length = 0;
    await look();
    await look();
    assert.deepEqual(ledger.renewed, []);
    pass(10_000);
    await look();
    assert.deepEqual(ledger.renewed, [[pointer('waits')]]);
    await dispatcher.stop();
  });

  it('gives up on a run that n8n has not started in time, so that it is offered again', async (t) => {
    const pass = clock(t);
    const ledger = new FakeLedger();
    ledger.due = [run('lost')];
    const emit = (): Promise<undefined> => new Promise(() => undefined);
    const { wake, dispatcher } = dispatch(emit, ledger, { mostQueuedMs: 15_000 });
    await until('it is emitted', () => ledger.due.length === 0);
    const lookAfter = async (ms: number): Promise<void> => {
      const { offers } = ledger;
      pass(ms);
      wake.notify([1]);
      await until('it has looked', () => ledger.offers > offers);
    };
    await lookAfter(10_000);
    assert.deepEqual(ledger.renewed, [[pointer('lost')]]);
    await lookAfter(10_000);
    await lookAfter(10_000);
    assert.deepEqual(ledger.renewed, [[pointer('lost')]]);
    await dispatcher.stop();
  });

  describe('has patience with what n8n has', () => {
    /** @returns lets time pass, then looks until it may; gives the events whose leases it has renewed by then */
    const looking = (
      t: TestContext,
      ledger: FakeLedger,
    ): ((ms: number, ...due: string[]) => Promise<string[]>) => {
      const pass = clock(t);
      const emit = (): Promise<undefined> => new Promise(() => undefined);
      const { wake, dispatcher } = dispatch(emit, ledger, { mostQueuedMs: 300_000 });
      t.after(() => dispatcher.stop());
      return async (ms, ...due) => {
        const { offers } = ledger;
        ledger.renewed.length = 0;
        ledger.due = due.map((event) => run(event));
        pass(ms);
        wake.notify([1]);
        await until('it has looked', () => ledger.offers > offers);
        return [...new Set(ledger.renewed.flat().map(({ event }) => event))];
      };
    };

    it('less after an outage of the ledger: n8n may have lost what it had, and loses what comes at once', async (t) => {
      const ledger = new FakeLedger();
      const lookAfter = looking(t, ledger);
      await lookAfter(0, 'before');
      assert.deepEqual(await lookAfter(40_000), ['before']);
      ledger.failing = 2;
      ledger.fault = new LedgerFault('unreachable', 'it is away');
      assert.deepEqual(await lookAfter(60_000, 'at once'), ['before'], 'from when it is back');
      assert.deepEqual(await lookAfter(20_000), ['before', 'at once']);
      assert.deepEqual(await lookAfter(20_000), []);
      await lookAfter(40_000, 'later');
      assert.deepEqual(await lookAfter(40_000), ['later']);
    });

    it('as always after a connection that broke once, and where the ledger only could not do it', async (t) => {
      const ledger = new FakeLedger();
      const lookAfter = looking(t, ledger);
      await lookAfter(0, 'waits');
      ledger.failing = 1;
      ledger.fault = new LedgerFault('unreachable', 'a connection was lost');
      assert.deepEqual(await lookAfter(20_000), ['waits']);
      ledger.failing = 2;
      ledger.fault = new LedgerFault('full', 'the disk is full');
      assert.deepEqual(await lookAfter(20_000), ['waits']);
      assert.deepEqual(await lookAfter(40_000), ['waits']);
      assert.deepEqual(await lookAfter(40_000), ['waits']);
    });
  });

  it('keeps the slot of a run that n8n has not started yet, until it gives up on it', async (t) => {
    const pass = clock(t);
    const slots = new RunSlots(1);
    const ledger = new FakeLedger();
    ledger.due = [run('waits in n8n')];
    const emit = (): Promise<undefined> => new Promise(() => undefined);
    const { wake, dispatcher } = dispatch(emit, ledger, { mostQueuedMs: 600_000, slots });
    await until('it is emitted', () => ledger.due.length === 0);
    const other = slots.share(() => undefined);
    const lookAfter = async (ms: number): Promise<void> => {
      const { offers } = ledger;
      pass(ms);
      wake.notify([1]);
      await until('it has looked', () => ledger.offers > offers);
    };
    await lookAfter(60_000);
    await lookAfter(60_000);
    assert.equal(other.take(1), 0);
    await lookAfter(600_000);
    await lookAfter(60_000);
    await until('its slot is free', () => other.take(1) === 1);
    await dispatcher.stop();
  });

  it('has twice the patience with each attempt: n8n may be slow to start what it has', async (t) => {
    const pass = clock(t);
    const ledger = new FakeLedger();
    ledger.due = [{ id: 'late', pointers: [pointer('late', 20)] }];
    const emit = (): Promise<undefined> => new Promise(() => undefined);
    const { wake, dispatcher } = dispatch(emit, ledger, { mostQueuedMs: 5_000 });
    await until('it is emitted', () => ledger.due.length === 0);
    pass(15_000);
    ledger.renewed.length = 0;
    wake.notify([1]);
    await until('it renews', () => ledger.renewed.length > 0);
    assert.deepEqual(ledger.renewed[0], [pointer('late', 20)]);
    await dispatcher.stop();
  });

  it('holds no lease against a run before it has seen for long that nobody renews it', async () => {
    const ledger = new FakeLedger();
    ledger.running = [{ run: 'a', until: 1, lapsesInMs: -3_600_000 }];
    const { wake, dispatcher } = dispatch(async () => undefined, ledger);
    await until('it has looked several times', () => {
      wake.notify([1]);
      return ledger.offers > 3;
    });
    await dispatcher.stop();
    assert.ok(ledger.unrenewed.every((leases) => leases.length === 0));
  });

  it('reports every event that ended without success, also when they are many', async () => {
    const ledger = new FakeLedger();
    const ended = Array.from({ length: 45 }, (_, index) => ({ event: `e${index}` }) as Ended);
    ledger.ended = [...ended];
    const reported: Ended[] = [];
    const { dispatcher } = dispatch(async () => undefined, ledger, {
      report: (one) => void reported.push(one),
    });
    await until('all are reported', () => reported.length >= 45);
    assert.deepEqual(reported, ended);
    await dispatcher.stop();
  });

  it('survives an emit that throws', async () => {
    const emitted: string[] = [];
    const ledger = new FakeLedger();
    ledger.due = [run('throws')];
    const { dispatcher } = dispatch(({ id }) => {
      if (id === 'throws') {
        ledger.due = [run('next')];
        throw new Error('n8n is not ready');
      }
      emitted.push(id);
      return Promise.resolve(undefined);
    }, ledger);
    await until('the next one is emitted', () => emitted.length === 1);
    await dispatcher.stop();
  });

  it('emits nothing after it was stopped', async () => {
    const emitted: string[] = [];
    const { ledger, wake, dispatcher } = dispatch(async ({ id }) => void emitted.push(id));
    await dispatcher.stop();
    ledger.due = [run('late')];
    wake.notify([1]);
    await new Promise(setImmediate);
    assert.deepEqual(emitted, []);
  });
});

describe('runs', () => {
  interface Held {
    readonly runs: Runs;
    readonly woken: number[];
    readonly renewals: string[];
  }

  function held(settle: (one: readonly Pointer[], outcome: Outcome) => void): Held {
    const wake = new ProcessWake();
    const woken: number[] = [];
    wake.listen(1, () => woken.push(1));
    const renewals: string[] = [];
    const ledger = {
      claim: async (pointers: readonly Pointer[]) =>
        pointers
          .filter(({ event }) => event !== 'lost')
          .map((one) => ({
            ...one,
            subscriptionId: 1,
            idempotencyKey: `key of ${one.event}`,
            content: Buffer.from('packed'),
          })),
      settle: async (pointers: readonly Pointer[], outcome: Outcome) => {
        settle(pointers, outcome);
        return pointers.map((one) => ({ ...one, state: 'DONE' }));
      },
      renew: async (pointers: readonly Pointer[]) => {
        renewals.push(...pointers.map(({ event }) => event));
        return [...pointers];
      },
      renewKeys: async (holders: readonly string[]) => void renewals.push(...holders),
    };
    return { runs: new Runs(ledger as unknown as Ledger, wake, silentLog), woken, renewals };
  }

  it('settle all their mails together and once, whoever learns the end first, and wake the dispatcher', async () => {
    const settled: string[] = [];
    const { runs, woken } = held((pointers, { kind }) =>
      settled.push(`${pointers.map(({ event }) => event).join()} ${kind}`),
    );
    assert.equal((await runs.begin([pointer('a'), pointer('lost'), pointer('b')], '1')).length, 2);
    assert.deepEqual(runs.mailKeys('1'), ['key of a', 'key of b']);
    assert.deepEqual(runs.mailEvents('1'), ['a', 'b']);
    await Promise.all([
      runs.end('1', { kind: 'success' }),
      runs.endOf([pointer('a')], { kind: 'failure', error: 'late' }),
    ]);
    await runs.end('1', { kind: 'failure', error: 'later' });
    assert.deepEqual(settled, ['a,b success']);
    assert.equal(woken.length, 1);
    assert.deepEqual(runs.mailKeys('1'), []);
  });

  it('that ask for their mails again within one execution get the same: n8n may try a node again', async () => {
    const { runs } = held(() => undefined);
    const claims = await runs.begin([pointer('a')], '1');
    // But for the contents: they are not kept for as long as the run takes.
    assert.deepEqual(
      await runs.begin([pointer('a')], '1'),
      claims.map((claim) => ({ ...claim, content: null })),
    );
    const ending = runs.end('1', { kind: 'success' });
    assert.deepEqual(await runs.begin([pointer('a')], '1'), [], 'but not while it is ending');
    await ending;
  });

  it('that were stopped while they claimed are settled at once: n8n tells an end only once', async () => {
    for (const tell of [
      (runs: Runs, outcome: Outcome) => runs.end('1', outcome),
      (runs: Runs, outcome: Outcome) => runs.endOf([pointer('a')], outcome),
    ]) {
      const settled: string[] = [];
      const { runs } = held((pointers, { kind }) =>
        settled.push(`${pointers.map(({ event }) => event).join()} ${kind}`),
      );
      const beginning = runs.begin([pointer('a')], '1');
      await tell(runs, { kind: 'failure', error: 'canceled' });
      assert.deepEqual(await beginning, []);
      assert.deepEqual(settled, ['a failure']);
      assert.deepEqual(runs.mailKeys('1'), []);
    }
  });

  it('let go of a mail that is nowhere any more, and go on with the others', async () => {
    const settled: string[] = [];
    const { runs } = held((pointers, { kind }) =>
      settled.push(`${pointers.map(({ event }) => event).join()} ${kind}`),
    );
    const [, b] = await runs.begin([pointer('a'), pointer('b')], '1');
    await runs.gone('1', [b!]);
    await runs.end('1', { kind: 'success' });
    assert.deepEqual(settled, ['b gone', 'a success']);
  });

  it('do not settle what this process does not hold', async () => {
    const { runs } = held(() => assert.fail('settled'));
    assert.deepEqual(await runs.begin([pointer('lost')], '1'), []);
    await runs.end('1', { kind: 'success' });
    await runs.endOf([pointer('lost'), pointer('unknown')], { kind: 'success' });
  });

  it('try again to settle when the ledger does not take it', async () => {
    let tries = 0;
    const { runs } = held(() => {
      if (++tries < 3) throw new Error('disk full');
    });
    await runs.begin([pointer('a')], '1');
    await runs.end('1', { kind: 'success' });
    assert.equal(tries, 3);
  });

  it('renew the leases of their mails and of the keys they hold, until the end', async () => {
    const { runs, renewals } = held(() => undefined);
    await runs.begin([pointer('a')], '1');
    runs.hold('holder');
    await runs.renewAll();
    assert.deepEqual(renewals.sort(), ['a', 'holder']);
    await runs.end('1', { kind: 'success' });
    runs.release('holder');
  });
});

describe('housekeeping', () => {
  it('goes on in batches while there is more, and again after a failure', async () => {
    const closing = new AbortController();
    const answers: (boolean | Error)[] = [true, true, false, new Error('away'), true, false];
    const ledger = {
      sweep: async () => {
        const answer = answers.shift() ?? false;
        if (answer instanceof Error) throw answer;
        return answer;
      },
      leftKeys: async () => [],
    } as unknown as Ledger;
    const keeping = keepHouse(ledger, silentLog, closing.signal, { everyMs: 1, betweenMs: 1 });
    await until('everything is swept', () => answers.length === 0);
    closing.abort();
    await keeping;
  });

  it('lets go of a key of Run Once only if nobody was seen to renew it, whatever the clock of the ledger says', async () => {
    const closing = new AbortController();
    let now = 0;
    let renewedUntil = 1;
    const swept: SeenKey[] = [];
    let sweeps = 0;
    const ledger = {
      leftKeys: async (): Promise<SeenKey[]> => [
        { key: 'renewed', until: renewedUntil },
        { key: 'dead', until: 1 },
      ],
      sweep: async (_: number, unrenewed: readonly SeenKey[]) => {
        swept.push(...unrenewed);
        sweeps++;
        now += LEASES_SUFFER_MS - 1;
        renewedUntil++;
        return false;
      },
    } as unknown as Ledger;
    const keeping = keepHouse(ledger, silentLog, closing.signal, {
      keys: new Unrenewed(() => now),
      everyMs: 1,
    });
    await until('one is swept', () => swept.length > 0);
    closing.abort();
    await keeping;
    assert.ok(sweeps > 3, 'it was watched');
    assert.deepEqual([...new Set(swept.map(({ key }) => key))], ['dead']);
  });

  it('in the ledger of another n8n is left to that one, without a word in every round', async () => {
    const closing = new AbortController();
    let sweeps = 0;
    const said: string[] = [];
    const ledger = {
      leftKeys: async () => [],
      sweep: async () => {
        sweeps++;
        throw new LedgerFault('foreign', "It is another n8n's");
      },
    } as unknown as Ledger;
    const log = { ...silentLog, warn: (text: string) => void said.push(text) };
    const keeping = keepHouse(ledger, log, closing.signal, { everyMs: 1 });
    await until('it was tried', () => sweeps > 3);
    closing.abort();
    await keeping;
    assert.deepEqual(said, []);
  });
});

describe('who listens', () => {
  it('is stored before anything is swept: nothing is, while it cannot be', async () => {
    const closing = new AbortController();
    const done: string[] = [];
    let away = true;
    const ledger = {
      serve: async (nodes: readonly NodeId[]) => {
        done.push(`serve ${nodes.map(({ nodeId }) => nodeId).join(' ')}`);
        if (away && done.length > 2) throw new Error('away');
      },
      unserve: async ([node]: readonly NodeId[]) => void done.push(`leave ${node!.nodeId}`),
      sweep: async () => {
        done.push('sweep');
        return false;
      },
      leftKeys: async () => [],
      takeUnserved: async () => {
        done.push('tell');
        closing.abort();
        return [unserved];
      },
    } as unknown as Ledger;
    const unserved: Unserved = {
      ...{
        subscriptionId: 1,
        workflowId: 'w',
        nodeId: 'n',
        nodeName: 'Mail',
        account: 'ann',
        mailbox: 'INBOX',
      },
      ...{ waiting: 2, servedAt: 1_700_000_000_000, goesAt: 1_707_776_000_000 },
    };
    const said: string[] = [];
    const log = { ...silentLog, warn: (text: string) => void said.push(text) };
    const served = new ServedNodes(ledger, log);
    await served.serve({ workflowId: 'w', nodeId: 'a' });
    await served.serve({ workflowId: 'w', nodeId: 'b' });
    const keeping = keepHouse(ledger, log, closing.signal, { served, everyMs: 1 });
    await until('it could not be stored twice', () => said.length >= 2);
    assert.ok(!done.includes('sweep'));
    await served.leave({ workflowId: 'w', nodeId: 'a' });
    away = false;
    await keeping;
    assert.deepEqual(done.slice(-3), ['serve b', 'sweep', 'tell']);
    assert.match(
      said.at(-1)!,
      /^2 mails wait, and nobody listens: the trigger "Mail" of workflow w for INBOX of ann/,
    );
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
