// Random lives of entries, held against the model: two processes take from one lane, by the lane or by ids, hand over or
// not, say what became of it, also late, let leases run out; people retry, cancel, mark and forget; bounces come.
// Invariants besides: what may have arrived is not sent again by itself; in the end everything has come to its end; and who only
// hears of changes knows of each entry what the table says.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { Ledger } from '../../../engine/ledger/ledger';
import type { DueEntry, Entry, EntryAct, EntryOutcome, EntryRef } from '../../../engine/ledger/outbox';
import { type Fixture } from './fixture';
import { newEntry } from './outbox';
import { type ModelEntry, OutboxModel, type Said } from './outbox-model';

const ENTRIES = 5;
/** Longer than a life lasts. */
const LATER_MS = 3_600_000;
const LEASE_MS = 60_000;
const RUNS_OF_THE_PROPERTY = 60;

const OUTCOMES: Readonly<Record<Said, EntryOutcome>> = {
  sent: { became: 'SENT', answer: 'ok' },
  failed: { became: 'FAILED', error: 'no' },
  again: { became: 'QUEUED', error: 'busy', delayMs: LATER_MS },
  refused: { became: 'QUEUED', error: 'not now', delayMs: LATER_MS, isRefusal: true },
  'again, in doubt': { became: 'QUEUED', error: 'cut off', delayMs: LATER_MS, mayHaveArrived: true },
  'not there, again': { became: 'QUEUED', error: 'not there', delayMs: LATER_MS, mayHaveArrived: false },
  returned: { became: 'QUEUED', error: 'the process ends', delayMs: LATER_MS, isReturned: true },
  'in doubt': { became: 'UNKNOWN', error: 'cut off', lookAfterMs: null },
  'to be looked for': { became: 'UNKNOWN', error: 'cut off', lookAfterMs: LATER_MS },
};
const SAID = Object.keys(OUTCOMES) as Said[];
const ACTS: readonly EntryAct[] = ['retry', 'cancel', 'markSent', 'forget'];

interface Step {
  readonly what:
    | ('take' | 'take by ids' | 'take by both at once' | 'hand over' | 'settle' | 'renew')
    | ('leases run out' | 'time passes' | 'act' | 'bounce' | 'queue again');
  readonly process: 0 | 1;
  readonly which: number;
  readonly limit: number;
  readonly said: Said;
  readonly act: EntryAct;
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom<Step['what'][]>(
    ...(['take', 'take', 'take by ids', 'take by both at once', 'hand over', 'hand over'] as const),
    ...(['settle', 'settle', 'renew', 'leases run out', 'time passes', 'act', 'bounce'] as const),
    'queue again',
  ),
  process: fc.constantFrom(0, 1),
  which: fc.nat({ max: 11 }),
  limit: fc.integer({ min: 1, max: ENTRIES }),
  said: fc.constantFrom(...SAID),
  act: fc.constantFrom(...ACTS),
});

export function outboxLifeContract(fixture: Fixture): void {
  it('in any order of what may happen, no entry is lost, held twice, or sent again where it may have arrived', async () => {
    const another = await fixture.under.openAnother();
    let lives = 0;
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 50 }), async (steps) => {
          const life = new Life(fixture, [fixture.ledger, another], `lane ${++lives}`);
          await life.begin();
          for (const one of steps) await life.take(one);
          await life.drain();
        }),
        { numRuns: RUNS_OF_THE_PROPERTY, endOnFailure: false },
      );
    } finally {
      await another.close();
    }
  });
}

interface Row {
  readonly id: string;
  readonly state: ModelEntry['state'];
  readonly fence: number;
  readonly tries: number;
  readonly refusals: number;
  readonly looks: number;
  readonly handed: number | boolean;
  readonly doubted: number | boolean;
  readonly due: number | null;
  readonly lease: number | null;
}

class Life {
  readonly #fixture: Fixture;
  readonly #processes: readonly [Ledger, Ledger];
  readonly #lane: string;
  readonly #model = new OutboxModel((id) => this.#repeating.has(id));
  readonly #repeating = new Set<string>();
  /** What somebody has, or thinks they have. */
  readonly #held: DueEntry[] = [];
  #entries: readonly Entry[] = [];
  #position = '';

  constructor(fixture: Fixture, processes: readonly [Ledger, Ledger], lane: string) {
    this.#fixture = fixture;
    this.#processes = processes;
    this.#lane = lane;
  }

  async begin(): Promise<void> {
    this.#position = (await this.#fixture.ledger.changePositions()).newest;
    this.#entries = await this.#queue(this.#fixture.ledger);
    for (const { id, key } of this.#entries) {
      this.#model.queued(id);
      if (repeats(key)) this.#repeating.add(id);
    }
    await this.#same('begin');
  }

  #queue(ledger: Ledger): Promise<readonly Entry[]> {
    const keys = Array.from({ length: ENTRIES }, (_, at) => `${this.#lane} ${at}`);
    return ledger.enqueue(keys.map((key) => newEntry(key, { lane: this.#lane, repeats: repeats(key) })));
  }

  async take(one: Step): Promise<void> {
    await this.#do(one, this.#processes[one.process]);
    await this.#same(one.what);
  }

  async #do({ what, which, limit, said, act, process }: Step, ledger: Ledger): Promise<void> {
    const { id, messageId } = this.#entries[which % ENTRIES]!;
    const ref = this.#held[which % (this.#held.length || 1)];
    switch (what) {
      case 'take':
        this.#takes(await this.#ask(ledger, limit), limit);
        return;
      case 'take by ids': {
        const ids = this.#ids().slice(which % ENTRIES);
        const asked = { limit: ENTRIES, mostAtOnce: limit };
        const taken = await ledger.takeEntries({
          ...{ ...asked, of: { ids }, leaseMs: LEASE_MS, mostAMinute: null },
        });
        this.#model.take(taken, { ...asked, ids });
        this.#held.push(...taken);
        return;
      }
      case 'take by both at once': {
        const both = await Promise.all(this.#processes.map((each) => this.#ask(each, limit)));
        const all = both.flat();
        assert.equal(new Set(all.map((taken) => taken.id)).size, all.length, 'held twice');
        // Whoever was first found more to look for, or more at all.
        const rank = (taken: readonly DueEntry[]): number =>
          taken.length + taken.filter(({ state }) => state === 'UNKNOWN').length * 2 * ENTRIES;
        for (const taken of both.toSorted((a, b) => rank(b) - rank(a))) this.#takes(taken, limit);
        return;
      }
      case 'hand over':
        if (ref) assert.equal(await ledger.handOver(ref), this.#model.handOver(ref));
        return;
      case 'settle': {
        if (!ref) return;
        const done = await ledger.settleEntries([{ ...plain(ref), outcome: OUTCOMES[said] }]);
        assert.deepEqual(done, this.#model.settle(ref, said) ? [plain(ref)] : []);
        return;
      }
      case 'renew':
        if (ref)
          assert.deepEqual(
            await ledger.renewEntries([ref], LEASE_MS),
            this.#model.renew(ref) ? [plain(ref)] : [],
          );
        return;
      case 'leases run out':
        return this.#leasesRunOut();
      case 'time passes':
        return this.#timePasses();
      case 'act': {
        const ids = process ? [id] : this.#ids();
        const changed = await ledger.actOnEntries(ids, act, 'ann');
        const expected = ids.filter((each) => this.#model.act(each, act));
        assert.deepEqual([...changed].sort(), [...expected].sort(), act);
        return;
      }
      case 'bounce':
        assert.deepEqual(
          await ledger.noteBounces([{ messageId: messageId!, reason: 'gone' }]),
          this.#model.bounce(id) ? [id] : [],
        );
        return;
      case 'queue again':
        assert.deepEqual(
          (await this.#queue(ledger)).map((entry) => entry.id),
          this.#ids(),
        );
    }
  }

  readonly #ids = (): string[] => this.#entries.map(({ id }) => id);

  #ask(ledger: Ledger, limit: number): Promise<readonly DueEntry[]> {
    const few = { limit, mostAtOnce: limit, leaseMs: LEASE_MS, mostAMinute: null };
    return ledger.takeEntries({ ...few, of: { lane: this.#lane } });
  }

  #takes(taken: readonly DueEntry[], limit: number): void {
    this.#model.take(taken, { ids: this.#ids(), limit, mostAtOnce: limit });
    this.#held.push(...taken);
  }

  async #leasesRunOut(): Promise<void> {
    await this.#set('lease_until');
    this.#model.leasesRunOut();
  }

  async #timePasses(): Promise<void> {
    await this.#set('due_at');
    this.#model.timePasses();
  }

  readonly #set = (column: string): Promise<unknown> =>
    this.#fixture.under.query(
      `update outgoing set ${column} = 1 where lane = '${this.#lane}' and ${column} is not null`,
    );

  /** Whoever is left over ends what there is. */
  async drain(): Promise<void> {
    const [ledger] = this.#processes;
    for (let round = 0; round < 2; round++) {
      await this.#leasesRunOut();
      await this.#timePasses();
      const taken = await this.#ask(ledger, 2 * ENTRIES);
      this.#takes(taken, 2 * ENTRIES);
      await ledger.settleEntries(taken.map((each) => ({ ...plain(each), outcome: OUTCOMES.sent })));
      for (const each of taken) this.#model.settle(each, 'sent');
      await this.#same('drain');
    }
    for (const { state, due } of this.#model.entries.values())
      assert.ok(!['QUEUED', 'SENDING'].includes(state) && due === null, state);
    await this.#told();
  }

  /** What changes said last of each. */
  async #told(): Promise<void> {
    const last = new Map<unknown, unknown>();
    // Told is what is older than every transaction under way, of other tests, too.
    for (let after = this.#position; ;) {
      const page = await this.#fixture.ledger.changes(after, 1_000);
      assert.ok(page !== 'reset');
      for (const { details } of page.changes) last.set(details['entry'], details['state']);
      if (page.changes.length === 0) break;
      after = page.changes.at(-1)!.position;
    }
    for (const [id, { state }] of this.#model.entries) assert.equal(last.get(id), state);
  }

  async #same(what: string): Promise<void> {
    const rows = await this.#fixture.under.query<Row>(
      `select id, state, fence, tries, refusals, looks, handed, doubted, due_at as due, lease_until as lease from outgoing
        where lane = '${this.#lane}' order by seq`,
    );
    const soon = Date.now() + LATER_MS / 2;
    const stored = rows.map(({ id, due, lease, handed, doubted, ...row }): [string, ModelEntry] => [
      id,
      {
        ...row,
        handed: Boolean(handed),
        doubted: Boolean(doubted),
        due: due === null ? null : due < soon ? 'now' : 'later',
        lease: lease === null ? null : lease === 1 ? 'lapsed' : 'held',
      },
    ]);
    assert.deepEqual(stored, [...this.#model.entries], what);
  }
}

const plain = ({ id, fence }: EntryRef): EntryRef => ({ id, fence });
const repeats = (key: string): boolean => key.endsWith('3') || key.endsWith('4');
