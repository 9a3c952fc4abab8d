// A process among those that would read the same sources: what it says it wants, and what it takes meanwhile.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Ledger } from '../../engine/ledger/ledger';
import type { Members, Share, SourceStanding } from '../../engine/ledger/members';
import type { HoldRequest, SourceHolds } from '../../engine/ledger/source-holds';
import type { Log } from '../../engine/runtime/log';
import { ProcessWake } from '../../engine/signal/wake';
import { SourceLeases } from '../../engine/source/leases';
import { Membership, type Watcher } from '../../engine/source/membership';
import { lookKey } from '../../engine/source/notices';
import type { Subscriber } from '../../engine/source/source';
import { WatchedSource } from '../../engine/source/watched';
import { until } from '../support/until';

const IGNORE = (): void => undefined;
const LOG: Log = { debug: IGNORE, info: IGNORE, warn: IGNORE, error: IGNORE };

/** What the ledger is told, each as soon as it is answered. */
class Told {
  readonly said: string[] = [];
  isForgotten = false;
  shares: Share[] = [];
  /** Called before it answers. */
  before: (said: string) => Promise<void> = () => Promise.resolve();

  readonly members: Members = {
    attend: async (_member, _aliveMs, wants, has = []) => {
      const all = wants?.map(({ sourceId }) => sourceId).join() || 'none';
      await this.#told(
        wants ? `wants ${all}, has ${has.map(({ sourceId: id }) => id).join() || 'none'}` : 'is alive',
      );
      if (wants) this.isForgotten = false;
      return this.isForgotten ? null : 1;
    },
    withdraw: () => this.#told('leaves'),
    shares: () => Promise.resolve(this.shares),
    cannotReach: (_member, ids, ms) => this.#told(`${ms > 0 ? 'does not reach' : 'reaches'} ${ids.length}`),
    passOn: () => Promise.resolve(false),
    complain: () => Promise.resolve(),
    standings: () => Promise.resolve([]),
    noteListening: () => Promise.resolve([]),
  };

  readonly holds: SourceHolds = {
    holdSource: ({ sourceId }: HoldRequest) => Promise.resolve({ hold: { sourceId, fence: 1 } }),
    renewHolds: (holds) => Promise.resolve([...holds]),
    releaseHolds: () => Promise.resolve(),
  };

  async #told(said: string): Promise<void> {
    await this.before(said);
    this.said.push(said);
  }
}

const watcherOf = (sourceId: number): Watcher & { wants: Watcher['wants'] } => ({
  sourceId,
  wants: 'always',
  isHeld: false,
  passTo: IGNORE,
  stands: IGNORE,
});

describe('a process among others', () => {
  const begin = (
    leaseMs?: number,
  ): { told: Told; leases: SourceLeases; wake: ProcessWake; membership: Membership } => {
    const told = new Told();
    const leases = new SourceLeases(told.holds, LOG, leaseMs === undefined ? {} : { leaseMs });
    const wake = new ProcessWake();
    return { told, leases, wake, membership: new Membership(told.members, leases, wake, LOG) };
  };
  const last = (told: Told, said: string): Promise<unknown> =>
    until(`it says: ${said}`, () => told.said.at(-1) === said);

  it('does not take what it says it wants no more until that was heard, and keeps what it has', async () => {
    const { told, leases, wake, membership } = begin();
    const [kept, one] = [watcherOf(1), watcherOf(2)];
    const leaves = [membership.join(kept), membership.join(one)];
    await last(told, 'wants 1,2, has none');
    await leases.take(1);
    const free: number[] = [];
    wake.listen(lookKey(2), () => free.push(2));
    let heard = IGNORE;
    told.before = () => new Promise((resolve) => (heard = resolve));
    one.wants = 'never';
    membership.changed();
    await until('it is being told', () => heard !== IGNORE);
    one.wants = 'always';
    assert.equal(membership.mayTake(one), false, 'it may be freed at any moment');
    assert.equal(membership.mayTake(kept), true);
    assert.deepEqual(free, []);
    told.before = () => Promise.resolve();
    heard();
    await last(told, 'wants 1, has 1');
    await until('others are told', () => free.length > 0);
    assert.equal(membership.mayTake(one), true);
    membership.changed();
    await last(told, 'wants 1,2, has 1');
    for (const leave of leaves) leave();
    await membership.left();
    assert.equal(told.said.at(-1), 'leaves');
  });

  it('says what it has taken only when it is known of what it drops, too', async () => {
    const { told, leases, membership } = begin();
    const [kept, one] = [watcherOf(1), watcherOf(2)];
    const leaves = [membership.join(kept), membership.join(one)];
    await last(told, 'wants 1,2, has none');
    let answer = IGNORE;
    told.holds.holdSource = ({ sourceId }) =>
      new Promise((resolve) => (answer = () => resolve({ hold: { sourceId, fence: 1 } })));
    const taking = leases.take(2);
    one.wants = 'never';
    membership.changed();
    await until('it is being told', () => !membership.mayTake({ sourceId: 2, wants: 'always' }));
    answer();
    await taking;
    await last(told, 'wants 1, has 2');
    for (const leave of leaves) leave();
    await membership.left();
  });

  it('says what it wants again where that was forgotten', async () => {
    const { told, membership } = begin();
    const leave = membership.join(watcherOf(1));
    await last(told, 'wants 1, has none');
    told.isForgotten = true;
    membership.changed();
    await until('it is known again', () => !told.isForgotten);
    assert.deepEqual(told.said, ['wants 1, has none', 'is alive', 'wants 1, has none']);
    leave();
    await membership.left();
  });

  it('that begins again while it leaves says what it wants after that', async () => {
    const { told, membership } = begin();
    const one = watcherOf(1);
    const leave = membership.join(one);
    await last(told, 'wants 1, has none');
    let heard = IGNORE;
    told.before = (said) =>
      said === 'leaves' ? new Promise((resolve) => (heard = resolve)) : Promise.resolve();
    leave();
    await until('it leaves', () => heard !== IGNORE);
    const again = membership.join(one);
    assert.equal(membership.mayTake(one), false);
    // It would have said so by then.
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(told.said, ['wants 1, has none']);
    heard();
    await until('it says so again', () => told.said.length === 3);
    assert.deepEqual(told.said, ['wants 1, has none', 'leaves', 'wants 1, has none']);
    told.before = () => Promise.resolve();
    again();
    await membership.left();
    membership.changed();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(told.said.at(-1), 'leaves', 'nobody is a member who watches nothing');
  });

  it('has left when the last of its sources is closed, so that it is given nothing any more', async () => {
    const { told, leases, wake, membership } = begin();
    const ledger = { ...told.members, reportSource: () => Promise.resolve() } as unknown as Ledger;
    const names = { name: 'postbox', called: 'the postbox', settings: 'wishes' };
    const ports = { ledger, leases, wake, log: LOG, membership };
    const key = { kind: 'post', account: 'ann', mailbox: 'box' };
    const source = new WatchedSource<Subscriber<never, never>>(key, 1, names, () => [], ports);
    await last(told, 'wants none, has none');
    let heard = IGNORE;
    told.before = (said) =>
      said === 'leaves' ? new Promise((resolve) => (heard = resolve)) : Promise.resolve();
    let isClosed = false;
    const closing = source.close().then(() => (isClosed = true));
    await until('it leaves', () => heard !== IGNORE);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(isClosed, false);
    heard();
    await closing;
    assert.equal(told.said.at(-1), 'leaves');
  });

  it('gives away all at once what it cannot reach, and of what it reads a few at a time', async () => {
    const { told, leases, membership } = begin(4_000);
    const ids = Array.from({ length: 30 }, (_, at) => at + 1);
    const heirs = new Map<number, string | null>();
    const leaves = ids.map((sourceId) =>
      membership.join({ ...watcherOf(sourceId), isHeld: true, passTo: (heir) => heirs.set(sourceId, heir) }),
    );
    const given = (): number => [...heirs.values()].filter((heir) => heir === 'other').length;
    const share = (wanters: string[]): Share => ({
      ...{ holder: leases.holder, wanters, count: ids.length, sourceIds: ids },
    });
    told.shares = [share(['other', leases.holder])];
    membership.changed();
    await until('some are given', () => given() > 0);
    assert.equal(given(), 10);
    told.shares = [share(['other'])];
    await Promise.all(ids.map((id) => membership.cannotReach(id)));
    membership.changed();
    await new Promise((resolve) => setTimeout(resolve, 250));
    assert.equal(given(), 0, 'others may say as well that they do not reach it');
    await until('all are given', () => given() === ids.length);
    assert.equal(told.said.filter((said) => said === `does not reach ${ids.length}`).length, 1);
    for (const leave of leaves) leave();
    await membership.left();
  });

  it('keeps what nobody reaches, and as long again when the first of the others does', async () => {
    const { told, leases, membership } = begin(1_000);
    const heirs: (string | null)[] = [];
    const leave = membership.join({
      ...watcherOf(1),
      isHeld: true,
      passTo: (heir) => void heirs.push(heir),
    });
    await last(told, 'wants 1, has none');
    const share = (wanters: string[]): Share => ({
      ...{ holder: leases.holder, wanters, count: 1, sourceIds: [1] },
    });
    told.shares = [share([])];
    await membership.cannotReach(1);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    told.shares = [share(['other'])];
    const [from, before] = [performance.now(), heirs.length];
    await until('it was seen', () => heirs.length > before);
    assert.deepEqual(new Set(heirs), new Set([null]), 'this process may reach it in the next moment');
    await until('it is given', () => heirs.at(-1) === 'other');
    assert.ok(performance.now() - from >= 400);
    membership.reached(1);
    assert.equal(heirs.at(-1), null, 'it is not given any more');
    leave();
    await membership.left();
  });

  it('keeps what nobody reaches, and gives what somebody does, also where not all of it is named', async () => {
    const { told, leases, membership } = begin(500);
    const heirs = new Map<number, string | null>();
    const ids = Array.from({ length: 61 }, (_, at) => at);
    const leaves = ids.map((sourceId) =>
      membership.join({ ...watcherOf(sourceId), isHeld: true, passTo: (heir) => heirs.set(sourceId, heir) }),
    );
    const { holder } = leases;
    told.shares = [
      { holder, wanters: ['other'], count: 1, sourceIds: [0] },
      { holder, wanters: [], count: 60, sourceIds: ids.slice(1, 51) },
    ];
    await until('it is one of several', () => membership.hasOthers);
    await Promise.all(ids.map((id) => membership.cannotReach(id)));
    await until('it is given', () => heirs.get(0) === 'other');
    assert.deepEqual([...heirs.values()].filter((heir) => heir !== null).length, 1);
    told.shares = [{ holder, wanters: ['other'], count: 60, sourceIds: ids.slice(11) }];
    await until('the rest is given', () => ids.slice(11).every((id) => heirs.get(id) === 'other'));
    for (const leave of leaves) leave();
    await membership.left();
  });

  it('goes on counting an outage of what it is passed while nobody can read it', async () => {
    const { told, leases, wake, membership } = begin();
    const standing: SourceStanding = {
      ...{
        sourceId: 1,
        holder: 'other',
        until: Date.now() + 60_000,
        isFree: false,
        isMembers: true,
        others: 1,
      },
      ...{ lastSuccessAt: null, failingSince: 1, readSince: null, lastError: 'no answer', complaints: [] },
    };
    told.members.standings = () => Promise.resolve([standing]);
    told.holds.holdSource = () => Promise.resolve({ heldBy: 'other', until: standing.until! });
    const ledger = { ...told.members, reportSource: () => Promise.resolve() } as unknown as Ledger;
    const reports: string[] = [];
    const subscriber = {
      subscription: { id: 1, sourceId: 1, cursor: {}, createdAt: 0, nodeIds: [1] },
      outage: { afterMs: 500, whenOver: false },
      report: (fault: Error) => void reports.push(fault.message),
    } as unknown as Subscriber<never, never>;
    const names = { name: 'postbox', called: 'the postbox', settings: 'wishes' };
    const ports = { ledger, leases, wake, log: LOG, membership };
    const key = { kind: 'post', account: 'ann', mailbox: 'box' };
    const source = new WatchedSource<Subscriber<never, never>>(key, 1, names, () => [subscriber], ports);
    await until('it was looked at', () => membership.standingOf(1) !== undefined);
    assert.equal(await source.held(), 'no');
    await new Promise((resolve) => setTimeout(resolve, 550));
    source.looked();
    told.holds.holdSource = () => Promise.resolve({ hold: { sourceId: 1, fence: 2 } });
    assert.equal(await source.held(), 'anew');
    await source.failed(new Error('no answer'), 1_000, { needsPerson: () => false });
    assert.deepEqual(reports, ['no answer']);
    await source.close();
  });

  it('says again what could not be told, and that it reaches what it has read', async () => {
    const { told, membership } = begin(600);
    const leave = membership.join({ ...watcherOf(1), isHeld: true });
    await last(told, 'wants 1, has none');
    let failures = 2;
    told.before = (said) =>
      said.startsWith('does not reach') && failures-- > 0
        ? Promise.reject(new Error('It cannot be told'))
        : Promise.resolve();
    await membership.cannotReach(1);
    await until('it is told', () => told.said.includes('does not reach 1'));
    assert.ok(failures < 0);
    membership.reached(1);
    await until('it is told', () => told.said.includes('reaches 1'));
    const said = told.said.length;
    membership.reached(1);
    await new Promise(setImmediate);
    assert.deepEqual(
      told.said.slice(said).filter((each) => each.startsWith('reaches')),
      [],
    );
    leave();
    await membership.left();
  });
});
