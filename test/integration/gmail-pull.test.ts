// Notifications that are fetched from a Pub/Sub subscription: what is acknowledged and when, and what people are told
// when it cannot be read. Against the fake of Google over HTTP.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { GmailFault } from '../../engine/gmail/api/fault';
import type { HttpRequest, SendHttp } from '../../engine/http/send';
import { PullSubscriptions, type PullTimes } from '../../engine/gmail/notify/pull';
import type { PubsubLogin } from '../../engine/gmail/notify/pubsub';
import type { Log } from '../../engine/runtime/log';
import { FakeGmail } from '../support/gmail/fake';
import { silentLog } from '../support/log';
import { until } from '../support/until';

const TOPIC = 'projects/p/topics/gmail';
const PUBSUB = ['https://www.googleapis.com/auth/pubsub'];

/** By fetch, as any host would. */
const send: SendHttp = async ({ method, url, headers, body, timeoutMs, signal }: HttpRequest) => {
  const answer = await fetch(url, {
    method,
    headers,
    ...(body !== undefined && { body }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  });
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
};

/** Whoever watches an account. */
class Listener {
  notices = 0;
  /** Those under way. */
  recording = 0;
  readonly faults: GmailFault[] = [];
  worked = 0;
  /** What becomes of a notice. */
  record: () => Promise<void> = () => Promise.resolve();

  readonly onNotice = async (): Promise<void> => {
    this.notices++;
    this.recording++;
    try {
      await this.record();
    } finally {
      this.recording--;
    }
  };
  readonly onFault = (fault: GmailFault): void => void this.faults.push(fault);
  readonly onWorking = (): void => {
    this.worked++;
  };
}

/** Something that a test ends itself. */
function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

describe('a Pub/Sub subscription that is pulled', () => {
  let gmail: FakeGmail;
  let subscription: string;
  let topic: string;
  const leaving: (() => Promise<void>)[] = [];
  let warnings: string[] = [];

  const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) };
  const FAST: Partial<PullTimes> = {
    restMs: 20,
    retry: { firstMs: 20, mostMs: 50 },
    noticeRetry: { firstMs: 20, mostMs: 50 },
    tellAfterMs: 0,
  };

  before(async () => {
    gmail = await FakeGmail.start();
    gmail.pubsub.settings.pullWaitMs = 200;
  });
  after(() => gmail.close());
  beforeEach(() => {
    const name = randomUUID();
    subscription = `projects/p/subscriptions/${name}`;
    topic = `${TOPIC}-${name}`;
    gmail.pubsub.subscribe(subscription, topic);
    gmail.pubsub.settings.ackDeadlineMs = 10_000;
    warnings = [];
  });
  afterEach(async () => {
    gmail.heal();
    await Promise.all(leaving.splice(0).map((leave) => leave()));
  });

  const token = (): string => gmail.token('reader@p.iam.gserviceaccount.com', PUBSUB);
  const login = (more: Partial<PubsubLogin> = {}): PubsubLogin => {
    let good: string | undefined;
    return {
      subscription,
      send,
      pubsubUrl: gmail.url,
      token: async () => async (afterRejection) => (good = afterRejection || !good ? token() : good),
      ...more,
    };
  };
  const publish = (address: string, times = 1): void => {
    for (let time = 1; time <= times; time++) gmail.pubsub.publish(topic, address, 9_007_199_254_740_993n);
  };
  const waiting = (): number => gmail.pubsub.waiting(subscription);
  const acknowledged = (): Promise<true> => until('all is acknowledged', () => waiting() === 0);

  interface Joining {
    readonly address?: string;
    readonly login?: PubsubLogin;
    readonly pulls?: PullSubscriptions;
    readonly times?: Partial<PullTimes>;
  }
  const join = (listener: Listener, joining: Joining = {}): (() => Promise<void>) => {
    const pulls = joining.pulls ?? new PullSubscriptions({ log, times: { ...FAST, ...joining.times } });
    const leave = pulls.join(joining.login ?? login(), joining.address ?? 'ann@example.com', listener);
    leaving.push(leave);
    return leave;
  };

  it('tells of news, and acknowledges them', async () => {
    const ann = new Listener();
    join(ann, { address: 'Ann@Example.com' });
    publish('ANN@example.com');
    await acknowledged();
    assert.equal(ann.notices, 1);
    assert.equal(ann.worked, 1);
    assert.deepEqual(ann.faults, []);
  });

  it('acknowledges only what is recorded', async () => {
    const ann = new Listener();
    const { passed, open } = gate();
    ann.record = () => passed;
    join(ann);
    publish('ann@example.com');
    await until('the news are being recorded', () => ann.recording === 1);
    const asked = gmail.made('pubsub.pull');
    await until('it was asked again meanwhile', () => gmail.made('pubsub.pull') > asked + 1);
    assert.equal(waiting(), 1);
    open();
    await acknowledged();
  });

  it('makes one notice of those that come while the news are being recorded', async () => {
    const ann = new Listener();
    const { passed, open } = gate();
    ann.record = () => passed;
    join(ann);
    publish('ann@example.com');
    await until('the news are being recorded', () => ann.recording === 1);
    publish('ann@example.com', 30);
    const asked = gmail.made('pubsub.pull');
    await until('they were fetched', () => gmail.made('pubsub.pull') > asked + 1);
    open();
    await acknowledged();
    assert.equal(ann.notices, 2);
  });

  it('is delivered again what could not be recorded, without a rush', async () => {
    gmail.pubsub.settings.ackDeadlineMs = 100;
    const ann = new Listener();
    ann.record = () =>
      ann.notices < 4 ? Promise.reject(new Error('The ledger is away')) : Promise.resolve();
    join(ann);
    publish('ann@example.com');
    await acknowledged();
    assert.equal(ann.notices, 4);
  });

  it('asks for more time while the news are being recorded', async () => {
    gmail.pubsub.settings.ackDeadlineMs = 1_000;
    const ann = new Listener();
    const { passed, open } = gate();
    ann.record = () => passed;
    join(ann, { times: { extendAfterMs: 100, extendEveryMs: 10_000, extendForMs: 60_000 } });
    publish('ann@example.com');
    await until('the news are being recorded', () => ann.recording === 1);
    // Longer than Pub/Sub itself would wait.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    open();
    await acknowledged();
    assert.equal(gmail.made('pubsub.modifyAckDeadline'), 1);
    assert.equal(ann.notices, 1, 'it was delivered again');
  });

  it('serves several accounts with one loop, and none waits for another', async () => {
    const [ann, bob] = [new Listener(), new Listener()];
    const { passed, open } = gate();
    ann.record = () => passed;
    const pulls = new PullSubscriptions({ log, times: { ...FAST, restMs: 60_000 } });
    join(ann, { pulls });
    join(bob, { pulls, address: 'bob@example.com' });
    publish('ann@example.com');
    await until('the news of one are being recorded', () => ann.recording === 1);
    publish('bob@example.com');
    await until('the other is told', () => bob.notices === 1);
    await until('only the one is not acknowledged', () => waiting() === 1);
    open();
    await acknowledged();
    assert.deepEqual([ann.notices, bob.notices], [1, 1]);
  });

  it('tells everybody who watches the account before it acknowledges', async () => {
    const [one, two] = [new Listener(), new Listener()];
    const { passed, open } = gate();
    two.record = () => passed;
    const pulls = new PullSubscriptions({ log, times: FAST });
    join(one, { pulls });
    join(two, { pulls });
    publish('ann@example.com');
    await until('both are told', () => one.notices === 1 && two.notices === 1);
    assert.equal(waiting(), 1);
    open();
    await acknowledged();
  });

  it('acknowledges at once what nobody here can use', async () => {
    const ann = new Listener();
    join(ann);
    publish('stranger@example.com', 3);
    await acknowledged();
    assert.deepEqual(warnings, []);
    assert.equal(ann.notices, 0);
  });

  it('passes over what is no notice, and says so in the log', async () => {
    const ann = new Listener();
    const odd: SendHttp = async (request) => {
      const answer = await send(request);
      return { ...answer, body: answer.body.replace(/"data": ?"[^"]*"/g, '"data":"bm90IEpTT04="') };
    };
    join(ann, { login: login({ send: odd }) });
    publish('ann@example.com');
    await acknowledged();
    assert.equal(ann.notices, 0);
    assert.equal(warnings.length, 1);
  });

  it('takes another token when its own is not good any more', async () => {
    const ann = new Listener();
    join(ann);
    await until('it works', () => ann.worked === 1);
    gmail.oauth.expire();
    publish('ann@example.com');
    await acknowledged();
    assert.deepEqual(ann.faults, []);
  });

  for (const [status, kind, words] of [
    [401, 'login', /credential/],
    [403, 'forbidden', /Pub\/Sub Subscriber/],
    [404, 'refused', /no such subscription.*projects\/PROJECT\/subscriptions\/NAME/],
    [400, 'refused', /full name/],
  ] as const) {
    it(`says what to do where Pub/Sub answers ${status}, once, and goes on when that is done`, async () => {
      const ann = new Listener();
      const fault = gmail.fail('pubsub.pull', { status, times: Infinity });
      join(ann);
      await until('it was tried some times', () => fault.struck >= 8);
      assert.equal(ann.faults.length, 1);
      const [told] = ann.faults;
      assert.equal(told!.kind, kind);
      assert.match(told!.message, words);
      assert.ok(told!.message.includes(subscription));
      assert.equal(ann.worked, 0);
      fault.end();
      publish('ann@example.com');
      await acknowledged();
      await until('it is said that it works again', () => ann.worked === 1);
    });
  }

  for (const [what, spec] of [
    ['429', { status: 429 }],
    ['503', { status: 503 }],
    ['a reset', { reset: true }],
    ['half an answer', { cut: true }],
    ['no JSON', { malformed: true }],
  ] as const) {
    it(`tries again by itself after ${what}, and tells nobody`, async () => {
      const ann = new Listener();
      gmail.pubsub.settings.ackDeadlineMs = 300;
      const fault = gmail.fail('pubsub.pull', { ...spec, times: 2 });
      join(ann);
      publish('ann@example.com');
      await acknowledged();
      assert.equal(fault.struck, 2);
      assert.deepEqual(ann.faults, []);
    });
  }

  it('tells what may pass when it does not', async () => {
    const ann = new Listener();
    await gmail.goAway();
    try {
      join(ann);
      await until('it is told', () => ann.faults.length > 0);
      assert.equal(ann.faults[0]!.kind, 'unreachable');
      assert.match(ann.faults[0]!.message, /cannot be read.*tried again.*polling/);
    } finally {
      await gmail.comeBack();
    }
    publish('ann@example.com');
    await acknowledged();
    assert.equal(ann.faults.length, 1);
  });

  it('waits ever longer between its tries', async () => {
    const ann = new Listener();
    const times: number[] = [];
    const refuse: SendHttp = async () => {
      times.push(performance.now());
      return { status: 503, headers: {}, body: '' };
    };
    join(ann, { login: login({ send: refuse }), times: { retry: { firstMs: 100, mostMs: 60_000 } } });
    await until('it was tried four times', () => times.length === 4);
    // Half of 100, 200 and 400 ms at least.
    assert.ok(times[3]! - times[0]! >= 340, `${times[3]! - times[0]!} ms`);
  });

  it('does not ask without a pause where empty answers come at once', async () => {
    const ann = new Listener();
    let asked = 0;
    const empty: SendHttp = async () => {
      asked++;
      return { status: 200, headers: {}, body: '{}' };
    };
    join(ann, { login: login({ send: empty }), times: { restMs: 60_000 } });
    await until('it works', () => ann.worked === 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(asked, 1);
  });

  it('reads the login again after a fault, and tries that of another account', async () => {
    const [ann, bob] = [new Listener(), new Listener()];
    const pulls = new PullSubscriptions({ log, times: FAST });
    join(ann, { pulls });
    await until('it works', () => ann.worked === 1);
    const broken = { token: () => Promise.reject(new Error('There is no such credential.')) };
    join(bob, { pulls, address: 'bob@example.com', login: login(broken) });
    await until('it is told', () => bob.faults.length + bob.worked > 0);
    publish('bob@example.com');
    await acknowledged();
    assert.equal(bob.notices, 1);
  });

  it('asks for nothing any more when all have left, also in the middle of a pull', async () => {
    const [ann, bob] = [new Listener(), new Listener()];
    const pulls = new PullSubscriptions({ log, times: FAST });
    const never: SendHttp = () => new Promise(() => undefined);
    const leaveAnn = join(ann, { pulls, login: login({ send: never }) });
    const leaveBob = join(bob, { pulls, address: 'bob@example.com', login: login({ send: never }) });
    await leaveAnn();
    await leaveBob();
    // Whoever joins again has a loop that works.
    join(ann, { pulls });
    publish('ann@example.com');
    await acknowledged();
  });

  it('still acknowledges what is recorded after its account was left', async () => {
    const [ann, bob] = [new Listener(), new Listener()];
    const { passed, open } = gate();
    ann.record = () => passed;
    const pulls = new PullSubscriptions({ log, times: FAST });
    const leave = join(ann, { pulls });
    join(bob, { pulls, address: 'bob@example.com' });
    publish('ann@example.com');
    await until('the news are being recorded', () => ann.recording === 1);
    await leave();
    open();
    await acknowledged();
  });

  it('says nothing of its token or of a message when something is wrong', async () => {
    const ann = new Listener();
    const lines: string[] = [];
    const keep = (message: string, fields?: object): void =>
      void lines.push(`${message} ${JSON.stringify(fields)}`);
    const all: Log = { debug: keep, info: keep, warn: keep, error: keep };
    const refuse: SendHttp = async () => ({ status: 403, headers: {}, body: 'secret answer' });
    const access = async () => async () => 'secret-token';
    const pulls = new PullSubscriptions({ log: all, times: FAST });
    join(ann, { pulls, login: login({ send: refuse, token: access }) });
    await until('it is told', () => ann.faults.length > 0);
    await until('it is logged', () => lines.length > 2);
    assert.doesNotMatch([...lines, ...ann.faults.map(({ message }) => message)].join('\n'), /secret/);
  });
});
