// The quota in real time, as the server sees it: 400 waiting mails under the new table, over HTTP.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { GmailClient } from '../../engine/gmail/api/client';
import { fetchHttp } from '../../engine/http/fetch-http';
import { FakeGmail } from '../support/gmail/fake';

const MINUTE_MS = 60_000;
const ADDRESS = 'ann@example.com';

describe('The quota of an account, as Gmail sees it', { timeout: 5 * MINUTE_MS }, () => {
  let gmail: FakeGmail;
  const stop = new AbortController();

  before(async () => {
    gmail = await FakeGmail.start();
    gmail.quota.settings.enforced = true;
    gmail.behaviour.latencyMs = 100;
  });
  after(async () => {
    stop.abort();
    await gmail.close();
  });

  const client = (): GmailClient =>
    new GmailClient(
      {
        address: ADDRESS,
        token: async () => gmail.token(ADDRESS),
        send: fetchHttp,
        endpoints: { gmail: gmail.url, pubsub: gmail.url },
        quota: 'new',
      },
      { signal: stop.signal },
    );

  /** The least units in any 60 s from the first call to the last. */
  function leastInAnyMinute(): number {
    const calls = gmail.calls.filter(({ units }) => units > 0);
    const [first, last] = [calls[0]!.at, calls.at(-1)!.at];
    const starts = [first, ...calls.flatMap(({ at }) => [at + 1, at - MINUTE_MS])];
    const within = starts
      .filter((start) => start >= first && start + MINUTE_MS <= last)
      .map((start) => calls.filter(({ at }) => at >= start && at < start + MINUTE_MS));
    return Math.min(...within.map((minute) => minute.reduce((sum, { units }) => sum + units, 0)));
  }

  it('is never exceeded in any 60 s, and used above 90 % while 400 mails wait', async () => {
    const account = gmail.account(ADDRESS);
    const ids = Array.from({ length: 400 }, (_, i) => account.deliver({ subject: `Mail ${i}` }));
    // Two workflows of the account: what they spend counts together.
    const [one, other] = [client(), client()];
    const read = await Promise.all(ids.map((id, i) => (i % 2 ? one : other).message(id, 'new')));
    read.forEach((message, i) => {
      assert.ok(message);
      assert.equal(message.id, ids[i]);
      assert.match(message.raw.toString(), new RegExp(`^Subject: Mail ${i}\\r$`, 'm'));
    });
    assert.equal(gmail.made('messages.get'), 400, 'None was refused, none was read twice');
    assert.ok(gmail.quota.mostAtOnce <= 5);
    const [most, least] = [gmail.mostInAnyWindow(MINUTE_MS), leastInAnyMinute()];
    assert.ok(most <= 6000, `${most} units in one minute`);
    assert.ok(least > 5400 && least <= most, `only ${least} units in one minute`);
  });
});
