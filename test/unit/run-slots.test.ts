// The slots that all triggers of a process share: random lives of them, by themselves and under real dispatchers.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Dispatcher } from '../../engine/delivery/dispatcher';
import { type RunShare, RunSlots } from '../../engine/delivery/run-slots';
import type { ToldEnd } from '../../engine/delivery/told-ends';
import type { Ledger } from '../../engine/ledger/ledger';
import type { OfferRequest, OfferedRun } from '../../engine/ledger/offers';
import { ProcessWake } from '../../engine/signal/wake';
import { silentLog } from '../support/log';
import { until } from '../support/until';

/** Whatever goes on by itself has gone on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Running {
  readonly share: RunShare;
  readonly run: string;
  readonly end: () => void;
}

/** All that can become of slots. */
class Life {
  #clock = 0;
  readonly slots: RunSlots;
  readonly shares: RunShare[] = [];
  readonly gone: RunShare[] = [];
  readonly running: Running[] = [];
  #runs = 0;

  constructor(most: number) {
    this.slots = new RunSlots(most, () => this.#clock);
  }

  async take(what: string, which: number): Promise<void> {
    const share = this.shares[which % Math.max(1, this.shares.length)];
    if (what === 'joins') this.shares.push(this.slots.share(() => undefined));
    else if (what === 'ends') this.running.splice(which % Math.max(1, this.running.length), 1)[0]?.end();
    else if (!share) return;
    else if (what === 'takes') share.take(1 + (which % 7));
    else if (what === 'takes none') share.take(0);
    else if (what === 'begins') this.#begin(share);
    else if (what === 'gives back') share.giveBack();
    else if (what === 'waits') this.#wait(share);
    else if (what === 'loses a run') this.#lose(share);
    else if (what === 'leaves') this.#leave(share);
    await settled();
    this.#check();
  }

  #begin(share: RunShare): void {
    if (share.take(1) === 0) return;
    const run = `${++this.#runs}`;
    const over = new Promise<void>((resolve, reject) =>
      this.running.push({ share, run, end: this.#runs % 2 ? resolve : () => reject(new Error('no')) }),
    );
    share.hold(run, over);
  }

  #wait(share: RunShare): void {
    share.giveBack();
    share.wait();
  }

  /** The ledger shows it no more, and n8n never says that it is over. */
  #lose(share: RunShare): void {
    const lost = this.running.findIndex((running) => running.share === share);
    if (lost >= 0) this.running.splice(lost, 1);
    const inFlight = new Set(this.running.filter((one) => one.share === share).map(({ run }) => run));
    share.see(inFlight);
    this.#clock += 60_000;
    share.see(inFlight);
  }

  #leave(share: RunShare): void {
    share.leave();
    this.shares.splice(this.shares.indexOf(share), 1);
    this.gone.push(share);
  }

  #check(): void {
    const out = [...this.shares, ...this.gone].reduce((sum, { slots }) => sum + slots, 0);
    assert.ok(out <= this.slots.most, `${out} slots are out`);
    const waiting = this.shares.filter(({ waits }) => waits);
    if (waiting.length > 0) assert.equal(out, this.slots.most, 'a slot is free while somebody waits');
    assert.ok(this.gone.every(({ waits }) => !waits));
  }

  /** Everybody ends. @returns how many slots are there then */
  async end(): Promise<number> {
    for (const share of [...this.shares]) this.#leave(share);
    for (const { end } of this.running.splice(0)) end();
    await settled();
    return this.slots.share(() => undefined).take(this.slots.most);
  }
}

const WHAT = [
  ...['joins', 'takes', 'takes none', 'begins', 'begins', 'begins'],
  ...['gives back', 'waits', 'waits', 'ends', 'ends', 'loses a run', 'leaves'],
] as const;

describe('the slots of all runs of a process', () => {
  it('are never more than there are, none is free while somebody waits, and all come back', async () => {
    const steps = fc.array(fc.tuple(fc.constantFrom(...WHAT), fc.nat(50)), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), steps, async (most, life) => {
        const slots = new Life(most);
        for (const step of life) await slots.take(...step);
        assert.equal(await slots.end(), most);
      }),
      { numRuns: 300 },
    );
  });

  it('go to who has the fewest, and of these to who was served the longest ago', async () => {
    const slots = new RunSlots(3);
    const woken: string[] = [];
    const [greedy, second, third] = ['greedy', 'second', 'third'].map((name) =>
      slots.share(() => woken.push(name)),
    ) as [RunShare, RunShare, RunShare];
    const ends: (() => void)[] = [];
    const begin = (share: RunShare, run: string): void =>
      share.hold(run, new Promise<void>((resolve) => ends.push(resolve)));
    for (const run of ['a', 'b', 'c']) {
      assert.equal(greedy.take(1), 1);
      begin(greedy, run);
    }
    greedy.wait();
    second.wait();
    third.wait();
    assert.deepEqual(woken, []);
    for (const end of ends.splice(0, 2)) {
      end();
      await settled();
    }
    assert.deepEqual(woken, ['second', 'third'], 'who waits longer for more than it has, waits');
    begin(second, 'd');
    second.wait();
    ends[0]!();
    await settled();
    assert.deepEqual(woken.slice(2), ['greedy'], 'it has none any more');
  });

  it('are not all taken by the first who looks: several who look at once all find some', () => {
    const slots = new RunSlots(20);
    const shares = Array.from({ length: 20 }, () => slots.share(() => undefined));
    assert.deepEqual(
      shares.map((share) => share.take(5)),
      shares.map(() => 1),
    );
    const alone = new RunSlots(20).share(() => undefined);
    assert.equal(alone.take(5), 5);
  });

  it('of a run that n8n never speaks of again come back when the ledger has not shown it for long', () => {
    let now = 0;
    const slots = new RunSlots(1, () => now);
    const share = slots.share(() => undefined);
    assert.equal(share.take(1), 1);
    share.hold('a', new Promise(() => undefined));
    const seen = (inFlight: string[]): number => {
      share.see(new Set(inFlight));
      return share.slots;
    };
    assert.equal(seen([]), 1, 'n8n may still be writing it down');
    now += 9_000;
    assert.equal(seen(['a']), 1);
    now += 9_000;
    assert.equal(seen([]), 1);
    now += 10_000;
    assert.equal(seen([]), 0);
    assert.equal(share.take(1), 1);
  });

  it('of a trigger that was closed come back when n8n is done with its runs, or after a while', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const slots = new RunSlots(2);
    const [closed, other] = [slots.share(() => undefined), slots.share(() => undefined)];
    let end: (() => void) | undefined;
    closed.take(1);
    closed.hold('ends', new Promise<void>((resolve) => (end = resolve)));
    closed.take(1);
    closed.hold('never heard of', new Promise(() => undefined));
    closed.leave();
    assert.equal(other.take(2), 0, 'its runs go on');
    end!();
    await settled();
    assert.equal(other.take(2), 1);
    t.mock.timers.tick(60 * 60_000);
    assert.equal(other.take(2), 2);
  });
});

/** A workflow with a trigger: its mails, and those that run. */
class Workflow {
  waiting = 0;
  runs = 0;
  readonly running = new Map<string, (end?: ToldEnd) => void>();
  readonly dispatcher: Dispatcher;
  readonly #wake = new ProcessWake();

  constructor(id: number, slots: RunSlots, mostRuns: number, begun: (workflow: Workflow) => void) {
    const ledger = {
      renew: async () => [],
      takeEnded: async () => [],
      whereabouts: async () => new Map(),
      release: async () => [],
      offer: async ({ mostRuns: most, mostNew = Infinity }: OfferRequest) => {
        await settled();
        const free = most - this.running.size;
        const count = Math.max(0, Math.min(this.waiting, free, mostNew));
        this.waiting -= count;
        const runs = Array.from({ length: count }, (): OfferedRun => {
          const name = `${id}/${++this.runs}`;
          return { id: name, pointers: [{ event: name, attempt: 1 }] };
        });
        const running = [...this.running.keys()].map((run) => ({ run, until: 1e15, lapsesInMs: 1e6 }));
        return {
          runs,
          lapsed: 0,
          nextInMs: this.waiting > 0 && count < free ? 0 : null,
          running,
          untold: false,
        };
      },
    };
    this.dispatcher = new Dispatcher(
      [1],
      { mostRuns, mailsPerRun: 1, mostQueuedMs: 60_000 },
      {
        ledger: ledger as unknown as Ledger,
        wake: this.#wake,
        log: silentLog,
        slots,
        emit: (run) => {
          const over = new Promise<ToldEnd | undefined>((resolve) => this.running.set(run.id, resolve));
          begun(this);
          return over;
        },
        report: () => undefined,
        reportUnclaimed: () => undefined,
        renewRuns: async () => undefined,
        wereSettled: () => false,
      },
    );
  }

  mail(count = 1): void {
    this.waiting += count;
    this.#wake.notify([1]);
  }

  /** The run that has gone on the longest ends. */
  end(): void {
    const [first] = this.running;
    if (!first) return;
    this.running.delete(first[0]);
    first[1]();
  }
}

describe('triggers that share the slots of their process', () => {
  const all = (workflows: readonly Workflow[]): number =>
    workflows.reduce((sum, { running }) => sum + running.size, 0);
  const quiet = async (): Promise<void> => {
    for (let round = 0; round < 12; round++) await settled();
  };

  it('never run more at once, use what there is, and every mail runs, whichever triggers are closed', async () => {
    const step = fc.tuple(fc.constantFrom('mail', 'mails', 'end', 'end', 'close'), fc.nat(20));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 6 }),
        fc.array(step, { maxLength: 25 }),
        async (most, limits, steps) => {
          const slots = new RunSlots(most);
          const check = (): void => assert.ok(all(workflows) <= most, `${all(workflows)} run`);
          const workflows = limits.map((limit, id) => new Workflow(id, slots, limit, check));
          const open = new Set(workflows);
          for (const [what, which] of steps) {
            const workflow = workflows[which % workflows.length]!;
            if (what === 'mail') workflow.mail();
            if (what === 'mails') workflow.mail(10);
            if (what === 'end') workflow.end();
            if (what === 'close' && open.size > 1 && open.delete(workflow)) await workflow.dispatcher.stop();
            await quiet();
            const canMore = [...open].some((one) => {
              const limit = limits[workflows.indexOf(one)]!;
              return one.waiting > 0 && one.running.size < limit;
            });
            if (canMore) await until('all slots are used', () => all(workflows) === most);
          }
          const left = (): boolean => [...open].some(({ waiting, running }) => waiting + running.size > 0);
          for (let round = 0; left(); round++) {
            assert.ok(round < 500, 'mails wait, and nothing runs');
            workflows.forEach((workflow) => workflow.end());
            await quiet();
          }
          await Promise.all([...open].map(({ dispatcher }) => dispatcher.stop()));
          workflows.forEach((workflow) => {
            while (workflow.running.size > 0) workflow.end();
          });
          await quiet();
          assert.equal(slots.share(() => undefined).take(most), most, 'all slots have come back');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('start a single mail when the next run ends, however many mails of others wait', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.nat(40), async (most, before) => {
        const slots = new RunSlots(most);
        const begun: Workflow[] = [];
        const note = (workflow: Workflow): void => void begun.push(workflow);
        // Each has one slot at least.
        const greedy = Array.from({ length: most }, (_, id) => new Workflow(id, slots, 100, note));
        const single = new Workflow(99, slots, 100, note);
        for (const workflow of greedy) workflow.mail(10_000);
        await quiet();
        for (let ended = 0; ended < before; ended++) {
          greedy[ended % greedy.length]!.end();
          await quiet();
        }
        assert.equal(all(greedy), most);
        single.mail();
        await quiet();
        begun.length = 0;
        greedy.find(({ running }) => running.size > 0)!.end();
        await quiet();
        assert.deepEqual(
          begun.map((workflow) => workflow === single),
          [true],
        );
        await Promise.all([...greedy, single].map(({ dispatcher }) => dispatcher.stop()));
      }),
      { numRuns: 40 },
    );
  });

  it('keep no slot while their ledger does not answer, nor when n8n takes no run', async () => {
    const slots = new RunSlots(1);
    const other = slots.share(() => undefined);
    let failing = true;
    let emitted = 0;
    let due = 1;
    const ledger = {
      renew: async () => [],
      takeEnded: async () => [],
      offer: async ({ mostNew = 0 }: OfferRequest) => {
        if (failing) throw new Error('away');
        const runs = Array.from({ length: Math.min(due, mostNew) }, () => ({
          id: `${due--}`,
          pointers: [{ event: 'a', attempt: 1 }],
        }));
        return { runs, lapsed: 0, nextInMs: due > 0 ? 0 : null, running: [], untold: false };
      },
    };
    const wake = new ProcessWake();
    const dispatcher = new Dispatcher(
      [1],
      { mostRuns: 5, mailsPerRun: 1, mostQueuedMs: 60_000 },
      {
        ledger: ledger as unknown as Ledger,
        wake,
        log: silentLog,
        slots,
        emit: () => {
          emitted++;
          throw new Error('n8n is not ready');
        },
        report: () => undefined,
        reportUnclaimed: () => undefined,
        renewRuns: async () => undefined,
        wereSettled: () => false,
      },
    );
    await quiet();
    assert.equal(other.take(1), 1, 'while the ledger is away');
    other.giveBack();
    failing = false;
    await until('it was handed to n8n', () => emitted === 1);
    await quiet();
    assert.equal(other.take(1), 1, 'n8n did not take it');
    await dispatcher.stop();
  });
});
