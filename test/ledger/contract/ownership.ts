// The contract of ownership: a ledger belongs to one n8n, and another one does nothing with it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LedgerFault, type LedgerFaultKind } from '../../../engine/ledger/fault';
import type { Ledger } from '../../../engine/ledger/ledger';
import { ALIVE_MS } from '../../../engine/ledger/common/owner';
import type { Instance } from '../../../engine/ledger/ownership';
import { pause } from '../../../engine/runtime/time';
import { until } from '../../support/until';
import { held } from '../held';
import { type Fixture, LEASE_MS, success } from './fixture';

/** Far more than any of it takes. */
const PATIENCE_MS = 20_000;

const production: Instance = {
  id: 'production-0123456789',
  home: 'its process',
  host: 'host-p',
  isGone: (home) => home === 'a dead process',
};
const worker: Instance = { ...production, home: 'a worker', host: 'host-w' };
const staging: Instance = {
  ...production,
  id: 'staging-0123456789',
  home: 'another process',
  host: 'host-s',
};
const twin: Instance = { ...production, home: 'the process of a copy', host: 'host-t' };

const refused =
  (kind: LedgerFaultKind, text: RegExp) =>
  (error: unknown): true => {
    assert.ok(error instanceof LedgerFault, String(error));
    assert.equal(error.kind, kind);
    assert.match(error.message, text);
    return true;
  };

const foreign = refused('foreign', /belongs to another n8n \(instance production-0, on host-p.*Take Over/);

export function ownershipContract(fixture: Fixture): void {
  describe('a ledger and the n8n that it belongs to', () => {
    const as = async (instance: Instance, work: (ledger: Ledger) => Promise<void>): Promise<void> => {
      const ledger = await fixture.under.openAnother(instance);
      try {
        await work(ledger);
      } finally {
        await ledger.close();
      }
    };

    it('has an id of its own, the same for all who open it', async () => {
      const id = await fixture.ledger.ledgerId();
      assert.match(id, /^[0-9a-f]{32}$/);
      await as(staging, async (ledger) => assert.equal(await ledger.ledgerId(), id));
    });

    it('says whether somebody listens, to whoever asks, until that one leaves', async () => {
      await as(production, async (ledger) => {
        const is = (): Promise<boolean[]> =>
          Promise.all([ledger, fixture.ledger].map((one) => one.isListenedTo()));
        assert.deepEqual(await is(), [false, false]);
        await ledger.own();
        assert.deepEqual(await is(), [true, true]);
        await ledger.leave();
        assert.deepEqual(await is(), [false, false]);
      });
    });

    it('is taken over from a process that is no more by all who listen, also at once', async () => {
      await as({ ...production, home: 'a dead process' }, (ledger) => ledger.own());
      await as(production, async (ledger) => {
        const all = Promise.all([ledger.own(), ledger.own(), ledger.own()]).then(() => 'all are told');
        const tooLong = new AbortController();
        const late = pause(PATIENCE_MS, tooLong.signal).then(() => 'one waits for ever');
        assert.equal(await Promise.race([all, late]), 'all are told');
        tooLong.abort();
      });
    });

    it('is the first one that listens; another one records, offers, claims and takes nothing', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      const pointer = await fixture.offerOne(to);
      await as(production, (ledger) => ledger.own());
      await as(staging, async (ledger) => {
        await assert.rejects(ledger.own(), foreign);
        const { sourceId, id } = to;
        const batch = { hold: fixture.hold(to), messages: [fixture.mail([to], 2)], cursors: [] };
        const asked = { subscriptionIds: [id], mostRuns: 5, mailsPerRun: 1, leaseMs: LEASE_MS };
        const keys = {
          keys: ['k'],
          holder: 'h',
          leaseMs: LEASE_MS,
          finish: 'onSuccess',
          keepMs: null,
        } as const;
        await assert.rejects(ledger.record(batch), foreign);
        await assert.rejects(ledger.offer(asked), foreign);
        await assert.rejects(ledger.claim([pointer], 'e', LEASE_MS), foreign);
        await assert.rejects(ledger.holdSource({ sourceId, holder: 'x', leaseMs: LEASE_MS }), foreign);
        await assert.rejects(ledger.takeEnded([id], 10), foreign);
        await assert.rejects(ledger.takeUnserved({ afterMs: 0 }, 10), foreign);
        await assert.rejects(ledger.takeByHand([pointer.event], 'e', LEASE_MS), foreign);
        await assert.rejects(ledger.takeKeys(keys), foreign);
        const few = { limit: 1, leaseMs: LEASE_MS, mostAtOnce: 1, mostAMinute: null };
        await assert.rejects(ledger.takeEntries({ ...few, of: { lane: 'smtp:a' } }), foreign);
        await assert.rejects(ledger.tellEndpoint(1, { from: '1', to: '2' }, []), foreign);
        await assert.rejects(ledger.sweep(10), foreign);
      });
      await as(worker, async (ledger) =>
        assert.equal((await ledger.claim([pointer], 'e', LEASE_MS)).length, 1),
      );
    });

    it('can be taken over by a word; what the old owner runs may end, and it begins nothing more', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1, 2);
      const asked = { subscriptionIds: [to.id], mostRuns: 1, mailsPerRun: 1, leaseMs: LEASE_MS };
      await as(production, async (old) => {
        await old.own();
        const [run] = (await old.offer(asked)).runs;
        assert.equal((await old.claim(run!.pointers, 'e', LEASE_MS)).length, 1);
        await as(staging, async (ledger) => {
          assert.equal(await ledger.takeOver(), 'host-p');
          await ledger.own();
        });
        await until('it is noticed', () =>
          assert.rejects(old.own(), /belongs to another n8n \(instance staging-0123/).then(() => true),
        );
        await assert.rejects(old.offer(asked), /belongs to another n8n/);
        assert.equal((await old.settle(run!.pointers, success)).length, 1);
      });
    });

    it('a copy of it with the same id stands by while the first one lives, not longer', async () => {
      await as(production, (ledger) => ledger.own());
      await as(twin, async (copy) => {
        await assert.rejects(copy.own(), refused('twin', /same instance id \(on host-p.*copy of the other/));
        await fixture.elapse(ALIVE_MS);
        await copy.own();
        const to = await fixture.subscribe();
        await held(copy, to.sourceId);
      });
      await as(production, (ledger) => assert.rejects(ledger.own(), /same instance id/));
    });

    it('an n8n that starts again goes on at once: after a stop, and where its last process is known to be dead', async () => {
      await as({ ...production, home: 'a dead process' }, (ledger) => ledger.own());
      await as(production, async (ledger) => {
        await ledger.own();
        await ledger.leave();
      });
      await as({ ...production, home: 'the next process' }, (ledger) => ledger.own());
    });

    it('several main processes of one n8n listen side by side', async () => {
      const main = { ...production, home: null };
      await as(main, (ledger) => ledger.own());
      await as({ ...main, host: 'host-2' }, (ledger) => ledger.own());
      await as(staging, (ledger) => assert.rejects(ledger.own(), /belongs to another n8n/));
    });
  });
}
