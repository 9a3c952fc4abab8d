// What the Gmail client asks for and makes of the answers: what it tries again, what it takes for the mailbox's own
// word, and what it tells people.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GmailClient } from '../../engine/gmail/api/client';
import { GmailFault, type GmailFaultKind } from '../../engine/gmail/api/fault';
import type { HttpAnswer, HttpRequest } from '../../engine/http/send';
import { QUOTA_LIMITS } from '../../engine/gmail/api/quota';
import { QuotaBucket } from '../../engine/http/quota';
import { waitSaidBy } from '../../engine/gmail/api/verdict';
import { VirtualTime } from '../support/virtual-time';

const MINUTE_MS = 60_000;
const TOKEN = 'ya29.secret-token';

type Reply = HttpAnswer | Error | ((request: HttpRequest) => Promise<HttpAnswer>);

const json = (body: unknown, status = 200, headers: Record<string, string> = {}): HttpAnswer => ({
  status,
  headers,
  body: JSON.stringify(body),
});

/** As Google tells an error. */
const refusal = (code: number, reason: string, message = 'No.', headers = {}): HttpAnswer =>
  json({ error: { code, message, errors: [{ domain: 'global', reason, message }] } }, code, headers);

const page = (status: number): HttpAnswer => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: '<html>Please log in to the guest network</html>',
});

const RAW = Buffer.from('Subject: ü?>\r\n\r\nHello\r\n');
const message = {
  id: 'm1',
  threadId: 't1',
  labelIds: ['INBOX'],
  snippet: 'Hello',
  historyId: '18446744073709551615',
  internalDate: '1767225600000',
  sizeEstimate: 24,
  raw: RAW.toString('base64url'),
};

/** An account whose API answers as it is told, the last answer for ever. */
class Account {
  readonly time = new VirtualTime();
  readonly requests: HttpRequest[] = [];
  readonly stop = new AbortController();
  readonly #replies: Reply[];
  /** The tokens handed out, in order, and how often a new one was asked for after a rejection. */
  token = TOKEN;
  renewed = 0;
  tokenFault: GmailFault | undefined;
  tokenTakesMs = 0;
  /** Of the last fault. */
  isOfQuota: boolean | undefined;
  readonly client: GmailClient;

  constructor(...replies: Reply[]) {
    this.#replies = replies;
    this.client = new GmailClient(
      {
        address: 'ann@example.com',
        endpoints: { gmail: 'https://gmail.example/', pubsub: '' },
        quota: 'new',
        token: async (afterRejection) => {
          if (this.tokenTakesMs > 0) await this.time.pause(this.tokenTakesMs);
          if (this.tokenFault) throw this.tokenFault;
          if (afterRejection) this.token = `ya29.renewed-${++this.renewed}`;
          return this.token;
        },
        send: async (request) => {
          this.requests.push(request);
          const reply = this.#replies.length > 1 ? this.#replies.shift()! : this.#replies[0]!;
          if (reply instanceof Error) throw reply;
          return typeof reply === 'function' ? reply(request) : reply;
        },
      },
      {
        signal: this.stop.signal,
        quota: new QuotaBucket(QUOTA_LIMITS.new, { times: this.time }),
        times: this.time,
      },
    );
  }

  run<T>(ask: (client: GmailClient) => Promise<T>): Promise<T> {
    return this.time.until(ask(this.client));
  }

  /** The fault that it ends with; it names the account, and no token. */
  async fault(kind: GmailFaultKind, ask: (client: GmailClient) => Promise<unknown>): Promise<string> {
    try {
      await this.run(ask);
    } catch (error) {
      assert.ok(error instanceof GmailFault, String(error));
      assert.equal(error.kind, kind, error.message);
      this.isOfQuota = error.isOfQuota;
      assert.match(error.message, /ann@example\.com/);
      assert.doesNotMatch(JSON.stringify([error.message, error.stack, error.cause]), /ya29|secret/);
      return error.message;
    }
    return assert.fail('It should have failed');
  }

  get urls(): string[] {
    return this.requests.map(({ method, url }) => `${method} ${url.replace('https://gmail.example', '')}`);
  }
}

const BASE = '/gmail/v1/users/me';
const readOne = (client: GmailClient): Promise<unknown> => client.message('m1', 'new');
const readHistory = (client: GmailClient): Promise<unknown> => client.history('5');

describe('What the Gmail client asks for', () => {
  it('is the history with both kinds of news, in large pages', async () => {
    const records = [
      { id: '8', messagesAdded: [{ message: { id: 'm1', threadId: 't1', labelIds: ['INBOX'] } }] },
      { id: '7', labelsAdded: [{ message: { id: 'm2' }, labelIds: ['Label_1'] }] },
    ];
    const account = new Account(
      json({ history: records, nextPageToken: 'p2', historyId: '9' }),
      json({ historyId: '18446744073709551615' }),
    );
    const first = await account.run((client) => client.history('5'));
    assert.deepEqual(
      first.history?.map(({ id, messagesAdded, labelsAdded }) => [id, messagesAdded, labelsAdded]),
      [
        ['8', records[0]!.messagesAdded, []],
        ['7', [], records[1]!.labelsAdded],
      ],
    );
    assert.equal(first.nextPageToken, 'p2');
    assert.deepEqual(await account.run((client) => client.history('5', 'p2')), {
      history: [],
      historyId: '18446744073709551615',
    });
    const query = 'startHistoryId=5&maxResults=500&historyTypes=messageAdded&historyTypes=labelAdded';
    assert.deepEqual(account.urls, [
      `GET ${BASE}/history?${query}`,
      `GET ${BASE}/history?${query}&pageToken=p2`,
    ]);
    assert.equal(account.requests[0]!.headers['authorization'], `Bearer ${TOKEN}`);
  });

  it('is a list of messages that a search finds', async () => {
    const account = new Account(json({ resultSizeEstimate: 0 }));
    const query = {
      q: 'after:1 "a b"',
      labelIds: ['A', 'B'],
      includeSpamTrash: true,
      maxResults: 50,
      pageToken: 'p',
    };
    const found = await account.run((client) => client.messages(query, 'backfill'));
    assert.deepEqual(found, { messages: [], resultSizeEstimate: 0 });
    const asked = new URL(account.requests[0]!.url).searchParams;
    assert.equal(asked.get('q'), 'after:1 "a b"');
    assert.deepEqual(asked.getAll('labelIds'), ['A', 'B']);
    assert.deepEqual(
      [asked.get('includeSpamTrash'), asked.get('maxResults'), asked.get('pageToken')],
      ['true', '50', 'p'],
    );
  });

  it('is a message as it was sent, with its numbers', async () => {
    const account = new Account(json(message));
    assert.deepEqual(await account.run(readOne), { ...message, internalDate: 1767225600000, raw: RAW });
    assert.deepEqual(account.urls, [`GET ${BASE}/messages/m1?format=raw`]);
  });

  it('fills in what Google leaves out of a message because it is empty', async () => {
    const account = new Account(json({ id: 'm1', threadId: 't1', raw: message.raw }));
    const { labelIds, snippet, internalDate, sizeEstimate } = (await account.run((client) =>
      client.message('m1', 'new'),
    ))!;
    assert.deepEqual([labelIds, snippet, internalDate, sizeEstimate], [[], '', 0, RAW.length]);
  });

  it('is what is to be done with messages', async () => {
    const account = new Account(json({ id: 'm1' }), json({ id: 'm1' }), {
      status: 204,
      headers: {},
      body: '',
    });
    const change = { add: ['A'], remove: ['UNREAD'] };
    assert.equal(await account.run((client) => client.modify('m1', change)), true);
    assert.equal(await account.run((client) => client.trash('m1')), true);
    await account.run((client) => client.modifyAll(['m1', 'm2'], change));
    await account.run((client) => client.modifyAll([], change));
    assert.deepEqual(account.urls, [
      `POST ${BASE}/messages/m1/modify`,
      `POST ${BASE}/messages/m1/trash`,
      `POST ${BASE}/messages/batchModify`,
    ]);
    const labels = { addLabelIds: ['A'], removeLabelIds: ['UNREAD'] };
    assert.deepEqual(JSON.parse(account.requests[0]!.body!), labels);
    assert.equal(account.requests[1]!.body, undefined);
    assert.deepEqual(JSON.parse(account.requests[2]!.body!), { ids: ['m1', 'm2'], ...labels });
  });

  it('is the profile, the labels and a watch', async () => {
    const account = new Account(
      json({ emailAddress: 'Ann@example.com', messagesTotal: 3, historyId: '12' }),
      json({
        labels: [
          { id: 'INBOX', name: 'INBOX', type: 'system' },
          { id: 'Label_1', name: 'Bills' },
        ],
      }),
      json({ historyId: '13', expiration: '1767225600000' }),
    );
    assert.deepEqual(await account.run((client) => client.profile()), {
      emailAddress: 'Ann@example.com',
      historyId: '12',
    });
    assert.deepEqual(await account.run((client) => client.labels()), [
      { id: 'INBOX', name: 'INBOX', type: 'system' },
      { id: 'Label_1', name: 'Bills' },
    ]);
    assert.deepEqual(await account.run((client) => client.watch('projects/p/topics/t')), {
      historyId: '13',
      expiration: 1767225600000,
    });
    assert.deepEqual(JSON.parse(account.requests[2]!.body!), { topicName: 'projects/p/topics/t' });
  });
});

describe('What passes by itself', () => {
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', config: { token: TOKEN } });
  for (const [what, reply] of [
    ['500', refusal(500, 'backendError')],
    ['a page with 502', page(502)],
    ['429', refusal(429, 'rateLimitExceeded')],
    ['403 rateLimitExceeded', refusal(403, 'rateLimitExceeded')],
    ['403 userRateLimitExceeded', refusal(403, 'userRateLimitExceeded')],
    ['a connection that breaks', reset],
    ['a page of the guest network', page(200)],
    ['half an answer', { status: 200, headers: {}, body: '{"historyId": "5"' }],
    ['an answer without its history id', json({ history: [] })],
    ['an answer with a number for a history id', json({ historyId: 18446744073709551615 })],
    ['a record without a message', json({ history: [{ id: '6', messagesAdded: [{}] }], historyId: '7' })],
  ] as const) {
    it(`${what} is tried again, and forgotten when it goes well`, async () => {
      const account = new Account(reply, reply, json({ historyId: '7' }));
      assert.deepEqual(await account.run((client) => client.history('5')), { history: [], historyId: '7' });
      assert.equal(account.requests.length, 3);
    });

    it(`${what} is given up after a few tries, in a few minutes at the worst`, async () => {
      const account = new Account(reply);
      account.time.dice = 0.999;
      const began = account.time.now();
      await account.fault(reply === reset ? 'unreachable' : 'busy', readHistory);
      assert.ok(
        account.requests.length >= 3 && account.requests.length <= 6,
        String(account.requests.length),
      );
      assert.ok(account.time.now() - began < 3 * MINUTE_MS);
    });
  }

  it('who asks is told whether it was for the quota, or perhaps for what was asked', async () => {
    for (const [reply, isOfQuota] of [
      [refusal(429, 'rateLimitExceeded'), true],
      [refusal(403, 'dailyLimitExceeded'), true],
      [refusal(500, 'backendError'), false],
      [page(200), false],
    ] as const) {
      const account = new Account(reply);
      await account.fault('busy', readOne);
      assert.equal(account.isOfQuota, isOfQuota);
    }
  });

  it('no answer at all is given up after two tries', async () => {
    const account = new Account(async ({ timeoutMs }) => {
      await account.time.pause(timeoutMs);
      throw new Error(`No answer within ${timeoutMs} ms`);
    });
    assert.match(await account.fault('unreachable', readHistory), /did not answer.*2 tries/);
    assert.equal(account.requests.length, 2);
  });

  it('Retry-After is obeyed, in either form and as Gmail writes it', async () => {
    const answer = (headers: Record<string, string>): HttpAnswer => ({ status: 429, headers, body: '' });
    const now = (): number => Date.parse('2026-01-01T00:00:00Z');
    assert.equal(waitSaidBy(answer({ 'retry-after': '17' }), '', now), 17_000);
    const date = 'Thu, 01 Jan 2026 00:00:30 GMT';
    assert.equal(waitSaidBy(answer({ 'retry-after': date }), '', now), 30_000);
    const itsOwn = { 'retry-after': date, date: 'Thu, 01 Jan 2026 00:00:20 GMT' };
    assert.equal(waitSaidBy(answer(itsOwn), '', now), 10_000);
    const words = 'User-rate limit exceeded.  Retry after 2026-01-01T00:00:05.000Z';
    assert.equal(waitSaidBy(answer({}), words, now), 5_000);
    assert.equal(waitSaidBy(answer({ 'retry-after': 'soon' }), '', now), null);

    for (const status of [429, 503]) {
      const account = new Account(
        refusal(status, 'x', 'x', { 'retry-after': '17' }),
        json({ historyId: '7' }),
      );
      const began = account.time.now();
      await account.run(readHistory);
      assert.equal(account.time.now() - began, 17_000);
    }
  });

  it('a limit makes the other requests of the account wait, too', async () => {
    const account = new Account(refusal(429, 'x', 'x', { 'retry-after': '40' }), json(message));
    const began = account.time.now();
    const first = account.client.message('m1', 'new');
    await account.time.until(account.time.pause(1));
    const second = account.client.message('m1', 'new');
    await account.time.until(Promise.all([first, second]));
    assert.equal(account.requests.length, 3);
    assert.equal(account.time.now() - began, 40_000);
  });

  it('a limit that lasts is told at once, and nothing is asked for until it is over', async () => {
    for (const reply of [
      refusal(403, 'dailyLimitExceeded', 'Daily Limit Exceeded'),
      refusal(429, 'x', 'x', { 'retry-after': '900' }),
    ]) {
      const account = new Account(reply, json(message));
      assert.match(await account.fault('busy', readOne), /15 minutes/);
      assert.match(await account.fault('busy', readOne), /15 minutes/);
      assert.equal(account.requests.length, 1);
      await account.time.until(account.time.pause(15 * MINUTE_MS));
      assert.ok(await account.run(readOne));
    }
  });

  it('a token that cannot be fetched just now is tried again; one that never can is not', async () => {
    const account = new Account(json({ historyId: '7' }));
    account.tokenFault = new GmailFault('unreachable', 'There is no token for ann@example.com just now');
    void account.time.pause(3_000).then(() => (account.tokenFault = undefined));
    account.time.dice = 0.9;
    await account.run(readHistory);
    account.tokenFault = new GmailFault('login', 'Reconnect ann@example.com');
    assert.equal(await account.fault('login', readHistory), 'Reconnect ann@example.com');
  });

  it('nothing is tried again once it is stopped', async () => {
    const account = new Account(refusal(500, 'backendError'));
    const asked = account.client.history('5');
    await account.time.until(account.time.pause(1));
    account.stop.abort(new Error('It was switched off'));
    await assert.rejects(asked, /switched off/);
    await assert.rejects(account.client.history('5'), /switched off/);
    assert.equal(account.requests.length, 1);
  });

  it('a request under way is told that it was stopped', async () => {
    const account = new Account(
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
    );
    const asked = account.client.history('5');
    await account.time.until(account.time.pause(1));
    account.stop.abort(new Error('It was switched off'));
    await assert.rejects(asked, /switched off/);
  });

  it('a token is not waited for once it is stopped', async () => {
    const account = new Account(json({ historyId: '7' }));
    account.tokenTakesMs = Infinity;
    const asked = account.client.history('5');
    account.stop.abort(new Error('It was switched off'));
    await assert.rejects(asked, /switched off/);
  });

  it('a token that takes its time and never comes is given up after a minute, too', async () => {
    const account = new Account(json({ historyId: '7' }));
    account.tokenFault = new GmailFault('unreachable', 'There is no token for ann@example.com just now');
    account.tokenTakesMs = 30_000;
    const began = account.time.now();
    assert.match(
      await account.fault('unreachable', readHistory),
      /^There is no token for ann@example.com just now$/,
      'in its own words',
    );
    const minutes = (account.time.now() - began) / MINUTE_MS;
    assert.ok(minutes < 2, `${minutes} minutes`);
  });
});

describe('A token that Gmail does not take', () => {
  it('is renewed once, and the request repeated with the new one', async () => {
    const account = new Account(refusal(401, 'authError'), json({ historyId: '7' }));
    await account.run(readHistory);
    assert.deepEqual(
      account.requests.map(({ headers }) => headers['authorization']),
      [`Bearer ${TOKEN}`, 'Bearer ya29.renewed-1'],
    );
  });

  it('is a fault of the login if the new one is not taken either', async () => {
    const account = new Account(refusal(401, 'authError'));
    assert.match(await account.fault('login', readHistory), /connect it again/);
    assert.deepEqual([account.requests.length, account.renewed], [2, 1]);
  });

  it('is renewed once for all requests that it was used for', async () => {
    const account = new Account(async ({ headers }) => {
      await account.time.pause(10);
      return headers['authorization'] === `Bearer ${TOKEN}` ? refusal(401, 'authError') : json(message);
    });
    await account.time.until(
      Promise.all(Array.from({ length: 5 }, () => account.client.message('m1', 'new'))),
    );
    assert.equal(account.renewed, 1);
  });
});

describe('What does not pass', () => {
  for (const [reply, todo] of [
    [refusal(403, 'insufficientPermissions'), /connect it again and allow/],
    [refusal(403, 'domainPolicy'), /administrators/],
    [refusal(403, 'accessNotConfigured'), /Turn on the Gmail API/],
    [
      refusal(400, 'failedPrecondition', 'Mail service not enabled'),
      /"Mail service not enabled".*Impersonate/,
    ],
    [
      json(
        {
          error: {
            code: 403,
            message: 'Scopes',
            status: 'PERMISSION_DENIED',
            details: [{ reason: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT' }],
          },
        },
        403,
      ),
      /connect it again and allow/,
    ],
    [refusal(403, 'forbidden', 'Error sending test message to Cloud PubSub x'), /gmail-api-push@system/],
    [refusal(403, 'somethingNew', 'Something new'), /"Something new"/],
  ] as const) {
    it(`is told with what to do: ${todo.source}`, async () => {
      const account = new Account(reply);
      assert.match(await account.fault('forbidden', readHistory), todo);
      // A failed precondition is as often Google's trouble of a moment: it is tried again.
      assert.equal(account.requests.length, todo.source.includes('Mail service') ? 6 : 1);
    });
  }

  it("a wrong request is refused, with Google's words and without a token", async () => {
    const account = new Account(refusal(400, 'invalidArgument', `Invalid pageToken\n ${TOKEN}`));
    const said = await account.fault('refused', (client) => client.messages({ maxResults: 1 }, 'backfill'));
    assert.match(said, /listing messages.*"Invalid pageToken …"/);
  });

  it('a history that does not reach back is expired', async () => {
    const account = new Account(refusal(404, 'notFound', 'Requested entity was not found.'));
    await account.fault('expired', readHistory);
  });

  it('a message that is not there is no fault', async () => {
    const account = new Account(refusal(404, 'notFound', 'Requested entity was not found.'));
    assert.equal(await account.run(readOne), null);
    assert.equal(await account.run((client) => client.modify('m1', { add: [], remove: [] })), false);
    assert.equal(await account.run((client) => client.trash('m1')), false);
  });

  it('anything else that is not there is refused, a deleted label, too', async () => {
    const account = new Account(refusal(404, 'notFound', 'Requested entity was not found.'));
    await account.fault('refused', (client) => client.labels());
    const labels = new Account(refusal(404, 'notFound', 'Label not found'));
    await labels.fault('refused', (client) => client.modify('m1', { add: ['x'], remove: [] }));
  });

  it('"not found" from anybody but the API is not believed: no mail is taken for deleted, no history for expired', async () => {
    for (const ask of [readOne, readHistory, (client: GmailClient) => client.trash('m1')])
      assert.match(await new Account(page(404)).fault('busy', ask), /something else than the Gmail API/);
    await new Account(json({ error: 'not found' }, 404)).fault('busy', readOne);
  });

  it("a change is not taken for done because of somebody's friendly page", async () => {
    const change = { add: [], remove: [] };
    await new Account(page(200)).fault('busy', (client) => client.modify('m1', change));
    await new Account(page(200)).fault('busy', (client) => client.modifyAll(['m1'], change));
    await new Account(json({})).fault('busy', (client) => client.trash('m1'));
  });

  it('another message than the one asked for is not taken for it', async () => {
    await new Account(json({ ...message, id: 'm2' })).fault('busy', readOne);
  });

  for (const [what, raw] of [
    ['is missing', undefined],
    ['is empty', ''],
    ['is no text', 5],
    ['is broken', 'SGVs*G8'],
  ] as const) {
    it(`a message whose text ${what} is refused, alone, and not asked for again`, async () => {
      const account = new Account(json({ ...message, raw }));
      assert.match(await account.fault('refused', readOne), /m1 of ann@example\.com/);
      assert.equal(account.requests.length, 1);
    });
  }

  it('a text with padding, or in the other base64, is a text', async () => {
    const account = new Account(json({ ...message, raw: RAW.toString('base64') }));
    assert.deepEqual((await account.run((client) => client.message('m1', 'new')))!.raw, RAW);
  });
});
