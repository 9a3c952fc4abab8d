// A Gmail account whose history does not tell of everything: it has expired, or was reached late.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GmailFault } from '../../engine/gmail/api/fault';
import { ADDRESS, type DirectGmail, fault } from '../support/gmail-direct';
import { gmailReading } from '../support/gmail-reading';
import { type GmailSyncing, inEachTest, sorted } from '../support/gmail-syncing';

const HOUR_MS = 3_600_000;

describe('a Gmail account', { timeout: 10 * 60_000 }, () => {
  let gmail: DirectGmail;
  let syncing: GmailSyncing;

  inEachTest((begun) => ({ gmail, syncing } = begun));

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

    it('costs three lists besides the mails', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const missed = gmail.deliverMany(40);
      gmail.mailbox.history.expire();
      gmail.calls = [];
      await syncing.sync();
      assert.deepEqual(sorted(syncing.ids(one)), missed);
      const [expired, profile, lists, history] = [2, 1, 3 * 5, 2];
      assert.equal(gmail.units, expired + profile + lists + 40 * 20 + history);
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

    it('finds all of a burst that the search does not know yet, and reads nothing else', async () => {
      for (let time = 0; time < 30; time++) gmail.deliver({ internalDate: Date.now() - HOUR_MS });
      const one = await syncing.join();
      const apples = await syncing.join({ reading: gmailReading({ filter: { search: 'subject:apple' } }) });
      await syncing.sync();
      const indexed = gmail.deliverMany(40);
      gmail.searchLagMs = 500;
      await new Promise((resolve) => setTimeout(resolve, 600));
      const ids = gmail.deliverMany(560);
      const apple = gmail.deliver({ subject: 'apple' });
      gmail.mailbox.history.expire();
      gmail.before = (call) => {
        // The index stands still.
        if (call === 'messages')
          gmail.searchLagMs = Date.now() - gmail.mailbox.messages.get(ids[0]!)!.addedAt + 1;
      };
      gmail.calls = [];
      await syncing.sync();
      assert.deepEqual(sorted(syncing.ids(one)), sorted([...indexed, ...ids, apple]));
      assert.deepEqual(sorted([...new Set(gmail.reads)]), sorted([...indexed, ...ids, apple]));
      gmail.before = () => undefined;
      gmail.searchLagMs = 0;
      syncing.now += 120_000;
      await syncing.sync();
      assert.deepEqual(syncing.ids(apples), [apple]);
    });

    it('is not misled by mails with old dates that came in between', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const lost = gmail.deliver();
      gmail.searchLagMs = Infinity;
      gmail.mailbox.history.expire();
      const messages = gmail.messages.bind(gmail);
      gmail.messages = async (query, ...more) => {
        const page = await messages(query, ...more);
        // In the order in which they came, as nobody promises that it is that of their dates.
        return query.q === undefined ? { messages: [{ id: old }, ...(page.messages ?? [])] } : page;
      };
      const old = gmail.deliver({ internalDate: Date.now() - 365 * 24 * HOUR_MS });
      await syncing.sync();
      assert.deepEqual(syncing.ids(one), [lost]);
    });

    it('reads nothing to find out that nothing came', async () => {
      gmail.deliverMany(60);
      const one = await syncing.join({ reading: gmailReading({ filter: { search: 'subject:apple' } }) });
      await syncing.sync();
      const cursor = await syncing.cursor(one);
      await syncing.setCursor(one, { ...cursor, from: 0, syncedAt: Date.now() - HOUR_MS });
      gmail.mailbox.history.expire();
      gmail.calls = [];
      await syncing.sync();
      assert.deepEqual([gmail.reads, syncing.ids(one)], [[], []]);
    });

    it('lists anew when a page of the list is not known any more, and refuses nobody for it', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const missed = gmail.deliver();
      gmail.mailbox.history.expire();
      const messages = gmail.messages.bind(gmail);
      gmail.messages = async (query, ...more) => {
        if (query.pageToken !== undefined) throw fault('refused');
        return { ...(await messages(query, ...more)), ...(query.q && { nextPageToken: 'gone' }) };
      };
      await assert.rejects(syncing.sync(), { kind: 'busy' });
      gmail.messages = messages;
      await syncing.sync();
      assert.deepEqual([syncing.refused.size, syncing.ids(one)], [0, [missed]]);
    });

    it('refuses a search that Gmail does not understand, and looks for the others', async () => {
      const wrong = await syncing.join({ reading: gmailReading({ filter: { search: 'subject:apple' } }) });
      const right = await syncing.join();
      await syncing.sync();
      const missed = gmail.deliver();
      gmail.mailbox.history.expire();
      gmail.before = (call, about) => {
        if (call === 'messages' && about.includes('apple')) throw fault('refused');
      };
      await syncing.sync();
      assert.deepEqual([[...syncing.refused.keys()], syncing.ids(right)], [[wrong.id], [missed]]);
    });

    it('goes on in an account that was made anew, whose ids are lower, whatever Gmail says of ours', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const cursor = await syncing.cursor(one);
      const higher = String(BigInt(String(cursor['historyId'])) + 1_000_000n);
      const ids: string[] = [];
      for (const answer of ['expired', 'refused', 'nothing'] as const) {
        await syncing.setCursor(one, { ...cursor, historyId: higher });
        ids.push(gmail.deliver());
        const history = gmail.history.bind(gmail);
        gmail.history = async (start, ...more) => {
          if (start !== higher) return history(start, ...more);
          if (answer !== 'nothing') throw fault(answer);
          return { historyId: gmail.historyId };
        };
        await syncing.sync();
        gmail.history = history;
        assert.deepEqual(sorted(syncing.ids(one)), ids);
        assert.equal((await syncing.cursor(one))['historyId'], gmail.historyId);
      }
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
      gmail.failOnce('history', 'refused');
      await assert.rejects(syncing.sync(), (error) => {
        assert.ok(error instanceof GmailFault && error.kind === 'login');
        assert.match(error.message, new RegExp(`eve@gmail.com.*${ADDRESS}`));
        return true;
      });
      assert.deepEqual(syncing.ids(one), []);
      gmail.address = ADDRESS;
      gmail.failOnce('history', 'refused');
      assert.equal((await syncing.sync()).recovered, 1);
    });
  });

  describe('at the beginning', () => {
    it('that came late, goes back to when the trigger was made', async () => {
      const old = gmail.deliver({ internalDate: Date.now() - HOUR_MS });
      const one = await syncing.join({ reachedLate: true });
      const missed = gmail.deliver();
      gmail.failOnce('messages', 'unreachable');
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
