// Who holds a source: two engines of one process are two holders, and a holder that is gone is known for one.
import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { describe, it } from 'node:test';
import type { HoldRequest, SourceHolds } from '../../engine/ledger/source-holds';
import { isDead, newHolder, SourceLeases } from '../../engine/source/leases';
import { silentLog } from '../support/log';

/** A ledger's leases, as far as who takes one is concerned: none runs out. */
function holds(): SourceHolds {
  const held = new Map<number, { holder: string; fence: number }>();
  return {
    holdSource: ({ sourceId, holder, replacing }: HoldRequest) => {
      const now = held.get(sourceId);
      if (now && now.holder !== holder && now.holder !== replacing)
        return Promise.resolve({ heldBy: now.holder, until: 1 });
      const fence = now?.holder === holder ? now.fence : (now?.fence ?? 0) + 1;
      held.set(sourceId, { holder, fence });
      return Promise.resolve({ hold: { sourceId, fence } });
    },
    renewHolds: (all) => Promise.resolve([...all]),
    releaseHolds: (all) => {
      for (const { sourceId, fence } of all) if (held.get(sourceId)?.fence === fence) held.delete(sourceId);
      return Promise.resolve();
    },
  };
}

describe('leases of sources', () => {
  it('are not shared by two engines of one process', async () => {
    const ledger = holds();
    const [one, other] = [new SourceLeases(ledger, silentLog), new SourceLeases(ledger, silentLog)];
    const lease = await one.take(1);
    assert.ok(lease);
    assert.equal(await other.take(1), null);
    await lease.release();
    const next = await other.take(1);
    assert.ok(next);
    await next.release();
  });

  it('that an engine left behind are taken at once, as after a crash', async () => {
    const ledger = holds();
    const [gone, other] = [new SourceLeases(ledger, silentLog), new SourceLeases(ledger, silentLog)];
    await gone.take(1);
    gone.close();
    const lease = await other.take(1);
    assert.ok(lease);
    await lease.release();
  });

  it('are of a dead process where it is of this machine, and not there, or had the number of this one', () => {
    const self = newHolder();
    const at = (host: string, pid: number): string => `${host}:${pid}:0b6c`;
    assert.deepEqual(
      [
        isDead(newHolder(), self),
        isDead(at(hostname(), process.pid), self),
        isDead(at(hostname(), 2 ** 22 + 1), self),
        isDead(at(hostname(), process.ppid), self),
        isDead(at('another', process.pid), self),
      ],
      [false, true, true, false, false],
    );
  });
});
