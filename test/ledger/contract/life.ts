// Random lives of events, held against the model: two processes take the source from each other, record and offer,
// runs begin (also twice), end well or badly, late or never, leases are renewed or lapse, people replay. After every
// step the ledger is where the model is.
// Invariants besides: a process that lost the source records nothing and is handed no action, nobody wins a pointer
// that another has won, DONE is left by replay alone, in the end every mail has come to its end, and who only hears of
// changes knows of every event what the table says, but for its offers.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { Ledger } from '../../../engine/ledger/ledger';
import type { OfferedRun } from '../../../engine/ledger/offers';
import type { Pointer } from '../../../engine/ledger/pointer';
import type { Subscription } from '../../../engine/ledger/subscriptions';
import { LedgerFault } from '../../../engine/ledger/fault';
import type { SourceHold } from '../../../engine/ledger/source-holds';
import type { Fixture } from './fixture';
import { Told } from './told';
import { HoldModel, LifeModel, RETRIES } from './life-model';

const TICK_MS = 400_000;
/** With its tenth of jitter less than a tick. */
const RETRY_MS = 300_000;
/** More than one tick, less than two; the real time of a test is far below what is left. */
const LEASE_MS = 600_000;
const MAILS = 3;
const RUNS_OF_THE_PROPERTY = 60;

const STEPS = [
  'take the source',
  'renew the source',
  'release the source',
  'record',
  'act',
  'finish acting',
  'offer',
  'offer by both at once',
  'start',
  'start by both at once',
  'succeed',
  'fail',
  'crash',
  'renew',
  'renew queued',
  'release',
  'retry by hand',
  'pass a tick',
  'pass a lease',
  'replay',
  'tell',
] as const;

interface Step {
  readonly what: (typeof STEPS)[number];
  /** Which process, and which of the mails or runs, as far as the step needs to know. */
  readonly process: 0 | 1;
  readonly which: number;
  readonly mailsPerRun: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom(...STEPS),
  process: fc.constantFrom(0, 1),
  which: fc.nat({ max: 11 }),
  mailsPerRun: fc.integer({ min: 1, max: MAILS }),
});

export function lifeContract(fixture: Fixture): void {
  it('in any order of what may happen, no mail is lost, held twice, or run again after DONE', async () => {
    const another = await fixture.under.openAnother();
    let lives = 0;
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.boolean(),
          fc.array(step, { minLength: 5, maxLength: 50 }),
          async (once, steps) => {
            const to = await fixture.subscribe(`life ${++lives}`, {
              guarantee: once ? 'atMostOnce' : 'atLeastOnce',
              retryDelaysMs: Array.from({ length: RETRIES }, () => RETRY_MS),
              source: { kind: 'imap', account: 'ann@mail.example', mailbox: `life ${lives}` },
              afterSuccess: { kind: 'markRead' },
              whenDead: { kind: 'flag' },
            });
            await fixture.ledger.releaseHolds([fixture.hold(to)]);
            const life = new Life(fixture, [fixture.ledger, another], to, once);
            await life.begin();
            for (const one of steps) await life.take(one);
            await life.drain();
          },
        ),
        { numRuns: RUNS_OF_THE_PROPERTY, endOnFailure: false },
      );
    } finally {
      await another.close();
    }
  });
}

interface StoredState {
  readonly state: string;
  readonly attempt: number;
  readonly failures: number;
}

class Life {
  readonly #fixture: Fixture;
  readonly #processes: readonly Ledger[];
  readonly #to: Subscription;
  readonly #model: LifeModel;
  readonly #holdModel = new HoldModel();
  /** The last hold that each process got. */
  readonly #holds: (SourceHold | undefined)[] = [];
  #begun: readonly number[] = [];
  readonly #emitted: OfferedRun[] = [];
  /** Pointers that a run holds, or thinks it does. */
  readonly #running: Pointer[] = [];
  readonly #won = new Set<string>();
  readonly #done = new Set<string>();
  readonly #replayed = new Set<string>();
  /** What changes said last of each event. */
  readonly #heard = new Map<string, StoredState>();
  #told!: Told;

  constructor(fixture: Fixture, processes: readonly Ledger[], to: Subscription, atMostOnce: boolean) {
    this.#fixture = fixture;
    this.#processes = processes;
    this.#to = to;
    this.#model = new LifeModel(atMostOnce);
    // The fixture had it, and gave it back.
    this.#holdModel.fence = fixture.hold(to).fence;
  }

  /** Somebody reads the source. */
  async begin(): Promise<void> {
    this.#told = await Told.from(this.#fixture, this.#processes[1]);
    await this.#take(0);
  }

  async take({ what, process, which, mailsPerRun }: Step): Promise<void> {
    const ledger = this.#processes[process]!;
    const run = pick(this.#emitted, which);
    const held = pick(this.#running, which);
    const hold = this.#holds[process];
    if (what === 'take the source') await this.#take(process);
    if (what === 'renew the source' && hold) await this.#renewHold(ledger, hold);
    if (what === 'release the source' && hold) await this.#releaseHold(ledger, hold);
    if (what === 'record' && hold) await this.#record(ledger, hold, (which % MAILS) + 1);
    if (what === 'act' && hold) await this.#act(ledger, hold);
    if (what === 'finish acting') await this.#finishActing(ledger);
    if (what === 'offer') await this.#offer([ledger], mailsPerRun);
    if (what === 'offer by both at once') await this.#offer(this.#processes, mailsPerRun);
    if (what === 'start' && run) await this.#start([ledger], run);
    if (what === 'start by both at once' && run) await this.#start(this.#processes, run);
    if (what === 'succeed' && held) await this.#end(ledger, held, true);
    if (what === 'fail' && held) await this.#end(ledger, held, false);
    if (what === 'crash' && held) this.#forget(held);
    if (what === 'renew' && held) await this.#renew(ledger, [held], 'RUNNING');
    if (what === 'renew queued' && run) await this.#renew(ledger, run.pointers, 'QUEUED');
    if (what === 'release' && run) await this.#release(ledger, run);
    if (what === 'retry by hand') await this.#retryByHand(ledger, which);
    if (what === 'pass a tick') await this.#elapse(1);
    if (what === 'pass a lease') await this.#elapse(2);
    if (what === 'replay') await this.#replay(ledger, which);
    if (what === 'tell') await this.#tell(ledger);
    await this.#compare(what);
  }

  /** Everybody who is left does what is due, until nothing is. */
  async drain(): Promise<void> {
    for (let round = 0; round < 10; round++) {
      await this.#elapse(2);
      await this.#offer([this.#processes[0]!], 1);
      for (const run of this.#emitted.splice(0)) await this.#start([this.#processes[0]!], run);
      for (const held of [...this.#running]) await this.#end(this.#processes[1]!, held, true);
      await this.#compare('drain');
    }
    await this.#tell(this.#processes[0]!);
    for (const [id, { state }] of this.#model.events) {
      assert.ok(['DONE', 'DEAD', 'UNKNOWN'].includes(state), `${id} has not come to an end: ${state}`);
    }
  }

  async #take(process: 0 | 1): Promise<void> {
    const expected = this.#holdModel.take(process);
    const request = { sourceId: this.#to.sourceId, holder: `process ${process}`, leaseMs: LEASE_MS };
    const answer = await this.#processes[process]!.holdSource(request);
    if ('hold' in answer) this.#holds[process] = answer.hold;
    const { fence } = this.#holdModel;
    assert.deepEqual(
      answer,
      expected ? { hold: { sourceId: this.#to.sourceId, fence } } : { heldBy: `process ${1 - process}` },
    );
  }

  async #renewHold(ledger: Ledger, hold: SourceHold): Promise<void> {
    const expected = this.#holdModel.renew(hold.fence);
    assert.deepEqual(await ledger.renewHolds([hold], LEASE_MS), expected ? [hold] : []);
  }

  async #releaseHold(ledger: Ledger, hold: SourceHold): Promise<void> {
    this.#holdModel.release(hold.fence);
    await ledger.releaseHolds([hold]);
  }

  async #record(ledger: Ledger, hold: SourceHold, uid: number): Promise<void> {
    const known = new Set((await this.#stored()).keys());
    const messages = [this.#fixture.mail([this.#to], uid)];
    const recording = ledger.record({ hold, messages, cursors: [] });
    if (hold.fence === this.#holdModel.fence) await recording;
    else await assert.rejects(recording, (error) => error instanceof LedgerFault && error.kind === 'taken');
    const fresh = [...(await this.#stored()).keys()].filter((id) => !known.has(id));
    assert.ok(fresh.length <= (hold.fence === this.#holdModel.fence ? 1 : 0));
    for (const id of fresh) this.#model.recorded(id);
  }

  async #act(ledger: Ledger, hold: SourceHold): Promise<void> {
    const expected = hold.fence === this.#holdModel.fence ? this.#model.beginActions() : 0;
    // Never over, so that an action is begun once.
    const due = await ledger.takeErrands(hold, 100, 9e12);
    assert.equal(due.length, expected);
    this.#begun = [...this.#begun, ...due.map(({ id }) => id)];
  }

  async #finishActing(ledger: Ledger): Promise<void> {
    this.#model.finishErrands();
    await ledger.finishErrands(this.#begun);
    this.#begun = [];
  }

  async #offer(by: readonly Ledger[], mailsPerRun: number): Promise<void> {
    const request = { subscriptionIds: [this.#to.id], mostRuns: 100, mailsPerRun, leaseMs: LEASE_MS };
    const offers = await Promise.all(by.map((ledger) => ledger.offer(request)));
    const runs = offers.flatMap((offer) => offer.runs);
    const offered = runs.flatMap(({ pointers }) => pointers);
    assert.equal(new Set(offered.map(({ event }) => event)).size, offered.length, 'one offer for one event');
    assert.deepEqual(new Map(offered.map(({ event, attempt }) => [event, attempt])), this.#model.offer());
    for (const { pointers } of runs) assert.ok(pointers.length <= mailsPerRun);
    this.#emitted.push(...runs);
  }

  async #start(by: readonly Ledger[], { pointers }: OfferedRun): Promise<void> {
    const expected = pointers.filter(({ event, attempt }) => this.#model.claim(event, attempt));
    const claims = await Promise.all(by.map((ledger) => ledger.claim(pointers, 'execution', LEASE_MS)));
    const won = claims.flat().map(({ event, attempt }) => ({ event, attempt }));
    assert.deepEqual(names(won), names(expected));
    for (const pointer of won) {
      assert.ok(!this.#won.has(name(pointer)), 'a pointer is won once');
      this.#won.add(name(pointer));
      const again = this.#done.has(pointer.event) && !this.#replayed.has(pointer.event);
      assert.ok(!again, 'a mail that is done does not run again');
      this.#running.push(pointer);
    }
  }

  async #end(ledger: Ledger, held: Pointer, success: boolean): Promise<void> {
    const expected = this.#model.settle(held.event, held.attempt, success);
    const outcome = success
      ? ({ kind: 'success' } as const)
      : ({ kind: 'failure', error: 'it broke' } as const);
    const settled = await ledger.settle([held], outcome);
    assert.deepEqual(
      settled.map(({ state }) => state),
      expected === null ? [] : [expected],
    );
    if (expected === 'DONE') {
      this.#done.add(held.event);
      this.#replayed.delete(held.event);
    }
    this.#forget(held);
  }

  async #release(ledger: Ledger, { pointers }: OfferedRun): Promise<void> {
    const expected = pointers.filter(({ event, attempt }) => this.#model.release(event, attempt));
    const released = await ledger.release(pointers, 'it never began');
    assert.deepEqual(names(released), names(expected));
    assert.ok(released.every(({ unclaimed }) => unclaimed > 0));
    await ledger.hurryReleased([this.#to.id]);
  }

  async #retryByHand(ledger: Ledger, which: number): Promise<void> {
    const id = pick([...this.#model.events.keys()], which);
    if (!id) return;
    const expected = this.#model.takeByHand(id);
    const taken = await ledger.takeByHand([id], 'by hand', LEASE_MS);
    assert.deepEqual(names(taken), expected === null ? [] : [name({ event: id, attempt: expected })]);
    for (const { event, attempt } of taken) {
      this.#won.add(name({ event, attempt }));
      this.#running.push({ event, attempt });
    }
  }

  #forget(held: Pointer): void {
    this.#running.splice(this.#running.indexOf(held), 1);
  }

  async #renew(ledger: Ledger, pointers: readonly Pointer[], state: 'QUEUED' | 'RUNNING'): Promise<void> {
    const expected = pointers.filter(({ event, attempt }) => this.#model.renew(event, attempt, state));
    assert.deepEqual(names(await ledger.renew(pointers, state, LEASE_MS)), names(expected));
  }

  async #elapse(ticks: number): Promise<void> {
    this.#model.elapse(ticks);
    this.#holdModel.elapse(ticks);
    await this.#fixture.elapse(ticks * TICK_MS);
  }

  async #replay(ledger: Ledger, which: number): Promise<void> {
    const id = pick([...this.#model.events.keys()], which);
    if (!id) return;
    const expected = this.#model.replay(id);
    assert.equal((await ledger.replay({ ids: [id] })).count, expected ? 1 : 0);
    if (expected) this.#replayed.add(id);
  }

  async #tell(ledger: Ledger): Promise<void> {
    const told = await ledger.takeEnded([this.#to.id], 100);
    assert.deepEqual(told.map(({ event }) => event).sort(), this.#model.takeEnded().sort());
  }

  async #compare(after: string): Promise<void> {
    const stored = await this.#stored();
    for (const [id, { state, attempt, failures }] of this.#model.events) {
      assert.deepEqual(stored.get(id), { state, attempt, failures }, `after "${after}"`);
    }
    assert.equal(stored.size, this.#model.events.size);
    await this.#compareHeard(after, stored);
    const waiting = await this.#fixture.under.query<{ event_id: string; ending: string }>(
      `select event_id, ending from errand where ended_at is null and subscription_id = ${this.#to.id}`,
    );
    assert.deepEqual(
      waiting.map(({ event_id, ending }) => `${event_id} ${ending}`).sort(),
      this.#model.waiting().sort(),
      `after "${after}"`,
    );
  }

  async #compareHeard(after: string, stored: ReadonlyMap<string, StoredState>): Promise<void> {
    for (const { event, details } of await this.#told.news()) {
      const { state, attempt, failures } = details as Partial<StoredState>;
      if (state !== undefined) this.#heard.set(event!, { state, attempt: attempt!, failures: failures! });
    }
    assert.equal(this.#heard.size, stored.size);
    for (const [id, { state, attempt, failures }] of stored) {
      const heard = this.#heard.get(id)!;
      if (state === 'QUEUED') {
        assert.ok(['PENDING', 'RETRY'].includes(heard.state), `${heard.state}, after "${after}"`);
        assert.ok(heard.attempt < attempt);
        assert.equal(heard.failures, failures);
      } else assert.deepEqual(heard, { state, attempt, failures }, `heard, after "${after}"`);
    }
  }

  async #stored(): Promise<Map<string, StoredState>> {
    const rows = await this.#fixture.under.query<StoredState & { id: string }>(
      `select id, state, attempt, failures from event where subscription_id = ${this.#to.id} order by seq`,
    );
    return new Map(rows.map(({ id, state, attempt, failures }) => [id, { state, attempt, failures }]));
  }
}

const name = ({ event, attempt }: Pointer): string => `${event}:${attempt}`;
const names = (pointers: readonly Pointer[]): string[] => pointers.map(name).sort();

const pick = <T>(from: readonly T[], which: number): T | undefined => from[which % from.length];
