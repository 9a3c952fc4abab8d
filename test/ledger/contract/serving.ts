// The contract on who listens: what a trigger that is gone left, who takes it over, and when it goes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SourceKey } from '../../../engine/ledger/sources';
import type { NewSubscription, Subscription } from '../../../engine/ledger/subscriptions';
import { HAD_ITSELF, SERVED_MS } from '../../../engine/ledger/serving';
import { DAY_MS, failure, type Fixture, RETENTION_MS, success } from './fixture';

const inbox: SourceKey = { kind: 'imap', account: 'ann@mail.example', mailbox: 'INBOX' };
const orders: SourceKey = { ...inbox, mailbox: 'Orders' };

export function servingContract(fixture: Fixture): void {
  /** A trigger, with the ids of all that its workflow has; a node's name is its id without what follows a dot. */
  const subscribe = (
    nodeId: string,
    present: readonly string[] | undefined,
    more: Partial<NewSubscription> = {},
  ): Promise<Subscription> =>
    fixture.subscribe(more.workflowId ?? 'workflow', {
      nodeId,
      nodeName: nameOf(nodeId),
      ...(present && { present: present.map((id) => ({ id, name: nameOf(id) })) }),
      source: inbox,
      ...more,
    });

  const nameOf = (id: string): string => id.replace(/\..*$/, '');

  const nodeOf = async (eventId: string): Promise<string | undefined> =>
    (await fixture.ledger.event(eventId))?.nodeId;

  const rows = (): Promise<{ node_id: string; mailbox: string }[]> =>
    fixture.under.query(`
      select node_id, mailbox from subscription join source on source.id = source_id order by subscription.id`);

  describe('what a trigger left that is gone', () => {
    it('is taken over by the one of its workflow on the same source: mails, place and identities', async () => {
      const old = await subscribe('Mail.1', ['Mail.1'], { retryDelaysMs: [1, 1, 1] });
      await fixture.recordMails(old, [fixture.mail([old], 1, { softIdentity: 'soft' })], { uid: 1 });
      await fixture.run(old, success);
      await fixture.record(old, 2);
      await fixture.run(old, failure);
      await fixture.record(old, 3);
      const taken = await subscribe('Mail.2', ['Mail.2'], { retryDelaysMs: [1, 1, 1] });
      assert.deepEqual([taken.id, taken.cursor, taken.createdAt], [old.id, { uid: 1 }, old.createdAt]);
      assert.deepEqual(taken.nodeIds, [old.id]);
      const again = [fixture.mail([taken], 1), fixture.mail([taken], 9, { softIdentity: 'soft' })];
      assert.deepEqual(await fixture.recordMails(taken, again), [], 'no mail that ran runs again');
      await fixture.elapse(10_000);
      const pointers = await fixture.pointers(taken);
      assert.equal(pointers.length, 2);
      assert.equal(await nodeOf(pointers[0]!.event), 'Mail.2');
      assert.deepEqual(await rows(), [{ node_id: 'Mail.2', mailbox: 'INBOX' }]);
      assert.equal((await subscribe('Mail.2', ['Mail.2'])).id, old.id);
    });

    it('is not touched while it is there, nor where nobody can see what is there', async () => {
      const one = await subscribe('One', ['One', 'Two']);
      const two = await subscribe('Two', ['One', 'Two']);
      assert.notEqual(one.id, two.id);
      await fixture.ledger.unserve([{ workflowId: 'workflow', nodeId: 'One' }]);
      const blind = await subscribe('Three', undefined);
      assert.deepEqual([two.nodeIds, blind.nodeIds], [[two.id], [blind.id]]);
      assert.deepEqual((await subscribe('One', ['One', 'Two', 'Three'])).id, one.id);
    });

    it('is not taken over by another workflow, nor on another source', async () => {
      const old = await subscribe('Mail.1', ['Mail.1']);
      const other = await subscribe('Mail.2', ['Mail.2'], { workflowId: 'another' });
      const moved = await subscribe('Mail.3', ['Mail.3'], { source: orders });
      assert.deepEqual([other.nodeIds, moved.nodeIds], [[other.id], [moved.id]]);
      assert.equal((await rows()).length, 3);
      assert.equal(
        (await subscribe('Mail.4', ['Mail.3', 'Mail.4'])).id,
        old.id,
        'it waits for one that does',
      );
    });

    it('goes to the one of its name where several are put in again at once', async () => {
      const a = await subscribe('A.1', ['A.1', 'B.1']);
      const b = await subscribe('B.1', ['A.1', 'B.1']);
      const now = ['A.2', 'B.2'];
      assert.equal((await subscribe('B.2', now)).id, b.id);
      assert.equal((await subscribe('A.2', now)).id, a.id);
      const c = await subscribe('C.1', ['C.1']);
      assert.equal(c.nodeIds.length, 2, 'of a name that is not there any more');
      assert.ok(c.nodeIds.includes(a.id) && c.nodeIds.includes(b.id));
    });

    it('is not taken by one that has the source itself, while a new one may have come for it', async () => {
      const a = await subscribe('A', ['A', 'B']);
      const b = await subscribe('B', ['A', 'B']);
      const now = ['New', 'B'];
      assert.deepEqual((await subscribe('B', now)).nodeIds, [b.id]);
      assert.deepEqual((await subscribe('New', now)).nodeIds, [a.id]);
      await subscribe('Elsewhere', ['B', 'Elsewhere'], { source: orders });
      assert.deepEqual((await subscribe('B', ['B', 'Elsewhere'])).nodeIds, [a.id, b.id], 'it did not');
    });

    it('is not waited for by one that is switched off', async () => {
      const a = await subscribe('A', ['A', 'B']);
      const b = await subscribe('B', ['A', 'B']);
      const present = [
        { id: 'B', name: 'B' },
        { id: 'Off', name: 'Off', disabled: true },
      ];
      assert.deepEqual((await subscribe('B', undefined, { present })).nodeIds, [a.id, b.id]);
    });

    it('is served beside what the other has; of a mail that both had, the other runs its own', async () => {
      const keeps = { retryDelaysMs: [1, 1, 1] };
      const old = await subscribe('Mail', ['Mail', 'Copy'], keeps);
      const copy = await subscribe('Copy', ['Mail', 'Copy'], keeps);
      await fixture.recordMails(old, [
        fixture.mail([old, copy], 1),
        fixture.mail([old, copy], 2, { softIdentity: 'soft' }),
        fixture.mail([old], 3),
      ]);
      await fixture.run(copy, success);
      const taken = await subscribe('Copy', ['Copy'], keeps);
      assert.deepEqual([taken.id, taken.nodeIds], [copy.id, [old.id, copy.id]]);
      const { events } = await fixture.ledger.events({}, { limit: 10 });
      const ofOld = events.filter(({ uid, lastError }) => uid === 3 || lastError === HAD_ITSELF);
      assert.deepEqual(ofOld.map(({ uid, state, nodeId, served }) => [uid, state, nodeId, served]).sort(), [
        [1, 'DONE', 'Copy', true],
        [2, 'DONE', 'Copy', true],
        [3, 'PENDING', 'Copy', true],
      ]);
      assert.deepEqual(
        (await fixture.ledger.contents(ofOld.map(({ id }) => id))).size,
        1,
        'content that nobody needs is let go',
      );
      const back = await subscribe('Mail', ['Mail', 'Copy'], keeps);
      assert.deepEqual(
        [back.id, back.nodeIds],
        [old.id, [old.id]],
        'and is its own again when it comes back',
      );
      assert.deepEqual((await subscribe('Copy', ['Mail', 'Copy'], keeps)).nodeIds, [copy.id]);
    });

    it('is known before it is taken over, on all sources', async () => {
      const trigger = { workflowId: 'workflow', nodeId: 'New', nodeName: 'New' };
      const present = [{ id: 'New', name: 'New' }];
      await subscribe('Old', ['Old']);
      const old = await subscribe('Old', ['Old'], { source: orders });
      await fixture.recordMails(old, [], { uid: 5 });
      assert.deepEqual(await fixture.ledger.heritage(trigger), []);
      const left = await fixture.ledger.heritage({ ...trigger, present });
      assert.deepEqual(
        left.map(({ source, placed }) => [source, placed]),
        [
          [inbox, false],
          [orders, true],
        ],
      );
      const named = { ...trigger, present: [...present, { id: 'Old.2', name: 'Old' }] };
      assert.deepEqual(await fixture.ledger.heritage(named), []);
    });

    it('is taken over once by two processes that race for it', async () => {
      const old = await subscribe('Mail.1', ['Mail.1']);
      await fixture.record(old, 1);
      await fixture.withAnother(async (another) => {
        const { ledger } = fixture;
        const taking = ['Mail.2', 'Other'].map((nodeId, i) =>
          (i === 0 ? ledger : another).subscribe({
            ...{ workflowId: 'workflow', nodeId, nodeName: nodeId, source: inbox },
            present: ['Mail.2', 'Other'].map((id) => ({ id, name: id })),
            ...{ retryDelaysMs: [], guarantee: 'atLeastOnce', keepContentMs: 0, retentionMs: DAY_MS },
            ...{ afterSuccess: null, whenDead: null },
          }),
        );
        const ids = (await Promise.all(taking)).flatMap(({ nodeIds }) => nodeIds);
        assert.equal(ids.length, 2);
        assert.equal(new Set(ids).size, 2);
        assert.ok(ids.includes(old.id));
      });
    });
  });

  describe('a subscription', () => {
    it('is served while its trigger listens, and everybody sees it', async () => {
      const to = await subscribe('Mail', ['Mail'], { retryDelaysMs: [] });
      const [id] = (await fixture.failed(to, 1)) as [string];
      await fixture.record(to, 2);
      const seen = async (): Promise<unknown[]> => [
        (await fixture.ledger.event(id))?.served,
        (await fixture.ledger.events({}, { limit: 1 })).events[0]?.served,
        (await fixture.ledger.sources())[0]?.served,
        await fixture.ledger.unserved({}),
        await fixture.ledger.unserved({ workflowId: 'another' }),
        (await fixture.ledger.replay({ ids: [id] })).unserved,
      ];
      assert.deepEqual(await seen(), [true, true, true, 0, 0, 0]);
      await fixture.ledger.markDone({ ids: [id] });
      await fixture.ledger.unserve([{ workflowId: 'workflow', nodeId: 'Mail' }]);
      assert.deepEqual(await seen(), [false, false, false, 1, 0, 1]);
      await fixture.ledger.serve([
        { workflowId: 'nobody', nodeId: 'Mail' },
        { workflowId: 'workflow', nodeId: 'Mail' },
      ]);
      assert.deepEqual((await seen()).slice(0, 4), [true, true, true, 0]);
      await fixture.unserved(SERVED_MS, to);
      assert.deepEqual((await seen()).slice(0, 4), [false, false, false, 2], 'a process that died');
      const { count, unserved } = await fixture.ledger.markDone({ filter: { workflowId: 'workflow' } });
      assert.deepEqual([count, unserved], [2, 2]);
      await fixture.ledger.serve([]);
      await fixture.ledger.unserve([]);
    });

    it('that nobody serves is told once while mails wait for it, and again after it was served', async () => {
      const to = await subscribe('Mail', ['Mail']);
      const idle = await subscribe('Idle', ['Mail', 'Idle']);
      const long = { afterMs: 600_000 };
      const take = async (): Promise<unknown[]> =>
        (await fixture.ledger.takeUnserved(long, 10)).map(({ subscriptionId, waiting }) => [
          subscriptionId,
          waiting,
        ]);
      await fixture.record(to, 1, 2, 3);
      await fixture.pointers(to, { mostRuns: 1 });
      assert.deepEqual(await take(), []);
      await fixture.unserved(SERVED_MS + 600_000, to, idle);
      assert.deepEqual(await take(), [[to.id, 2]]);
      assert.deepEqual(await take(), []);
      await fixture.ledger.serve([{ workflowId: 'workflow', nodeId: 'Mail' }]);
      await fixture.elapse(60_000);
      await fixture.unserved(2 * SERVED_MS, to);
      const [told] = await fixture.ledger.takeUnserved(long, 10);
      assert.ok(told);
      const { servedAt, goesAt, ...facts } = told;
      assert.equal(goesAt - servedAt, RETENTION_MS);
      assert.deepEqual(facts, {
        ...{ subscriptionId: to.id, workflowId: 'workflow', nodeId: 'Mail', nodeName: 'Mail' },
        ...{ account: inbox.account, mailbox: inbox.mailbox, waiting: 3 },
      });
    });

    it('of a trigger that its workflow does not have any more is told at once', async () => {
      const gone = await subscribe('Gone', ['Gone']);
      const here = await subscribe('Here', ['Gone', 'Here'], { source: orders });
      const other = await subscribe('Other', ['Other'], { workflowId: 'another' });
      for (const to of [gone, here, other]) await fixture.recordMails(to, [fixture.mail([to], 1)]);
      const present = [{ id: 'Here', name: 'Here' }];
      const take = (): Promise<{ nodeId: string }[]> =>
        fixture.ledger.takeUnserved({ workflowId: 'workflow', present }, 10);
      assert.deepEqual(await fixture.ledger.takeUnserved({ workflowId: 'workflow' }, 10), []);
      await fixture.unserved(SERVED_MS + 1, gone);
      assert.equal(
        (await fixture.ledger.takeUnserved({ afterMs: 1 }, 10)).length,
        1,
        'the log was told before',
      );
      assert.deepEqual(
        (await take()).map(({ nodeId }) => nodeId),
        ['Gone'],
      );
      assert.deepEqual(await take(), []);
      assert.deepEqual(await fixture.ledger.takeUnserved({ afterMs: 1 }, 10), []);
    });
  });

  describe('what nobody serves', () => {
    it('goes after its retention with all that is its own, and what others have stays', async () => {
      const gone = await subscribe('Gone', ['Gone'], {
        ...{ workflowId: 'deleted', retryDelaysMs: [], afterSuccess: { kind: 'markRead' } },
      });
      const alone = await subscribe('Gone', ['Gone'], { workflowId: 'deleted', source: orders });
      const here = await subscribe('Here', ['Here']);
      await fixture.recordMails(gone, [fixture.mail([gone], 1), fixture.mail([gone, here], 2)]);
      await fixture.recordMails(alone, [fixture.mail([alone], 3)]);
      await fixture.run(here, success);
      await fixture.run(gone, success);
      await fixture.record(gone, 4, 5);
      await fixture.elapse(RETENTION_MS);
      await fixture.ledger.sweep(100);
      await fixture.record(here, 6);
      assert.deepEqual(await fixture.states(), ['PENDING', 'PENDING', 'PENDING', 'PENDING']);
      await fixture.unserved(SERVED_MS + RETENTION_MS - 10_000, gone, alone);
      while (await fixture.ledger.sweep(100));
      assert.equal((await rows()).length, 3, 'not before its time');
      await fixture.unserved(20_000, gone, alone);
      while (await fixture.ledger.sweep(2));
      assert.deepEqual(await rows(), [{ node_id: 'Here', mailbox: 'INBOX' }]);
      const counts = [];
      for (const table of ['event', 'content', 'message', 'errand', 'source'] as const)
        counts.push(await fixture.count(table));
      assert.deepEqual(counts, [1, 1, 1, 0, 1]);
      const seen = await fixture.under.query<{ id: number }>(
        'select distinct subscription_id as id from seen',
      );
      assert.deepEqual(seen, [{ id: here.id }]);
    });

    it('stays for a season, however short its retention, and goes on where it stopped', async () => {
      const to = await subscribe('Mail', ['Mail'], { retentionMs: DAY_MS });
      await fixture.recordMails(to, [fixture.mail([to], 1), fixture.mail([to], 2)], { uid: 2 });
      const [one] = await fixture.pointers(to, { mostRuns: 1 });
      await fixture.claim([one!]);
      await fixture.settle([one!], success);
      await fixture.elapse(80 * DAY_MS);
      await fixture.unserved(SERVED_MS + 80 * DAY_MS, to);
      while (await fixture.ledger.sweep(100));
      const again = await subscribe('Mail', ['Mail'], { retentionMs: DAY_MS });
      assert.deepEqual([again.id, again.cursor], [to.id, { uid: 2 }]);
      assert.deepEqual(await fixture.states(), ['PENDING']);
      assert.deepEqual(await fixture.recordMails(to, [fixture.mail([to], 1)]), []);
    });

    it('stays while a run of it goes on', async () => {
      const to = await subscribe('Mail', ['Mail']);
      await fixture.record(to, 1, 2);
      const [pointer] = await fixture.pointers(to, { mostRuns: 1 });
      await fixture.claim([pointer!]);
      await fixture.unserved(SERVED_MS + RETENTION_MS, to);
      while (await fixture.ledger.sweep(100));
      assert.deepEqual(await fixture.states(), ['RUNNING']);
      assert.deepEqual(await fixture.settle([pointer!], success), ['DONE']);
      while (await fixture.ledger.sweep(100));
      assert.equal(await fixture.count('subscription'), 0);
      assert.equal(await fixture.count('source'), 0);
    });
  });
}
