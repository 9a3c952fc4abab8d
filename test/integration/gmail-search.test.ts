// A trigger with a search of Gmail's: judged by Gmail, whose index is behind its mailbox.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DirectGmail } from '../support/gmail-direct';
import { gmailReading } from '../support/gmail-reading';
import { type GmailSyncing, inEachTest, sorted } from '../support/gmail-syncing';

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

describe('a Gmail account', { timeout: 10 * 60_000 }, () => {
  let gmail: DirectGmail;
  let syncing: GmailSyncing;

  inEachTest((begun) => ({ gmail, syncing } = begun));

  describe('with a search', () => {
    const apples = gmailReading({ filter: { search: 'subject:apple OR subject:pear' } });

    it('takes what matches, and nothing else', async () => {
      const one = await syncing.join({ reading: apples });
      await syncing.sync();
      const wanted = ['apple', 'pear'].map((subject) => gmail.deliver({ subject }));
      gmail.deliver({ subject: 'plum' });
      wanted.push(gmail.deliver({ subject: 'apple', internalDate: Date.now() - YEAR_MS }));
      await syncing.sync();
      assert.deepEqual(sorted(syncing.ids(one)), sorted(wanted));
      assert.equal((await syncing.cursor(one))['historyId'], gmail.historyId);
    });

    it('waits for an index that is behind, without reading again what does not match', async () => {
      const one = await syncing.join({ reading: apples });
      const any = await syncing.join();
      await syncing.sync();
      gmail.deliver({ subject: 'plum' });
      await syncing.sync();
      const plum = gmail.deliver({ subject: 'plum', internalDate: Date.now() - YEAR_MS });
      gmail.searchLagMs = 0;
      const late = gmail.deliver({ subject: 'apple' });
      gmail.before = (call, about) => {
        // The search knows old mails only.
        const seconds = Number(/after:(\d+)/.exec(about)?.[1] ?? 0);
        gmail.searchLagMs = call === 'messages' && seconds * 1000 > Date.now() - YEAR_MS / 2 ? Infinity : 0;
      };
      assert.equal((await syncing.sync()).againInMs, 2_000);
      syncing.now = 3_000;
      assert.equal((await syncing.sync()).againInMs, 4_000);
      assert.deepEqual([syncing.ids(one), syncing.ids(any).length], [[], 3]);
      assert.equal(gmail.reads.filter((id) => id === plum).length, 1);
      gmail.before = () => undefined;
      gmail.searchLagMs = 0;
      syncing.now = 7_000;
      assert.equal((await syncing.sync()).againInMs, null);
      assert.deepEqual(syncing.ids(one), [late]);
    });

    it('is not asked sooner for what the index does not know, however often the account is read', async () => {
      const one = await syncing.join({ reading: apples });
      const any = await syncing.join();
      await syncing.sync();
      const late = gmail.deliver({ subject: 'apple' });
      gmail.searchLagMs = Infinity;
      await syncing.sync();
      gmail.calls = [];
      for (let time = 0; time < 5; time++) assert.equal((await syncing.sync()).againInMs, 2_000);
      assert.equal(gmail.units, 10);
      const fresh = gmail.deliver({ subject: 'plum' });
      await syncing.sync();
      assert.deepEqual([syncing.ids(one), syncing.ids(any)], [[], [late, fresh]]);
      gmail.searchLagMs = 0;
      syncing.now = 2_000;
      assert.equal((await syncing.sync()).againInMs, null);
      assert.deepEqual(syncing.ids(one), [late]);
    });

    it('takes a mail that the index never learns of', async () => {
      const one = await syncing.join({ reading: apples });
      await syncing.sync();
      const id = gmail.deliver({ subject: 'plum' });
      gmail.searchLagMs = Infinity;
      const waits: (number | null)[] = [];
      for (let look = 0; look < 6; look++) {
        const { againInMs } = await syncing.sync();
        waits.push(againInMs);
        syncing.now += againInMs ?? 0;
      }
      assert.deepEqual(waits, [2_000, 5_000, 15_000, 30_000, 60_000, null]);
      assert.deepEqual(syncing.ids(one), [id]);
    });

    it('is not fooled by an index that learns of a mail between two questions', async () => {
      const one = await syncing.join({ reading: apples });
      await syncing.sync();
      const id = gmail.deliver({ subject: 'apple' });
      let asked = 0;
      gmail.before = (call) => {
        if (call === 'messages') gmail.searchLagMs = asked++ === 0 ? Infinity : 0;
      };
      await syncing.sync();
      assert.deepEqual(syncing.ids(one), [id]);
    });

    it('that is refused stays where it is, while the others go on', async () => {
      const one = await syncing.join({ reading: apples });
      const any = await syncing.join();
      await syncing.sync();
      const before = await syncing.cursor(one);
      const id = gmail.deliver({ subject: 'apple' });
      gmail.failOnce('messages', 'refused');
      await syncing.sync();
      assert.deepEqual([...syncing.refused.keys()], [one.id]);
      assert.deepEqual([syncing.ids(one), syncing.ids(any)], [[], [id]]);
      assert.deepEqual(await syncing.cursor(one), before);
      await syncing.sync();
      assert.deepEqual(syncing.ids(one), [id]);
    });
  });
});
