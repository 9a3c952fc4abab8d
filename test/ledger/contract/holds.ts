// The contract of holds: one process reads a source, and another that took it over is never recorded beside.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LedgerFault } from '../../../engine/ledger/fault';
import type { Ledger } from '../../../engine/ledger/ledger';
import type { Subscription } from '../../../engine/ledger/subscriptions';
import type { SourceHold } from '../../../engine/ledger/source-holds';
import { HOLDER, held } from '../held';
import { type Fixture, LEASE_MS } from './fixture';

const OTHER = 'another process';

export function holdsContract(fixture: Fixture): void {
  describe('a hold', () => {
    const ask = (
      { sourceId }: Subscription,
      holder: string,
      replacing?: string,
    ): ReturnType<Ledger['holdSource']> =>
      fixture.ledger.holdSource({ sourceId, holder, leaseMs: LEASE_MS, ...(replacing && { replacing }) });

    const send = (to: Subscription, hold: SourceHold, uid: number): Promise<readonly number[]> =>
      fixture.ledger.record({
        hold,
        messages: [fixture.mail([to], uid)],
        cursors: [{ subscriptionId: to.id, cursor: { uid } }],
      });

    /** The fixture's own lease runs out, and another process takes the source. */
    const takenOver = async (): Promise<{ to: Subscription; old: SourceHold; fresh: SourceHold }> => {
      const to = await fixture.subscribe();
      const old = await held(fixture.ledger, to.sourceId, { leaseMs: 1 });
      await fixture.elapse(1);
      return { to, old, fresh: await held(fixture.ledger, to.sourceId, { holder: OTHER }) };
    };

    const taken = (error: unknown): true => {
      assert.ok(error instanceof LedgerFault, String(error));
      assert.equal(error.kind, 'taken');
      assert.match(error.message, /Another process reads INBOX of ann@mail\.example.*stands by/);
      return true;
    };

    it('is one process alone, which gets it back with its fence', async () => {
      const to = await fixture.subscribe();
      const hold = fixture.hold(to);
      assert.deepEqual(hold, { sourceId: to.sourceId, fence: 1 });
      assert.deepEqual(await ask(to, OTHER), { heldBy: HOLDER });
      assert.deepEqual(await ask(to, HOLDER), { hold });
      await assert.rejects(ask({ ...to, sourceId: 999_999 }, HOLDER), LedgerFault);
    });

    it('is taken over when its lease ran out, under the next fence', async () => {
      const to = await fixture.subscribe();
      await ask(to, HOLDER);
      await fixture.elapse(LEASE_MS - 10_000);
      assert.deepEqual(await ask(to, OTHER), { heldBy: HOLDER });
      await fixture.elapse(10_000);
      const hold = { sourceId: to.sourceId, fence: 2 };
      assert.deepEqual(await ask(to, OTHER), { hold });
      assert.deepEqual(await ask(to, HOLDER), { heldBy: OTHER });
    });

    for (const [direction, jump] of [
      ['forward', 3_600_000],
      ['back', -3_600_000],
    ] as const) {
      it(`is taken over after a jump of the clock ${direction} only if it was seen not to be renewed`, async () => {
        const to = await fixture.subscribe();
        const hold = fixture.hold(to);
        await ask(to, HOLDER);
        const look = (unrenewed: number | null): ReturnType<Ledger['holdSource']> =>
          fixture.ledger.holdSource({ sourceId: to.sourceId, holder: OTHER, leaseMs: LEASE_MS, unrenewed });
        const seen = async (): Promise<number> => {
          const answer = await look(null);
          assert.ok('heldBy' in answer && answer.heldBy === HOLDER, JSON.stringify(answer));
          return answer.until!;
        };
        const alive = await seen();
        assert.ok('heldBy' in (await look(alive)), 'it has not run out');
        await fixture.elapse(jump);
        assert.ok('heldBy' in (await look(alive)));
        const jumped = await seen();
        await fixture.ledger.renewHolds([hold], LEASE_MS);
        assert.ok('heldBy' in (await look(jumped)), 'its holder lives');
        await fixture.elapse(jump);
        assert.ok('hold' in (await look(await seen())), 'its holder does not');
      });
    }

    it('is taken over at once from a holder that is known to be dead, and from no other', async () => {
      const to = await fixture.subscribe();
      assert.deepEqual(await ask(to, OTHER, 'somebody else'), { heldBy: HOLDER });
      assert.deepEqual(await ask(to, OTHER, HOLDER), { hold: { sourceId: to.sourceId, fence: 2 } });
      assert.deepEqual(await ask(to, OTHER, HOLDER), { hold: { sourceId: to.sourceId, fence: 2 } });
    });

    it('that is released is free for the next, and nobody else can release it', async () => {
      const { to, old, fresh } = await takenOver();
      await fixture.ledger.releaseHolds([old]);
      assert.deepEqual(await ask(to, HOLDER), { heldBy: OTHER });
      await fixture.ledger.releaseHolds([fresh]);
      assert.deepEqual(await fixture.ledger.renewHolds([fresh], LEASE_MS), [], 'nothing is left to renew');
      assert.deepEqual(await ask(to, HOLDER), { hold: { sourceId: to.sourceId, fence: 3 } });
    });

    it('is renewed, also late, while nobody else has taken it', async () => {
      const to = await fixture.subscribe();
      const there = { source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'Support' } } as const;
      const other = await fixture.subscribe('workflow', there);
      const [a, b] = [fixture.hold(to), fixture.hold(other)];
      await ask(to, HOLDER);
      await ask(other, HOLDER);
      await fixture.elapse(2 * LEASE_MS);
      const next = await held(fixture.ledger, other.sourceId, { holder: OTHER });
      assert.deepEqual(await fixture.ledger.renewHolds([b, a], LEASE_MS), [a]);
      assert.deepEqual(await fixture.ledger.renewHolds([next, a], LEASE_MS), [next, a]);
      assert.deepEqual(await fixture.ledger.renewHolds([], LEASE_MS), []);
      await fixture.elapse(LEASE_MS - 10_000);
      assert.deepEqual(await ask(to, OTHER), { heldBy: HOLDER });
    });

    it('records on after its lease ran out, until another process takes the source', async () => {
      const to = await fixture.subscribe();
      await fixture.elapse(86_400_000);
      assert.deepEqual(await send(to, fixture.hold(to), 1), [to.id]);
    });

    it('that was lost records nothing, neither mail nor cursor, and says who has it', async () => {
      const { to, old, fresh } = await takenOver();
      await assert.rejects(send(to, old, 1), taken);
      await assert.rejects(
        fixture.ledger.record({
          hold: old,
          messages: [],
          cursors: [{ subscriptionId: to.id, cursor: { uid: 9 } }],
        }),
        taken,
      );
      assert.equal(await fixture.count('message'), 0);
      assert.equal((await fixture.ledger.cursors([to.id])).get(to.id), null);
      assert.deepEqual(await send(to, fresh, 1), [to.id]);
      assert.deepEqual((await fixture.ledger.cursors([to.id])).get(to.id), { uid: 1 });
    });

    it('that was lost reports nothing', async () => {
      const { old, fresh } = await takenOver();
      await fixture.ledger.reportSource(fresh, { state: 'idle', connection: 'idling', synced: true });
      await fixture.ledger.reportSource(old, { state: 'error', connection: 'closed', error: 'late' });
      const [source] = await fixture.ledger.sources();
      assert.deepEqual([source?.state, source?.connection, source?.lastError], ['idle', 'idling', null]);
    });

    it('keeps what its reader notes of the source for whoever reads it next, and nothing that comes late', async () => {
      const { to, old, fresh } = await takenOver();
      assert.deepEqual(await fixture.ledger.sourceNote(to.sourceId), {});
      const note = { labels: { Label_1: 'Grüße "2"' }, at: 1_900_000_000_000 };
      await fixture.ledger.writeSourceNote(fresh, note);
      await fixture.ledger.writeSourceNote(old, { at: 1 });
      await fixture.withAnother(async (another) => {
        assert.deepEqual(await another.sourceNote(to.sourceId), note);
      });
      await fixture.ledger.writeSourceNote(fresh, {});
      assert.deepEqual(await fixture.ledger.sourceNote(to.sourceId), {});
    });

    it('is refused where there is no such source', async () => {
      await assert.rejects(
        fixture.ledger.holdSource({ sourceId: 999_999, holder: 'x', leaseMs: LEASE_MS }),
        /^LedgerFault: The mail ledger has no source 999999\.$/,
      );
    });

    it('goes to one of those that ask at once', async () => {
      const to = await fixture.subscribe();
      await fixture.ledger.releaseHolds([fixture.hold(to)]);
      await fixture.withAnother(async (another) => {
        const answers = await Promise.all(
          [fixture.ledger, another, fixture.ledger, another].map((ledger, i) =>
            ledger.holdSource({ sourceId: to.sourceId, holder: `process ${i}`, leaseMs: LEASE_MS }),
          ),
        );
        const holders = answers.flatMap((answer, i) => ('hold' in answer ? [`process ${i}`] : []));
        assert.equal(holders.length, 1);
        for (const answer of answers) {
          if ('heldBy' in answer) assert.equal(answer.heldBy, holders[0]);
        }
      });
    });

    it('that is taken while its holder records leaves all or nothing of it', async () => {
      const to = await fixture.subscribe();
      await fixture.withAnother(async (another) => {
        for (let uid = 1; uid <= 10; uid++) {
          const [mine, theirs] = uid % 2 ? [HOLDER, OTHER] : [OTHER, HOLDER];
          const hold = await held(fixture.ledger, to.sourceId, { holder: mine, replacing: theirs });
          const [sent] = await Promise.allSettled([
            send(to, hold, uid),
            held(another, to.sourceId, { holder: theirs, replacing: mine }),
          ]);
          const recorded = sent.status === 'fulfilled';
          if (!recorded) taken(sent.reason);
          const { events } = await fixture.ledger.events({}, { limit: 100 });
          assert.equal(events.filter((event) => event.uid === uid).length, recorded ? 1 : 0);
          const cursor = (await fixture.ledger.cursors([to.id])).get(to.id);
          assert.equal(cursor?.['uid'] === uid, recorded);
        }
      });
    });
  });
}
