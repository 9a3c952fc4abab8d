// The contract of members: who there is, who wants what, and that only a holder passes a source on.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Share } from '../../../engine/ledger/members';
import type { SourceHold } from '../../../engine/ledger/source-holds';
import type { Subscription } from '../../../engine/ledger/subscriptions';
import { HOLDER, held } from '../held';
import { type Fixture, LEASE_MS } from './fixture';

const OTHER = 'another process';
const THIRD = 'third process';

export function membersContract(fixture: Fixture): void {
  const wanting = (
    member: string,
    of: readonly Pick<Subscription, 'sourceId'>[],
    reserve = false,
    has: readonly SourceHold[] = [],
  ): Promise<number | null> =>
    fixture.ledger.attend(
      member,
      LEASE_MS,
      of.map(({ sourceId }) => ({ sourceId, reserve })),
      has,
    );

  const standing = async (member: string, { sourceId }: Subscription): Promise<object> => {
    const [found] = await fixture.ledger.standings(member, [sourceId]);
    const { holder, isFree, isMembers, others } = found!;
    return { holder, isFree, isMembers, others };
  };

  describe('a member', () => {
    it('counts for the others until it is silent for too long, or no more', async () => {
      const one = await fixture.subscribe();
      assert.equal(await wanting(HOLDER, [one]), 0);
      assert.equal(await wanting(OTHER, []), 1);
      assert.equal(await fixture.ledger.attend(HOLDER, LEASE_MS), 1, 'what it wants is as before');
      await fixture.elapse(LEASE_MS - 1_000);
      assert.equal(await wanting(OTHER, []), 1);
      await fixture.elapse(2_000);
      assert.equal(await fixture.ledger.attend(OTHER, LEASE_MS), 0);
      await fixture.ledger.attend(HOLDER, LEASE_MS);
      await fixture.ledger.withdraw(OTHER);
      assert.equal(await fixture.ledger.attend(HOLDER, LEASE_MS), 0);
    });

    it('that was silent for so long that it is forgotten is told so, and says anew what it wants', async () => {
      const one = await fixture.subscribe();
      await wanting(HOLDER, [one]);
      await fixture.elapse(2 * 3_600_000);
      assert.equal(await wanting(OTHER, []), 0);
      assert.equal(await fixture.ledger.attend(HOLDER, LEASE_MS), null);
      assert.equal(await fixture.ledger.attend(OTHER, LEASE_MS), 0, 'it is none again by that');
      assert.equal(await wanting(HOLDER, [one]), 1);
      assert.equal(await fixture.ledger.attend(HOLDER, LEASE_MS), 1);
    });

    it('is told what all hold, by who wants it', async () => {
      const [one, two, three] = [
        await fixture.subscribe('one'),
        await fixture.subscribe('two', { source: { kind: 'imap', account: 'a', mailbox: 'Two' } }),
        await fixture.subscribe('three', { source: { kind: 'imap', account: 'a', mailbox: 'Three' } }),
      ];
      await fixture.ledger.releaseHolds([fixture.hold(three)]);
      await held(fixture.ledger, three.sourceId, { holder: OTHER });
      await wanting(HOLDER, [one, two, three, { sourceId: 999_999 }]);
      await wanting(OTHER, [one, three]);
      const both = [OTHER, HOLDER].sort();
      const ids = (...of: Subscription[]): readonly number[] => of.map(({ sourceId }) => sourceId);
      const byHolder = (shares: readonly Share[]): readonly Share[] =>
        [...shares].sort((a, b) => a.sourceIds[0]! - b.sourceIds[0]!);
      assert.deepEqual(byHolder(await fixture.ledger.shares()), [
        { holder: HOLDER, wanters: both, count: 1, sourceIds: ids(one) },
        { holder: HOLDER, wanters: [HOLDER], count: 1, sourceIds: ids(two) },
        { holder: OTHER, wanters: both, count: 1, sourceIds: ids(three) },
      ]);
      await wanting(HOLDER, [one, two], true, [fixture.hold(one), fixture.hold(two)]);
      await fixture.ledger.cannotReach(OTHER, [three.sourceId], LEASE_MS);
      assert.deepEqual(
        byHolder(await fixture.ledger.shares()).map(({ wanters }) => wanters),
        [[OTHER], [], []],
      );
      await fixture.elapse(LEASE_MS + 1);
      assert.deepEqual(await fixture.ledger.shares(), [], 'nobody is alive');
    });

    it('is given a source by its holder, if it wants it, under the next fence', async () => {
      const to = await fixture.subscribe();
      const hold = await held(fixture.ledger, to.sourceId);
      const pass = (member: string): Promise<boolean> => fixture.ledger.passOn(hold, member, LEASE_MS);
      assert.equal(await pass(OTHER), false, 'it is not there');
      await wanting(OTHER, []);
      assert.equal(await pass(OTHER), false, 'it does not want it');
      await wanting(OTHER, [to]);
      await fixture.ledger.cannotReach(OTHER, [to.sourceId], 1_000);
      assert.equal(await pass(OTHER), false, 'it does not reach it');
      await fixture.elapse(1_000);
      await fixture.ledger.cannotReach(OTHER, [to.sourceId], LEASE_MS);
      assert.equal(await pass(OTHER), false, 'it still does not');
      await fixture.ledger.cannotReach(OTHER, [to.sourceId], 0);
      await fixture.ledger.reportSource(hold, {
        ...{ state: 'retry_scheduled', connection: 'backing_off', error: 'no answer' },
      });
      assert.equal(await pass(OTHER), true);
      const [passed] = await fixture.ledger.standings(OTHER, [to.sourceId]);
      assert.ok(passed!.failingSince !== null, 'whether it could be read is so for the next one, too');
      assert.equal(await pass(OTHER), false, 'it is not its own any more');
      assert.deepEqual(await fixture.ledger.renewHolds([hold], LEASE_MS), []);
      const { fence } = await held(fixture.ledger, to.sourceId, { holder: OTHER });
      assert.equal(fence, hold.fence + 1);
      await fixture.ledger.withdraw(OTHER);
      assert.equal(
        (await held(fixture.ledger, to.sourceId)).fence,
        fence + 1,
        'it is free when that one goes',
      );
    });

    it('is given as a reserve only what its holder does not reach, nor anybody else', async () => {
      const to = await fixture.subscribe();
      const hold = await held(fixture.ledger, to.sourceId);
      const wantersNow = async (): Promise<unknown> =>
        (await fixture.ledger.shares()).map(({ wanters }) => wanters);
      await wanting(HOLDER, [to]);
      await wanting(OTHER, [to], true);
      assert.deepEqual(await wantersNow(), [[HOLDER]]);
      assert.equal(await fixture.ledger.passOn(hold, OTHER, LEASE_MS), false);
      await wanting('third', [to]);
      await fixture.ledger.cannotReach(HOLDER, [to.sourceId], LEASE_MS);
      assert.deepEqual(await wantersNow(), [['third']]);
      assert.equal(await fixture.ledger.passOn(hold, OTHER, LEASE_MS), false);
      await fixture.ledger.cannotReach('third', [to.sourceId], LEASE_MS);
      assert.deepEqual(await wantersNow(), [[OTHER]]);
      assert.equal(await fixture.ledger.passOn(hold, OTHER, LEASE_MS), true);
      assert.deepEqual(await wantersNow(), [[]], 'it keeps it');
      await fixture.ledger.cannotReach(HOLDER, [to.sourceId], 0);
      assert.deepEqual(await wantersNow(), [[HOLDER]], 'until somebody can who wants it first');
    });

    it('is given nothing while it is silent, and has what it was given for as long as it is known to be alive', async () => {
      const to = await fixture.subscribe();
      const hold = await held(fixture.ledger, to.sourceId);
      await wanting(OTHER, [to]);
      await fixture.elapse(LEASE_MS / 2 + 1_000);
      assert.equal(await fixture.ledger.passOn(hold, OTHER, LEASE_MS), false, 'it may be alive no more');
      await fixture.ledger.attend(OTHER, LEASE_MS);
      await fixture.elapse(LEASE_MS / 2 - 1_000);
      assert.equal(await fixture.ledger.passOn(hold, OTHER, LEASE_MS), true);
      await fixture.elapse(LEASE_MS / 2 + 2_000);
      const { isFree } = (await standing(HOLDER, to)) as { isFree: boolean };
      assert.equal(isFree, true, 'it has not been heard since it was given the source');
    });

    it('counts for nothing where it was heard under a clock that was set back since, until it is heard again', async () => {
      const to = await fixture.subscribe();
      const hold = await held(fixture.ledger, to.sourceId);
      await wanting(OTHER, [to]);
      await fixture.ledger.cannotReach(OTHER, [to.sourceId], LEASE_MS);
      await fixture.elapse(-3_600_000);
      await wanting(HOLDER, [to]);
      assert.equal(await fixture.ledger.attend(HOLDER, LEASE_MS), 0, 'it is alone');
      assert.equal(await fixture.ledger.passOn(hold, OTHER, LEASE_MS), false);
      assert.deepEqual(
        (await fixture.ledger.shares()).map(({ wanters }) => wanters),
        [[HOLDER]],
      );
      assert.equal(await fixture.ledger.attend(OTHER, LEASE_MS), 1);
      assert.equal(
        await fixture.ledger.passOn(hold, OTHER, LEASE_MS),
        true,
        'what it could not reach is long ago',
      );
    });

    it('is left with nothing that was passed on to it and that it wants no more, but with what it has taken', async () => {
      const sources: Subscription[] = [];
      for (const mailbox of ['Dropped', 'Reserve', 'Taken', 'Wanted'])
        sources.push(await fixture.subscribe(mailbox, { source: { kind: 'imap', account: 'a', mailbox } }));
      const [dropped, reserve, taken, wanted] = sources;
      const all = [dropped!, reserve!, taken!, wanted!];
      await wanting(OTHER, all);
      for (const { sourceId } of all) {
        const hold = await held(fixture.ledger, sourceId);
        assert.equal(await fixture.ledger.passOn(hold, OTHER, LEASE_MS), true);
      }
      const hold = await held(fixture.ledger, taken!.sourceId, { holder: OTHER });
      const now = [
        { sourceId: reserve!.sourceId, reserve: true },
        { sourceId: wanted!.sourceId, reserve: false },
      ];
      await fixture.ledger.attend(OTHER, LEASE_MS, now, [hold]);
      const standings = await fixture.ledger.standings(
        OTHER,
        all.map(({ sourceId }) => sourceId),
      );
      assert.deepEqual(
        standings.map(({ holder }) => holder),
        [null, null, OTHER, OTHER],
      );
      const free = await held(fixture.ledger, reserve!.sourceId);
      assert.equal(await fixture.ledger.passOn(free, OTHER, LEASE_MS), false, 'a reserve is given nothing');
    });

    it('is left with nothing that it gave back, and was passed anew before it was heard that it wants it no more', async () => {
      const to = await fixture.subscribe();
      await fixture.ledger.releaseHolds([fixture.hold(to)]);
      await wanting(OTHER, [to]);
      const had = await held(fixture.ledger, to.sourceId, { holder: OTHER });
      await fixture.ledger.releaseHolds([had]);
      const hold = await held(fixture.ledger, to.sourceId);
      assert.equal(await fixture.ledger.passOn(hold, OTHER, LEASE_MS), true);
      await wanting(OTHER, [], false, [had]);
      assert.equal(((await standing(HOLDER, to)) as { holder: string | null }).holder, null);
    });

    it('has nothing that is passed to it in the moment in which it leaves, or wants it no more', async () => {
      const to = await fixture.subscribe();
      const another = await fixture.under.openAnother();
      try {
        for (let round = 0; round < 60; round++) {
          await fixture.ledger.releaseHolds([fixture.hold(to)]);
          const hold = await held(fixture.ledger, to.sourceId);
          await wanting(OTHER, [to]);
          const [wasPassed] = await Promise.all([
            fixture.ledger.passOn(hold, OTHER, LEASE_MS),
            round % 2 === 0 ? another.withdraw(OTHER) : another.attend(OTHER, LEASE_MS, []),
          ]);
          const { holder } = (await standing(HOLDER, to)) as { holder: string | null };
          assert.equal(holder, wasPassed ? null : HOLDER);
          if (!wasPassed) await fixture.ledger.releaseHolds([hold]);
        }
      } finally {
        await another.close();
      }
    });

    it('that stands by sees how the source is doing, and who else wants it', async () => {
      const to = await fixture.subscribe();
      await fixture.ledger.releaseHolds([fixture.hold(to)]);
      assert.deepEqual(await standing(OTHER, to), {
        ...{ holder: null, isFree: true, isMembers: false, others: 0 },
      });
      const hold = await held(fixture.ledger, to.sourceId, { leaseMs: LEASE_MS });
      await fixture.ledger.reportSource(hold, {
        state: 'retry_scheduled',
        connection: 'backing_off',
        error: 'no',
      });
      await wanting(HOLDER, [to]);
      await wanting(THIRD, [to], true);
      assert.deepEqual(await standing(OTHER, to), {
        ...{ holder: HOLDER, isFree: false, isMembers: true, others: 1 },
      });
      const [seen] = await fixture.ledger.standings(OTHER, [to.sourceId]);
      assert.equal(seen!.lastError, 'no');
      assert.ok(seen!.failingSince !== null && seen!.lastSuccessAt === null);
      await fixture.elapse(LEASE_MS * 10);
      assert.deepEqual(await standing(OTHER, to), {
        ...{ holder: HOLDER, isFree: true, isMembers: false, others: 0 },
      });
    });
  });

  describe('what is wrong for a trigger that listens elsewhere', () => {
    const complaints = async (...of: readonly Subscription[]): Promise<(readonly [number, string])[]> =>
      (
        await fixture.ledger.standings(
          OTHER,
          of.map(({ sourceId }) => sourceId),
        )
      ).flatMap((found) =>
        found.complaints.map(({ subscriptionId, said }) => [subscriptionId, said] as const),
      );

    it('is seen with its source, once however often it is said, for a day', async () => {
      const to = await fixture.subscribe();
      const beside = await fixture.subscribe('beside');
      const other = await fixture.subscribe('other', {
        source: { kind: 'imap', account: 'a', mailbox: 'Other' },
      });
      const long = `The server says ${'no, '.repeat(5_000)}`;
      await fixture.ledger.complain({ subscriptionId: to.id, said: 'no\0' });
      await fixture.elapse(1);
      await fixture.ledger.complain({ subscriptionId: beside.id, said: long });
      await fixture.ledger.complain({ subscriptionId: 999_999, said: 'nobody hears it' });
      assert.deepEqual(await complaints(other), []);
      const [first, second] = await complaints(to);
      assert.match(first![1], /^no.?$/);
      assert.deepEqual([first![0], second], [to.id, [beside.id, long]]);
      await fixture.elapse(86_000_000);
      await fixture.ledger.complain({ subscriptionId: beside.id, said: long });
      await fixture.elapse(1_000_000);
      assert.deepEqual(await complaints(to, other), [[beside.id, long]]);
      await fixture.ledger.sweep(10);
      const kept = await fixture.under.query<{ n: number }>('select count(*) as n from complaint');
      assert.equal(kept[0]!.n, 1);
    });

    it('is said anew after its trigger has subscribed anew, and is gone with it', async () => {
      const to = await fixture.subscribe();
      const beside = await fixture.subscribe('beside');
      for (const { id } of [to, beside]) await fixture.ledger.complain({ subscriptionId: id, said: 'no' });
      await fixture.subscribe();
      assert.deepEqual(await complaints(to), [[beside.id, 'no']]);
    });
  });

  describe('a trigger that an n8n of several listens to', () => {
    it('is of no other one while that says so', async () => {
      const note = (instance: string): ReturnType<typeof fixture.ledger.noteListening> =>
        fixture.ledger.noteListening([
          { workflowId: 'w', nodeId: 'n', instance, host: `host of ${instance}` },
        ]);
      assert.deepEqual(await note('one'), []);
      const taken = [{ workflowId: 'w', nodeId: 'n', instance: 'one', host: 'host of one' }];
      assert.deepEqual(await note('two'), taken);
      assert.deepEqual(await note('one'), []);
      await fixture.elapse(40_000);
      assert.deepEqual(await note('two'), []);
      assert.equal((await note('one')).length, 1);
    });
  });
}
