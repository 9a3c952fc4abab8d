// Gmail mails that cannot be read, and an account that cannot: the others go on, and nothing is lost.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DirectGmail, fault } from '../support/gmail-direct';
import { gmailReading } from '../support/gmail-reading';
import { type GmailSyncing, inEachTest, sorted } from '../support/gmail-syncing';
import { until } from '../support/until';

describe('a Gmail account', { timeout: 10 * 60_000 }, () => {
  let gmail: DirectGmail;
  let syncing: GmailSyncing;

  inEachTest((begun) => ({ gmail, syncing } = begun));

  describe('with a mail that cannot be read', () => {
    for (const kind of ['refused', 'busy'] as const) {
      it(`gives all others at once (${kind}), and that one, without its content, after three tries`, async () => {
        const one = await syncing.join();
        await syncing.sync();
        const [poison, ...others] = gmail.deliverMany(4);
        gmail.before = (call, about) => {
          if (call === 'message' && about === poison) throw fault(kind);
        };
        for (let time = 0; time < 3; time++) {
          others.push(gmail.deliver());
          assert.equal((await syncing.sync()).againInMs, 30_000);
          assert.deepEqual(sorted(syncing.ids(one)), sorted(others));
          syncing.now += 30_000;
        }
        assert.equal((await syncing.sync()).againInMs, null);
        const unread = (await syncing.recorded(one)).filter(({ content }) => content === null);
        assert.deepEqual(
          unread.map(({ id }) => id),
          [poison],
        );
        assert.equal(syncing.ids(one).length, 7);
        assert.equal((await syncing.cursor(one))['historyId'], gmail.historyId);
        assert.equal((await syncing.sync()).againInMs, null);
      });
    }

    it('is not asked for it again before its time, however often the account is read', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const [poison] = gmail.deliverMany(2);
      let struck = 0;
      gmail.before = (call, about) => {
        if (call === 'message' && about === poison && struck++ < 3) throw fault('busy');
      };
      for (let time = 0; time < 5; time++) {
        gmail.deliver();
        assert.equal((await syncing.sync()).againInMs, 30_000);
      }
      assert.equal(struck, 1);
      for (let time = 0; time < 3; time++) {
        syncing.now += 30_000;
        await syncing.sync();
      }
      const mails = await syncing.recorded(one);
      assert.deepEqual([mails.length, mails.filter(({ content }) => content === null)], [7, []]);
    });

    it('gives the others while it is still being asked for', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const [slow, ...others] = gmail.deliverMany(4);
      let answer = (): void => undefined;
      const answered = new Promise<void>((resolve) => (answer = resolve));
      gmail.before = (call, about) => (call === 'message' && about === slow ? answered : undefined);
      const round = syncing.sync();
      await until('the others are there', () => syncing.ids(one).length === 3);
      assert.deepEqual(sorted(syncing.ids(one)), others);
      answer();
      await round;
      assert.equal(syncing.ids(one)[3], slow);
    });

    it('holds only those to whom it may be due', async () => {
      const one = await syncing.join();
      const sent = await syncing.join({ reading: gmailReading({ event: 'sent' }) });
      await syncing.sync();
      gmail.deliver();
      gmail.failOnce('message', 'refused');
      await syncing.sync();
      assert.equal((await syncing.cursor(sent))['historyId'], gmail.historyId);
      assert.notEqual((await syncing.cursor(one))['historyId'], gmail.historyId);
    });

    for (const kind of ['login', 'forbidden', 'unreachable'] as const) {
      it(`says so when it is the account's fault (${kind}), and goes on later`, async () => {
        const one = await syncing.join();
        await syncing.sync();
        const ids = gmail.deliverMany(12);
        gmail.failOnce('message', kind, 3);
        await assert.rejects(syncing.sync(), { kind });
        await syncing.sync();
        assert.deepEqual(sorted(syncing.ids(one)), ids);
      });
    }

    it('does not hold up the account for one that fails alone', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const poison = gmail.deliver();
      gmail.before = (call, about) => {
        if (call === 'message' && about === poison) throw fault('busy');
      };
      let rounds = 0;
      while ((await syncing.sync()).againInMs !== null && ++rounds < 50) syncing.now += 30_000;
      assert.ok(rounds > 3, 'It may be Gmail');
      assert.deepEqual(syncing.ids(one), [poison]);
    });

    it('gives up none while the quota is used up, and keeps what was read before', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const ids = gmail.deliverMany(30);
      for (let time = 0; time < 4; time++) {
        let reads = 0;
        gmail.before = (call) => {
          if (call === 'message' && ++reads > 2) throw fault('busy', { isOfQuota: true });
        };
        await assert.rejects(syncing.sync(), { kind: 'busy' });
        assert.ok(syncing.ids(one).length >= 2 * (time + 1));
        assert.ok(reads < 10, 'What waits in vain is not tried');
        syncing.now += 30_000;
      }
      gmail.before = () => undefined;
      await syncing.sync();
      assert.deepEqual(sorted(syncing.ids(one)), ids);
      assert.ok((await syncing.recorded(one)).every(({ content }) => content !== null));
    });

    it('says so when Gmail is too busy for every mail, and gives up none of them soon', async () => {
      const one = await syncing.join();
      await syncing.sync();
      const ids = gmail.deliverMany(12);
      gmail.before = (call) => {
        if (call === 'message') throw fault('busy');
      };
      for (let time = 0; time < 3; time++) await assert.rejects(syncing.sync(), { kind: 'busy' });
      gmail.before = () => undefined;
      await syncing.sync();
      assert.deepEqual(sorted(syncing.ids(one)), ids);
      assert.ok((await syncing.recorded(one)).every(({ content }) => content !== null));
    });
  });
});
