// A Gmail account in the fake, and those who watch it in a test, with all waits cut short.
import assert from 'node:assert/strict';
import type { GmailLogin } from '../../engine/gmail/api/login';
import type { GmailTimes } from '../../engine/gmail/watch/pace';
import type { FakeAccount } from './gmail/account';
import { FakeGmail } from './gmail/fake';
import {
  fakeLogin,
  type GmailJoined,
  type GmailJoinOptions,
  GmailWatching,
  type GmailWatchingOptions,
} from './gmail-watching';
import { until } from './until';

export const GMAIL_TIMES = {
  standbyMs: 100,
  lookMs: 200,
  leastLookMs: 50,
  earlyMs: 100,
  retryMs: [200],
  rejectedMs: [200],
  leastRetryMs: 50,
  labelsMs: 500,
  storedMs: 100,
} as const satisfies Partial<GmailTimes>;

/** So rare that a test never sees a second time. */
export const RARELY = 60 * 60_000;

export const isRead = (one: GmailJoined): Promise<unknown> => until('it is read', () => one.synced > 0);

export class GmailScene {
  readonly gmail: FakeGmail;
  readonly ann: FakeAccount;
  readonly watching: GmailWatching;
  readonly joined: GmailJoined[] = [];
  readonly #opened: GmailWatching[];

  private constructor(gmail: FakeGmail, watching: GmailWatching) {
    this.gmail = gmail;
    this.ann = gmail.account('ann@example.com');
    this.watching = watching;
    this.#opened = [watching];
  }

  static async set(): Promise<GmailScene> {
    return new GmailScene(await FakeGmail.start(), await GmailWatching.start(GMAIL_TIMES));
  }

  /** Another process. */
  async open(times: Partial<GmailTimes> = {}, options: GmailWatchingOptions = {}): Promise<GmailWatching> {
    const one = await GmailWatching.start({ ...GMAIL_TIMES, ...times }, options);
    this.#opened.push(one);
    return one;
  }

  async join(
    options: GmailJoinOptions = {},
    login: GmailLogin | (() => Promise<GmailLogin>) = fakeLogin(this.gmail, this.ann.address),
    by = this.watching,
  ): Promise<GmailJoined> {
    const one = await by.join(login, options);
    this.joined.push(one);
    return one;
  }

  /** These mails are recorded for it, in this order, and no others. */
  async has({ subscription }: GmailJoined, ids: readonly string[], by = this.watching): Promise<void> {
    await until('the mails are recorded', () => by.ids(subscription).length >= ids.length);
    assert.deepEqual(by.ids(subscription), ids);
  }

  async clear(): Promise<void> {
    this.gmail.heal();
    await Promise.all(this.joined.map(({ leave }) => leave()));
    for (const each of this.#opened.reverse()) await each.dispose();
    await this.gmail.close();
  }
}
