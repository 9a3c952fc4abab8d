// What a webhook is before it is sent: its URL as it may be entered and as it is shown, its headers, its packed content.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FeedEvent } from '../../engine/feed/feed-event';
import { blotted } from '../../engine/outbox/webhook/blotting';
import { newEndpoint, toldEntry } from '../../engine/outbox/webhook/endpoint';
import {
  jsonContent,
  MOST_BODY_BYTES,
  packWebhook,
  unpackWebhook,
} from '../../engine/outbox/webhook/packed-webhook';
import {
  DEFAULT_WEBHOOK_REQUEST,
  OtherWebhookVersion,
  ownSchedule,
  STANDARD_WEBHOOKS_SCHEDULE,
  webhookEntry,
  webhookRequest,
} from '../../engine/outbox/webhook/webhook-request';
import {
  checkedHeaders,
  checkedUrl,
  laneOf,
  secretsSent,
  shownUrl,
  WebhookFault,
} from '../../engine/outbox/webhook/webhook-url';

const NAMED = {
  key: 'key',
  subject: null,
  origin: { workflowId: 'w', nodeId: 'n', nodeName: 'Durable Webhook', event: null },
  keepMs: 1,
};
const check = (url: string): URL => checkedUrl(url, { allowOwnNetwork: false });

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

describe("A webhook's request", () => {
  it('other schemes, users and passwords, and what is no URL are refused with words', () => {
    const WRONG = {
      'ftp://example.com/': /not to ftp:/,
      'file:///etc/passwd': /not to file:/,
      'https://ann@example.com/': /user or a password/,
      'https://ann:geheim@example.com/': /Basic Auth/,
      'example.com/hook': /no URL/,
      '': /no URL/,
    };
    for (const [url, words] of Object.entries(WRONG)) {
      assert.throws(
        () => check(url),
        (error: Error) =>
          error instanceof WebhookFault && words.test(error.message) && !/geheim/.test(error.message),
      );
    }
  });

  it('what is shown of a URL has no value of its query, and no token of its path', () => {
    assert.equal(
      shownUrl(
        check(
          'https://hooks.example.com/services/T00000000/B0000/aBcD1234efGH5678ijKL?token=geheim&x=1#frag',
        ),
      ),
      'https://hooks.example.com/services/T00000000/B0000/aBcD…?token=…&x=…',
    );
    assert.equal(
      shownUrl(check('https://example.com:8443/orders/new')),
      'https://example.com:8443/orders/new',
    );
    const shown: Readonly<Record<string, string>> = {
      'bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/send': 'bot1…/send',
      'hook?abcdef0123456789abcdef': 'hook?…',
      'hook?v&abcdef0123456789abcdef=1&x=': 'hook?v=…&…=…&x=…',
      'hook/12345678901234567890': 'hook/1234…',
      'a%2Fb+c0123456789abcdefgh': 'a%2F…',
      'wh/!abc0123456789abcdefghij': 'wh/!abc…',
      'h;token=abc123456789012345/%zz': 'h;to…/%zz',
      'hook/abcd0123!efgh4567': 'hook/abcd…',
    };
    for (const [path, as] of Object.entries(shown))
      assert.equal(shownUrl(check(`https://example.com/${path}`)), `https://example.com/${as}`);
    for (const path of [
      'api/v2/orders/2024-11-27/some-readable-slug-of-words',
      'channels/1234567890123456789/messages',
      'orders:search;v=2/a%20few%20words',
    ])
      assert.equal(shownUrl(check(`https://example.com/${path}`)), `https://example.com/${path}`);
  });

  it('a token is shown nowhere, wherever in the path or the query it stands, and is blotted out of an answer', () => {
    const ALONE = ['a', 'e', 'Z', '0', '7'];
    const BETWEEN = ['!', '+', ';', ':', ',', '@', '-', '_', '.', '~', '%2F', '%20', '%C3%BC', '%E0'];
    const places: readonly ((token: string) => string)[] = [
      (token) => `a/${token}/b`,
      (token) => `bot12:${token}`,
      (token) => `a%2F${token}!b`,
      (token) => `a?${token}`,
      (token) => `a?x=1&${token}`,
      (token) => `a?${token}=1`,
      (token) => `a?key=${token}&b`,
    ];
    const told = fc
      .array(fc.constantFrom(...ALONE, ...BETWEEN), { minLength: 8, maxLength: 40 })
      .map((between) => `a1Z7aeZ0${between.join('')}e0Z7aeZ1`);
    const words = (text: string): readonly string[] => text.split(/[^\w]+/).filter((word) => word.length > 8);
    fc.assert(
      fc.property(told, fc.constantFrom(...places), (token, place) => {
        const url = check(`https://example.com/${place(token)}`);
        const shown = shownUrl(url);
        for (const secret of [token, unescaped(token), 'Z7aeZ0', 'e0Z7ae', ...words(token)])
          assert.ok(!shown.includes(secret), `${secret} in ${shown}`);
        const answer = blotted(`Not found: ${unescaped(token)}.`, secretsSent(url, {}));
        assert.ok(!answer.includes(unescaped(token)), answer);
      }),
    );
  });

  it('one receiver, one lane: however it is written', () => {
    assert.equal(laneOf(check('https://Example.COM./x')), 'host:example.com:443');
    assert.equal(laneOf(check('https://example.com:443/y')), 'host:example.com:443');
    assert.equal(laneOf(check('http://example.com/y')), 'host:example.com:80');
    assert.equal(laneOf(check('http://example.com:8080/y')), 'host:example.com:8080');
  });

  it('headers that the webhook sets itself, or that end a line, are refused', () => {
    for (const name of ['Host', 'content-length', 'Transfer-Encoding', 'Webhook-Id', 'webhook-signature']) {
      assert.throws(() => checkedHeaders({ [name]: 'x' }), WebhookFault);
    }
    for (const [name, value] of [
      ['a b', 'x'],
      ['a', 'x\r\nhost: y'],
      ['', 'x'],
      ['a\n', '✓'],
    ] as const) {
      assert.throws(() => checkedHeaders({ [name]: value }), WebhookFault);
    }
    assert.deepEqual(checkedHeaders({ 'X-Shop': '7' }), { 'x-shop': '7' });
  });

  it('an entry has no secret outside of its content', async () => {
    const content = jsonContent(
      'https://example.com/hook?token=geheim',
      { body: 'private' },
      { authorization: 'geheim' },
    );
    const { content: packed, ...row } = await webhookEntry({
      ...NAMED,
      request: DEFAULT_WEBHOOK_REQUEST,
      content,
    });
    assert.ok(!/geheim|private/.test(JSON.stringify(row)), JSON.stringify(row));
    assert.equal(row.recipient, 'https://example.com/hook?token=…');
    assert.equal(row.repeats, true);
    assert.deepEqual(webhookRequest(row.request), DEFAULT_WEBHOOK_REQUEST);
    assert.equal((await unpackWebhook(packed)).url, 'https://example.com/hook?token=geheim');
  });

  it('a signature header that cannot be sent is said when it is queued', async () => {
    const credential = { id: '1', name: 'c', type: 't' };
    for (const header of ['x y', 'webhook-id', 'host']) {
      const signing = { kind: 'hmac', credential, header, prefix: '' } as const;
      const request = { ...DEFAULT_WEBHOOK_REQUEST, signing };
      await assert.rejects(
        webhookEntry({ ...NAMED, request, content: jsonContent('https://example.com/', 1) }),
        WebhookFault,
      );
    }
  });

  it('what was packed comes out as it was, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array(),
        fc.constantFrom('https://example.com/?a=b', 'http://ü.example/'),
        fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
        async (body, url, headers) => {
          const plain = Object.fromEntries(Object.entries(headers));
          const content = { url, headers: plain, contentType: 'text/plain', body };
          const unpacked = await unpackWebhook(await packWebhook(content));
          assert.deepEqual(Buffer.from(unpacked.body), Buffer.from(body));
          assert.deepEqual({ ...unpacked, body: null }, { ...content, body: null });
        },
      ),
      { numRuns: 20 },
    );
    const large = { ...jsonContent('https://example.com/', 1), body: Buffer.alloc(MOST_BODY_BYTES + 1) };
    await assert.rejects(packWebhook(large), WebhookFault);
  });

  it('another version is said, never guessed at; schedules are as they are named', () => {
    assert.throws(() => webhookRequest({ form: 2 }), OtherWebhookVersion);
    const { refused } = STANDARD_WEBHOOKS_SCHEDULE;
    // 75:35:05, as the specification adds it up.
    assert.equal(
      refused.reduce((sum, delay) => sum + delay, 0),
      ((75 * 60 + 35) * 60 + 5) * 1000,
    );
    assert.deepEqual(ownSchedule([1, 2]), { connection: [1, 2], refused: [1, 2] });
  });

  it("an endpoint's row has no secret, and its change is told once, in the standard's form", async () => {
    const entered = {
      ...{ name: 'shop', url: 'https://shop.example.com/hook?shop=7', headers: { 'x-shop': '7' } },
      request: DEFAULT_WEBHOOK_REQUEST,
      wish: { types: ['email.new'], workflowId: null, sourceId: null },
    } as const;
    for (const name of [
      'token',
      'api_key',
      'apikey',
      'access_token',
      'sig',
      'client-secret',
      'X-Api-Key',
      'authorization',
    ]) {
      assert.throws(
        () => newEndpoint({ ...entered, url: `https://example.com/?${name}=1` }),
        WebhookFault,
        name,
      );
      assert.throws(() => newEndpoint({ ...entered, headers: { [name]: '1' } }), WebhookFault, name);
    }
    for (const name of ['monkey', 'shop', 'author', 'x-design', 'decode']) {
      assert.doesNotThrow(() => newEndpoint({ ...entered, url: `https://example.com/?${name}=1` }), name);
    }
    const endpoint = {
      ...newEndpoint(entered),
      ...{
        id: 5,
        createdBy: '',
        createdAt: 1,
        savedAt: 1,
        position: '1',
        asideSince: null,
        asideReason: null,
        missedAt: null,
      },
    };
    const event: FeedEvent = {
      ...{
        v: 1,
        id: '77',
        type: 'email.new',
        time: '2026-01-01T00:00:00.000Z',
        source: 1,
        workflow: 'w',
        event: 'e',
      },
      data: { state: 'PENDING', attempt: 0 },
    };
    const [one, again, other] = await Promise.all([
      toldEntry(endpoint, event),
      toldEntry(endpoint, event),
      toldEntry({ ...endpoint, id: 6 }, event),
    ]);
    assert.equal(one.key, again.key);
    assert.notEqual(one.key, other.key);
    assert.equal(one.request['endpoint'], 5);
    const { body, headers, url } = await unpackWebhook(one.content);
    assert.deepEqual([url, headers], [entered.url, entered.headers]);
    assert.deepEqual(JSON.parse(Buffer.from(body).toString()), {
      ...{ type: 'email.new', timestamp: event.time },
      data: { state: 'PENDING', attempt: 0, source: 1, workflow: 'w', event: 'e' },
    });
    const ofNoMail = { ...event, type: 'outbox.sent', source: null, workflow: null, event: null } as const;
    const sent = await toldEntry(endpoint, { ...ofNoMail, data: { workflow: 'w' } });
    assert.deepEqual(JSON.parse(Buffer.from((await unpackWebhook(sent.content)).body).toString()), {
      ...{ type: 'outbox.sent', timestamp: event.time },
      data: { source: null, workflow: 'w', event: null },
    });
  });
});
