// What all sources share: one watch for many subscribers, and when a person hears of a fault.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SourceKey } from '../../engine/ledger/sources';
import type { Subscription } from '../../engine/ledger/subscriptions';
import { backoffDelay } from '../../engine/runtime/backoff';
import { DeadlineError, pause, withDeadline } from '../../engine/runtime/time';
import { Outage } from '../../engine/source/outage';
import { SourceRegistry } from '../../engine/source/registry';
import type { Subscriber } from '../../engine/source/source';

const key: SourceKey = { kind: 'imap', account: 'ann@mail.example', mailbox: 'INBOX' };

const subscription = (cursor: Subscription['cursor']): Subscription => ({
  id: 1,
  sourceId: 9,
  cursor,
  createdAt: 0,
  nodeIds: [1],
});

const subscriber = (
  reports: Error[] = [],
  cursor: Subscription['cursor'] = { uid: 1 },
  more: Partial<Subscriber<string, null>> = {},
): Subscriber<string, null> => ({
  subscription: subscription(cursor),
  reading: null,
  outage: { afterMs: 15 * 60_000, whenOver: false },
  hasActions: false,
  mostConnections: 3,
  joinedAt: 0,
  begun: () => true,
  synced: () => undefined,
  login: async () => 'login',
  report: (fault) => reports.push(fault),
  warn: () => undefined,
  reportOver: () => undefined,
  moved: () => undefined,
  ...more,
});

describe('the registry of sources', () => {
  it('starts one watch for all subscribers of a source, and stops it with the last', async () => {
    const events: string[] = [];
    const registry = new SourceRegistry<string, null>((source, sourceId, subscribers) => {
      events.push(`start ${source.mailbox} ${sourceId}`);
      return {
        nudge: () => events.push(`nudge ${subscribers().length}`),
        isHeld: true,
        stop: async () => void events.push('stop'),
      };
    });
    const leaveFirst = registry.join(key, subscriber());
    const leaveSecond = registry.join(key, subscriber());
    const leaveOther = registry.join({ ...key, mailbox: 'Support' }, subscriber());
    await leaveFirst();
    await leaveFirst();
    assert.deepEqual(events, ['start INBOX 9', 'nudge 2', 'start Support 9']);
    await leaveSecond();
    await leaveOther();
    assert.deepEqual(events.slice(3), ['stop', 'stop']);
    await registry.join(key, subscriber())();
    assert.deepEqual(events.slice(5), ['start INBOX 9', 'stop']);
  });
});

describe('an outage', () => {
  const minutes = (count: number): number => count * 60_000;
  const fault = new Error('refused');

  function outage(): { at: (ms: number) => Outage } {
    let now = 0;
    const one = new Outage(() => now);
    return { at: (ms) => ((now = ms), one) };
  }

  it('is reported once when it has lasted, and again only if there is another', () => {
    const reports: Error[] = [];
    const listeners = [subscriber(reports)];
    const { at } = outage();
    at(0).failed(fault, false, listeners);
    at(minutes(14)).failed(fault, false, listeners);
    assert.equal(reports.length, 0);
    at(minutes(15)).failed(fault, false, listeners);
    at(minutes(60)).failed(fault, false, listeners);
    assert.equal(reports.length, 1);
    at(minutes(61)).over(listeners);
    at(minutes(62)).failed(fault, false, listeners);
    assert.equal(reports.length, 1);
    at(minutes(80)).failed(fault, false, listeners);
    assert.equal(reports.length, 2);
  });

  it('is reported when each wants it, or never, and told to be over only where that is asked for', () => {
    const [soon, never]: [Error[], Error[]] = [[], []];
    const overs: number[] = [];
    const listeners = [
      subscriber(
        soon,
        { uid: 1 },
        {
          outage: { afterMs: minutes(1), whenOver: true },
          reportOver: (lasted) => overs.push(lasted),
        },
      ),
      subscriber(
        never,
        { uid: 1 },
        {
          outage: { afterMs: null, whenOver: true },
          reportOver: () => assert.fail('nothing was reported that could be over'),
        },
      ),
    ];
    const { at } = outage();
    at(0).failed(fault, false, listeners);
    at(minutes(2)).failed(fault, false, listeners);
    at(minutes(900)).failed(fault, false, listeners);
    assert.deepEqual([soon.length, never.length], [1, 0]);
    at(minutes(901)).over(listeners);
    at(minutes(902)).over(listeners);
    assert.deepEqual(overs, [minutes(901)]);
  });

  it('that needs a person is reported the second time in a row', () => {
    const reports: Error[] = [];
    const listeners = [subscriber(reports)];
    const { at } = outage();
    at(0).failed(fault, true, listeners);
    assert.equal(reports.length, 0);
    at(1).failed(fault, true, listeners);
    assert.equal(reports.length, 1);
  });

  it('is reported at once to whoever has just set it up', () => {
    const [fresh, old]: [Error[], Error[]] = [[], []];
    const listeners = [subscriber(fresh, null), subscriber(old)];
    const { at } = outage();
    at(0).failed(fault, false, listeners);
    assert.deepEqual([fresh.length, old.length], [1, 0]);
    at(1).over(listeners);
    at(2).failed(fault, false, listeners);
    assert.deepEqual([fresh.length, old.length], [1, 0], 'it has worked since');
  });
});

describe('waiting', () => {
  it('backs off exponentially, with jitter, up to its limit', () => {
    const range = { firstMs: 1_000, mostMs: 120_000 };
    const longest = [1, 2, 3, 7, 8, 500].map((failures) => backoffDelay(failures, range, () => 1));
    assert.deepEqual(longest, [1_000, 2_000, 4_000, 64_000, 120_000, 120_000]);
    assert.equal(
      backoffDelay(3, range, () => 0),
      2_000,
    );
  });

  it('ends at once when it is aborted', async () => {
    const stop = new AbortController();
    const waiting = pause(60_000, stop.signal);
    stop.abort();
    await waiting;
    await pause(60_000, stop.signal);
  });

  it('has a deadline that says what was waited for', async () => {
    await assert.rejects(withDeadline('Listing', 10, new Promise(() => undefined)), (error) => {
      assert.ok(error instanceof DeadlineError);
      assert.match(error.message, /^Listing was not answered/);
      return true;
    });
    assert.equal(await withDeadline('Listing', 1_000, Promise.resolve(3)), 3);
    await assert.rejects(withDeadline('Listing', 1_000, Promise.reject(new Error('no'))), /^Error: no$/);
  });
});
