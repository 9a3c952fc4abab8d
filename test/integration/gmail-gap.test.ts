// A Gmail account whose history does not tell of everything: it has expired, or was reached late.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { GmailFault } from '../../engine/gmail/api/fault';
import { ADDRESS, type Call, DirectGmail, fault } from '../support/gmail-direct';
import { gmailReading, GmailSyncing } from '../support/gmail-syncing';

const HOUR_MS = 3_600_000;

const sorted = (ids: readonly string[]): string[] => [...ids].sort();

describe('a Gmail account', { timeout: 10 * 60_000 }, () => {
  let gmail: DirectGmail;
  let syncing: GmailSyncing;

  beforeEach(async () => {
    gmail = new DirectGmail();
    syncing = await GmailSyncing.start(gmail);
  });
  afterEach(() => syncing.dispose());

  /** The next one fails; others pass. */
  const failOnce = (call: Call, kind: GmailFault['kind'], afterMatching = 0): void => {
    let matching = 0;
    gmail.before = (one) => {
      if (one === call && matching++ === afterMatching) throw fault(kind);
    };
  };

  describe('whose history has expired', () => {
    it('looks for what came meanwhile by date, tells how much that was, and goes on without a gap', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const known = gmail.deliver();
      await syncing.sync();
      const missed = gmail.deliverMany(30);
      gmail.mailbox.history.expire();
      const between: string[] = [];
      gmail.before = (call) => {
        // New mails come at each step of it.
        if (call !== 'message') between.push(gmail.deliver());
      };
      const end = await syncing.sync();
      gmail.before = () => undefined;
      assert.ok(end.recovered !== null && end.recovered >= 30);
      assert.deepEqual(syncing.states.includes('gap_syncing'), true);
      const after = gmail.deliver();
      assert.equal((await syncing.sync()).recovered, null);
      assert.deepEqual(sorted(syncing.ids(one)), sorted([known, ...missed, ...between, after]));
    });

    it('does not take for new what was there before the trigger', async () => {
      const old = gmail.deliver({ internalDate: Date.now() - HOUR_MS / 2 });
      const one = await syncing.join();
      await syncing.sync();
      gmail.mailbox.history.expire();
      assert.equal((await syncing.sync()).recovered, 0);
      assert.ok(!syncing.ids(one).includes(old));
    });

    it('finds a mail that the search does not know yet', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const id = gmail.deliver();
      gmail.searchLagMs = Infinity;
      gmail.mailbox.history.expire();
      await syncing.sync();
      assert.deepEqual(syncing.ids(one), [id]);
    });

    it('recovers only those that stood too far back', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const cursor = await syncing.cursor(one);
      const lost = gmail.deliver();
      gmail.mailbox.history.expire();
      const two = await syncing.join();
      await syncing.sync();
      await syncing.setCursor(one, cursor);
      const fresh = gmail.deliver();
      gmail.calls = [];
      await syncing.sync();
      assert.deepEqual(sorted(syncing.ids(one)), sorted([lost, fresh]));
      assert.deepEqual(syncing.ids(two), [fresh]);
    });

    it('goes on with a recovery that was interrupted at any call', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const ids: string[] = [];
      for (let at = 1; at < 25; at++) {
        ids.push(...gmail.deliverMany(8));
        gmail.mailbox.history.expire();
        let calls = 0;
        gmail.before = () => {
          if (++calls === at) throw fault('unreachable');
        };
        await syncing
          .sync()
          .catch((error: unknown) => assert.equal((error as GmailFault).kind, 'unreachable'));
        syncing.restart();
      }
      gmail.before = () => undefined;
      await syncing.sync();
      assert.deepEqual(sorted(syncing.ids(one)), ids);
      assert.equal((await syncing.cursor(one))['since'], undefined);
    });

    it('says so when the credential leads to another account, and reads nothing of it', async () => {
      const one = await syncing.join();
      await syncing.sync();
      gmail.address = 'eve@gmail.com';
      gmail.deliver();
      failOnce('history', 'refused');
      await assert.rejects(syncing.sync(), (error) => {
        assert.ok(error instanceof GmailFault && error.kind === 'login');
        assert.match(error.message, new RegExp(`eve@gmail.com.*${ADDRESS}`));
        return true;
      });
      assert.deepEqual(syncing.ids(one), []);
      gmail.address = ADDRESS;
      failOnce('history', 'refused');
      assert.equal((await syncing.sync()).recovered, 1);
    });
  });

  describe('at the beginning', () => {
    it('that came late, goes back to when the trigger was made', async () => {
      const old = gmail.deliver({ internalDate: Date.now() - HOUR_MS });
      const one = await syncing.join({ reachedLate: true });
      const missed = gmail.deliver();
      failOnce('messages', 'unreachable');
      await assert.rejects(syncing.sync());
      syncing.change(one, { reachedLate: false });
      await syncing.sync();
      assert.deepEqual(syncing.ids(one), [missed]);
      assert.notEqual(old, missed);
    });

    it('goes on where it stood after it was off, or passes over what came then', async () => {
      const keeps = await syncing.join();
      const skips = await syncing.join({ reading: gmailReading({ skipWhileOff: true }) });
      await syncing.sync();
      const meanwhile = gmail.deliver();
      for (const one of [keeps, skips]) syncing.change(one, { switchedOnAt: Date.now() + 1 });
      await syncing.sync();
      const fresh = gmail.deliver();
      await syncing.sync();
      assert.deepEqual([syncing.ids(keeps), syncing.ids(skips)], [[meanwhile, fresh], [fresh]]);
    });
  });
});
