// A Gmail account that is watched: one reading for all who listen, under one lease, whatever breaks.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { SendHttp } from '../../engine/http/send';
import type { GmailLogin } from '../../engine/gmail/api/login';
import { noticeKey } from '../../engine/source/notices';
import { BOUNCED_ID, exchangeOnline } from '../support/bounces';
import type { FakeAccount } from '../support/gmail/account';
import type { FakeGmail } from '../support/gmail/fake';
import { GMAIL_TIMES as TIMES, GmailScene, isRead, RARELY } from '../support/gmail-scene';
import { fakeLogin, type GmailJoined, type GmailWatching } from '../support/gmail-watching';
import { queued, tried } from '../support/outbox-entries';
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

  it('hands a mail to everybody who listens, and is asked once for all of them', async () => {
    const both = [await scene.join({ workflowId: 'a' }), await scene.join({ workflowId: 'b' })];
    await Promise.all(both.map(isRead));
    const id = ann.deliver({ subject: 'Hi' });
    for (const one of both) await scene.has(one, [id]);
    const seen = gmail.calls.length;
    await until('it was asked again', () => gmail.calls.length > seen + 3);
    assert.deepEqual(new Set(gmail.calls.slice(seen).map(({ method }) => method)), new Set(['history.list']));
    assert.equal(gmail.made('messages.get'), 1);
  });

  it('knows an email that came back by the report of it', async () => {
    const { ledger } = watching;
    const [entry] = await queued(ledger, 1, { messageId: BOUNCED_ID });
    await tried(ledger, [entry!.id], { became: 'SENT', answer: '250 taken' });
    await isRead(await scene.join());
    ann.deliver(exchangeOnline());
    await until('it came back', async () => {
      const [now] = await ledger.entriesOf({ ids: [entry!.id] });
      return now!.state === 'BOUNCED' && /No such user|550/.test(now!.lastError!);
    });
  });

  it('costs two units for each poll, however many listen', async () => {
    const four = await Promise.all(['a', 'b', 'c', 'd'].map((workflowId) => scene.join({ workflowId })));
    await Promise.all(four.map(isRead));
    const since = gmail.calls.length;
    const spent = gmail.spent();
    const read = four[0]!.synced;
    await until('it was asked five times', () => four[0]!.synced >= read + 5);
    const polls = gmail.calls.length - since;
    assert.equal(gmail.spent() - spent, 2 * polls);
    assert.ok(polls <= four[0]!.synced - read + 1, `${polls} calls`);
  });

  it('is polled as often as the most impatient of them asks', async () => {
    const slow = await scene.join({ workflowId: 'slow', reading: { pollMs: RARELY } });
    await isRead(slow);
    const quick = await scene.join({ workflowId: 'quick' });
    await isRead(quick);
    const id = ann.deliver();
    await scene.has(slow, [id]);
    await quick.leave();
    ann.deliver();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await scene.has(slow, [id]);
  });

  it('tells how it is doing', async () => {
    const states: string[] = [];
    const report = watching.ledger.reportSource.bind(watching.ledger);
    watching.ledger.reportSource = (hold, told) => {
      states.push(`${told.state} ${told.connection}`);
      return report(hold, told);
    };
    await isRead(await scene.join());
    await until('it is idle', () => watching.source().state === 'idle');
    assert.equal(states[0], 'gap_checking connecting');
    assert.deepEqual(states.at(-1), 'idle polling');
    const [{ lastSuccessAt } = { lastSuccessAt: null }] = await watching.ledger.sources();
    assert.notEqual(lastSuccessAt, null);
    const told = states.length;
    const before = gmail.calls.length;
    await until('it was asked again', () => gmail.calls.length > before + 3);
    assert.equal(states.length, told, 'what people know is not stored again');
    await scene.joined[0]!.leave();
    assert.equal(watching.source().connection, 'closed');
  });

  it('reads what came while nobody listened, before anything else', async () => {
    const first = await scene.join();
    await isRead(first);
    await first.leave();
    const id = ann.deliver();
    const again = await scene.join({ reading: { pollMs: RARELY } });
    await scene.has(again, [id]);
  });

  describe('when the API fails', () => {
    it('says so, tries again by itself, and goes on with everything that came', async () => {
      const one = await scene.join({ outage: { afterMs: 0, whenOver: true } });
      await isRead(one);
      gmail.fail('history.list', { status: 403, reason: 'domainPolicy', times: Infinity });
      await until('it waits for its next try', () => watching.source().state === 'retry_scheduled');
      assert.equal(watching.source().connection, 'backing_off');
      assert.match(String(watching.source().error), /ann@example\.com/);
      const id = ann.deliver();
      const failed = gmail.made('history.list');
      await until('it was tried again', () => gmail.made('history.list') >= failed + 3);
      gmail.heal();
      await scene.has(one, [id]);
      await until('it is idle', () => watching.source().state === 'idle');
      await until('it was told to be over', () => one.overs.length === 1);
      assert.equal(one.reports.length, 1, 'a person is told once');
    });

    it('goes on, though nobody can be told of it', async () => {
      gmail.fail('watch', { status: 403, times: Infinity });
      const notifications = { kind: 'push', topic: 'projects/p/topics/gmail' } as const;
      const outage = { afterMs: 0, whenOver: true };
      const one = await scene.join({ outage, cannotBeTold: true, reading: { notifications } });
      await until('it was warned', () => one.warnings.length > 0);
      gmail.fail('history.list', { status: 403, reason: 'domainPolicy', times: Infinity });
      await until('it was reported', () => one.reports.length > 0);
      gmail.heal();
      const id = ann.deliver();
      await scene.has(one, [id]);
      await until('it was told to be over', () => one.overs.length > 0);
    });

    it('tells of a revoked grant once, and goes on when it is there again', async () => {
      let token = gmail.token(ann.address);
      const login = (): Promise<GmailLogin> => Promise.resolve(fakeLogin(gmail, ann.address, token));
      const one = await scene.join({}, login);
      await isRead(one);
      gmail.oauth.revoke(ann.address);
      await until('a person was told', () => one.reports.length > 0);
      assert.match(one.reports[0]!.message, /ann@example\.com/);
      const rejected = gmail.calls.length;
      await until('it was tried again', () => gmail.calls.length > rejected + 2);
      assert.equal(one.reports.length, 1);
      const id = ann.deliver();
      token = gmail.token(ann.address);
      await scene.has(one, [id]);
    });

    it('is reached over the login of another trigger, if one is rejected', async () => {
      await scene.open();
      const slowly = await scene.open({ retryMs: [RARELY], rejectedMs: [RARELY] });
      const bad = await scene.join({ workflowId: 'bad' }, fakeLogin(gmail, ann.address, 'ya29.bad'), slowly);
      const good = await scene.join({ workflowId: 'good' }, fakeLogin(gmail, ann.address), slowly);
      await Promise.all([isRead(bad), isRead(good)]);
      const id = ann.deliver();
      await scene.has(good, [id], slowly);
      await scene.has(bad, [id], slowly);
    });

    it('waits for the credential of nobody, if another one can be read', async () => {
      const broken = fakeLogin(gmail, ann.address);
      let reads = 0;
      const one = await scene.join({ workflowId: 'a' }, () =>
        reads++ === 0 ? Promise.resolve(broken) : Promise.reject(new Error('It was deleted')),
      );
      const other = await scene.join({ workflowId: 'b' });
      await Promise.all([isRead(one), isRead(other)]);
    });

    it('is read as soon as another account finds Gmail back after an outage; its quota and its rights are left alone', async (test) => {
      // Tries follow each other at once, and whoever is called tries at once.
      test.mock.method(Math, 'random', () => 0.001);
      const patient = await scene.open({ retryMs: [RARELY], rejectedMs: [RARELY] });
      const join = (name: string): Promise<GmailJoined> => {
        const { address } = gmail.account(`${name}@example.com`);
        return scene.join({ workflowId: name }, fakeLogin(gmail, address), patient);
      };
      gmail.fail('*', {
        status: 403,
        reason: 'dailyLimitExceeded',
        account: 'max@example.com',
        times: Infinity,
      });
      gmail.fail('*', { status: 403, reason: 'domainPolicy', account: 'zoe@example.com', times: Infinity });
      gmail.fail('*', { reset: true, times: Infinity });
      const names = ['bob', 'cem', 'max', 'zoe'];
      const [bob, cem] = await Promise.all(names.map(join));
      const waits = (name: string): boolean =>
        patient.log.some((line) => line.startsWith(`Not watching the Gmail account ${name}@`));
      await until('all wait', () => names.every(waits));
      gmail.heal();
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.deepEqual([bob!.synced, cem!.synced], [0, 0], 'nobody has found it back');
      const since = gmail.calls.length;
      await isRead(await join('newcomer'));
      await Promise.all([isRead(bob!), isRead(cem!)]);
      const asked = new Set(gmail.calls.slice(since).map(({ account }) => account.replace(/@.*/, '')));
      assert.deepEqual(asked, new Set(['newcomer', 'bob', 'cem']));
    });

    it('is not asked by those who join while it waits more than once for each of them', async () => {
      const patient = await scene.open({ retryMs: [RARELY], leastRetryMs: 300 });
      gmail.fail('*', { status: 403, reason: 'domainPolicy', times: Infinity });
      await scene.join({ workflowId: '0' }, undefined, patient);
      await until('it failed', () => patient.source().state === 'retry_scheduled');
      for (const workflowId of ['1', '2', '3', '4', '5'])
        await scene.join({ workflowId }, undefined, patient);
      const failed = gmail.calls.length;
      gmail.heal();
      await until('it was tried for who joined', () => scene.joined.every(({ synced }) => synced > 0));
      assert.ok(failed <= 2, `${failed} calls`);
    });
  });

  describe('in two processes', () => {
    const LEASE_MS = 3_000;
    let second: GmailWatching;
    let first: GmailWatching;

    beforeEach(async () => {
      first = await scene.open({}, { holder: 'one:1:a', leaseMs: LEASE_MS });
      second = await scene.open({}, { file: first.file, holder: 'two:1:b', leaseMs: LEASE_MS });
    });

    it('is asked by one of them, until that one leaves', async () => {
      const one = await scene.join({}, fakeLogin(gmail, ann.address), first);
      await isRead(one);
      const asked: string[] = [];
      const login = fakeLogin(gmail, ann.address);
      const other = await scene.join(
        {},
        { ...login, send: (request) => (asked.push(request.url), login.send(request)) },
        second,
      );
      const id = ann.deliver();
      await scene.has(one, [id], first);
      await new Promise((resolve) => setTimeout(resolve, 5 * TIMES.standbyMs));
      assert.deepEqual(asked, []);
      await one.leave();
      const next = ann.deliver();
      await scene.has(other, [id, next], second);
      assert.notDeepEqual(asked, []);
    });

    it('is taken over from one that has fallen silent, and read by that one no more', async () => {
      const one = await scene.join({}, fakeLogin(gmail, ann.address), first);
      await isRead(one);
      // The process stalls: it renews nothing, and asks for nothing anew.
      const awake = { ...first.ledger };
      first.ledger.renewHolds = () => new Promise(() => undefined);
      first.ledger.holdSource = () => Promise.reject(new Error('It stands still'));
      const other = await scene.join({}, fakeLogin(gmail, ann.address), second);
      await isRead(other);
      const ids = [ann.deliver(), ann.deliver()];
      await scene.has(other, ids, second);
      Object.assign(first.ledger, awake);
      await until('the first one has seen it', () => first.log.join().includes('this one stands by'));
      assert.deepEqual(one.reports, []);
    });
  });

  it('tells those who sign in to another account now to move, and reads nothing more for them', async () => {
    const bob = gmail.account('bob@example.com');
    let address = ann.address;
    const one = await scene.join({ workflowId: 'a' }, () => Promise.resolve(fakeLogin(gmail, address)));
    const other = await scene.join({ workflowId: 'b' });
    await Promise.all([isRead(one), isRead(other)]);
    address = bob.address;
    await until('it was told to move', () => one.moves > 0);
    const id = ann.deliver();
    await scene.has(other, [id]);
    assert.deepEqual(watching.ids(one.subscription), []);
    assert.equal(other.moves, 0);
  });

  it('asks nothing when everybody has moved, and nothing of the other account', async () => {
    const bob = gmail.account('bob@example.com');
    let address = ann.address;
    const one = await scene.join({}, () => Promise.resolve(fakeLogin(gmail, address)));
    await isRead(one);
    address = bob.address;
    await until('it was told to move', () => one.moves > 1);
    assert.ok(gmail.calls.every(({ account }) => account === ann.address));
  });

  it('leaves out who asks for what Gmail refuses, tells so once, and reads for the others', async () => {
    const bad = await scene.join({
      workflowId: 'bad',
      filter: { labels: { ids: ['Label_404'], match: 'any' } },
      reading: { start: { kind: 'last', count: 5 } },
    });
    const good = await scene.join({ workflowId: 'good' });
    gmail.fail('messages.list', { status: 400, times: Infinity });
    await isRead(good);
    await until('a person was told', () => bad.warnings.length > 0);
    const id = ann.deliver();
    await scene.has(good, [id]);
    assert.equal(bad.warnings.length, 1);
    assert.equal(bad.synced, 0);
    assert.deepEqual(good.warnings, []);
  });

  it('does with mails what was asked for, as soon as their run has ended', async () => {
    const patient = await scene.open({ lookMs: RARELY });
    const afterSuccess = { kind: 'changeLabels', add: [], remove: ['UNREAD'] } as const;
    const one = await scene.join(
      { reading: { pollMs: RARELY }, subscription: { afterSuccess } },
      undefined,
      patient,
    );
    await isRead(one);
    const id = ann.deliver();
    patient.wake.notify([noticeKey(one.subscription.sourceId)]);
    await scene.has(one, [id], patient);
    assert.ok(ann.labelsOf(id).includes('UNREAD'));
    await patient.runAll(one.subscription);
    await until('it is read', () => !ann.labelsOf(id).includes('UNREAD'));
  });

  it('reads new mail, though nothing can be done with old mail', async () => {
    const afterSuccess = { kind: 'changeLabels', add: [], remove: ['UNREAD'] } as const;
    const one = await scene.join({ subscription: { afterSuccess } });
    await isRead(one);
    gmail.fail('messages.modify', { hang: true, times: Infinity });
    const id = ann.deliver();
    await scene.has(one, [id]);
    await watching.runAll(one.subscription);
    await until('it was tried', () => gmail.made('messages.modify') > 0);
    const next = ann.deliver();
    await scene.has(one, [id, next]);
  });

  describe('that nobody listens to any more', () => {
    it('is left in the middle of an answer that never comes, and nothing is recorded', async () => {
      const one = await scene.join();
      await isRead(one);
      gmail.fail('messages.get', { hang: true, times: Infinity });
      ann.deliver();
      await until('it hangs', () => gmail.made('messages.get') > 0);
      await one.leave();
      assert.deepEqual(watching.ids(one.subscription), []);
      const [source] = await watching.ledger.sources();
      assert.equal(source?.connection, 'closed');
      const answer = await watching.ledger.holdSource({ sourceId: source.id, holder: 'two:1:b', leaseMs: 1 });
      assert.ok('hold' in answer, 'another process may read it now');
    });

    it('is left while a credential is being read that never comes', async () => {
      const login = fakeLogin(gmail, ann.address);
      let reads = 0;
      const one = await scene.join({}, () =>
        reads++ < 2 ? Promise.resolve(login) : new Promise<GmailLogin>(() => undefined),
      );
      await until('it is being read', () => reads > 2);
      await one.leave();
    });

    it('is left before a failed round is tried again', async () => {
      const patient = await scene.open({ retryMs: [RARELY], leastRetryMs: RARELY });
      gmail.fail('*', { status: 403, reason: 'domainPolicy', times: Infinity });
      const one = await scene.join({}, undefined, patient);
      await until('it waits', () => patient.source().state === 'retry_scheduled');
      await one.leave();
    });

    it('and joined again at once is read by one at a time, and stays held', async () => {
      let held = Promise.resolve();
      let letPass = (): void => undefined;
      let active = 0;
      let most = 0;
      const good = fakeLogin(gmail, ann.address);
      const send: SendHttp = async (request) => {
        most = Math.max(most, ++active);
        await held;
        return good.send(request).finally(() => active--);
      };
      const login = { ...good, send };
      const one = await scene.join({}, login);
      await isRead(one);
      held = new Promise((resolve) => (letPass = resolve));
      await until('it is being asked', () => active > 0);
      const left = one.leave();
      const again = await scene.join({}, login);
      await new Promise((resolve) => setTimeout(resolve, 3 * TIMES.standbyMs));
      letPass();
      await left;
      const id = ann.deliver();
      await scene.has(again, [id]);
      assert.equal(most, 1);
      const answer = await watching.ledger.holdSource({
        sourceId: one.subscription.sourceId,
        holder: 'two:1:b',
        leaseMs: 1,
      });
      assert.ok('heldBy' in answer);
    });
  });
});
