// The contract of the life of an event: each try, what people did, and what is done with its mail on the server.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LAPSED } from '../../../engine/ledger/common/stored';
import type { EventLife } from '../../../engine/ledger/life';
import { failure, type Fixture, gone, LEASE_MS, RETENTION_MS, success } from './fixture';

export function livesContract(fixture: Fixture): void {
  describe('the life of an event', () => {
    const lifeOf = async (event: string): Promise<EventLife> => {
      const life = await fixture.ledger.life(event);
      assert.ok(life);
      return life;
    };
    const brief = ({ tries }: EventLife): unknown[] =>
      tries.map(({ attempt, executionId, state, error }) => [attempt, executionId, state, error]);

    it('has each try, with when it began and ended, and why it failed', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [0, 0] });
      const { ledger } = fixture;
      await fixture.record(to, 1);
      const [mail] = await fixture.events();
      assert.deepEqual(await lifeOf(mail!.id), { tries: [], deeds: [], actions: [] });
      const [first] = await fixture.pointers(to);
      await ledger.release([first!], 'no');
      await ledger.hurryReleased([to.id]);
      for (const [outcome, execution] of [
        [{ kind: 'failure', error: 'Step: "no"' }, '41'],
        [{ kind: 'failure', error: 'x'.repeat(3_000) }, '42'],
        [success, '43'],
      ] as const) {
        const pointers = await fixture.pointers(to);
        await fixture.claim(pointers, execution);
        assert.equal(await fixture.count('try'), Number(execution) - 41, 'a run that goes on is no try yet');
        await fixture.elapse(5_000);
        await fixture.settle(pointers, outcome);
      }
      const life = await lifeOf(mail!.id);
      assert.deepEqual(brief(life), [
        [2, '41', 'RETRY', 'Step: "no"'],
        [3, '42', 'RETRY', 'x'.repeat(2_000)],
        [4, '43', 'DONE', null],
      ]);
      for (const { beganAt, endedAt } of life.tries)
        assert.ok(endedAt - beganAt! >= 5_000 && endedAt - beganAt! < 60_000, `${endedAt - beganAt!} ms`);
      assert.equal((await ledger.event(mail!.id))!.beganAt, life.tries.at(-1)!.beganAt);
      assert.equal(await ledger.life('no id at all'), null);
    });

    it('has a try for each way in which a run ends', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      const once = await fixture.subscribe('once', { guarantee: 'atMostOnce' });
      await fixture.recordMails(
        to,
        [1, 2, 3].map((uid) => fixture.mail([to, once], uid)),
      );
      const [dead, left, lapsed] = await fixture.running(to);
      await fixture.settle([dead!], failure);
      await fixture.settle([left!], gone);
      const [unknown] = await fixture.running(once);
      await fixture.elapse(2 * LEASE_MS);
      await fixture.offer(to);
      await fixture.offer(once);
      // What had no run that ended has none.
      assert.deepEqual(brief(await lifeOf(dead!.event)), [[1, '1', 'DEAD', 'it broke']]);
      assert.deepEqual(brief(await lifeOf(left!.event)), [[1, '1', 'GONE', null]]);
      assert.deepEqual(brief(await lifeOf(lapsed!.event)), [[1, '1', 'DEAD', LAPSED]]);
      assert.deepEqual(brief(await lifeOf(unknown!.event)), [[1, '1', 'UNKNOWN', LAPSED]]);
      await fixture.ledger.takeByHand([dead!.event], 'by hand', LEASE_MS);
      await fixture.settle([{ event: dead!.event, attempt: 2 }], success);
      assert.deepEqual(brief(await lifeOf(dead!.event)).at(-1), [2, 'by hand', 'DONE', null]);
    });

    it('has a try, and when it began, also of a run of a process of the version before', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      const [one] = await fixture.pointers(to);
      await fixture.under.query(`update event set state = 'RUNNING', execution_id = '7'`);
      await fixture.elapse(5_000);
      await fixture.under.query(`update event set state = 'DONE', lease_until = null, settled_at = 1`);
      const { tries } = await lifeOf(one!.event);
      assert.deepEqual(brief({ tries, deeds: [], actions: [] }), [[1, '7', 'DONE', null]]);
      assert.ok(tries[0]!.endedAt - tries[0]!.beganAt! >= 5_000);
    });

    it('has what people did, and who, with each event that it changed', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [60_000] });
      const { ledger } = fixture;
      const [one, two] = (await fixture.failed(to, 1, 2)) as [string, string];
      await ledger.replay({ ids: [one] }, 'nobody');
      await ledger.retryNow({ ids: [one] }, 'workflow abc');
      await ledger.markDone({ filter: {} }, 'console (operate)');
      await ledger.forget({ ids: [one] });
      await ledger.replay({ ids: [one] }, '');
      const deedsOf = async (event: string): Promise<unknown[]> =>
        (await lifeOf(event)).deeds.map(({ at, what, by }) => {
          assert.ok(Math.abs(at - Date.now()) < 60_000);
          return [what, by];
        });
      assert.deepEqual(await deedsOf(one), [
        ['retryNow', 'workflow abc'],
        ['markDone', 'console (operate)'],
        ['forget', null],
        ['replay', null],
      ]);
      assert.deepEqual(await deedsOf(two), [['markDone', 'console (operate)']]);
      // Its mail is still to run.
      await ledger.forget({ ids: [one, two] });
      assert.equal((await deedsOf(one)).length, 4);
    });

    it('has what is done with its mail on the server, and what was', async () => {
      const to = await fixture.subscribe('workflow', { afterSuccess: { kind: 'flag' } });
      const { ledger } = fixture;
      await fixture.record(to, 1, 2);
      await fixture.run(to, success);
      const [event, other] = await fixture.events();
      const actionsOf = async (id: string): Promise<unknown[]> =>
        (await lifeOf(id)).actions.map(({ kind, tries, error, askedAt, endedAt }) => {
          assert.ok(Math.abs(askedAt - Date.now()) < 60_000);
          return [kind, tries, error, endedAt !== null && endedAt >= askedAt];
        });
      assert.deepEqual(await actionsOf(event!.id), [['flag', 0, null, false]]);
      const dues = await ledger.takeErrands(fixture.hold(to), 10, LEASE_MS);
      const { id } = dues.find((due) => due.event === event!.id)!;
      await ledger.postponeErrands([id], 'no', 1);
      assert.deepEqual(await actionsOf(event!.id), [['flag', 1, 'no', false]]);
      await ledger.finishErrands([id]);
      assert.deepEqual(await actionsOf(event!.id), [['flag', 1, 'no', true]]);
      assert.deepEqual(await actionsOf(other!.id), [['flag', 1, null, false]]);
    });

    it('goes with the event', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      const [one] = await fixture.failed(to, 1);
      await fixture.ledger.markDone({ ids: [one!] });
      assert.deepEqual([await fixture.count('try'), await fixture.count('deed')], [1, 1]);
      await fixture.elapse(RETENTION_MS + 1_000);
      await fixture.ledger.sweep(100);
      assert.deepEqual([await fixture.count('try'), await fixture.count('deed')], [0, 0]);
      assert.equal(await fixture.ledger.life(one!), null);
    });
  });
}
