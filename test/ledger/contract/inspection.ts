// The contract's part for people: what they see of events and sources, and what they do by hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventFilter, Selection } from '../../../engine/ledger/inspection';
import type { Subscription } from '../../../engine/ledger/ledger';
import { DAY_MS, failure, type Fixture, gone, success } from './fixture';

export function inspectionContract(fixture: Fixture): void {
  const uids = async (filter: EventFilter): Promise<(number | null)[]> =>
    (await fixture.ledger.events(filter, { limit: 100 })).events.map(({ uid }) => uid);

  /** One event in each state but QUEUED and RUNNING, by uid: 1 DONE, 2 DEAD, 3 GONE, 4 RETRY, 5 PENDING. */
  const variety = async (workflowId = 'workflow'): Promise<Subscription> => {
    const to = await fixture.subscribe(workflowId, { retryDelaysMs: [] });
    for (const [uid, outcome] of [
      [1, success],
      [2, failure],
      [3, gone],
    ] as const) {
      await fixture.record(to, uid);
      await fixture.run(to, outcome);
    }
    await fixture.subscribe(workflowId, { retryDelaysMs: [DAY_MS] });
    await fixture.record(to, 4);
    await fixture.run(to, failure);
    await fixture.record(to, 5);
    return to;
  };

  describe('events', () => {
    it('are shown with all that a person asks of them', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      const [id] = await fixture.failed(to, 1);
      const event = await fixture.ledger.event(id!);
      assert.ok(event);
      assert.match(event.idempotencyKey, /^[0-9a-f]{40}$/);
      assert.ok(event.settledAt && event.settledAt >= event.recordedAt);
      assert.deepEqual(event, {
        id,
        state: 'DEAD',
        attempt: 1,
        failures: 1,
        workflowId: 'workflow',
        nodeId: 'node',
        served: true,
        executionId: '1',
        lastError: 'it broke',
        idempotencyKey: event.idempotencyKey,
        recordedAt: event.recordedAt,
        dueAt: null,
        settledAt: event.settledAt,
        account: 'ann@mail.example',
        mailbox: 'INBOX',
        uid: 1,
        messageId: '<1@test>',
        sender: 'bob@mail.example',
        subject: 'Mail 1',
        receivedAt: 1_700_000_000_001,
        size: 22,
        hasContent: true,
      });
      assert.deepEqual((await fixture.ledger.events({}, { limit: 10 })).events, [event]);
      assert.equal(await fixture.ledger.event('no id at all'), null);
    });

    it('are paged from the newest on, each shown once, also when new ones come in between', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1, 2, 3, 4, 5);
      const first = await fixture.ledger.events({}, { limit: 2 });
      await fixture.record(to, 6);
      const second = await fixture.ledger.events({}, { limit: 2, after: first.next! });
      const third = await fixture.ledger.events({}, { limit: 2, after: second.next! });
      assert.deepEqual(
        [first, second, third].map(({ events }) => events.map(({ uid }) => uid)),
        [[5, 4], [3, 2], [1]],
      );
      assert.equal(third.next, null);
      assert.equal((await fixture.ledger.events({}, { limit: 6 })).next, null, 'a full page may be the last');
    });

    it('are filtered by state', async () => {
      await variety();
      assert.deepEqual(await uids({ states: ['DEAD'] }), [2]);
      assert.deepEqual(await uids({ states: ['DONE', 'GONE', 'PENDING'] }), [5, 3, 1]);
      assert.deepEqual(await uids({ states: ['QUEUED', 'RETRY'] }), [4]);
      assert.deepEqual(await uids({ states: [] }), []);
      assert.deepEqual(await uids({}), [5, 4, 3, 2, 1]);
    });

    it('are filtered by sender: the address or a part of it, in any case, and no pattern', async () => {
      const to = await fixture.subscribe();
      const senders = [
        'ann@one.example',
        'b_b@two.example',
        'bxb@two.example',
        '50%@x',
        'back\\slash@x',
        null,
      ];
      await fixture.recordMails(
        to,
        senders.map((sender, i) => fixture.mail([to], i, { sender })),
      );
      for (const [sender, found] of [
        ['Ann@One.Example', [0]],
        ['TWO', [2, 1]],
        ['b_b', [1]],
        ['%', [3]],
        ['\\', [4]],
        ['nobody', []],
      ] as const) {
        assert.deepEqual(await uids({ sender }), found, sender);
      }
    });

    it('are filtered by workflow and by time, and by all together', async () => {
      const a = await variety('a');
      const b = await fixture.subscribe('b');
      await fixture.record(b, 7);
      assert.deepEqual(await uids({ workflowId: 'b' }), [7]);
      assert.deepEqual(await uids({ workflowId: 'nobody' }), []);
      await fixture.elapse(DAY_MS);
      await fixture.record(a, 8);
      const [newest, before] = (await fixture.ledger.events({}, { limit: 2 })).events;
      assert.deepEqual(await uids({ since: newest!.recordedAt }), [8]);
      assert.deepEqual(await uids({ since: newest!.recordedAt + 1 }), []);
      assert.deepEqual(await uids({ until: newest!.recordedAt, states: ['PENDING'] }), [7, 5]);
      assert.deepEqual(await uids({ until: before!.recordedAt, workflowId: 'b' }), []);
      assert.deepEqual(
        await uids({ workflowId: 'a', states: ['PENDING'], sender: 'BOB', until: newest!.recordedAt }),
        [5],
      );
    });

    it('are counted by state, those of one workflow or all', async () => {
      await variety('a');
      const none = { PENDING: 0, QUEUED: 0, RUNNING: 0, RETRY: 0, DONE: 0, DEAD: 0, GONE: 0, UNKNOWN: 0 };
      const some = { ...none, PENDING: 1, RETRY: 1, DONE: 1, DEAD: 1, GONE: 1 };
      const b = await fixture.subscribe('b');
      await fixture.record(b, 1, 2);
      await fixture.pointers(b, { mostRuns: 1 });
      assert.deepEqual(await fixture.ledger.statistics({ workflowId: 'a' }), some);
      assert.deepEqual(await fixture.ledger.statistics({ workflowId: 'b' }), {
        ...none,
        PENDING: 1,
        QUEUED: 1,
      });
      assert.deepEqual(await fixture.ledger.statistics({}), { ...some, PENDING: 2, QUEUED: 1 });
      assert.deepEqual(await fixture.ledger.statistics({ workflowId: 'nobody' }), none);
    });
  });

  describe('sources', () => {
    it('are shown with the workflows that listen to them', async () => {
      await fixture.subscribe('a');
      await fixture.subscribe('b');
      await fixture.subscribe('b', { nodeId: 'another node' });
      await fixture.subscribe('c', {
        source: { kind: 'imap', account: 'cat@mail.example', mailbox: 'INBOX' },
      });
      const sources = [...(await fixture.ledger.sources())].sort((x, y) =>
        x.account.localeCompare(y.account),
      );
      assert.deepEqual(
        sources.map(({ account, workflowIds }) => [account, [...workflowIds].sort()]),
        [
          ['ann@mail.example', ['a', 'b']],
          ['cat@mail.example', ['c']],
        ],
      );
      assert.deepEqual(sources[0], {
        id: sources[0]!.id,
        kind: 'imap',
        account: 'ann@mail.example',
        mailbox: 'INBOX',
        state: 'pending',
        connection: 'closed',
        lastSuccessAt: null,
        lastErrorAt: null,
        lastError: null,
        backfill: null,
        ...{ recovered: null, recoveredAt: null, notifiedUntil: null },
        actionsWaiting: 0,
        actionError: null,
        workflowIds: sources[0]!.workflowIds,
        served: true,
      });
    });

    it('are ten times as many in some ten times the time, not in a hundred', async () => {
      const timed = async (count: number): Promise<number> => {
        await fixture.manySources(count);
        const began = performance.now();
        assert.equal((await fixture.ledger.sources()).length, count);
        return performance.now() - began;
      };
      await timed(1_000);
      const lasted = await timed(10_000);
      // Each source looked for in all subscriptions: 65 s.
      assert.ok(lasted < 5_000, `${lasted} ms`);
    });
  });

  const select = async (what: 'ids' | 'filter', ids: readonly string[]): Promise<Selection> =>
    what === 'ids' ? { ids } : { filter: { workflowId: 'workflow' } };

  const allIds = async (): Promise<string[]> => (await fixture.events()).map(({ id }) => id);

  for (const by of ['ids', 'filter'] as const) {
    describe(`by hand, by ${by}`, () => {
      it('settled events are replayed with all their tries, under attempts that go on', async () => {
        const to = await variety();
        const other = await fixture.subscribe('other');
        const ids = await allIds();
        await fixture.recordMails(other, [fixture.mail([other], 1)]);
        await fixture.run(other, success);
        const changed = await fixture.ledger.replay(await select(by, ids));
        assert.deepEqual(changed, { count: 3, unserved: 0, subscriptionIds: [to.id] });
        const stored = await fixture.events();
        assert.deepEqual(
          stored.map(({ state }) => state),
          ['PENDING', 'PENDING', 'PENDING', 'RETRY', 'PENDING', 'DONE'],
        );
        assert.deepEqual(
          stored
            .slice(0, 3)
            .map((event) => [event.attempt, event.failures, event.last_error, event.execution_id]),
          [
            [1, 0, null, null],
            [1, 0, null, null],
            [1, 0, null, null],
          ],
        );
        const again = (await fixture.pointers(to)).filter(({ event }) => ids.indexOf(event) < 3);
        assert.deepEqual(
          again.map(({ attempt }) => attempt),
          [2, 2, 2],
        );
      });

      it('waiting retries are made due at once', async () => {
        const to = await variety();
        const before = await fixture.pointers(to);
        assert.equal(before.length, 1);
        const changed = await fixture.ledger.retryNow(await select(by, await allIds()));
        assert.deepEqual(changed, { count: 1, unserved: 0, subscriptionIds: [to.id] });
        assert.deepEqual(await fixture.states(), ['DONE', 'DEAD', 'GONE', 'RETRY', 'QUEUED']);
        assert.equal((await fixture.pointers(to))[0]?.attempt, 2);
      });

      it('events that nobody is running are marked DONE, and their content goes', async () => {
        const to = await variety();
        await fixture.record(to, 6);
        await fixture.forceEvents(
          { state: 'QUEUED', due_at: null, lease_until: 9e15, run_id: 'r', attempt: 1 },
          (await allIds())[5],
        );
        assert.equal(await fixture.count('content'), 4);
        const changed = await fixture.ledger.markDone(await select(by, await allIds()));
        assert.deepEqual(changed, { count: 4, unserved: 0, subscriptionIds: [to.id] });
        assert.deepEqual(await fixture.states(), ['DONE', 'DONE', 'DONE', 'DONE', 'DONE', 'QUEUED']);
        assert.equal(await fixture.count('content'), 1);
        assert.deepEqual(await fixture.ledger.takeEnded([to.id], 10), []);
        assert.ok((await fixture.events()).slice(0, 5).every((event) => event.settled_at !== null));
      });

      it('content, sender and subject of settled mails are forgotten', async () => {
        const to = await variety();
        const other = await fixture.subscribe('other');
        const ids = await allIds();
        await fixture.recordMails(other, [fixture.mail([other], 1)]);
        const changed = await fixture.ledger.forget(await select(by, ids));
        assert.equal(changed.count, 2, 'uid 1 has an event to run in another workflow');
        assert.deepEqual(changed.subscriptionIds, [to.id]);
        const { events } = await fixture.ledger.events({ workflowId: 'workflow' }, { limit: 10 });
        assert.deepEqual(
          events.map((event) => [event.uid, event.sender, event.subject, event.hasContent]),
          [
            [5, 'bob@mail.example', 'Mail 5', true],
            [4, 'bob@mail.example', 'Mail 4', true],
            [3, null, null, false],
            [2, null, null, false],
            [1, 'bob@mail.example', 'Mail 1', true],
          ],
        );
        assert.deepEqual(await fixture.record(to, 2, 3), [], 'but not that they were there');
      });
    });
  }

  describe('by hand', () => {
    const actions = ['replay', 'retryNow', 'markDone', 'forget'] as const;

    it('nothing happens to what is not selected', async () => {
      await variety();
      const before = await fixture.events();
      const nothing = { count: 0, unserved: 0, subscriptionIds: [] };
      for (const action of actions) {
        assert.deepEqual(await fixture.ledger[action]({ ids: [] }), nothing);
        assert.deepEqual(await fixture.ledger[action]({ ids: ['no id at all'] }), nothing);
        assert.deepEqual(await fixture.ledger[action]({ filter: { states: [] } }), nothing);
        assert.deepEqual(await fixture.ledger[action]({ filter: { sender: 'nobody' } }), nothing);
      }
      assert.deepEqual(await fixture.events(), before);
    });

    it('a filter chooses within what the action may change', async () => {
      await variety();
      assert.equal((await fixture.ledger.replay({ filter: { states: ['DEAD', 'RETRY'] } })).count, 1);
      assert.deepEqual(await fixture.states(), ['DONE', 'PENDING', 'GONE', 'RETRY', 'PENDING']);
      assert.equal((await fixture.ledger.markDone({ filter: { states: ['RETRY'] } })).count, 1);
      assert.equal((await fixture.ledger.retryNow({ filter: { states: ['PENDING'] } })).count, 0);
      assert.deepEqual(await fixture.states(), ['DONE', 'PENDING', 'GONE', 'DONE', 'PENDING']);
    });

    it('a replayed mail keeps its content until it is done again', async () => {
      const to = await fixture.subscribe('workflow', { keepContentMs: DAY_MS });
      await fixture.record(to, 1);
      await fixture.run(to, success);
      await fixture.ledger.replay({ filter: {} });
      await fixture.elapse(2 * DAY_MS);
      await fixture.ledger.sweep(100);
      assert.equal(await fixture.count('content'), 1);
      await fixture.run(to, success);
      await fixture.elapse(DAY_MS);
      await fixture.ledger.sweep(100);
      assert.equal(await fixture.count('content'), 0);
    });

    it('a run that was replayed away can no longer settle', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      await fixture.record(to, 1);
      const [old] = await fixture.running(to);
      await fixture.settle([old!], failure);
      await fixture.ledger.replay({ filter: { states: ['DEAD'] } });
      assert.deepEqual(await fixture.claim([old!]), []);
      await fixture.running(to);
      assert.deepEqual(await fixture.settle([old!], success), []);
    });

    it('a selection takes as many statements for hundreds as for one', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, ...Array.from({ length: 300 }, (_, i) => i));
      const ids = await allIds();
      for (const action of actions) {
        const one = await fixture.statementsOf(() => fixture.ledger[action]({ ids: ids.slice(0, 1) }));
        const all = await fixture.statementsOf(() => fixture.ledger[action]({ ids }));
        const some = await fixture.statementsOf(() => fixture.ledger[action]({ filter: {} }));
        assert.ok(all <= one + 2, `${action}: ${one}, ${all}`);
        assert.ok(some <= 12, `${action}: ${some}`);
      }
    });
  });
}
