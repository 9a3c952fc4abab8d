// Telling endpoints, over a ledger that does what the test wants: what is missed is said, another process may be first, nothing is
// stored where there was nothing to tell; and when an endpoint has failed for so long that it is set aside.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Change, ChangeType } from '../../engine/ledger/changes';
import type { Endpoint, Endpoints } from '../../engine/ledger/endpoints';
import type { Entry, NewEntry } from '../../engine/ledger/outbox';
import { endpointOfEntry, newEndpoint } from '../../engine/outbox/webhook/endpoint';
import { failingFor } from '../../engine/outbox/webhook/failing';
import { Telling, type TellingPorts } from '../../engine/outbox/webhook/telling';
import { DEFAULT_WEBHOOK_REQUEST } from '../../engine/outbox/webhook/webhook-request';
import { ProcessWake } from '../../engine/signal/wake';
import { silentLog } from '../support/log';
import { until } from '../support/until';

const DAY_MS = 86_400_000;
const NOW = 100 * DAY_MS;

const endpoint = (
  id: number,
  more: Partial<Endpoint> = {},
  types: readonly ChangeType[] = ['email.dead'],
): Endpoint => ({
  ...newEndpoint({
    ...{ name: `endpoint ${id}`, url: `https://${id}.example.com/`, headers: {} },
    ...{ request: DEFAULT_WEBHOOK_REQUEST, wish: { types, workflowId: null, sourceId: null } },
  }),
  ...{
    id,
    createdBy: 'test',
    createdAt: 1,
    savedAt: 1,
    position: '0',
    asideSince: null,
    asideReason: null,
    missedAt: null,
  },
  ...more,
});

class FakeLedger {
  endpointsThere: Endpoint[];
  changesThere: Change[] = [];
  oldest = 0;
  readonly told: { id: number; from: string; to: string; missed: boolean; keys: string[] }[] = [];
  readonly aside: [id: number, reason: string][] = [];
  reads = 0;
  asked = 0;
  /** Before the next one is told: another process may be first. */
  meanwhile: (() => void) | null = null;

  constructor(...endpoints: Endpoint[]) {
    this.endpointsThere = endpoints;
  }

  happens(type: ChangeType, count = 1): void {
    for (let left = count; left > 0; left--) {
      const position = String(this.changesThere.length + 1);
      this.changesThere.push({
        ...{ position, type, at: 1, sourceId: 1, event: 'e', workflowId: 'w', details: {} },
      });
    }
  }

  readonly ports: TellingPorts['ledger'] = {
    endpoints: () => {
      this.asked++;
      return Promise.resolve(this.endpointsThere);
    },
    changePositions: () =>
      Promise.resolve({ oldest: String(this.oldest), newest: String(this.changesThere.length) }),
    changes: (after, limit) => {
      this.reads++;
      if (Number(after) < this.oldest) return Promise.resolve('reset');
      const changes = this.changesThere.slice(Number(after), Number(after) + limit);
      const position = changes.at(-1)?.position ?? after;
      return Promise.resolve({ changes, position, more: Number(position) < this.changesThere.length });
    },
    tellEndpoint: (id, { from, to, missed = false }, entries: readonly NewEntry[]) => {
      this.meanwhile?.();
      this.meanwhile = null;
      const found = this.endpointsThere.find((one) => one.id === id && one.position === from);
      if (!found) return Promise.resolve(false);
      this.move(id, { position: to });
      this.told.push({ id, from, to, missed, keys: entries.map(({ key }) => key) });
      return Promise.resolve(true);
    },
    setAside: (id, reason) => {
      this.aside.push([id, reason]);
      this.move(id, { asideSince: 1 });
      return Promise.resolve(true);
    },
    endpointHealth: () => Promise.resolve({ lastSentAt: null, hasFailedThen: false, lastFailure: null }),
    entriesOf: () => Promise.resolve([]),
  };

  move(id: number, to: Partial<Endpoint>): void {
    this.endpointsThere = this.endpointsThere.map((one) => (one.id === id ? { ...one, ...to } : one));
  }

  keysOf(id: number): string[] {
    return this.told.filter((one) => one.id === id).flatMap(({ keys }) => keys);
  }
}

async function telling(
  ledger: FakeLedger,
  work: (telling: Telling, warned: string[]) => Promise<void>,
): Promise<void> {
  const warned: string[] = [];
  const log = { ...silentLog, warn: (message: string) => void warned.push(message) };
  const one = new Telling({ ledger: ledger.ports, wake: new ProcessWake(), queued: () => undefined, log });
  one.start();
  try {
    await work(one, warned);
  } finally {
    await one.close();
  }
}

describe('Telling endpoints', () => {
  it('those that stand together are read for together, page by page, and each change is queued once', async () => {
    const ledger = new FakeLedger(...[1, 2, 3, 4].map((id) => endpoint(id)));
    ledger.happens('email.dead', 500);
    await telling(ledger, async () => {
      await until('all is told', () => [1, 2, 3, 4].every((id) => ledger.keysOf(id).length === 500));
    });
    assert.equal(ledger.reads, 3);
    assert.equal(new Set([1, 2, 3, 4].flatMap((id) => ledger.keysOf(id))).size, 2_000);
  });

  it('where there was nothing for it, nothing is stored; what comes is told from where it is stored', async () => {
    const ledger = new FakeLedger(endpoint(1));
    ledger.happens('email.new', 450);
    await telling(ledger, async (one) => {
      await until('all is read', () => ledger.reads >= 3);
      assert.deepEqual(ledger.told, []);
      ledger.happens('email.dead');
      one.look();
      await until('it is told', () => ledger.told.length === 1);
    });
    assert.deepEqual(
      { ...ledger.told[0], keys: 1 },
      { ...{ id: 1, from: '0', to: '451', missed: false, keys: 1 } },
    );
  });

  it('another process that was first is no loss, and nothing is told twice', async () => {
    const ledger = new FakeLedger(endpoint(1));
    ledger.happens('email.dead', 3);
    ledger.meanwhile = () => ledger.move(1, { position: '2' });
    await telling(ledger, async () => {
      await until('the rest is told', () => ledger.keysOf(1).length > 0);
    });
    assert.deepEqual(
      ledger.told.map(({ from, to, keys }) => [from, to, keys.length]),
      [['2', '3', 1]],
    );
  });

  it('one that wants something else is read for anew from where it is stored', async () => {
    const ledger = new FakeLedger(endpoint(1));
    ledger.happens('email.new', 3);
    await telling(ledger, async (one) => {
      await until('it is read', () => ledger.reads === 1);
      ledger.move(1, { wish: { types: ['email.new'], workflowId: null, sourceId: null } });
      ledger.happens('email.dead');
      one.look();
      await until('it is told', () => ledger.keysOf(1).length === 3);
    });
  });

  it('one that was away for too long has missed something, which is said, and goes on with what there is', async () => {
    const ledger = new FakeLedger(endpoint(1), endpoint(2, { position: '4' }));
    ledger.happens('email.dead', 6);
    ledger.oldest = 4;
    await telling(ledger, async (_, warned) => {
      await until('both are told', () => ledger.keysOf(1).length === 2 && ledger.keysOf(2).length === 2);
      assert.match(warned.join(), /"endpoint 1" was away .* has missed/);
    });
    assert.deepEqual(ledger.told[0], { id: 1, from: '0', to: '4', missed: true, keys: [] });
  });

  it('one that cannot be told is set aside, or left to a newer version, and holds up no other', async () => {
    const newer = endpoint(2);
    const ledger = new FakeLedger(
      endpoint(1, { url: 'http://127.0.0.1/' }),
      { ...newer, request: { ...newer.request, form: 2 } },
      endpoint(3),
      endpoint(4, { asideSince: 1 }),
    );
    ledger.happens('email.dead');
    await telling(ledger, async () => {
      await until('the third is told', () => ledger.keysOf(3).length === 1);
    });
    assert.deepEqual(
      ledger.aside.map(([id]) => id),
      [1],
    );
    assert.match(ledger.aside[0]![1], /own network/);
    assert.deepEqual(
      ledger.told.map(({ id }) => id),
      [3],
    );
  });

  it('where there is none, is asked for no more than now and then, whatever happens; the first is told soon', async () => {
    const ledger = new FakeLedger();
    await telling(ledger, async (one) => {
      const began = performance.now();
      for (let mails = 0; mails < 50; mails++) {
        one.look();
        await setTimeout(10);
      }
      const seconds = (performance.now() - began) / 1_000;
      assert.ok(ledger.asked <= 2 + Math.ceil(seconds), `asked ${ledger.asked} times in ${seconds} s`);
      ledger.endpointsThere = [endpoint(1)];
      ledger.happens('email.dead');
      one.look();
      await until('it is told', () => ledger.keysOf(1).length === 1);
    });
  });

  it('a ledger that is away delays, and is said once', async () => {
    const ledger = new FakeLedger(endpoint(1));
    ledger.happens('email.dead');
    const { endpoints } = ledger.ports;
    let isAway = true;
    Object.assign(ledger.ports, {
      endpoints: () => (isAway ? Promise.reject(new Error('away')) : endpoints()),
    });
    await telling(ledger, async (_, warned) => {
      await until('it is said', () => warned.length === 1);
      isAway = false;
      await until('it is told', () => ledger.keysOf(1).length === 1);
      assert.equal(warned.length, 1);
    });
  });
});

describe('An endpoint that fails', () => {
  /** @param at days ago */
  const entry = (state: Entry['state'], at: number, of = 1): Entry => {
    const time = NOW - at * DAY_MS;
    return {
      ...{ id: `${state} ${at}`, key: 'k', kind: 'webhook', lane: 'host:1.example.com:443', state },
      ...{ request: { endpoint: of }, recipient: null, subject: null, messageId: null },
      origin: { workflowId: null, nodeId: null, nodeName: null, event: null },
      ...{
        tries: 4,
        dueAt: null,
        queuedAt: time,
        begunAt: time,
        settledAt: state === 'QUEUED' ? null : time,
      },
      ...{ lastError: state === 'SENT' ? null : `error of ${at}`, lastAnswer: null },
      ...{ hasContent: true, mayHaveArrived: false, restsUntil: null },
    };
  };

  const ask = (there: readonly Entry[], more: Partial<Endpoint> = {}): Promise<string | null> => {
    const endpointHealth: Endpoints['endpointHealth'] = (id, { from, until }) => {
      const its = there.filter((one) => endpointOfEntry(one) === id);
      const failed = its.filter(({ state, queuedAt }) => state !== 'SENT' && queuedAt >= from);
      const [last] = [...failed].sort((one, other) => other.begunAt! - one.begunAt!);
      return Promise.resolve({
        lastSentAt: Math.max(0, ...its.filter(({ state }) => state === 'SENT').map((one) => one.begunAt!)),
        hasFailedThen: failed.some(({ queuedAt }) => queuedAt < until),
        lastFailure: last ? { at: last.begunAt!, error: last.lastError! } : null,
      });
    };
    return failingFor({ endpointHealth }, endpoint(1, more), { ms: 3 * DAY_MS, now: NOW });
  };

  it('for three days and to this day is set aside, with why', async () => {
    const reason = await ask([entry('FAILED', 4), entry('FAILED', 2), entry('QUEUED', 0.1)]);
    assert.equal(
      reason,
      'Everything that it was to be told for 3 days has failed, the last with: error of 0.1',
    );
    assert.ok(await ask([entry('SENT', 5), entry('FAILED', 4), entry('FAILED', 0.1)]));
  });

  it('is left where one came through, or not all of that time is known, or a person has seen to it', async () => {
    const failing = [entry('FAILED', 4), entry('FAILED', 0.1)];
    const LEFT: Readonly<Record<string, [readonly Entry[], Partial<Endpoint>?]>> = {
      'one came through': [[...failing, entry('SENT', 2)]],
      'one that was queued before came through': [
        [...failing, { ...entry('SENT', 5), begunAt: NOW - DAY_MS }],
      ],
      'it has failed, come through, rested, and begins to fail': [
        [entry('FAILED', 7), entry('SENT', 6), entry('FAILED', 0.1)],
      ],
      'it began to fail lately': [[entry('FAILED', 2), entry('FAILED', 0.1)]],
      'it was told nothing lately': [[entry('FAILED', 5), entry('FAILED', 4)]],
      'nothing was told': [[]],
      'others of that host fail': [[entry('FAILED', 4, 2), entry('FAILED', 0.1, 2), entry('FAILED', 0.1)]],
      'it is new': [failing, { createdAt: NOW - DAY_MS }],
      'it was taken back': [failing, { missedAt: NOW - DAY_MS }],
      'it was saved anew': [failing, { savedAt: NOW - DAY_MS }],
      'it was taken back before the last failure': [
        [entry('FAILED', 8), entry('FAILED', 0.1)],
        { missedAt: NOW - 5 * DAY_MS },
      ],
    };
    for (const [why, [there, more]] of Object.entries(LEFT)) assert.equal(await ask(there, more), null, why);
    for (const of of [1, 2]) {
      const much = Array.from({ length: 9_000 }, () => entry('SENT', of === 1 ? 6 : 1, of));
      assert.ok(await ask([...failing, ...much]), String(of));
    }
  });
});
