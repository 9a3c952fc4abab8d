// The contract's part for people: what they see of events and sources, and what they do by hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LedgerFault } from '../../../engine/ledger/fault';
import type { EventFilter, Selection } from '../../../engine/ledger/inspection';
import type { Subscription } from '../../../engine/ledger/subscriptions';
import { DAY_MS, failure, type Fixture, gone, success } from './fixture';
import { Told } from './told';

export function inspectionContract(fixture: Fixture): void {
  const uids = async (filter: EventFilter): Promise<(number | null)[]> =>
    (await fixture.ledger.events(filter, { limit: 100 })).events.map(({ uid }) => uid);

  const allIds = async (): Promise<string[]> => (await fixture.events()).map(({ id }) => id);

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
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [], nodeName: 'Trigger' });
      const [id] = await fixture.failed(to, 1);
      const event = await fixture.ledger.event(id!);
      assert.ok(event);
      assert.match(event.idempotencyKey, /^[0-9a-f]{40}$/);
      assert.ok(event.settledAt && event.settledAt >= event.recordedAt);
      assert.ok(event.beganAt! >= event.recordedAt && event.beganAt! <= event.settledAt);
      assert.deepEqual(event, {
        id,
        state: 'DEAD',
        attempt: 1,
        failures: 1,
        workflowId: 'workflow',
        nodeId: 'node',
        ...{ nodeName: 'Trigger', sourceId: to.sourceId, beganAt: event.beganAt },
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
        annotations: [],
      });
      assert.deepEqual((await fixture.ledger.events({}, { limit: 10 })).events, [event]);
      assert.equal(await fixture.ledger.event('no id at all'), null);
    });

    it('are looked up many at once, with sender and subject of their mails as long as these are kept', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      const ids = await fixture.failed(to, 1, 2);
      await fixture.ledger.forget({ ids: [ids[1]!] });
      const mails = await fixture.ledger.mailsOf([...ids, '00000000-0000-4000-8000-000000000000']);
      assert.deepEqual(
        mails.toSorted((one, other) => ids.indexOf(one.event) - ids.indexOf(other.event)),
        [
          { event: ids[0], sender: 'bob@mail.example', subject: 'Mail 1' },
          { event: ids[1], sender: null, subject: null },
        ],
      );
      assert.deepEqual(await fixture.ledger.mailsOf([]), []);
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

    it('are filtered by sender in any case of any letter, whatever case it is typed in', async () => {
      const to = await fixture.subscribe();
      // As they are stored (recording.ts); the last as another version may have left it.
      const senders = [
        ...['Éloïse@Öko.example', 'ЯНА@почта.example', 'ΟΔΟΣ@example', 'İrem@example', 'STRAẞE@example'].map(
          (sender) => sender.toLowerCase(),
        ),
        'Ärger@example',
      ];
      await fixture.recordMails(
        to,
        senders.map((sender, i) => fixture.mail([to], i, { sender })),
      );
      for (const [sender, found] of [
        ['éloïse', [0]],
        ['ÉLOÏSE@Ö', [0]],
        ['@öKO.', [0]],
        ['яНа@ПОЧТА', [1]],
        ['Я', [1]],
        ['οδος@', [2]],
        ['ΟΔΟΣ@E', [2]],
        ['οδοσ', [2]],
        ['ΔΟΣ', [2]],
        ['İREM', [3]],
        ['irem', []],
        ['straße', [4]],
        ['STRAẞE', [4]],
        ['äRGER', [5]],
        ['ÄRG', [5]],
        ['[éÉ]', []],
        ['e', [5, 4, 3, 2, 1, 0]],
        ['ö', [0]],
      ] as const) {
        assert.deepEqual(await uids({ sender }), found, sender);
      }
    });

    it('are not looked for by what no database could look for, and that is said', async () => {
      const { ledger } = fixture;
      const to = await fixture.subscribe('w');
      await fixture.record(to, 1);
      const annotation = { name: 'n', category: 'c', priority: 'p', summary: null, data: null };
      await ledger.annotate((await allIds()).map((event) => ({ event, name: 'n', annotation })));
      const wrong: [EventFilter, RegExp][] = [
        [{ workflowId: 'w\0' }, /"workflowId" has a sign that no text of a mail has: NUL/],
        [{ sender: '\0' }, /"sender" has a sign/],
        [{ subject: 'Mail\0' }, /"subject" has a sign/],
        [{ annotation: { name: 'n\0' } }, /"annotation: name" has a sign/],
        [{ annotation: { category: '\0' } }, /"annotation: category" has a sign/],
        [{ annotation: { name: 'n', priority: 'p\0' } }, /"annotation: priority" has a sign/],
        [{ sourceId: 1.5 }, /"sourceId" has to be a whole number, and is 1.5/],
        [{ sourceId: 2 ** 63 }, /"sourceId" has to be a whole number/],
        [{ leastFailures: NaN }, /"leastFailures" has to be a whole number/],
        [{ leastFailures: 1e300 }, /"leastFailures" has to be a whole number/],
        [{ since: Infinity }, /"since" has to be a whole number/],
        [{ until: 0.5 }, /"until" has to be a whole number/],
      ];
      for (const [filter, words] of wrong) {
        const times = { from: 0, until: 1e13, step: 'hour', ...filter } as const;
        const { workflowId, sourceId } = filter;
        for (const asked of [
          () => ledger.events(filter, { limit: 10 }),
          () => ledger.count(filter, 10),
          ...(['replay', 'retryNow', 'markDone', 'forget'] as const).map(
            (action) => () => ledger[action]({ filter }),
          ),
          ...(workflowId === undefined
            ? []
            : [() => ledger.statistics({ workflowId }), () => ledger.unserved({ workflowId })]),
          ...(workflowId === undefined && sourceId === undefined
            ? []
            : [() => ledger.series(times), () => ledger.waitingBefore(times)]),
        ]) {
          await assert.rejects(asked, (error) => {
            assert.ok(error instanceof LedgerFault, JSON.stringify(filter));
            assert.equal(error.kind, 'asked');
            assert.match(error.message, words);
            return true;
          });
        }
      }
      assert.deepEqual(await fixture.states(), ['PENDING']);
      for (const none of [
        { leastFailures: 2 ** 31 },
        { leastFailures: Number.MAX_SAFE_INTEGER },
        { sourceId: Number.MAX_SAFE_INTEGER },
        { since: Number.MAX_SAFE_INTEGER },
        { until: Number.MIN_SAFE_INTEGER },
        { workflowId: '\ud800' },
        { annotation: { name: '\ud800' } },
      ])
        assert.deepEqual(await uids(none), [], JSON.stringify(none));
      assert.deepEqual(await uids({ leastFailures: -1, since: Number.MIN_SAFE_INTEGER }), [1]);
      // No event has such an id.
      const ids = (await allIds()).flatMap((id) => [`${id}\0`, `\0${id}`, '\ud800']);
      assert.equal((await ledger.markDone({ ids })).count, 0);
      assert.deepEqual(await ledger.mailsOf(ids), []);
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

    it('are filtered by subject: a part of it, in any case of any letter, and no pattern', async () => {
      const to = await fixture.subscribe();
      const subjects = [
        ...['Größe M', 'GRÖẞE l', 'Заказ №1', '50% [off]', 'a*b?c', 'x_y (z)', '^$.|\\d+', '{"a":1}-b', null],
        'two\nlines',
      ];
      await fixture.recordMails(
        to,
        subjects.map((subject, i) => fixture.mail([to], i, { subject })),
      );
      for (const [subject, found] of [
        ['größe m', [0]],
        ['GRÖ', [1, 0]],
        ['заКАЗ', [2]],
        ['%', [3]],
        ['[OFF]', [3]],
        ['A*B?', [4]],
        ['*', [4]],
        ['?', [4]],
        ['_', [5]],
        ['(z', [5]],
        ['^', [6]],
        ['.|\\D', [6]],
        ['{"A":1}-', [7]],
        ['two\nL', [9]],
        ['nothing', []],
      ] as const) {
        assert.deepEqual(await uids({ subject }), found, subject);
      }
      for (const wrong of ['x'.repeat(501), '\0', 'mail\0x']) {
        await assert.rejects(uids({ subject: wrong }), LedgerFault);
        await assert.rejects(uids({ sender: wrong }), LedgerFault);
        await assert.rejects(fixture.ledger.forget({ filter: { sender: wrong } }), LedgerFault);
      }
    });

    it('are filtered by source, by failures, and by annotation, and by all together', async () => {
      const { ledger } = fixture;
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [0] });
      const other = await fixture.subscribe('workflow', {
        source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'Other' },
      });
      await fixture.record(to, 1, 2, 3);
      await fixture.record(other, 4);
      for (const ends of [2, 1] as const) {
        const some = (await fixture.running(to)).slice(0, ends);
        await fixture.settle(some, failure);
        await fixture.forceEvents({ state: 'DONE', lease_until: null, due_at: null, settled_at: 1 });
        if (ends === 2) await fixture.ledger.replay({ ids: [some[0]!.event] });
      }
      const [first, second, third] = (await allIds()) as [string, string, string];
      assert.deepEqual(await uids({ sourceId: to.sourceId }), [3, 2, 1]);
      assert.deepEqual(await uids({ sourceId: other.sourceId }), [4]);
      assert.deepEqual(await uids({ sourceId: other.sourceId + 1 }), []);
      assert.deepEqual(await uids({ sourceId: other.sourceId, workflowId: 'another' }), []);
      assert.deepEqual(await uids({ leastFailures: 1 }), [2, 1]);
      assert.deepEqual(await uids({ leastFailures: 2 }), []);
      assert.deepEqual(await uids({ leastFailures: 0 }), [4, 3, 2, 1]);
      const note = { name: 'model', category: 'order', priority: 'high', summary: null, data: null };
      const rules = { ...note, name: 'rules', category: 'spam', priority: null };
      await ledger.annotate([
        ...[first, second].map((event) => ({ event, name: 'model', annotation: note })),
        ...[second, third].map((event) => ({ event, name: 'rules', annotation: rules })),
      ]);
      for (const [annotation, found] of [
        [{}, [3, 2, 1]],
        [{ name: 'model' }, [2, 1]],
        [{ category: 'spam' }, [3, 2]],
        [{ priority: 'high' }, [2, 1]],
        [{ name: 'rules', priority: 'high' }, []],
        [{ name: 'rules', category: 'spam' }, [3, 2]],
        [{ category: 'Spam' }, []],
      ] as const) {
        assert.deepEqual(await uids({ annotation }), found, JSON.stringify(annotation));
      }
      const all = {
        sourceId: to.sourceId,
        leastFailures: 1,
        annotation: { category: 'order' },
        subject: 'mail 2',
      };
      assert.deepEqual(await uids({ ...all, workflowId: 'workflow', states: ['DONE'], sender: 'bob' }), [2]);
      assert.equal((await ledger.forget({ filter: all })).count, 1);
      assert.deepEqual(await uids({ subject: 'mail' }), [4, 3, 1]);
    });

    it('are found and counted among many, in pages that may have less than there is room for', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      await fixture.run(to, success);
      await fixture.manyEvents(to, 21_000);
      await fixture.record(to, 2);
      const found: (number | null)[] = [];
      for (let after: number | null | undefined; after !== null;) {
        const page = await fixture.ledger.events(
          { subject: 'mail ' },
          { limit: 10, ...(after && { after }) },
        );
        assert.ok(page.events.length <= 10);
        found.push(...page.events.map(({ uid }) => uid));
        after = page.next;
      }
      assert.deepEqual(found, [2, 1]);
      assert.deepEqual(await uids({ states: ['PENDING'] }), [2]);
      const { ledger } = fixture;
      assert.equal(await ledger.count({}, 100_000), 21_002);
      assert.equal(await ledger.count({}, 15_000), 15_000);
      assert.equal(await ledger.count({ subject: 'mail ' }, 10), 2);
      assert.equal(await ledger.count({ states: ['DONE'], subject: 'mail ' }, 10), 1);
      assert.equal(await ledger.count({ states: ['DEAD'] }, 10), 0);
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
    it('are shown by name, with the workflows that listen to them', async () => {
      await fixture.subscribe('c', {
        source: { kind: 'imap', account: 'cat@mail.example', mailbox: 'INBOX' },
      });
      await fixture.subscribe('b');
      await fixture.subscribe('a');
      await fixture.subscribe('b', { nodeId: 'another node' });
      const sources = await fixture.ledger.sources();
      assert.deepEqual(
        sources.map(({ account, workflowIds }) => [account, workflowIds]),
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
        ...{ since: null, failingSince: null, nextTryAt: null, unreadSince: null, lastMailAt: null },
        holder: sources[0]!.holder,
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
        assert.deepEqual(await fixture.ledger.forget(await select(by, ids)), {
          ...{ count: 0, unserved: 0, subscriptionIds: [] },
        });
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

    it('of events that are named, those in other states than said are left alone', async () => {
      await variety();
      const ids = await allIds();
      const { ledger } = fixture;
      assert.equal((await ledger.replay({ ids, states: ['DEAD', 'RETRY'] })).count, 1);
      assert.equal((await ledger.markDone({ ids, states: ['GONE'] })).count, 1);
      assert.equal((await ledger.forget({ ids, states: [] })).count, 0);
      assert.deepEqual(await fixture.states(), ['DONE', 'PENDING', 'DONE', 'RETRY', 'PENDING']);
    });

    it('what was forgotten is not forgotten again, nor told again', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      const other = await fixture.subscribe('other', { retryDelaysMs: [] });
      const mails = [
        fixture.mail([to, other], 1),
        fixture.mail([to], 2, { sender: null }),
        fixture.mail([to], 3, { sender: null, subject: null }),
      ];
      await fixture.recordMails(to, mails);
      await fixture.run(to, failure);
      await fixture.run(other, success);
      const { ledger } = fixture;
      const told = await Told.from(fixture);
      assert.equal((await ledger.forget({ ids: await allIds() })).count, 4, 'two events of one mail');
      const news = (await told.news()).map(({ event }) => event);
      assert.deepEqual([...news].sort(), [...(await allIds())].sort());
      assert.equal((await ledger.forget({ filter: {} })).count, 0);
      assert.equal((await ledger.forget({ ids: await allIds() })).count, 0);
      assert.deepEqual(await told.news(), []);
      assert.equal(await fixture.count('deed'), 4);
      // Its mail is read again from its server for a new run: there is something to forget again.
      const [first] = await allIds();
      await ledger.replay({ ids: [first!] });
      assert.equal((await ledger.forget({ ids: [first!] })).count, 0);
      await ledger.markDone({ ids: [first!] });
      assert.equal((await ledger.forget({ ids: [first!] })).count, 0, 'nobody has read it');
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
