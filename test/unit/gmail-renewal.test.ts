// Google goes on sending notifications: when its watch is renewed, and who is told when that fails.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GmailFault } from '../../engine/gmail/api/fault';
import { type TopicStop, type TopicWish, WatchRenewal } from '../../engine/gmail/notify/renewal';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const TOPIC = 'projects/p/topics/gmail';
const OTHER = 'projects/p/topics/other';

/** An account's watch, a clock that is set by hand, and all that people are told. */
class Setting {
  time = Date.parse('2026-11-21T12:00:00Z');
  /** How long Google's next watch lasts; or why it refuses. */
  answer: number | GmailFault = 7 * DAY_MS;
  readonly asked: string[] = [];
  readonly faults: GmailFault[] = [];
  readonly untils: (number | null)[] = [];
  readonly warned: string[] = [];
  /** As the ledger keeps it. */
  stop: TopicStop | null = null;
  renewal = this.restarted();

  /** What counts in a process begins anew. */
  restarted(): WatchRenewal {
    return new WatchRenewal(
      'ann@example.com',
      {
        onUntil: (until) => this.untils.push(until),
        onFault: (fault) => this.faults.push(fault),
        lastStop: async () => this.stop,
        onStop: async (stop) => void (this.stop = stop),
      },
      { now: () => this.time },
    );
  }

  wish(subscriptionId: number, topic = TOPIC, joinedAt = subscriptionId): TopicWish {
    const warn = (fault: Error): number => this.warned.push(`${subscriptionId}: ${fault.message}`);
    return { subscriptionId, topic, joinedAt, warn };
  }

  renew(): Promise<void> {
    return this.renewal.renew({
      watch: async (topic) => {
        this.asked.push(topic);
        if (this.answer instanceof GmailFault) throw this.answer;
        return { historyId: '1', expiration: this.time + this.answer };
      },
      stop: async () => {
        this.asked.push('stop');
      },
    });
  }

  /** Fails so many times. */
  async fail(fault: GmailFault, times = 1): Promise<void> {
    this.answer = fault;
    for (let time = 0; time < times; time++) await this.renew();
  }
}

const busy = new GmailFault('busy', 'Google has trouble.');
const forbidden = new GmailFault('forbidden', 'Google answered 403.');

function between(value: number, least: number, most: number): void {
  assert.ok(value >= least && value <= most, `${value} is not from ${least} to ${most}`);
}

describe('a watch', () => {
  it('is not renewed for an account whose triggers want no notifications', async () => {
    const setting = new Setting();
    assert.equal(setting.renewal.dueInMs(), Infinity);
    await setting.renew();
    setting.renewal.want([]);
    assert.deepEqual(setting.asked, []);
  });

  it('is due at the start, and a day later again', async () => {
    const setting = new Setting();
    setting.renewal.want([setting.wish(1)]);
    assert.equal(setting.renewal.dueInMs(), 0);
    await setting.renew();
    assert.deepEqual(setting.asked, [TOPIC]);
    between(setting.renewal.dueInMs(), DAY_MS - MINUTE_MS, DAY_MS);
    assert.deepEqual(setting.untils, [setting.time + 7 * DAY_MS]);
    assert.equal(setting.renewal.until, setting.time + 7 * DAY_MS);
  });

  it('is due well before it ends, where Google gives less than a week', async () => {
    const setting = new Setting();
    setting.answer = 4 * HOUR_MS;
    setting.renewal.want([setting.wish(1)]);
    await setting.renew();
    between(setting.renewal.dueInMs(), 2 * HOUR_MS - MINUTE_MS, 2 * HOUR_MS);
  });

  it('is not renewed without end where the clocks disagree', async () => {
    const setting = new Setting();
    setting.answer = -HOUR_MS;
    setting.renewal.want([setting.wish(1)]);
    await setting.renew();
    between(setting.renewal.dueInMs(), MINUTE_MS - 10_000, MINUTE_MS);
    assert.equal(setting.renewal.until, null);
  });

  it('is due when the machine has slept over it', async () => {
    const setting = new Setting();
    setting.renewal.want([setting.wish(1)]);
    await setting.renew();
    setting.time += 2 * DAY_MS;
    assert.equal(setting.renewal.dueInMs(), 0);
  });

  it('is not asked for more often because more triggers want it', async () => {
    const setting = new Setting();
    setting.renewal.want([setting.wish(1)]);
    await setting.renew();
    setting.renewal.want([setting.wish(1), setting.wish(2)]);
    assert.notEqual(setting.renewal.dueInMs(), 0);
    assert.deepEqual(setting.warned, []);
  });

  it('ends for the ledger when nobody wants it any more', async () => {
    const setting = new Setting();
    setting.renewal.want([setting.wish(1)]);
    await setting.renew();
    setting.renewal.want([]);
    assert.equal(setting.renewal.dueInMs(), Infinity);
    assert.equal(setting.untils.at(-1), null);
  });

  it('goes to the topic of the newest trigger, and the others are warned once', async () => {
    const setting = new Setting();
    const older = setting.wish(1, TOPIC);
    setting.renewal.want([older]);
    await setting.renew();
    const newer = setting.wish(2, OTHER);
    for (let time = 0; time < 3; time++) setting.renewal.want([newer, older]);
    assert.equal(setting.renewal.dueInMs(), 0);
    await setting.renew();
    assert.deepEqual(setting.asked, [TOPIC, OTHER]);
    assert.equal(setting.warned.length, 1);
    assert.match(
      setting.warned[0]!,
      /^1: .*ann@example\.com.*topics\/other.*topics\/gmail.*polling.*same topic/,
    );
    // Published anew, it is the newest.
    setting.renewal.want([newer, setting.wish(1, TOPIC, 3)]);
    assert.equal(setting.warned.length, 2);
    assert.match(setting.warned[1]!, /^2: /);
  });
});

describe('a watch that cannot be renewed', () => {
  it('is tried again after a minute, and then ever more rarely, an hour at most', async () => {
    const setting = new Setting();
    setting.renewal.want([setting.wish(1)]);
    await setting.fail(busy);
    between(setting.renewal.dueInMs(), MINUTE_MS / 2 - 10_000, MINUTE_MS);
    await setting.fail(busy, 11);
    between(setting.renewal.dueInMs(), HOUR_MS / 2 - 10_000, HOUR_MS);
  });

  it('is told at once where a person has to act, with what to do, and only once', async () => {
    const setting = new Setting();
    setting.renewal.want([setting.wish(1)]);
    await setting.fail(forbidden, 10);
    assert.equal(setting.faults.length, 1);
    const [fault] = setting.faults;
    assert.equal(fault!.kind, 'forbidden');
    for (const word of [
      'ann@example.com',
      TOPIC,
      'Google answered 403.',
      'gmail-api-push@system.gserviceaccount.com',
      'Pub/Sub Publisher',
      'polling',
    ]) {
      assert.ok(fault!.message.includes(word), `"${word}" is not in: ${fault!.message}`);
    }
  });

  it('is told the third time where it may pass', async () => {
    // Google says of a trouble of a moment, too, that a precondition is not met.
    const precondition = new GmailFault('forbidden', 'Precondition check failed.', { mayPass: true });
    for (const fault of [busy, precondition]) {
      const setting = new Setting();
      setting.renewal.want([setting.wish(1)]);
      await setting.fail(fault, 2);
      assert.deepEqual(setting.faults, []);
      await setting.fail(fault, 5);
      assert.deepEqual(
        setting.faults.map(({ kind }) => kind),
        [fault.kind],
      );
    }
  });

  it('is told again after it had worked', async () => {
    const setting = new Setting();
    setting.renewal.want([setting.wish(1)]);
    await setting.fail(forbidden, 2);
    setting.answer = 7 * DAY_MS;
    await setting.renew();
    await setting.fail(forbidden, 2);
    assert.equal(setting.faults.length, 2);
  });

  it('is told once more when the notifications have ended', async () => {
    const setting = new Setting();
    setting.renewal.want([setting.wish(1)]);
    await setting.renew();
    await setting.fail(forbidden, 3);
    setting.time += 8 * DAY_MS;
    await setting.fail(forbidden, 3);
    assert.equal(setting.faults.length, 2);
    assert.match(setting.faults[1]!.message, /sends no more notifications of ann@example\.com/);
    assert.equal(setting.untils.at(-1), null);
  });

  it('of another topic is ended once, and told in the words of Google where that does not help', async () => {
    const setting = new Setting();
    setting.renewal.want([setting.wish(1)]);
    const words = 'Only one user push notification client allowed per developer';
    await setting.fail(new GmailFault('refused', words, { isOfOtherTopic: true }), 3);
    assert.deepEqual(setting.asked, [TOPIC, 'stop', TOPIC, TOPIC, TOPIC]);
    assert.equal(setting.faults.length, 1);
    assert.ok(setting.faults[0]!.message.includes(words));
    assert.doesNotMatch(setting.faults[0]!.message, /Publisher/);
  });

  it('of another topic is ended no sooner again because n8n was restarted, and at once for a topic that a person chose', async () => {
    const setting = new Setting();
    const taken = new GmailFault('refused', 'Only one client', { isOfOtherTopic: true });
    setting.renewal.want([setting.wish(1)]);
    await setting.fail(taken);
    setting.renewal = setting.restarted();
    setting.renewal.want([setting.wish(1)]);
    await setting.fail(taken);
    assert.deepEqual(setting.asked, [TOPIC, 'stop', TOPIC, TOPIC], 'one stop');
    setting.asked.length = 0;
    setting.time += 6 * HOUR_MS;
    await setting.fail(taken);
    setting.renewal.want([setting.wish(1, OTHER)]);
    await setting.fail(taken);
    assert.deepEqual(setting.asked, [TOPIC, 'stop', TOPIC, OTHER, 'stop', OTHER]);
  });

  it('that another program took over sends nothing here any more, however long it was to last', async () => {
    const setting = new Setting();
    setting.renewal.want([setting.wish(1)]);
    await setting.renew();
    assert.notEqual(setting.renewal.until, null);
    await setting.fail(new GmailFault('refused', 'Only one client', { isOfOtherTopic: true }));
    assert.equal(setting.renewal.until, null);
  });

  it('of a topic that nobody wants any more concerns nobody', async () => {
    const setting = new Setting();
    setting.renewal.want([setting.wish(1)]);
    const renewing = setting.renewal.renew({
      watch: async () => {
        setting.renewal.want([]);
        throw forbidden;
      },
      stop: () => Promise.resolve(),
    });
    await renewing;
    assert.deepEqual(setting.faults, []);
  });
});
