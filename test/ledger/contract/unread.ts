// The contract of since when no process reads a source: it was given back, its reader died, or nobody has taken it yet.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SourceHealth } from '../../../engine/ledger/inspection';
import type { SourceReport } from '../../../engine/ledger/sources';
import type { Subscription } from '../../../engine/ledger/subscriptions';
import { held } from '../held';
import { type Fixture, HOUR_MS, LEASE_MS } from './fixture';

const MINUTE_MS = 60_000;
const NODE = { workflowId: 'workflow', nodeId: 'node' };
const READ: SourceReport = { state: 'idle', connection: 'polling', synced: true };
const FAILED: SourceReport = {
  ...{ state: 'retry_scheduled', connection: 'backing_off', error: 'no answer', retryInMs: 30_000 },
};

export function unreadContract(fixture: Fixture): void {
  describe('a source that no process reads', () => {
    const source = async (): Promise<SourceHealth> => (await fixture.ledger.sources())[0]!;

    /** @param agoMs null: somebody reads it, or nobody listens */
    const unreadFor = async (agoMs: number | null, why: string): Promise<void> => {
      const { unreadSince } = await source();
      if (agoMs === null || unreadSince === null) {
        assert.equal(unreadSince, agoMs, why);
        return;
      }
      const off = Date.now() - unreadSince - agoMs;
      assert.ok(Math.abs(off) < MINUTE_MS, `${why}: ${off} ms off`);
    };

    /** As a trigger leaves it that has just subscribed. */
    const neverTaken = async (): Promise<Subscription> => {
      const to = await fixture.subscribe();
      await fixture.under.query('update source set holder = null, held_until = null, fence = 0');
      return to;
    };

    it('is so since its last one gave it back, however long ago it was read', async () => {
      const hold = fixture.hold(await fixture.subscribe());
      await fixture.ledger.reportSource(hold, READ);
      await unreadFor(null, 'it is read');
      await fixture.elapse(2 * HOUR_MS);
      await fixture.ledger.renewHolds([hold], LEASE_MS);
      await fixture.ledger.reportSource(hold, { state: 'idle', connection: 'closed' });
      await fixture.ledger.releaseHolds([hold]);
      await unreadFor(0, 'just given back');
      await fixture.elapse(HOUR_MS);
      await fixture.ledger.releaseHolds([hold]);
      await unreadFor(HOUR_MS, 'nothing is given back twice');
      const next = await held(fixture.ledger, hold.sourceId, { holder: 'the next' });
      await unreadFor(null, 'the next one has it');
      await fixture.ledger.releaseHolds([hold]);
      await unreadFor(null, 'it was not the next one that gave it back');
      await fixture.ledger.releaseHolds([next]);
      await unreadFor(0, 'given back again');
    });

    it('is so since the lease of one that died ran out', async () => {
      const hold = fixture.hold(await fixture.subscribe());
      await fixture.ledger.reportSource(hold, READ);
      await fixture.ledger.renewHolds([hold], LEASE_MS);
      await fixture.elapse(2 * HOUR_MS);
      await unreadFor(2 * HOUR_MS - LEASE_MS, 'it ran out');
      await fixture.ledger.renewHolds([hold], LEASE_MS);
      await unreadFor(null, 'it had only stalled');
    });

    it('is so since its trigger listens, where none has taken it', async () => {
      const to = await neverTaken();
      await unreadFor(0, 'it has just subscribed');
      await fixture.elapse(10 * MINUTE_MS);
      await unreadFor(10 * MINUTE_MS, 'and nobody came');
      await fixture.unserved(HOUR_MS, to);
      await fixture.ledger.serve([NODE]);
      await unreadFor(10 * MINUTE_MS, 'it listens all the while');
      await fixture.subscribe('another workflow');
      await unreadFor(10 * MINUTE_MS, 'another one listens for a shorter time');
      await fixture.ledger.unserve([NODE, { ...NODE, workflowId: 'another workflow' }]);
      await unreadFor(null, 'nobody listens');
      assert.equal((await source()).served, false);
      await fixture.ledger.serve([NODE]);
      await unreadFor(0, 'it listens anew');
    });

    it('is so since its trigger listens again, after months', async () => {
      const hold = fixture.hold(await fixture.subscribe());
      await fixture.ledger.reportSource(hold, READ);
      await fixture.ledger.unserve([NODE]);
      await fixture.ledger.releaseHolds([hold]);
      await fixture.elapse(1_000 * HOUR_MS);
      await unreadFor(null, 'nobody listens');
      await fixture.subscribe();
      await unreadFor(0, 'somebody does');
    });

    it('is so since it was read last, where a version before this let it go', async () => {
      const hold = fixture.hold(await fixture.subscribe());
      await fixture.elapse(3 * HOUR_MS);
      await fixture.ledger.reportSource(hold, READ);
      await fixture.elapse(HOUR_MS);
      await fixture.under.query('update source set holder = null, held_until = null');
      await fixture.under.query('update subscription set served_since = null');
      await unreadFor(HOUR_MS, 'nobody noted more');
    });

    it('is tried anew by whoever takes it over: what failed for one that died is not told of the next', async () => {
      const to = await fixture.subscribe();
      const hold = await held(fixture.ledger, to.sourceId, { leaseMs: LEASE_MS });
      await fixture.ledger.reportSource(hold, READ);
      await fixture.ledger.reportSource(hold, FAILED);
      await held(fixture.ledger, to.sourceId);
      const told = async (): Promise<unknown[]> => {
        const { connection, since, failingSince, nextTryAt, lastError } = await source();
        return [connection, ...[since, failingSince, nextTryAt].map((at) => at !== null), lastError];
      };
      assert.deepEqual(await told(), ['backing_off', true, true, true, 'no answer'], 'it is its own');
      await fixture.elapse(HOUR_MS);
      await held(fixture.ledger, to.sourceId, { holder: 'the next' });
      assert.deepEqual(await told(), ['closed', false, false, false, 'no answer']);
    });
  });
}
