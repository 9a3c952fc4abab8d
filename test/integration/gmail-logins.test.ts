// Several workflows watch one account with credentials of their own, some of which are refused; and labels of their
// settings that are deleted; and bursts that Google announces only the beginning of.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { GmailLogin } from '../../engine/gmail/api/login';
import { fetchHttp } from '../../engine/http/fetch-http';
import { GmailScene, isRead } from '../support/gmail-scene';
import { fakeLogin, type GmailJoined } from '../support/gmail-watching';
import { until } from '../support/until';

const READ_ONLY = ['https://www.googleapis.com/auth/gmail.readonly'];
const TOPIC = 'projects/p/topics/gmail';

describe('a Gmail account that is shared', () => {
  let scene: GmailScene;
  beforeEach(async () => {
    scene = await GmailScene.set();
  });
  afterEach(() => scene.clear());

  const named = (name: string, more: Partial<GmailLogin> = {}): GmailLogin => ({
    ...fakeLogin(scene.gmail, scene.ann.address),
    credential: { id: name, name },
    ...more,
  });
  const refuses = (status: number, reason: string): Partial<GmailLogin> => ({
    send: async () => ({
      status,
      headers: {},
      body: JSON.stringify({ error: { code: status, message: 'No', errors: [{ reason }] } }),
    }),
  });

  for (const reason of [
    'accessNotConfigured',
    'domainPolicy',
    'insufficientPermissions',
    'dailyLimitExceeded',
  ]) {
    it(`is read though one credential is refused: ${reason}`, async () => {
      const outage = { afterMs: 0 };
      const bad = await scene.join({ workflowId: 'bad', outage }, named('Broken', refuses(403, reason)));
      const good = await scene.join({ workflowId: 'good', outage }, named('Fine'));
      await isRead(good);
      const id = scene.ann.deliver({ subject: 'hello' });
      await scene.has(good, [id]);
      await until('the owner is told', () => bad.reports.length > 0);
      assert.match(bad.reports[0]!.message, /with the credential "Broken"/);
      assert.deepEqual(good.reports, []);
    });
  }

  it('is read on through a precondition that is not met for a while, and nobody is told', async () => {
    const times = { history: 0, messages: 0 };
    const send: GmailLogin['send'] = async (request) => {
      const [, asked] = /\/(history|messages)\b/.exec(request.url) ?? [];
      if (!asked || ++times[asked as keyof typeof times] > 3) return fetchHttp(request);
      const errors = [{ reason: 'failedPrecondition' }];
      const error = {
        code: 400,
        message: 'Precondition check failed.',
        errors,
        status: 'FAILED_PRECONDITION',
      };
      return { status: 400, headers: {}, body: JSON.stringify({ error }) };
    };
    const joined = await scene.join(
      { workflowId: 'w', outage: { afterMs: 60_000 } },
      named('Fine', { send }),
    );
    await isRead(joined);
    const id = scene.ann.deliver({ subject: 'hello' });
    await scene.has(joined, [id]);
    assert.ok(times.history > 3 && times.messages > 3);
    assert.deepEqual([joined.reports, joined.warnings], [[], []]);
  });

  it('is changed with another login where its own may only read, and its owner is told once', async () => {
    const token = scene.gmail.token(scene.ann.address, READ_ONLY);
    const own = await scene.join(
      {
        workflowId: 'own',
        subscription: { afterSuccess: { kind: 'changeLabels', add: [], remove: ['UNREAD'] } },
      },
      named('Read Only', { token: () => Promise.resolve(token) }),
    );
    const reader = await scene.join(
      { workflowId: 'reader' },
      named('Read Only', { token: () => Promise.resolve(token) }),
    );
    const other = await scene.join({ workflowId: 'other' }, named('Fine'));
    await Promise.all([own, reader, other].map(isRead));
    const id = scene.ann.deliver({ subject: 'hello' });
    await scene.has(own, [id]);
    await scene.watching.runAll(own.subscription);
    await until('it is marked', () => !scene.ann.message(id)!.labelIds.includes('UNREAD'));
    await until('its owner is told', () => own.warnings.length > 0);
    assert.match(
      own.warnings[0]!.message,
      /with the credential "Read Only".*done with the credential of another/,
    );
    assert.deepEqual(
      [own, reader, other].map(({ warnings }) => warnings.length),
      [1, 0, 0],
    );
  });

  it('is announced with another login where its own may only read, and who wants notifications is told once', async () => {
    scene.gmail.pubsub.subscribe('projects/p/subscriptions/n8n', TOPIC);
    // What Google answers to a grant without the scope.
    const send: GmailLogin['send'] = async (request) =>
      /\/watch$/.test(request.url)
        ? refuses(403, 'insufficientPermissions').send!(request)
        : fetchHttp(request);
    const other = await scene.join({ workflowId: 'other' }, named('Fine'));
    await isRead(other);
    const notifications = { kind: 'push', topic: TOPIC } as const;
    const own = await scene.join(
      { workflowId: 'own', reading: { notifications } },
      named('Narrow', { send }),
    );
    await until('it is watched', () => scene.gmail.pubsub.watched(scene.ann.address) !== null);
    await until('its owner is told', () => own.warnings.length > 0);
    assert.match(
      own.warnings[0]!.message,
      /with the credential "Narrow".*connect it again.*credential of another/,
    );
    assert.deepEqual([own.warnings.length, other.warnings.length], [1, 0]);
  });

  it('where no login may change mail: who asked is told of its own credential', async () => {
    const token = scene.gmail.token(scene.ann.address, READ_ONLY);
    const login = (name: string): GmailLogin => named(name, { token: () => Promise.resolve(token) });
    const other = await scene.join({ workflowId: 'other' }, login('First'));
    const afterSuccess = { kind: 'changeLabels', add: [], remove: ['UNREAD'] } as const;
    const own = await scene.join({ workflowId: 'own', subscription: { afterSuccess } }, login('Second'));
    await Promise.all([own, other].map(isRead));
    await scene.has(own, [scene.ann.deliver({ subject: 'hello' })]);
    await scene.watching.runAll(own.subscription);
    await until('it is told', () => own.warnings.length > 0);
    assert.match(own.warnings[0]!.message, /with the credential "Second"/);
    assert.deepEqual([own.warnings.length, other.warnings.length], [1, 0]);
  });

  it('is read anew soon after another login is stored, and no sooner', async () => {
    let stored = 'revoked';
    let asked = 0;
    const login = (): Promise<GmailLogin> => {
      asked++;
      return Promise.resolve(
        fakeLogin(scene.gmail, scene.ann.address, stored === 'revoked' ? 'ya29.bad' : undefined),
      );
    };
    const patient = await scene.open({ rejectedMs: [60 * 60_000] });
    const one = await scene.join({ stored: () => Promise.resolve(stored) }, login, patient);
    await until('it is refused', () => patient.source().state === 'retry_scheduled');
    const [calls, before] = [scene.gmail.calls.length, asked];
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.deepEqual([scene.gmail.calls.length, asked], [calls, before], 'nobody was asked');
    stored = 'signed in again';
    await isRead(one);
  });

  it('tells once of a label that is gone, with its name, and of one that was made in its place', async () => {
    const label = scene.ann.label('Orders');
    const one = await scene.join({ filter: { labels: { ids: [label], match: 'any' } } });
    const other = await scene.join({ workflowId: 'other' });
    await isRead(one);
    await until('labels were compared', () => scene.gmail.made('labels.list') > 0);
    scene.ann.deleteLabel(label);
    const anew = scene.ann.label('Orders');
    await until('it is told', () => one.warnings.length > 0);
    const text = one.warnings[0]!.message;
    for (const part of ['"Orders"', label, anew]) assert.ok(text.includes(part), `${text} has ${part}`);
    const compared = scene.gmail.made('labels.list');
    await until('they are compared again', () => scene.gmail.made('labels.list') > compared + 1);
    assert.equal(one.warnings.length, 1);
    assert.deepEqual(other.warnings, []);
  });

  it('tells of a label that was deleted while nobody watched, by its name, and not again after each restart', async () => {
    const label = scene.ann.label('Orders');
    const options = { filter: { labels: { ids: [label], match: 'any' } } } as const;
    const restart = async (): Promise<GmailJoined> =>
      scene.join(options, undefined, await scene.open({}, { file: scene.watching.file }));
    const compared = async (): Promise<void> => {
      const before = scene.gmail.made('labels.list');
      await until('labels were compared', () => scene.gmail.made('labels.list') > before + 1);
    };
    const first = await restart();
    await isRead(first);
    await compared();
    await first.leave();
    scene.ann.deleteLabel(label);
    const second = await restart();
    await until('it is told', () => second.warnings.length > 0);
    assert.ok(second.warnings[0]!.message.includes('"Orders"'), second.warnings[0]!.message);
    await compared();
    await second.leave();
    const third = await restart();
    await isRead(third);
    await compared();
    assert.deepEqual([second.warnings.length, third.warnings.length], [1, 0]);
  });

  it('has all of a burst within seconds, though Google announces one mail a second', async () => {
    const subscription = 'projects/p/subscriptions/n8n';
    scene.gmail.pubsub.subscribe(subscription, TOPIC);
    const pubsub = scene.gmail.oauth.issue(scene.ann.address, ['https://www.googleapis.com/auth/pubsub']);
    const one = await scene.join({
      reading: {
        pollMs: 60_000,
        notifications: {
          kind: 'pull',
          topic: TOPIC,
          subscription,
          token: () => Promise.resolve(() => Promise.resolve(pubsub)),
        },
      },
    });
    await until('it is watched', () => scene.gmail.pubsub.watched(scene.ann.address) !== null);
    const ids = [scene.ann.deliver({ subject: 'first' })];
    await scene.has(one, ids);
    for (let mail = 0; mail < 5; mail++) ids.push(scene.ann.deliver({ subject: `burst ${mail}` }));
    assert.ok(scene.gmail.pubsub.dropped > 0, 'some were not announced');
    await scene.has(one, ids);
    assert.ok(scene.gmail.made('history.list') < 12, 'few looks');
  });
});
