// What whoever watches a source leaves to the same code for every kind: what is told, to whom, and what stands in the ledger.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Ledger } from '../../engine/ledger/ledger';
import type { SourceReport } from '../../engine/ledger/sources';
import { ProcessWake } from '../../engine/signal/wake';
import { ActionCalls } from '../../engine/source/action-calls';
import { SourceLeases } from '../../engine/source/leases';
import type { Subscriber } from '../../engine/source/source';
import { WatchedSource } from '../../engine/source/watched';
import { silentLog } from '../support/log';

type Listener = Subscriber<string, null>;

const NAMES = { name: 'postbox of ann', called: 'the postbox of ann', settings: 'wishes' };
const KEY = { kind: 'post', account: 'ann', mailbox: 'box' };

/** A source of a kind that nobody knows, and all that is told of it. */
class Setting {
  readonly told: string[] = [];
  readonly reports: SourceReport[] = [];
  readonly listeners: Listener[];
  readonly source: WatchedSource<Listener>;
  isAway = false;

  constructor(...ids: readonly number[]) {
    this.listeners = ids.map((id) => this.#listener(id));
    const ledger = {
      holdSource: () => Promise.resolve({ hold: { sourceId: 1, fence: 1 } }),
      releaseHolds: () => Promise.resolve(),
      reportSource: async (_: unknown, report: SourceReport) => {
        if (this.isAway) throw new Error('The ledger is away');
        this.reports.push(report);
      },
    } as unknown as Ledger;
    const leases = new SourceLeases(ledger, silentLog);
    this.source = new WatchedSource(KEY, 1, NAMES, () => this.listeners, { ledger, leases, log: silentLog });
  }

  #listener(id: number): Listener {
    return {
      subscription: { id, sourceId: 1, cursor: { at: 1 }, createdAt: 0, nodeIds: [id] },
      ...{ reading: null, outage: { afterMs: 0, whenOver: true }, mostConnections: 1, joinedAt: 7 },
      hasActions: id === 1,
      begun: () => false,
      synced: () => void this.told.push(`${id} synced`),
      login: () => Promise.resolve('login'),
      report: (fault) => void this.told.push(`${id} reported: ${fault.message}`),
      warn: (fault) => void this.told.push(`${id} warned: ${fault.message}`),
      reportOver: () => void this.told.push(`${id} over`),
      moved: () => undefined,
    };
  }

  take(): string[] {
    return this.told.splice(0);
  }
}

const READ = { older: null };

describe('a watched source, of whatever kind', () => {
  it('is read for those whose settings its server takes; the others are told why, once, and begin when it does', async () => {
    const setting = new Setting(1, 2);
    const { source, listeners } = setting;
    await source.held();
    source.complaints.refused(2, new Error('What is "by owl"?'));
    source.complaints.refused(2, new Error('What is "by owl"?'));
    assert.deepEqual(setting.take(), [
      '2 warned: The wishes for the postbox of ann cannot be used, so no mail of it runs: What is "by owl"?',
    ]);
    listeners[1] = { ...listeners[1]!, isToldElsewhere: true };
    source.complaints.refused(2, new Error('What is "by owl"?'));
    assert.equal(setting.take().length, 1, 'who listens in another process may not have been there');
    // It was refused in the middle of the reading that had begun with both.
    await source.wasRead(listeners, READ, 'polling');
    assert.deepEqual(setting.take(), ['1 synced'], 'nothing was read for the other one');
    assert.deepEqual(source.accepted(), [listeners[0]]);
    const [first, second] = listeners.map((one) => source.beginningOf(one).switchedOnAt);
    assert.deepEqual(
      [first, second],
      [undefined, 7],
      'and the moment in which it was switched on still counts',
    );
    source.complaints.accepted(2);
    await source.wasRead(listeners, READ, 'polling');
    assert.deepEqual(setting.take(), ['1 synced', '2 synced']);
  });

  it('is said to be as it is once, and again only when something is new, or a minute is over', async () => {
    const { source, listeners, reports } = new Setting(1);
    await source.held();
    for (let times = 0; times < 3; times++) await source.wasRead(listeners, READ, 'idling');
    assert.deepEqual(
      reports.map(({ state, connection, synced }) => [state, connection, synced]),
      [['idle', 'idling', true]],
    );
    await source.wasRead(listeners, { older: null, error: 'One mail is held back' }, 'idling');
    await source.wasRead(
      listeners,
      { older: { read: 5, left: 9 }, error: 'One mail is held back' },
      'idling',
    );
    await source.wasRead(listeners, { ...READ, recovered: 3 }, 'idling');
    await source.wasRead(listeners, { ...READ, recovered: 3 }, 'idling');
    assert.deepEqual(
      reports.slice(1).map(({ state, error, backfill, recovered }) => [state, error, backfill, recovered]),
      [
        ['retry_scheduled', 'One mail is held back', null, undefined],
        ['syncing', 'One mail is held back', { read: 5, left: 9 }, undefined],
        ['idle', undefined, null, 3],
        ['idle', undefined, null, 3],
      ],
    );
  });

  it('is read on, though its state cannot be stored, and though somebody cannot be told', async () => {
    const setting = new Setting(1, 2);
    const { source, listeners } = setting;
    await source.held();
    setting.isAway = true;
    Object.assign(listeners[0]!, {
      warn: () => {
        throw new Error('Nobody hears it');
      },
      reportOver: () => {
        throw new Error('Nobody hears it');
      },
    });
    source.warn(new Error('Something is wrong'));
    await source.failed(new Error('It is away'), 1_000, { needsPerson: () => false });
    await source.wasRead(listeners, READ, 'polling');
    assert.deepEqual(setting.take(), [
      '2 warned: Something is wrong',
      '1 reported: It is away',
      '2 reported: It is away',
      '1 synced',
      '2 synced',
    ]);
  });

  it('that failed is told in words of the own login, or not at all where each was told', async () => {
    const setting = new Setting(1, 2);
    await setting.source.held();
    const own = ({ subscription }: Listener): Error | undefined =>
      subscription.id === 2 ? new Error('Your password') : undefined;
    await setting.source.failed(new Error('All are refused'), 1_000, null);
    assert.deepEqual(setting.take(), []);
    await setting.source.failed(new Error('It is away'), 1_000, { needsPerson: () => false, own });
    assert.deepEqual(setting.take(), ['1 reported: It is away', '2 reported: Your password']);
  });
});

describe('calls to act on mails', () => {
  it('come for every run of a source as soon as one subscriber wants that, also for who joins, until the end', () => {
    const { listeners } = new Setting(2);
    const [wanting] = new Setting(1).listeners;
    const wake = new ProcessWake();
    let called = 0;
    const calls = new ActionCalls(
      () => listeners,
      wake,
      () => called++,
    );
    wake.notify([2]);
    assert.equal(called, 0, 'nobody wants anything done');
    listeners.push(wanting!);
    calls.listen();
    calls.listen();
    wake.notify([1]);
    wake.notify([2]);
    assert.equal(called, 2);
    calls.end();
    // A visit that was under way goes on for a moment.
    calls.listen();
    wake.notify([1, 2]);
    assert.equal(called, 2);
  });
});
