// How a watched Gmail account hears of news before its next poll, and what becomes of it when that does not work.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Notices } from '../../engine/polled/notices';
import { noticeKey } from '../../engine/source/notices';
import type { FakeAccount } from '../support/gmail/account';
import type { FakeGmail } from '../support/gmail/fake';
import { GmailScene, isRead, RARELY } from '../support/gmail-scene';
import type { GmailWatching } from '../support/gmail-watching';
import { until } from '../support/until';

describe('a watched Gmail account', { timeout: 5 * 60_000 }, () => {
  let scene: GmailScene;
  let gmail: FakeGmail;
  let ann: FakeAccount;
  let watching: GmailWatching;

  beforeEach(async () => {
    scene = await GmailScene.set();
    ({ gmail, ann, watching } = scene);
  });
  afterEach(() => scene.clear());

  describe('that is told of news', () => {
    const slowly = { reading: { pollMs: RARELY } };

    it('asks at once', async () => {
      const one = await scene.join(slowly);
      await isRead(one);
      const id = ann.deliver();
      watching.wake.notify([noticeKey(one.subscription.sourceId)]);
      await scene.has(one, [id]);
    });

    it('too early, asks once more, and leaves the rest to the poll', async () => {
      const EARLY_MS = 1_500;
      const later = await scene.open({ earlyMs: EARLY_MS });
      const one = await scene.join(slowly, undefined, later);
      await isRead(one);
      const before = gmail.made('history.list');
      later.wake.notify([noticeKey(one.subscription.sourceId)]);
      await until('it has asked', () => gmail.made('history.list') > before);
      const id = ann.deliver();
      await scene.has(one, [id], later);
      await new Promise((resolve) => setTimeout(resolve, 2 * EARLY_MS));
      assert.equal(gmail.made('history.list'), before + 2);
    });

    it('a hundred times while it reads, reads once more', async () => {
      const one = await scene.join(slowly);
      await isRead(one);
      gmail.behaviour.latencyMs = 300;
      const before = gmail.made('history.list');
      const id = ann.deliver();
      for (let count = 0; count < 100; count++) {
        watching.wake.notify([noticeKey(one.subscription.sourceId)]);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await scene.has(one, [id]);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const asked = gmail.made('history.list') - before;
      // One of them for what may have come without a notice after the news.
      assert.ok(asked >= 2 && asked <= 6, `${asked} calls`);
    });

    it('again and again, does not ask without a pause, and still finds what came', async () => {
      const LEAST_MS = 400;
      const pausing = await scene.open({ leastLookMs: LEAST_MS });
      const one = await scene.join(slowly, undefined, pausing);
      await isRead(one);
      const before = gmail.made('history.list');
      const began = Date.now();
      let id = '';
      while (Date.now() - began < 5 * LEAST_MS) {
        if (id === '' && Date.now() - began > 2 * LEAST_MS) id = ann.deliver();
        pausing.wake.notify([noticeKey(one.subscription.sourceId)]);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      // After each of them once more, since a notice may be too early.
      const most = 2 * ((Date.now() - began) / LEAST_MS + 1);
      const asked = gmail.made('history.list') - before;
      assert.ok(asked <= most, `${asked} calls`);
      await scene.has(one, [id], pausing);
    });
  });

  describe('with notifications', () => {
    const TOPIC = 'projects/p/topics/mail';
    const SUBSCRIPTION = 'projects/p/subscriptions/mail';
    const push = { pollMs: 200, notifications: { kind: 'push', topic: TOPIC } } as const;
    const pulled = (token = gmail.token(ann.address, ['https://www.googleapis.com/auth/pubsub'])) =>
      ({
        pollMs: RARELY,
        notifications: {
          kind: 'pull',
          topic: TOPIC,
          subscription: SUBSCRIPTION,
          token: () => Promise.resolve(() => Promise.resolve(token)),
        },
      }) as const;

    beforeEach(() => gmail.pubsub.subscribe(SUBSCRIPTION, TOPIC));

    it('asks Google for them once for all, and says until when', async () => {
      const both = [
        await scene.join({ workflowId: 'a', reading: push }),
        await scene.join({ workflowId: 'b', reading: push }),
      ];
      await Promise.all(both.map(isRead));
      await until('Google was asked', () => gmail.pubsub.watched(ann.address));
      await until('it is stored', () => watching.notifiedUntil());
      assert.ok(watching.notifiedUntil()! > Date.now());
      const asked = gmail.made('history.list');
      await until('it was polled', () => gmail.made('history.list') > asked + 2);
      assert.equal(gmail.made('watch'), 1);
    });

    it('is polled rarer while they work, and as often as before when they do not', async () => {
      const rarer = await scene.open({ notifiedPollMs: RARELY });
      const one = await scene.join({ reading: { ...push, pollMs: 2_000 } }, undefined, rarer);
      await until('Google was asked', () => gmail.pubsub.watched(ann.address));
      rarer.wake.notify([noticeKey(one.subscription.sourceId)]);
      await until('they work', () => rarer.source().connection === 'idling');
      await until('it has looked once more', () => one.synced > 2);
      const synced = one.synced;
      const id = ann.deliver();
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      assert.equal(one.synced, synced, 'the poll of 2 s was put off');
      // Five times as long: the notification was lost.
      await scene.has(one, [id], rarer);
      await until('it is said', () => rarer.source().connection === 'polling');
      const next = ann.deliver();
      await scene.has(one, [id, next], rarer);
    });

    it('asks for them, and acknowledges them when their mail is recorded', async () => {
      const one = await scene.join({ reading: pulled() });
      await isRead(one);
      await until('Google was asked', () => gmail.pubsub.watched(ann.address));
      const { ledger } = watching;
      const record = ledger.record.bind(ledger);
      let waiting = -1;
      ledger.record = (batch) => {
        if (batch.messages.length > 0) waiting = gmail.pubsub.waiting(SUBSCRIPTION);
        return record(batch);
      };
      const id = ann.deliver();
      await scene.has(one, [id]);
      assert.equal(waiting, 1, 'it was not acknowledged before');
      await until('it is acknowledged', () => gmail.pubsub.waiting(SUBSCRIPTION) === 0);
      await until('they work', () => watching.source().connection === 'idling');
    });

    it('holds a notice that came too early until it has looked once more', async () => {
      const notices = new Notices();
      let recorded = false;
      void notices.announce().then(() => (recorded = true));
      notices.look()(false);
      await new Promise(setImmediate);
      assert.equal(recorded, false);
      assert.ok(notices.areEarly);
      notices.look()(false);
      await new Promise(setImmediate);
      assert.equal(recorded, true);
    });

    it('holds a notice that comes while it looks for the next look', async () => {
      const notices = new Notices();
      const looked = notices.look();
      let recorded = false;
      void notices.announce().then(() => (recorded = true));
      looked(true);
      await new Promise(setImmediate);
      assert.equal(recorded, false);
      notices.look()(true);
      await new Promise(setImmediate);
      assert.equal(recorded, true);
    });

    it('asks for them no more when nobody listens', async () => {
      gmail.pubsub.settings.pullWaitMs = 100;
      const one = await scene.join({ reading: pulled() });
      await until('it asks', () => gmail.made('pubsub.pull') > 0);
      await one.leave();
      const asked = gmail.made('pubsub.pull');
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      assert.equal(gmail.made('pubsub.pull'), asked);
    });

    it('does not acknowledge them while their mail cannot be recorded', async () => {
      const one = await scene.join({ reading: pulled() });
      await isRead(one);
      await until('Google was asked', () => gmail.pubsub.watched(ann.address));
      gmail.fail('messages.get', { status: 403, reason: 'domainPolicy', times: 3 });
      const fault = gmail.fail('history.list', { status: 403, reason: 'domainPolicy', times: Infinity });
      const id = ann.deliver();
      await until('it failed', () => fault.struck > 2);
      assert.equal(gmail.pubsub.waiting(SUBSCRIPTION), 1);
      gmail.heal();
      await scene.has(one, [id]);
      await until('it is acknowledged', () => gmail.pubsub.waiting(SUBSCRIPTION) === 0);
    });

    it('says that they cannot be asked for, and is polled', async () => {
      const one = await scene.join({ reading: { ...pulled('ya29.bad'), pollMs: 100 } });
      await until('a person was told', () => one.warnings.length > 0);
      assert.match(one.warnings[0]!.message, /projects\/p\/subscriptions\/mail/);
      const id = ann.deliver();
      await scene.has(one, [id]);
      assert.equal(watching.source().connection, 'polling');
      assert.deepEqual(one.reports, []);
    });

    it('says once that Google does not grant them, and is polled', async () => {
      gmail.fail('watch', { status: 403, reason: 'forbidden', times: Infinity });
      const one = await scene.join({ reading: push });
      await until('a person was told', () => one.warnings.length > 0);
      const id = ann.deliver();
      await scene.has(one, [id]);
      assert.equal(one.warnings.length, 1);
      assert.equal(watching.source().connection, 'polling');
      assert.equal(watching.notifiedUntil(), null);
    });

    it('leaves them to the process that reads it, until that one leaves', async () => {
      const first = await scene.open({}, { holder: 'one:1:a' });
      const second = await scene.open({}, { file: first.file, holder: 'two:1:b' });
      const one = await scene.join({ reading: pulled() }, undefined, first);
      await isRead(one);
      const other = await scene.join({ reading: pulled() }, undefined, second);
      await until('Google was asked', () => gmail.pubsub.watched(ann.address));
      const id = ann.deliver();
      await scene.has(one, [id], first);
      await one.leave();
      const next = ann.deliver();
      await scene.has(other, [id, next], second);
    });
  });
});
