// The contract of what each call reads: what it asks for, and never a table that grows from one end to the other.
// Invariant: every method of the port is here, so that none is forgotten.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Call } from '../../../engine/ledger/common/parts';
import type { Pointer } from '../../../engine/ledger/pointer';
import type { Subscription } from '../../../engine/ledger/subscriptions';
import type { DueErrand } from '../../../engine/ledger/errands';
import type { DueEntry, Entry } from '../../../engine/ledger/outbox';
import { failure, type Fixture, LEASE_MS, RETENTION_MS, success } from './fixture';
import { newEntry } from './outbox';

const MANY = 10_000;

/** Indexes, each with a call that has to read a table without it. */
const NEEDED: readonly (readonly [index: string, table: string, call: Call])[] = [
  ['subscription_node', 'subscription', 'subscriptionsOf'],
  ['subscription_served', 'subscription', 'takeUnserved'],
  ['event_message', 'event', 'settle'],
  ['content_drop', 'content', 'sweep'],
  ['once_key_expiry', 'once_key', 'sweep'],
  ['once_answer_event', 'once_answer', 'markDone'],
  ['once_answer_holder', 'once_answer', 'endKeys'],
  ['errand_due', 'errand', 'takeErrands'],
  ['deed_event', 'deed', 'life'],
  ['outgoing_due', 'outgoing', 'dueLanes'],
  ['outgoing_retried', 'outgoing', 'dueLanes'],
  ['outgoing_leased', 'outgoing', 'takeEntries'],
  ['outgoing_message', 'outgoing', 'noteBounces'],
  ['outgoing_endpoint', 'outgoing', 'endpointHealth'],
  ['outgoing_drop', 'outgoing', 'sweep'],
];
const NOTHING = { name: 'model', category: null, priority: null, summary: null, data: null };
const DONE_BY_NOW = ['DEAD', 'UNKNOWN'] as const;

/** What these answer with, or have to look at, is all that there is: for people, and for each its own time. */
const READ_ALL: Readonly<Partial<Record<Call, readonly string[]>>> = {
  sources: ['source'],
  statistics: ['subscription', 'standing'],
  triggers: ['subscription', 'standing'],
  series: ['subscription'],
  waitingBefore: ['subscription'],
  sweep: ['subscription'],
  templates: ['template'],
  endpoints: ['endpoint'],
  countEntries: ['outgoing'],
  // The processes there are, a row for each, and what they read.
  attend: ['member'],
  passOn: ['member'],
  withdraw: ['member'],
  shares: ['member', 'want', 'source'],
  standings: ['member'],
};

export function scansContract(fixture: Fixture): void {
  describe('with 10,000 sources', () => {
    const subscribed = (): Promise<Subscription> =>
      fixture.subscribe('workflow', {
        ...{ retryDelaysMs: [], keepContentMs: 1, retentionMs: 1, nodeName: 'Trigger' },
        ...{ afterSuccess: { kind: 'delete', takesAway: true }, whenDead: { kind: 'flag' } },
        present: [{ id: 'node', name: 'Trigger' }],
        reading: { v: 1 },
      });

    it('no call reads a table that grows from one end to the other', async () => {
      const to = await subscribed();
      await fixture.manyOfAll(MANY, to);
      for (const [call, work] of Object.entries(calls(fixture, to))) {
        const read = await fixture.under.readThrough(work);
        const allowed = READ_ALL[call as Call] ?? [];
        assert.deepEqual(
          read.filter((text) => !allowed.some((table) => text.startsWith(`${table}:`))),
          [],
          call,
        );
      }
    });

    it('a call that did would be seen', async () => {
      const to = await subscribed();
      await fixture.manyOfAll(MANY, to);
      const does = calls(fixture, to);
      for (const [call, work] of Object.entries(does)) {
        const needed = NEEDED.filter(([, , of]) => of === call);
        if (needed.length === 0) await work();
        for (const [index, table] of needed) {
          await fixture.under.withoutIndex(index, async () => {
            const read = await fixture.under.readThrough(work);
            assert.ok(
              read.some((text) => text.startsWith(`${table}:`)),
              `${call} without ${index}`,
            );
          });
        }
      }
    });

    it('sources are listed quickly', async () => {
      const to = await fixture.subscribe();
      await fixture.manyOfAll(MANY, to);
      await fixture.ledger.sources();
      const began = performance.now();
      assert.equal((await fixture.ledger.sources()).length, MANY + 1);
      const lasted = performance.now() - began;
      // On an idle machine: some 40 ms.
      assert.ok(lasted < 1_000, `${lasted} ms`);
    });
  });
}

/** Each call, in an order in which each has something to do. */
function calls(fixture: Fixture, to: Subscription): Readonly<Record<Call, () => Promise<void>>> {
  const { ledger } = fixture;
  const hold = fixture.hold(to);
  const node = { workflowId: 'workflow', nodeId: 'node' };
  let pointers: readonly Pointer[] = [];
  let dues: readonly DueErrand[] = [];
  const ids = (): string[] => pointers.map(({ event }) => event);
  const trigger = { ...node, nodeName: 'Trigger', present: [{ id: 'node', name: 'Trigger' }] };
  let entries: readonly Entry[] = [];
  let taken: readonly DueEntry[] = [];
  const named = (): string[] => entries.map(({ id }) => id);
  let desk = { id: 0, position: '' };
  const endpoint = {
    ...{ name: 'desk', url: 'https://desk.example', request: {} },
    wish: { types: [], workflowId: null, sourceId: null },
  };
  const key = { holder: 'h', leaseMs: 1, keepMs: 1 } as const;

  const work: Record<Call, () => Promise<unknown>> = {
    ledgerId: () => ledger.ledgerId(),
    own: () => ledger.own(),
    leave: () => ledger.leave(),
    isListenedTo: () => ledger.isListenedTo(),
    takeOver: () => ledger.takeOver().catch(() => undefined),
    subscribe: () => fixture.subscribe('another', { ...trigger, workflowId: 'another', afterSuccess: null }),
    subscriptionsOf: () => ledger.subscriptionsOf('workflow', 'node'),
    heritage: () => ledger.heritage(trigger),
    listensWith: () => ledger.listensWith(node, [to.id]),
    readings: async () => {
      const read = await ledger.readings({ kind: 'imap', account: 'ann@mail.example' });
      assert.deepEqual(
        read.map(({ id }) => id),
        [to.id],
      );
    },
    serve: () => ledger.serve([node]),
    takeUnserved: async () => {
      await ledger.takeUnserved({ afterMs: 600_000 }, 10);
      await ledger.takeUnserved(trigger, 10);
    },
    unserved: async () => {
      await ledger.unserved({});
      await ledger.unserved({ workflowId: 'workflow' });
    },
    cursors: () => ledger.cursors([to.id]),
    unrecorded: () =>
      ledger.unrecorded([{ ...fixture.mail([to], 1, { accountWide: true }), seemsLike: 'weak' }]),
    record: async () => {
      await fixture.recordMails(
        to,
        [2, 3, 4].map((uid) => fixture.mail([to], uid)),
        { uid: 4 },
      );
    },
    waiting: () => ledger.waiting([to.id], 10),
    offer: async () => {
      pointers = await fixture.pointers(to);
      assert.equal(pointers.length, 4);
    },
    renew: () => ledger.renew(pointers, 'QUEUED', LEASE_MS),
    release: async () => {
      assert.equal((await ledger.release(pointers.slice(3), 'no')).length, 1);
    },
    hurryReleased: () => ledger.hurryReleased([to.id]),
    claim: () => fixture.claim(pointers),
    contents: () => ledger.contents(ids()),
    contentPiece: () => ledger.contentPiece(ids()[0]!, 1),
    whereabouts: () => ledger.whereabouts(ids()),
    settle: async () => {
      await fixture.settle(pointers.slice(0, 1), failure);
      assert.deepEqual(await fixture.settle(pointers.slice(1, 3), success), ['DONE', 'DONE']);
    },
    takeEnded: () => ledger.takeEnded([to.id], 10),
    takeErrands: async () => {
      dues = await ledger.takeErrands(hold, 10, LEASE_MS);
      assert.ok(dues.length >= 3);
    },
    postponeErrands: () =>
      ledger.postponeErrands(
        dues.map(({ id }) => id),
        'no',
        1,
      ),
    finishErrands: () => ledger.finishErrands(dues.slice(1).map(({ id }) => id)),
    takeByHand: () => ledger.takeByHand(ids().slice(3), 'by hand', LEASE_MS),
    event: () => ledger.event(ids()[0]!),
    events: async () => {
      await ledger.events({}, { limit: 10 });
      await ledger.events({ states: DONE_BY_NOW, workflowId: 'workflow', since: 1 }, { limit: 10 });
      const { sourceId } = to;
      const all = { sourceId, subject: 'mail', leastFailures: 1, annotation: { category: 'a' } };
      await ledger.events(all, { limit: 10 });
    },
    count: async () => {
      assert.ok((await ledger.count({}, 10)) === 10);
      await ledger.count({ states: DONE_BY_NOW, subject: 'mail', annotation: { name: 'a' } }, 10);
    },
    mailsOf: () => ledger.mailsOf(ids()),
    statistics: () => ledger.statistics({}),
    triggers: () => ledger.triggers(),
    series: async () => {
      const [from, until] = [Date.now() - 7_200_000, Date.now() + 7_200_000];
      await ledger.series({ from, until, step: 'minute' });
      const own = await ledger.series({
        from,
        until,
        step: 'hour',
        sourceId: to.sourceId,
        workflowId: 'workflow',
      });
      assert.ok(own.length > 0);
    },
    waitingBefore: async () => {
      const step = { from: Date.now() - 7_200_000, until: Date.now(), step: 'hour' } as const;
      await ledger.waitingBefore(step);
      await ledger.waitingBefore({ ...step, sourceId: to.sourceId, workflowId: 'workflow' });
    },
    annotate: async () => {
      const annotation = { ...NOTHING, category: 'order' };
      await ledger.annotate(ids().map((event) => ({ event, name: 'model', annotation })));
      const notes = ids().map((event, n) => ({ event, name: 'model', annotation: n ? null : annotation }));
      assert.ok((await ledger.annotate(notes)).every(Boolean));
    },
    life: async () => {
      const life = await ledger.life(ids()[1]!);
      assert.ok(life!.tries.length > 0 && life!.actions.length > 0);
    },
    sources: () => ledger.sources(),
    changePositions: () => ledger.changePositions(),
    changeAt: () => ledger.changeAt(Date.now() - 60_000),
    changes: async () => {
      const { oldest } = await ledger.changePositions();
      const page = await ledger.changes(oldest, 100, { types: ['email.done'], workflowId: 'workflow' });
      assert.ok(page !== 'reset' && page.more);
    },
    retryNow: () => byHand('retryNow'),
    replay: () => byHand('replay'),
    markDone: () => byHand('markDone'),
    forget: () => byHand('forget'),
    sourceNote: () => ledger.sourceNote(to.sourceId),
    writeSourceNote: () => ledger.writeSourceNote(hold, { seen: true }),
    reportSource: () => ledger.reportSource(hold, { state: 'idle', connection: 'idling' }),
    holdSource: () => ledger.holdSource({ sourceId: to.sourceId, holder: 'this process', leaseMs: LEASE_MS }),
    renewHolds: () => ledger.renewHolds([hold], LEASE_MS),
    takeKeys: () => ledger.takeKeys({ ...key, keys: ['k', 'l'], finish: 'onSuccess' }),
    heldKeys: () => ledger.heldKeys(['k', 'l']),
    leftKeys: () => ledger.leftKeys(10),
    renewKeys: () => ledger.renewKeys(['h'], 1),
    finishKeys: () =>
      ledger.finishKeys('h', ['l'], [{ key: 'l', event: ids()[0]!, packed: fixture.content }]),
    keyAnswers: () => ledger.keyAnswers(['k', 'l'], 1),
    returnKeys: () => ledger.returnKeys('h', ['k']),
    endKeys: () => ledger.endKeys('h', 'success'),
    enqueue: async () => {
      entries = await ledger.enqueue(['a', 'b', 'c'].map((key) => newEntry(key)));
    },
    dueLanes: () => ledger.dueLanes(10),
    nextDue: () => ledger.nextDue(),
    firstOf: () => ledger.firstOf('smtp:a'),
    takeEntries: async () => {
      const ask = { limit: 10, leaseMs: LEASE_MS, mostAtOnce: 2, mostAMinute: 10 };
      await ledger.takeEntries({ ...ask, of: { ids: named().slice(0, 1) } });
      taken = await ledger.takeEntries({ ...ask, of: { lane: 'smtp:a' } });
      assert.equal(taken.length, 1);
    },
    renewEntries: () => ledger.renewEntries(taken, LEASE_MS),
    handOver: () => ledger.handOver(taken[0]!),
    settleEntries: () =>
      ledger.settleEntries(
        taken.map(({ id, fence }) => ({ id, fence, outcome: { became: 'SENT', answer: 'ok' } })),
      ),
    noteArrived: () => ledger.noteArrived(taken[0]!, 'ok'),
    restLane: () => ledger.restLane('smtp:a', 10),
    entriesOf: async () => {
      await ledger.entriesOf({ ids: named() });
      await ledger.entriesOf({ keys: ['a', 'b'] });
    },
    entries: async () => {
      await ledger.entries({}, { limit: 10 });
      await ledger.entries({ states: ['FAILED'], recipient: 'ann' }, { limit: 10 });
      await ledger.entries({ event: ids()[0]! }, { limit: 10 });
      await ledger.entries({ messageId: '<a@example.com>' }, { limit: 10 });
    },
    entriesFound: async () => {
      await ledger.entriesFound({}, 10);
      await ledger.entriesFound({ states: ['QUEUED'], kind: 'mail' }, 10);
    },
    countEntries: () => ledger.countEntries(),
    oldestQueuedAt: () => ledger.oldestQueuedAt(),
    actOnEntries: async () => {
      for (const act of ['retry', 'cancel', 'markSent', 'forget'] as const)
        await ledger.actOnEntries(named(), act, 'ann', act === 'retry' ? ['FAILED'] : undefined);
    },
    noteBounces: () => ledger.noteBounces([{ messageId: '<a@example.com>', reason: 'no' }]),
    saveTemplate: () => ledger.saveTemplate('t', { subject: 's', text: 't', html: null }, 'ann'),
    templates: () => ledger.templates(),
    template: () => ledger.template('t'),
    removeTemplate: () => ledger.removeTemplate('t', 'ann'),
    saveEndpoint: async () => {
      desk = await ledger.saveEndpoint(endpoint, 'ann');
    },
    endpoints: () => ledger.endpoints(),
    tellEndpoint: async () => {
      const { id, position } = desk;
      assert.ok(await ledger.tellEndpoint(id, { from: position, to: position }, [newEntry('told')]));
    },
    endpointHealth: () => ledger.endpointHealth(desk.id, { from: 0, until: 1 }),
    setAside: () => ledger.setAside(desk.id, 'no'),
    takeBack: () => ledger.takeBack(desk.id),
    removeEndpoint: () => ledger.removeEndpoint('desk', 'ann'),
    attend: async () => {
      await ledger.attend('this process', LEASE_MS, [{ sourceId: to.sourceId, reserve: false }]);
    },
    shares: async () => {
      assert.ok((await ledger.shares()).length > 0);
    },
    standings: () => ledger.standings('another', [to.sourceId]),
    cannotReach: () => ledger.cannotReach('another', [to.sourceId], 1),
    noteListening: () => ledger.noteListening([{ ...node, instance: 'n8n', host: 'here' }]),
    complain: () => ledger.complain({ subscriptionId: to.id, said: 'no' }),
    passOn: () => ledger.passOn(hold, 'another', LEASE_MS),
    withdraw: () => ledger.withdraw('another'),
    releaseHolds: () => ledger.releaseHolds([hold]),
    unserve: () => ledger.unserve([node]),
    sweep: async () => {
      await ledger.sweep(10);
      await fixture.unserved(2 * RETENTION_MS, to);
      await ledger.sweep(10, []);
      await ledger.sweep(10);
    },
  };
  const byHand = async (action: 'replay' | 'retryNow' | 'markDone' | 'forget'): Promise<void> => {
    await ledger[action]({ ids: ids() });
    await ledger[action]({ filter: { states: ['DEAD'], sender: 'ann', workflowId: 'workflow' } });
  };
  return Object.fromEntries(
    Object.entries(work).map(([call, does]) => [
      call,
      async (): Promise<void> => {
        await does();
      },
    ]),
  ) as Record<Call, () => Promise<void>>;
}
