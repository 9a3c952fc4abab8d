// Reading an account over HTTP, with the real client: what it costs, and a burst through a network that fails.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { GmailClient } from '../../engine/gmail/api/client';
import { GmailFault } from '../../engine/gmail/api/fault';
import { QUOTA_LIMITS } from '../../engine/gmail/api/quota';
import { QuotaBucket, type QuotaTimes } from '../../engine/http/quota';
import { pause } from '../../engine/runtime/time';
import { ADDRESS } from '../support/gmail-direct';
import type { FakeAccount } from '../support/gmail/account';
import { FakeGmail } from '../support/gmail/fake';
import type { FaultSpec } from '../support/gmail/faults';
import { fetchHttp } from '../../engine/http/fetch-http';
import { gmailReading } from '../support/gmail-reading';
import { GmailSyncing } from '../support/gmail-syncing';

/** The client's waits pass so much faster than in life. */
const FASTER = 50;
const times: QuotaTimes = {
  now: () => performance.now() * FASTER,
  pause: (ms, signal) => pause(ms / FASTER, signal),
  random: Math.random,
};

const FAULTS: readonly FaultSpec[] = [
  { status: 500 },
  { status: 503, retryAfter: 1 },
  { status: 429 },
  { status: 403, reason: 'userRateLimitExceeded' },
  { reset: true },
  { cut: true },
  { malformed: true },
];

describe('reading a Gmail account over HTTP', { timeout: 5 * 60_000 }, () => {
  let gmail: FakeGmail;
  let account: FakeAccount;
  let syncing: GmailSyncing;
  let stop: AbortController;

  beforeEach(async () => {
    gmail = await FakeGmail.start({ startHistoryId: 2n ** 60n + 1n });
    account = gmail.account(ADDRESS);
    stop = new AbortController();
    const login = {
      address: ADDRESS,
      token: async () => gmail.token(ADDRESS),
      send: fetchHttp,
      endpoints: { gmail: gmail.url, pubsub: gmail.url },
      quota: 'new',
    } as const;
    const quota = new QuotaBucket(QUOTA_LIMITS.new, { times });
    syncing = await GmailSyncing.start(new GmailClient(login, { signal: stop.signal, quota, times }));
  });
  afterEach(async () => {
    stop.abort();
    await syncing.dispose();
    await gmail.close();
  });

  /** Units of what is done meanwhile. */
  const unitsOf = async (work: () => Promise<unknown>): Promise<number> => {
    const before = account.spent();
    await work();
    return account.spent() - before;
  };

  it('costs 23 units at most for a mail, and 2 for a look that finds nothing, whoever listens', async () => {
    const all = [
      await syncing.join(),
      await syncing.join({ reading: gmailReading({ filter: { sent: true } }) }),
    ];
    await syncing.sync();
    const id = account.deliver({ subject: 'Hello' });
    const units = await unitsOf(() => syncing.sync());
    assert.ok(units <= 23, `${units} units for a mail`);
    for (const one of all) assert.deepEqual(syncing.ids(one), [id]);
    assert.equal(await unitsOf(() => syncing.sync()), 2);
    const spam = account.deliver({ labels: ['SPAM'] });
    assert.equal(await unitsOf(() => syncing.sync()), 2, `Nobody asked for ${spam}`);
  });

  it('loses and repeats nothing of a burst of 200, in no order, told twice, while much fails', async () => {
    const one = await syncing.join();
    await syncing.sync();
    Object.assign(account.behaviour, { unordered: true, repeated: true, pageLimit: 60 });
    const ids = Array.from({ length: 200 }, (_, mail) => account.deliver({ subject: `Mail ${mail}` }));
    let rounds = 0;
    for (; rounds < 60; rounds++) {
      // Some of them outlast a call's own tries.
      for (let fault = 0; fault < 3; fault++) {
        const spec = FAULTS[(rounds * 3 + fault) % FAULTS.length]!;
        const afterMatching = Math.floor(Math.random() * 30);
        account.fail('messages.get', { ...spec, times: fault === 0 ? 8 : 1, afterMatching });
      }
      account.fail('history.list', { reset: true, afterMatching: rounds % 4 });
      if (rounds % 3 === 2) syncing.restart();
      const end = await syncing.sync().catch((error: unknown) => {
        assert.ok(error instanceof GmailFault, String(error));
        return null;
      });
      syncing.now += 30_000;
      gmail.heal();
      if (end && end.againInMs === null) break;
    }
    const got = syncing.ids(one);
    const lost = ids.filter((id) => !got.includes(id));
    assert.deepEqual({ lost, repeated: got.length - new Set(got).size }, { lost: [], repeated: 0 });
    assert.equal(got.length, 200);
    assert.ok((await syncing.recorded(one)).every(({ content }) => content !== null));
    const reads = gmail.calls.filter(({ method, status }) => method === 'messages.get' && status === 200);
    assert.ok(reads.length <= 200 + 40, `${reads.length} mails were handed out`);
  });
});
