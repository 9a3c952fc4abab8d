// The contract of mail actions: what is to be done with a mail on its server is there if, and only if, its run ended
// so, and stays until it was done.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pointer } from '../../../engine/ledger/pointer';
import type { NewSubscription, Subscription } from '../../../engine/ledger/subscriptions';
import type { DueErrand, Errand } from '../../../engine/ledger/errands';
import { held } from '../held';
import { failure, type Fixture, gone, LEASE_MS, RETENTION_MS, success } from './fixture';

const markRead: Errand = { kind: 'markRead' };
const flag: Errand = { kind: 'flag' };
const move: Errand = { kind: 'move', mailbox: 'Done "1" é', takesAway: true };
const copy: Errand = { kind: 'copy', mailbox: 'Copies' };

export function errandsContract(fixture: Fixture): void {
  const acting = (more: Partial<NewSubscription> = {}, workflowId = 'workflow'): Promise<Subscription> =>
    fixture.subscribe(workflowId, { retryDelaysMs: [], afterSuccess: markRead, whenDead: flag, ...more });

  const take = (to: Subscription, limit = 100): Promise<DueErrand[]> =>
    fixture.ledger.takeErrands(fixture.hold(to), limit, LEASE_MS);

  const actions = async (to: Subscription): Promise<[number | null, Errand][]> =>
    (await take(to)).map(({ uid, action }) => [uid, action]);

  describe('a mail action', () => {
    it('is there after a run that succeeded, with what is known of its mail', async () => {
      const to = await acting({ afterSuccess: move });
      await fixture.recordMails(to, [fixture.mail([to], 7, { softIdentity: 'soft' })]);
      const [pointer] = await fixture.running(to);
      assert.deepEqual(await take(to), [], 'not before');
      await fixture.settle([pointer!], success);
      const [due] = await take(to);
      assert.deepEqual(due, {
        id: due!.id,
        subscriptionId: to.id,
        action: move,
        tries: 0,
        event: pointer!.event,
        identity: 'uid:1:7:INBOX',
        softIdentity: 'soft',
        messageId: '<7@test>',
        uid: 7,
        uidValidity: '1',
        receivedAt: 1_700_000_000_007,
        size: 22,
      });
    });

    it('is another one when the tries are used up, and none while there are some', async () => {
      const to = await acting({ retryDelaysMs: [1_000] });
      await fixture.record(to, 1);
      assert.deepEqual(await fixture.run(to, failure), ['RETRY']);
      assert.deepEqual(await actions(to), []);
      await fixture.elapse(2_000);
      assert.deepEqual(await fixture.run(to, failure), ['DEAD']);
      assert.deepEqual(await actions(to), [[1, flag]]);
    });

    it('is there for a run whose process died on the last try, and for none that nobody knows', async () => {
      const dead = await acting();
      const unknown = await acting({ guarantee: 'atMostOnce' }, 'at most once');
      await fixture.recordMails(dead, [fixture.mail([dead, unknown], 1)]);
      await fixture.running(dead);
      await fixture.running(unknown);
      await fixture.elapse(LEASE_MS);
      await fixture.offer(dead);
      await fixture.offer(unknown);
      assert.deepEqual((await fixture.states()).sort(), ['DEAD', 'UNKNOWN']);
      assert.deepEqual(
        (await take(dead)).map(({ subscriptionId, action }) => [subscriptionId, action]),
        [[dead.id, flag]],
      );
    });

    it('is there after no other end: gone, marked done by hand, or not asked for', async () => {
      const to = await acting();
      await fixture.record(to, 1);
      await fixture.run(to, gone);
      await fixture.record(to, 2);
      await fixture.ledger.markDone({ filter: { states: ['PENDING'] } });
      const nothing = await acting({ afterSuccess: null, whenDead: null }, 'nothing');
      await fixture.record(nothing, 3, 4);
      const [three, four] = await fixture.running(nothing);
      await fixture.settle([three!], success);
      await fixture.settle([four!], failure);
      assert.equal(await fixture.count('errand'), 0);
    });

    it('is what the settings say when the run ends', async () => {
      const to = await acting();
      await fixture.record(to, 1, 2);
      const [one, two] = await fixture.running(to);
      await fixture.settle([one!], success);
      await acting({ afterSuccess: copy });
      await fixture.settle([two!], success);
      assert.deepEqual(await actions(to), [
        [1, markRead],
        [2, copy],
      ]);
    });

    it('is there once, however often the end of the run is told', async () => {
      const to = await acting();
      await fixture.record(to, 1);
      const pointers = await fixture.running(to);
      await fixture.settle(pointers, success);
      await fixture.settle(pointers, success);
      await fixture.settle(pointers, failure);
      assert.equal(await fixture.count('errand'), 1);
    });
  });

  describe('takeErrands', () => {
    /** Mails whose runs succeeded. */
    const done = async (to: Subscription, ...uids: number[]): Promise<void> => {
      await fixture.record(to, ...uids);
      await fixture.run(to, success);
    };

    it('hands out the oldest first, each once until its lease is over, and counts', async () => {
      const to = await acting();
      await done(to, 1, 2, 3);
      const uids = async (limit: number): Promise<(number | null)[]> =>
        (await take(to, limit)).map(({ uid }) => uid);
      assert.deepEqual([await uids(2), await uids(2), await uids(2)], [[1, 2], [3], []]);
      await fixture.elapse(LEASE_MS);
      const again = await take(to);
      assert.deepEqual(
        again.map(({ uid, tries }) => [uid, tries]),
        [
          [1, 1],
          [2, 1],
          [3, 1],
        ],
      );
    });

    it('hands out nothing to a process that lost the source, and nothing of other sources', async () => {
      const to = await acting();
      await done(to, 1);
      const there = { source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'Support' } } as const;
      assert.deepEqual(await take(await acting(there)), []);
      await fixture.ledger.releaseHolds([fixture.hold(to)]);
      const fresh = await held(fixture.ledger, to.sourceId, { holder: 'another process' });
      assert.deepEqual(await take(to), []);
      assert.equal((await fixture.ledger.takeErrands(fresh, 100, LEASE_MS)).length, 1);
    });

    it('moves and deletes no mail that another workflow has to read from the server', async () => {
      const first = await acting({ afterSuccess: { kind: 'delete', takesAway: true } }, 'first');
      const second = await acting({ afterSuccess: move }, 'second');
      await fixture.recordMails(first, [fixture.mail([first, second], 1, { content: null })]);
      await fixture.run(first, success);
      assert.deepEqual(await take(first), []);
      await fixture.run(second, success);
      assert.deepEqual(await actions(first), [
        [1, { kind: 'delete', takesAway: true }],
        [1, move],
      ]);
    });

    it('moves a mail that another workflow needs, if its content is stored', async () => {
      const first = await acting({ afterSuccess: move }, 'first');
      const second = await acting({}, 'second');
      await fixture.recordMails(first, [fixture.mail([first, second], 1)]);
      await fixture.run(first, success);
      assert.deepEqual(await actions(first), [[1, move]]);
    });

    it('moves a mail after all else that is to be done with it', async () => {
      const first = await acting({ afterSuccess: move }, 'first');
      const second = await acting({ afterSuccess: copy }, 'second');
      await fixture.recordMails(first, [fixture.mail([first, second], 1)]);
      for (const to of [first, second]) await fixture.run(to, success);
      const [due, ...more] = await take(first);
      assert.deepEqual([due?.action, more], [copy, []]);
      await fixture.ledger.finishErrands([due!.id]);
      assert.deepEqual(await actions(first), [[1, move]]);
    });

    it('does not keep a mail for what the server refuses again and again', async () => {
      const first = await acting({ afterSuccess: move }, 'first');
      const second = await acting({ afterSuccess: flag }, 'second');
      await fixture.recordMails(first, [fixture.mail([first, second], 1)]);
      for (const to of [first, second]) await fixture.run(to, success);
      for (let tries = 1; tries <= 5; tries++) {
        const due = await take(first);
        assert.deepEqual(
          due.map(({ action }) => action),
          [flag],
        );
        await fixture.ledger.postponeErrands([due[0]!.id], 'No flags are kept here.', 1_000);
        if (tries < 5) await fixture.elapse(1_000);
      }
      assert.deepEqual(await actions(first), [[1, move]]);
    });

    it('hands out each action once to processes that ask at once', async () => {
      const to = await acting();
      await done(to, ...Array.from({ length: 30 }, (_, i) => i + 1));
      await fixture.withAnother(async (another) => {
        const taken = await Promise.all(
          [fixture.ledger, another, fixture.ledger, another].map((ledger) =>
            ledger.takeErrands(fixture.hold(to), 10, LEASE_MS),
          ),
        );
        const ids = [...taken.flat(), ...(await take(to))].map(({ id }) => id);
        assert.equal(ids.length, 30);
        assert.equal(new Set(ids).size, 30);
      });
    });

    it('forgets what is done, and tries again later what is not', async () => {
      const to = await acting();
      await done(to, 1, 2, 3);
      const [one, two, three] = await take(to);
      await fixture.ledger.finishErrands([one!.id, three!.id]);
      await fixture.ledger.postponeErrands([two!.id], 'There is no mailbox Copies.', 60_000);
      assert.equal(await fixture.count('errand'), 1);
      await fixture.elapse(LEASE_MS);
      assert.deepEqual(await take(to), []);
      const [source] = await fixture.ledger.sources();
      assert.deepEqual([source?.actionsWaiting, source?.actionError], [1, 'There is no mailbox Copies.']);
      await fixture.elapse(60_000 - LEASE_MS);
      assert.deepEqual(
        (await take(to)).map(({ id, tries }) => [id, tries]),
        [[two!.id, 1]],
      );
      await fixture.ledger.finishErrands([]);
      await fixture.ledger.postponeErrands([], 'nothing', 1);
    });

    it('lets what was done be seen for an hour, in the way of nothing', async () => {
      const to = await acting();
      await done(to, 1);
      const [due] = await take(to);
      await fixture.ledger.finishErrands([due!.id]);
      await fixture.ledger.postponeErrands([due!.id], 'It is too late for that.', 1);
      const ended = (): Promise<object[]> =>
        fixture.under.query('select lane, kind, tries, last_error from errand where ended_at is not null');
      assert.deepEqual(await ended(), [
        { lane: `source:${to.sourceId}`, kind: 'markRead', tries: 1, last_error: null },
      ]);
      await fixture.elapse(RETENTION_MS);
      assert.deepEqual(await take(to), []);
      await fixture.ledger.sweep(100);
      assert.deepEqual([await fixture.count('message'), await ended()], [0, []]);
    });

    it('tells the newest error of what waits', async () => {
      const to = await acting();
      await done(to, 1, 2);
      const [one, two] = await take(to);
      await fixture.ledger.postponeErrands([two!.id], 'older', 999_999);
      await fixture.elapse(1_000);
      await fixture.ledger.postponeErrands([one!.id], 'newer', 1);
      assert.equal((await fixture.ledger.sources())[0]?.actionError, 'newer');
    });

    it('takes as many statements for hundreds as for one', async () => {
      const to = await acting({ afterSuccess: move });
      const statements = async (...uids: number[]): Promise<number> => {
        await fixture.record(to, ...uids);
        const pointers: Pointer[] = await fixture.pointers(to, { mostRuns: 1_000 });
        await fixture.claim(pointers);
        return fixture.statementsOf(async () => {
          await fixture.settle(pointers, success);
          const ids = (await take(to, 1_000)).map(({ id }) => id);
          assert.equal(ids.length, uids.length);
          await fixture.ledger.postponeErrands(ids, 'later', 0);
          await fixture.ledger.finishErrands(ids);
        });
      };
      const one = await statements(1);
      assert.equal(await statements(...Array.from({ length: 300 }, (_, i) => i + 2)), one);
      assert.equal(await fixture.count('errand'), 0);
    });
  });

  describe('an action that the server refused', () => {
    const refused = async (to: Subscription): Promise<void> => {
      await fixture.record(to, 1, 2, 3);
      const [one, two, three] = await fixture.running(to);
      await fixture.settle([one!], success);
      await fixture.settle([two!], failure);
      const ids = (await take(to)).map(({ id }) => id);
      await fixture.ledger.postponeErrands(ids, 'There is no such mailbox.', 999_999);
      await fixture.settle([three!], success);
    };

    it('becomes what the settings say now, at once', async () => {
      const to = await acting({ afterSuccess: move, whenDead: copy });
      await refused(to);
      await acting({ afterSuccess: move, whenDead: copy });
      assert.deepEqual(await actions(to), [[3, move]], 'nothing was changed');
      await acting({ afterSuccess: copy, whenDead: flag });
      assert.deepEqual(
        (await take(to)).map(({ uid, action, tries }) => [uid, action, tries]),
        [
          [1, copy, 0],
          [2, flag, 0],
        ],
      );
      assert.equal((await fixture.ledger.sources())[0]?.actionError, null);
      await fixture.elapse(LEASE_MS);
      assert.deepEqual(
        (await actions(to)).find(([uid]) => uid === 3),
        [3, move],
        'which was not refused',
      );
    });

    it('goes if nothing is to be done any more, and what retention has left of its mail with it', async () => {
      const to = await acting({ afterSuccess: move, whenDead: copy });
      await refused(to);
      await fixture.elapse(RETENTION_MS);
      await fixture.ledger.sweep(100);
      assert.equal(await fixture.count('message'), 3);
      await acting({ afterSuccess: null, whenDead: copy });
      assert.deepEqual(await actions(to), [
        [2, copy],
        [3, move],
      ]);
      assert.equal(await fixture.count('message'), 2);
    });
  });

  describe('a mail that runs again', () => {
    it('has done to it what its new end asks for, and not what was not begun', async () => {
      const to = await acting();
      const [id] = await fixture.failed(to, 1);
      await fixture.ledger.replay({ ids: [id!] });
      assert.equal(await fixture.count('errand'), 0);
      await fixture.run(to, success);
      assert.deepEqual(await actions(to), [[1, markRead]]);
    });

    it('has it done again if it was done, and once if it is under way', async () => {
      const to = await acting();
      await fixture.record(to, 1);
      await fixture.run(to, success);
      const [due] = await take(to);
      const again = async (): Promise<number> => {
        await fixture.ledger.replay({ ids: [due!.event] });
        await fixture.run(to, success);
        return fixture.count('errand');
      };
      assert.equal(await again(), 1);
      assert.deepEqual(await take(to), []);
      await fixture.ledger.finishErrands([due!.id]);
      assert.equal(await again(), 1);
      assert.equal((await take(to))[0]?.tries, 0);
    });
  });

  describe('sweep', () => {
    it('leaves a mail until its action is done, and then nothing of it', async () => {
      const to = await acting();
      await fixture.record(to, 1, 2);
      await fixture.run(to, success);
      await fixture.elapse(RETENTION_MS);
      await fixture.ledger.sweep(100);
      assert.deepEqual([await fixture.count('event'), await fixture.count('message')], [0, 2]);
      const due = await take(to);
      assert.deepEqual(
        due.map(({ uid }) => uid),
        [1, 2],
      );
      await fixture.ledger.finishErrands([due[0]!.id]);
      assert.equal(await fixture.count('message'), 1);
      await fixture.ledger.finishErrands([due[1]!.id]);
      assert.deepEqual([await fixture.count('message'), await fixture.count('content')], [0, 0]);
      assert.deepEqual(await fixture.record(to, 1, 2), [], 'neither runs again');
    });
  });
}
