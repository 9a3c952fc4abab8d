// Two ledgers on different databases that live the same life: each call goes to both, and their answers are compared, in
// content and in order.
// Invariant: ids differ from database to database, and each stands for the same thing for the rest of the life; times may
// differ by what the calls took.
import assert from 'node:assert/strict';
import type { Call } from '../../engine/ledger/common/parts';
import type { LedgerFault } from '../../engine/ledger/fault';
import type { Ledger } from '../../engine/ledger/ledger';
import type { SeenLease } from '../../engine/ledger/offers';
import type { SeenKey } from '../../engine/ledger/once-keys';
import type { DueLane, EntryRef } from '../../engine/ledger/outbox';
import type { LedgerUnderTest } from './contract/harness';

export type LedgerBeside = Pick<LedgerUnderTest, 'ledger' | 'query' | 'dispose'>;

/** What one ledger has, and what the other has in its place. */
export type Both<T> = readonly [T, T];

type Side = 0 | 1;
type Answer<Name extends Call> = Awaited<ReturnType<Ledger[Name]>>;

/** Fields whose numbers are times, or how long until one. */
const TIME = /(^at|At|^since|Since|until|Until|InMs|^ageMs)$/;
/** More than the calls of a life take, less than any wait in it, ms. */
const TOLERANCE_MS = 10_000;

/** What the ids of a field, or of a call's answer itself, are of. */
const ID_OF: Readonly<Record<string, string>> = {
  ...{ sourceId: 'source', subscriptionId: 'subscription', subscriptionIds: 'subscription' },
  ...{ nodeIds: 'subscription', due: 'subscription', event: 'event', run: 'run', next: 'place' },
  ...{ 'subscribe.id': 'subscription', 'subscriptionsOf.id': 'subscription', 'heritage.id': 'subscription' },
  ...{ sourceIds: 'source', 'sources.id': 'source', 'offer.id': 'run', 'takeErrands.id': 'errand' },
  ...{ 'events.id': 'event', 'event.id': 'event' },
  ...{
    'enqueue.id': 'entry',
    'takeEntries.id': 'entry',
    'settleEntries.id': 'entry',
    'renewEntries.id': 'entry',
  },
  ...{ 'entriesOf.id': 'entry', 'entries.id': 'entry', actOnEntries: 'entry', noteBounces: 'entry' },
  ...{ 'entries.next': 'place of an entry', 'endpoints.id': 'endpoint', 'saveEndpoint.id': 'endpoint' },
  ...{ record: 'subscription', cursors: 'subscription', contents: 'event', whereabouts: 'event' },
};

/** Where the ids are that a database may give a second time. */
const IDS: Readonly<Record<string, string>> = {
  source: 'select id from source',
  subscription: 'select id from subscription',
  errand: 'select id from errand',
  place: 'select seq as id from event',
  'place of an entry': 'select seq as id from outgoing',
};

/** Lists whose order says nothing, and the names of what is in them. */
const UNORDERED: Readonly<Record<string, (item: unknown) => string>> = {
  'offer.running': (lease) => `run ${(lease as SeenLease).run}`,
  heldKeys: (seen) => (seen as SeenKey).key,
  leftKeys: (seen) => (seen as SeenKey).key,
  sourceIds: (id) => `source ${String(id)}`,
  record: (id) => `subscription ${String(id)}`,
  subscriptionIds: (id) => `subscription ${String(id)}`,
  settleEntries: (ref) => `entry ${(ref as EntryRef).id}`,
  renewEntries: (ref) => `entry ${(ref as EntryRef).id}`,
  entriesOf: (entry) => `entry ${(entry as EntryRef).id}`,
  actOnEntries: (id) => `entry ${String(id)}`,
  noteBounces: (id) => `entry ${String(id)}`,
  dueLanes: (lane) => (lane as DueLane).lane,
};

/** What is named twice counts once: of a list of ids or keys the first comes again, at its end. */
const twiceNamed = (given: unknown): unknown =>
  Array.isArray(given) && given.every((one) => typeof one === 'string' || typeof one === 'number')
    ? [...(given as readonly unknown[]), ...(given.slice(0, 1) as readonly unknown[])]
    : given;

export class Alike {
  readonly #ledgers: Both<LedgerBeside>;
  readonly #known: Both<Map<string, string>> = [new Map(), new Map()];
  #asked = 0;

  constructor(ledgers: Both<LedgerBeside>) {
    this.#ledgers = ledgers;
  }

  /** @param args for each of the two @returns the answers; null: it was refused, by both in the same words */
  async ask<Name extends Call>(
    call: Name,
    args: (side: Side) => Parameters<Ledger[Name]>,
  ): Promise<Both<Answer<Name>> | null> {
    const given =
      this.#asked++ % 2 === 0 ? args : (side: Side): readonly unknown[] => args(side).map(twiceNamed);
    const [one, other] = await Promise.all([
      this.#answer(call, given(0), 0),
      this.#answer(call, given(1), 1),
    ]);
    assert.deepEqual(other.refused, one.refused, call);
    if (one.refused) return null;
    this.#same(call, '', one.value, other.value, call);
    return [one.value, other.value] as unknown as Both<Answer<Name>>;
  }

  /** Does the same with each ledger, whatever its calls answer. */
  async each(what: (ledger: Ledger) => Promise<void>): Promise<void> {
    await Promise.all(this.#ledgers.map(({ ledger }) => what(ledger)));
  }

  /** Runs one statement beside each ledger. */
  async query<Row>(sql: string): Promise<Both<Row[]>> {
    const [one, other] = this.#ledgers;
    return Promise.all([one.query<Row>(sql), other.query<Row>(sql)]);
  }

  /** After a sweep: the same is gone from both, and its ids may be given to something new. */
  async forgetGone(): Promise<void> {
    for (const [kind, ids] of Object.entries(IDS)) {
      const kept = (await this.query<{ id: number }>(ids)).map(
        (rows) => new Set(rows.map(({ id }) => `${kind} ${id}`)),
      );
      const [to, from] = this.#known;
      for (const [one, other] of [...to]) {
        if (!one.startsWith(`${kind} `)) continue;
        assert.equal(kept[1]!.has(other), kept[0]!.has(one), `${one}, ${other}`);
        if (kept[0]!.has(one)) continue;
        to.delete(one);
        from.delete(other);
      }
    }
  }

  async #answer(
    call: Call,
    args: readonly unknown[],
    side: Side,
  ): Promise<{ readonly value?: unknown; readonly refused?: readonly unknown[] }> {
    const { ledger } = this.#ledgers[side];
    try {
      return { value: await (ledger[call] as (...given: unknown[]) => Promise<unknown>)(...args) };
    } catch (error) {
      const { name, kind, message } = error as LedgerFault;
      return { refused: [name, kind, message] };
    }
  }

  /** @param field the name of what is compared; empty: it is the answer itself */
  #same(call: Call, field: string, one: unknown, other: unknown, path: string): void {
    if (one instanceof Map && other instanceof Map) {
      const kind = ID_OF[call];
      const entries = (map: ReadonlyMap<unknown, unknown>, side: Side): unknown[] =>
        this.#ordered([...map], ([id]) => `${kind} ${String(id)}`, side);
      this.#same(call, field, entries(one, 0), entries(other, 1), path);
    } else if (Array.isArray(one) && Array.isArray(other)) {
      assert.equal(other.length, one.length, path);
      const name = UNORDERED[`${call}.${field}`] ?? UNORDERED[field || call];
      const [these, those] = [one, other].map((list: unknown[], side) =>
        name ? this.#ordered(list, name, side as Side) : list,
      );
      for (const [i, item] of these!.entries()) this.#same(call, field, item, those![i], `${path}[${i}]`);
    } else if (Buffer.isBuffer(one)) {
      assert.ok(Buffer.isBuffer(other) && one.equals(other), path);
    } else if (typeof one === 'object' && typeof other === 'object' && one && other) {
      assert.deepEqual(Object.keys(other).sort(), Object.keys(one).sort(), path);
      for (const [key, value] of Object.entries(one)) {
        this.#same(call, key, value, (other as Record<string, unknown>)[key], `${path}.${key}`);
      }
    } else if (TIME.test(field || call) && typeof one === 'number' && typeof other === 'number') {
      assert.ok(Math.abs(one - other) < TOLERANCE_MS, `${path}: ${one} and ${other}`);
    } else {
      const kind = ID_OF[`${call}.${field}`] ?? ID_OF[field || call];
      if (kind && one !== null && other !== null) this.#sameId(kind, one, other, path);
      else assert.deepEqual(other, one, path);
    }
  }

  /** What has no order, in that in which its ids became known. */
  #ordered<T>(list: readonly T[], name: (item: T) => string, side: Side): T[] {
    const known = [...this.#known[side].keys()];
    const place = (item: T): number => known.indexOf(name(item));
    return list.toSorted((a, b) => place(a) - place(b) || (name(a) < name(b) ? -1 : 1));
  }

  #sameId(kind: string, one: unknown, other: unknown, path: string): void {
    const names = [`${kind} ${String(one)}`, `${kind} ${String(other)}`] as const;
    const [to, from] = this.#known;
    const isNew = !to.has(names[0]) && !from.has(names[1]);
    if (isNew) {
      to.set(names[0], names[1]);
      from.set(names[1], names[0]);
    }
    assert.equal(names[1], to.get(names[0]), path);
  }
}
