// Reading a Gmail account into a real ledger: nothing is lost, nothing comes twice, and no unit is wasted.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openGmailMail } from '../../engine/gmail/mail/stored';
import { parseTextMatch } from '../../engine/mail/filter';
import type { DirectGmail } from '../support/gmail-direct';
import { gmailReading } from '../support/gmail-reading';
import { type GmailSyncing, inEachTest, sorted } from '../support/gmail-syncing';

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

describe('a Gmail account', { timeout: 10 * 60_000 }, () => {
  let gmail: DirectGmail;
  let syncing: GmailSyncing;

  inEachTest((begun) => ({ gmail, syncing } = begun));

  describe('followed by its history', () => {
    it('gives each new mail once, with its content, for 22 units, and an idle poll costs 2', async () => {
      const old = gmail.deliver();
      const one = await syncing.join();
      await syncing.sync();
      gmail.calls = [];
      const id = gmail.deliver({ subject: 'News' });
      assert.equal((await syncing.sync()).news, true);
      assert.equal(gmail.units, 22);
      gmail.calls = [];
      assert.equal((await syncing.sync()).news, false);
      assert.equal(gmail.units, 2);
      const [mail, ...more] = await syncing.recorded(one);
      assert.deepEqual([mail!.identity, more], [`id:${id}`, []]);
      assert.deepEqual([mail!.sender, mail!.subject], ['ann@example.com', 'News']);
      const stored = gmail.mailbox.messages.get(id)!;
      const { facts, raw } = openGmailMail(mail!.content!);
      assert.deepEqual([raw, mail!.size], [stored.raw, stored.raw.length]);
      assert.equal(mail!.receivedAt, stored.internalDate);
      assert.deepEqual(
        [facts.id, facts.labelIds, facts.event, facts.historyId],
        [id, ['INBOX', 'UNREAD'], 'received', String(stored.historyId)],
      );
      assert.notEqual(old, id);
    });

    it('keeps ids that no Number can hold, and writes no cursor while nothing happens', async () => {
      const one = await syncing.join();
      await syncing.sync();
      gmail.deliver();
      await syncing.sync();
      assert.equal((await syncing.cursor(one))['historyId'], gmail.historyId);
      const writes = syncing.writes;
      await syncing.sync();
      assert.equal(syncing.writes, writes);
    });

    it('rewrites a cursor that is an hour old, so that a gap is known to be short', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const cursor = await syncing.cursor(one);
      await syncing.setCursor(one, { ...cursor, syncedAt: Date.now() - 2 * HOUR_MS });
      await syncing.sync();
      assert.ok(Number((await syncing.cursor(one))['syncedAt']) > Date.now() - HOUR_MS);
    });

    it('loses and repeats nothing of unordered, repeated records on many pages, and reads each mail once', async () => {
      const one = await syncing.join();
      await syncing.sync();
      Object.assign(gmail.habits, { unordered: true, repeated: true, pageLimit: 7 });
      const ids = gmail.deliverMany(60);
      for (const id of ids) gmail.mailbox.change(id, ['IMPORTANT'], []);
      gmail.calls = [];
      await syncing.sync();
      assert.deepEqual(sorted(syncing.ids(one)), ids);
      assert.deepEqual(sorted(gmail.reads), ids);
      assert.equal((await syncing.cursor(one))['historyId'], gmail.historyId);
    });

    it('takes mails dated in the past and in the future, and 200 of one instant', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const now = Date.now();
      const dates = [now - YEAR_MS, now + YEAR_MS, 0, ...Array.from({ length: 200 }, () => now)];
      const ids = dates.map((internalDate) => gmail.deliver({ internalDate }));
      await syncing.sync();
      assert.deepEqual(sorted(syncing.ids(one)), ids);
    });

    it('looks twice for a mail that was deleted before it could be read, and takes it for gone', async () => {
      const one = await syncing.join();
      const choosy = await syncing.join({ reading: gmailReading({ filter: { readStatus: 'unread' } }) });
      await syncing.sync();
      const [gone, kept] = gmail.deliverMany(2);
      gmail.mailbox.remove(gone!);
      assert.ok((await syncing.sync()).againInMs! > 0);
      assert.deepEqual(syncing.ids(one), [kept], 'it holds up no other');
      syncing.now += 30_000;
      assert.equal((await syncing.sync()).againInMs, null);
      assert.deepEqual(
        syncing.eventStates(one),
        new Map([
          [kept, 'PENDING'],
          [gone, 'GONE'],
        ]),
      );
      assert.deepEqual(syncing.ids(choosy), [kept], 'whether it was unread nobody will ever know');
      for (const each of [one, choosy])
        assert.equal((await syncing.cursor(each))['historyId'], gmail.historyId);
    });

    it('takes a mail that could not be found at once, where it was announced a moment ago', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const id = gmail.deliver();
      const message = gmail.mailbox.messages.get(id)!;
      gmail.mailbox.messages.delete(id);
      await syncing.sync();
      gmail.mailbox.messages.set(id, message);
      syncing.now += 30_000;
      await syncing.sync();
      assert.deepEqual(syncing.eventStates(one), new Map([[id, 'PENDING']]));
    });

    it('spends nothing on drafts, sent mails and spam, which are no news', async () => {
      const one = await syncing.join();
      await syncing.sync();
      for (const label of ['DRAFT', 'SENT', 'SPAM', 'TRASH', 'SCHEDULED']) gmail.deliver({ labels: [label] });
      gmail.calls = [];
      await syncing.sync();
      assert.deepEqual([gmail.units, syncing.ids(one)], [2, []]);
    });

    it('takes them when they are asked for, and what one writes to oneself', async () => {
      const one = await syncing.join();
      const filter = { drafts: true, sent: true, scheduled: true, spamAndTrash: true };
      const all = await syncing.join({ reading: gmailReading({ filter }) });
      await syncing.sync();
      const own = gmail.deliver({ labels: ['SENT', 'INBOX'] });
      const kinds = ['DRAFT', 'SENT', 'SPAM', 'TRASH', 'SCHEDULED'].map((label) =>
        gmail.deliver({ labels: [label] }),
      );
      await syncing.sync();
      assert.deepEqual(syncing.ids(one), [own]);
      assert.deepEqual(sorted(syncing.ids(all)), [own, ...kinds]);
    });

    it('takes a mail that leaves the spam, and one that enters the label later, once', async () => {
      const { id: work } = gmail.mailbox.addLabel('Work');
      const old = gmail.deliver({ internalDate: Date.now() - YEAR_MS });
      const any = await syncing.join();
      const labelled = await syncing.join({
        reading: gmailReading({ filter: { labels: { ids: [work], match: 'any' } } }),
      });
      await syncing.sync();
      const spam = gmail.deliver({ labels: ['SPAM'] });
      await syncing.sync();
      assert.deepEqual(syncing.ids(any), []);
      gmail.mailbox.change(spam, ['INBOX'], ['SPAM']);
      gmail.mailbox.change(old, [work], []);
      await syncing.sync();
      gmail.mailbox.change(old, [], [work]);
      gmail.mailbox.change(old, [work], []);
      await syncing.sync();
      assert.deepEqual([syncing.ids(any), syncing.ids(labelled)], [[spam], [old]]);
    });

    it('reads a mail again that was not taken, when it changes later', async () => {
      const { id: work } = gmail.mailbox.addLabel('Work');
      const filter = { labels: { ids: [work, 'INBOX'], match: 'all' } } as const;
      const one = await syncing.join({ reading: gmailReading({ filter }) });
      await syncing.sync();
      const id = gmail.deliver({ labels: [work] });
      await syncing.sync();
      assert.deepEqual(syncing.ids(one), []);
      // In the middle of a sync: the mail is read, and then it is given the other label, on a later page.
      gmail.habits.pageLimit = 1;
      gmail.mailbox.change(id, ['STARRED', 'UNREAD'], []);
      gmail.mailbox.change(id, ['INBOX'], []);
      await syncing.sync();
      assert.deepEqual(syncing.ids(one), [id]);
    });

    it('tells of labels and stars, once for each mail and label, and of what was sent', async () => {
      const [work, home] = ['Work', 'Home'].map((name) => gmail.mailbox.addLabel(name).id);
      const old = gmail.deliver({ internalDate: Date.now() - YEAR_MS });
      const own = await syncing.join({ reading: gmailReading({ event: 'labelAdded' }) });
      const named = await syncing.join({
        reading: gmailReading({ event: 'labelAdded', eventLabels: [home!, 'IMPORTANT'] }),
      });
      const starred = await syncing.join({ reading: gmailReading({ event: 'starred' }) });
      const sent = await syncing.join({ reading: gmailReading({ event: 'sent' }) });
      await syncing.sync();
      gmail.mailbox.change(old, [work!], []);
      await syncing.sync();
      gmail.mailbox.change(old, [home!, 'STARRED', 'IMPORTANT'], []);
      const fresh = gmail.deliver({ labels: ['INBOX', work!, 'STARRED'] });
      const later = gmail.deliver({ labels: ['SCHEDULED'] });
      const mine = gmail.deliver({ labels: ['SENT'] });
      await syncing.sync();
      gmail.mailbox.change(old, [], [home!, 'STARRED']);
      gmail.mailbox.change(old, [home!, 'STARRED'], []);
      gmail.mailbox.change(later, ['SENT'], ['SCHEDULED']);
      await syncing.sync();
      const label = (id: string | undefined, mail: string): string => `label:${id}:${mail}`;
      assert.deepEqual(
        sorted(syncing.identities(own)),
        sorted([label(work, old), label(home, old), label(work, fresh)]),
      );
      assert.deepEqual(
        sorted(syncing.identities(named)),
        sorted([label(home, old), label('IMPORTANT', old)]),
      );
      assert.deepEqual(
        sorted(syncing.identities(starred)),
        sorted([label('STARRED', old), label('STARRED', fresh)]),
      );
      assert.deepEqual(syncing.identities(sent), [`id:${mine}`, `id:${later}`]);
      const { facts } = openGmailMail((await syncing.recorded(own))[0]!.content!);
      assert.deepEqual([facts.event, facts.addedLabelIds], ['labelAdded', [work]]);
    });

    it('serves several workflows with their own filters and cursors by one list, and reads for all at once', async () => {
      const first = await syncing.join();
      await syncing.sync();
      const before = gmail.deliver({ subject: 'apple' });
      const from = { sender: parseTextMatch('nobody@') };
      const late = await syncing.join();
      const choosy = await syncing.join({ reading: gmailReading({ filter: from }) });
      const read = await syncing.join({ reading: gmailReading({ filter: { readStatus: 'read' } }) });
      gmail.calls = [];
      await syncing.sync();
      const both = gmail.deliver();
      const seen = gmail.deliver({ labels: ['INBOX'] });
      gmail.calls = [];
      await syncing.sync();
      assert.equal(gmail.units, 42);
      assert.deepEqual(syncing.ids(first), [before, both, seen]);
      assert.deepEqual(syncing.ids(late), [both, seen]);
      assert.deepEqual([syncing.ids(choosy), syncing.ids(read)], [[], [seen]]);
    });

    it('does not store what is larger than all want to, and tells of it', async () => {
      const one = await syncing.join({ reading: gmailReading({ mostStoredBytes: 10 }) });
      await syncing.sync();
      gmail.deliver();
      await syncing.sync();
      assert.deepEqual(
        (await syncing.recorded(one)).map(({ content, subject }) => [content, subject]),
        [[null, 'Hello']],
      );
    });

    it('lists what is recent, rather than to read hundreds of old mails that were relabelled', async () => {
      const { id: work } = gmail.mailbox.addLabel('Work');
      const old = Array.from({ length: 300 }, () => gmail.deliver({ internalDate: Date.now() - YEAR_MS }));
      const one = await syncing.join();
      await syncing.sync();
      const spam = gmail.deliver({ labels: ['SPAM'] });
      await syncing.sync();
      gmail.calls = [];
      for (const id of old) gmail.mailbox.change(id, [work], []);
      gmail.mailbox.change(spam, [work], ['SPAM']);
      const fresh = gmail.deliver();
      await syncing.sync();
      assert.ok(gmail.units < 100, `${gmail.units} units`);
      assert.deepEqual(syncing.ids(one), [fresh, spam]);
      // The same when the index knows neither of them.
      gmail.searchLagMs = Infinity;
      const late = gmail.deliver({ labels: ['SPAM'] });
      await syncing.sync();
      for (const id of old) gmail.mailbox.change(id, [], [work]);
      for (const id of old) gmail.mailbox.change(id, [work], []);
      gmail.mailbox.change(late, [work], ['SPAM']);
      await syncing.sync();
      assert.deepEqual(syncing.ids(one), [fresh, spam, late]);
    });

    it('goes on behind a page that failed midway', async () => {
      const one = await syncing.join();
      await syncing.sync();
      gmail.habits.pageLimit = 10;
      const ids = gmail.deliverMany(35);
      gmail.failOnce('history', 'unreachable', 2);
      await assert.rejects(syncing.sync(), { kind: 'unreachable' });
      await syncing.sync();
      assert.deepEqual(sorted(syncing.ids(one)), ids);
      assert.deepEqual(sorted(gmail.reads), ids);
    });

    it('survives being ended at any call, with nothing lost or repeated', async () => {
      const one = await syncing.join();
      await syncing.sync();
      gmail.habits.pageLimit = 10;
      const ids: string[] = [];
      for (let at = 1; at < 40; at++) {
        ids.push(...gmail.deliverMany(15));
        const ending = new AbortController();
        let calls = 0;
        gmail.before = () => {
          if (++calls === at) ending.abort();
        };
        await syncing.sync(ending.signal);
        syncing.restart();
      }
      gmail.before = () => undefined;
      await syncing.sync();
      assert.deepEqual(sorted(syncing.ids(one)), ids);
    });
  });
});
