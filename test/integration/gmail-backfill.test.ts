// Older mail of a Gmail account: what a trigger may begin with.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DirectGmail, fault } from '../support/gmail-direct';
import { gmailReading } from '../support/gmail-reading';
import { type GmailSyncing, inEachTest, sorted } from '../support/gmail-syncing';

const HOUR_MS = 3_600_000;

describe('a Gmail account', { timeout: 10 * 60_000 }, () => {
  let gmail: DirectGmail;
  let syncing: GmailSyncing;

  inEachTest((begun) => ({ gmail, syncing } = begun));

  describe('with older mail', () => {
    it('gives the newest 50 first, then the rest, new mail in between, each once and read once', async () => {
      const old = gmail.deliverMany(120);
      const one = await syncing.join({ reading: gmailReading({ start: { kind: 'everything' } }) });
      const end = await syncing.sync();
      assert.deepEqual(sorted(syncing.ids(one)), old.slice(70));
      assert.deepEqual(end.older, { read: 50, left: 70, waits: false });
      const fresh = gmail.deliver();
      await syncing.sync();
      assert.equal(syncing.ids(one)[50], fresh);
      assert.equal((await syncing.syncToTheEnd()).older, null);
      assert.deepEqual(sorted(syncing.ids(one)), [...old, fresh]);
      assert.equal(gmail.reads.length, 121);
    });

    it('goes on where it was after a crash at any call', async () => {
      const old = gmail.deliverMany(100);
      const one = await syncing.join({ reading: gmailReading({ start: { kind: 'everything' } }) });
      for (let at = 2; at < 60; at += 3) {
        let calls = 0;
        gmail.before = () => {
          if (++calls === at) throw fault('unreachable');
        };
        await syncing.sync().catch(() => undefined);
        syncing.restart();
      }
      gmail.before = () => undefined;
      await syncing.syncToTheEnd();
      assert.deepEqual(sorted(syncing.ids(one)), old);
      assert.ok(gmail.reads.length < 200);
    });

    it('takes the last N that are news, of those that its labels and read status let through', async () => {
      const seen = gmail.deliverMany(30);
      for (const id of seen) gmail.mailbox.change(id, [], ['UNREAD']);
      const unread = gmail.deliverMany(70);
      for (const label of ['SENT', 'DRAFT', 'SENT']) gmail.deliver({ labels: [label, 'UNREAD'] });
      const start = { kind: 'last', count: 60 } as const;
      const one = await syncing.join({ reading: gmailReading({ start, filter: { readStatus: 'unread' } }) });
      const three = await syncing.join({
        reading: gmailReading({ start: { kind: 'last', count: 3 }, filter: { readStatus: 'read' } }),
      });
      await syncing.syncToTheEnd();
      assert.deepEqual(sorted(syncing.ids(one)), unread.slice(10));
      assert.deepEqual(sorted(syncing.ids(three)), seen.slice(27));
    });

    it('takes exactly the last N also after a crash between two commits', async () => {
      const old = gmail.deliverMany(90);
      const start = { kind: 'last', count: 40 } as const;
      const one = await syncing.join({ reading: gmailReading({ start }) });
      gmail.failOnce('message', 'unreachable', 30);
      await assert.rejects(syncing.sync());
      assert.ok(syncing.ids(one).length >= 25);
      syncing.restart();
      await syncing.syncToTheEnd();
      assert.deepEqual(sorted(syncing.ids(one)), old.slice(50));
    });

    it('takes exactly the last N also when a page is held by a mail that cannot be read at first', async () => {
      const old = gmail.deliverMany(60);
      for (let time = 0; time < 10; time++) gmail.deliver({ labels: ['SENT'] });
      const start = { kind: 'last', count: 50 } as const;
      const one = await syncing.join({ reading: gmailReading({ start }) });
      gmail.before = (call, about) => {
        if (call === 'message' && about === old.at(-1)) throw fault('busy');
      };
      assert.equal((await syncing.sync()).older?.waits, true);
      gmail.before = () => undefined;
      syncing.now += 30_000;
      await syncing.syncToTheEnd();
      assert.deepEqual(sorted(syncing.ids(one)), old.slice(10));
    });

    it('takes what came since a date, also what the search does not know yet', async () => {
      const at = Date.now() - HOUR_MS;
      gmail.deliver({ internalDate: at - 60_000 });
      const wanted = [0, 10, 60].map((seconds) => gmail.deliver({ internalDate: at + seconds * 1000 }));
      const start = { kind: 'since', at } as const;
      const one = await syncing.join({ reading: gmailReading({ start }) });
      gmail.searchLagMs = Infinity;
      await syncing.syncToTheEnd();
      assert.deepEqual(sorted(syncing.ids(one)), wanted);
      gmail.searchLagMs = 0;
      const two = await syncing.join({ reading: gmailReading({ start }) });
      await syncing.syncToTheEnd();
      assert.deepEqual(sorted(syncing.ids(two)), wanted);
    });

    it('takes what has any of several labels once, and what was labelled for those who wait for labels', async () => {
      const [work, home] = ['Work', 'Home'].map((name) => gmail.mailbox.addLabel(name).id);
      const both = gmail.deliver({ labels: ['INBOX', work!, home!] });
      const homely = gmail.deliver({ labels: [home!] });
      gmail.deliver();
      const start = { kind: 'everything' } as const;
      const labels = { ids: [work!, home!], match: 'any' } as const;
      const one = await syncing.join({ reading: gmailReading({ start, filter: { labels } }) });
      const two = await syncing.join({ reading: gmailReading({ start, event: 'labelAdded' }) });
      await syncing.syncToTheEnd();
      assert.deepEqual(sorted(syncing.ids(one)), sorted([both, homely]));
      assert.deepEqual(
        sorted(syncing.identities(two)),
        sorted([`label:${work}:${both}`, `label:${home}:${both}`, `label:${home}:${homely}`]),
      );
    });

    it('is read once for two workflows that begin together', async () => {
      const old = gmail.deliverMany(60);
      const reading = gmailReading({ start: { kind: 'everything' } });
      const both = [await syncing.join({ reading }), await syncing.join({ reading })];
      await syncing.syncToTheEnd();
      for (const one of both) assert.deepEqual(sorted(syncing.ids(one)), old);
      assert.deepEqual(sorted(gmail.reads), old);
    });

    it('pauses while many mails wait for their run, and new mail does not', async () => {
      gmail.deliverMany(120);
      const one = await syncing.join({ reading: gmailReading({ start: { kind: 'everything' } }) });
      syncing.mostWaiting = 60;
      await syncing.sync();
      await syncing.sync();
      const { older } = await syncing.sync();
      assert.deepEqual([older?.waits, syncing.ids(one).length], [true, 75]);
      const fresh = gmail.deliver();
      await syncing.sync();
      assert.equal(syncing.ids(one).at(-1), fresh);
    });

    it('starts over when its page is not known any more, and reads nothing twice', async () => {
      const old = gmail.deliverMany(120);
      const one = await syncing.join({ reading: gmailReading({ start: { kind: 'everything' } }) });
      await syncing.sync();
      gmail.failOnce('messages', 'refused');
      await syncing.syncToTheEnd();
      assert.deepEqual([sorted(syncing.ids(one)), sorted(gmail.reads)], [old, old]);
      assert.equal(syncing.refused.size, 0);
    });

    it('of a label that is not there is refused, and the others go on', async () => {
      const old = gmail.deliverMany(3);
      const start = { kind: 'everything' } as const;
      const filter = { labels: { ids: ['Label_9'], match: 'any' } } as const;
      const wrong = await syncing.join({ reading: gmailReading({ start, filter }) });
      const right = await syncing.join({ reading: gmailReading({ start }) });
      gmail.before = (call, about) => {
        if (call === 'messages' && about.includes('Label_9')) throw fault('refused');
      };
      await syncing.sync();
      assert.deepEqual([...syncing.refused.keys()], [wrong.id]);
      assert.deepEqual(sorted(syncing.ids(right)), old);
    });
  });
});
