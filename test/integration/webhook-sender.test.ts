// Webhooks over real HTTP and HTTPS: signed, sent once handed over and never before, to the address that was looked at; and what
// each answer, and none, means.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import type { Endpoint } from '../../engine/ledger/endpoints';
import type { TryEnd } from '../../engine/outbox/sender';
import { newEndpoint } from '../../engine/outbox/webhook/endpoint';
import { DEFAULT_WEBHOOK_REQUEST } from '../../engine/outbox/webhook/webhook-request';
import { WebhookSender, type WebhookSenderPorts } from '../../engine/outbox/webhook/webhook-sender';
import { plainSignature } from '../../engine/outbox/webhook/sign';
import { Authority } from '../support/authority';
import { selfSigned } from '../support/certificate';
import { until } from '../support/until';
import { type Asked, BODY, dueWebhook } from '../support/webhook/due';
import { Receiver } from '../support/webhook/receiver';

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const PREVIOUS = `whsec_${randomBytes(32).toString('base64')}`;
const LONG = randomBytes(24).toString('hex');
const JWT = randomBytes(900).toString('base64url');

const CREDENTIALS: Readonly<Record<string, Record<string, unknown>>> = {
  signing: { secret: SECRET, previousSecret: '' },
  rotated: { secret: SECRET, previousSecret: PREVIOUS },
  short: { secret: 'whsec_c2hvcnQ=' },
  header: { name: 'X-Api-Key', value: LONG },
  bearer: { name: 'Authorization', value: `Bearer ${JWT}` },
  broken: { name: 'X-Api-Key', value: 'a\r\nb' },
  query: { name: 'api key', value: LONG },
  basic: { user: 'ann', password: LONG },
  'key alone': { user: LONG, password: '' },
  spaced: { user: '', password: ` ${LONG} ` },
  neither: { user: '', password: '' },
  text: { secret: ' any text ' },
};
const credential = (id: string, type = 'webhookSigning') => ({ id, name: `My ${id}`, type });
const standard = (id = 'signing') => ({ signing: { kind: 'standard', credential: credential(id) } }) as const;

interface Tried {
  readonly handsOver?: () => Promise<boolean>;
  readonly signal?: AbortSignal;
  readonly ports?: Partial<WebhookSenderPorts>;
}

async function send(
  url: string,
  asked: Asked = {},
  { handsOver, signal, ports }: Tried = {},
): Promise<TryEnd> {
  const sender = new WebhookSender({
    credentialOf: async ({ id }) => Promise.resolve(CREDENTIALS[id] ?? null),
    setAside: () => assert.fail('It is not set aside'),
    ...ports,
  });
  return sender.send(await dueWebhook(url, asked), {
    handOver: handsOver ?? (() => Promise.resolve(true)),
    signal: signal ?? new AbortController().signal,
  });
}

const failed = (end: TryEnd): Extract<TryEnd, { end: 'failed' }> => {
  assert.equal(end.end, 'failed', JSON.stringify(end));
  return end;
};

/** A port on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('Webhooks over HTTP', () => {
  let receiver: Receiver;
  before(async () => {
    receiver = await Receiver.open();
  });
  after(() => receiver[Symbol.asyncDispose]());
  const fresh = (answering: Receiver['answering'] = (response) => void response.end('ok')): Receiver => {
    receiver.received.length = 0;
    receiver.connections = 0;
    receiver.meeting = () => false;
    receiver.answering = answering;
    return receiver;
  };

  it("a receiver verifies it with the standard's library; each try has the same id and its own time", async () => {
    fresh();
    const now = Date.now();
    for (const wallClock of [() => now - 60_000, () => now]) {
      const end = await send(receiver.url(), { request: standard('rotated') }, { ports: { wallClock } });
      assert.deepEqual(end, { end: 'sent', answer: 'HTTP 200: ok' });
    }
    for (const { method, headers, body } of receiver.received) {
      assert.equal(method, 'POST');
      assert.equal(headers['content-type'], 'application/json; charset=utf-8');
      for (const secret of [SECRET, PREVIOUS]) {
        const told = new Webhook(secret).verify(body, headers as Record<string, string>);
        assert.deepEqual(told, BODY);
      }
    }
    const [first, second] = receiver.received;
    assert.equal(first!.headers['webhook-id'], second!.headers['webhook-id']);
    assert.notEqual(first!.headers['webhook-timestamp'], second!.headers['webhook-timestamp']);
  });

  it('plain HMAC stands in a header of one’s choice, behind its prefix; what else was entered goes with it', async () => {
    fresh();
    await send(receiver.url('127.0.0.1', '/a/b?shop=7'), {
      request: {
        signing: {
          kind: 'hmac',
          credential: credential('signing'),
          header: 'X-Hub-Signature-256',
          prefix: 'sha256=',
        },
      },
      content: { headers: { 'X-Shop': '7' } },
    });
    const { headers, body, path } = receiver.received[0]!;
    assert.equal(path, '/a/b?shop=7');
    assert.equal(headers['x-hub-signature-256'], `sha256=${plainSignature(SECRET, body)}`);
    assert.equal(headers['webhook-signature'], undefined);
    assert.equal(headers['x-shop'], '7');
    assert.ok(headers['webhook-id']);

    fresh();
    const signing = { kind: 'hmac', header: 'Authorization', prefix: 'HMAC-SHA256 ' } as const;
    await send(receiver.url(), { request: { signing: { ...signing, credential: credential('text') } } });
    const signed = receiver.received[0]!;
    assert.equal(signed.headers.authorization, `HMAC-SHA256 ${plainSignature(' any text ', signed.body)}`);
  });

  it('what is asked for in the URL stands behind its query, which stays as it was entered', async () => {
    for (const [path, asked] of [
      ['/hook?a=%20b&c', '/hook?a=%20b&c&'],
      ['/hook?', '/hook?'],
    ] as const) {
      fresh();
      const request = { auth: credential('query', 'httpQueryAuth') };
      await send(receiver.url('127.0.0.1', path), { request });
      assert.equal(receiver.received[0]!.path, `${asked}api+key=${LONG}`);
    }
  });

  it('credentials go with it, and are not seen in what the receiver answers', async () => {
    fresh((response, { headers, path }) => void response.end(JSON.stringify({ headers, path })));
    const ends = [];
    for (const [id, type] of [
      ['header', 'httpHeaderAuth'],
      ['query', 'httpQueryAuth'],
      ['basic', 'httpBasicAuth'],
      ['key alone', 'httpBasicAuth'],
      ['spaced', 'httpBasicAuth'],
    ]) {
      ends.push(await send(receiver.url(), { request: { auth: credential(id!, type) } }));
    }
    const [header, query, basic, keyAlone, spaced] = receiver.received;
    assert.equal(keyAlone!.headers.authorization, `Basic ${Buffer.from(`${LONG}:`).toString('base64')}`);
    assert.equal(spaced!.headers.authorization, `Basic ${Buffer.from(`: ${LONG} `).toString('base64')}`);
    assert.equal(header!.headers['x-api-key'], LONG);
    assert.equal(query!.path, `/hook?api+key=${LONG}`);
    const pair = Buffer.from(`ann:${LONG}`).toString('base64');
    assert.equal(basic!.headers.authorization, `Basic ${pair}`);
    const text = JSON.stringify(ends);
    assert.ok(text.includes('webhook-id') && !text.includes(LONG) && !text.includes(pair), text);
  });

  it('so it is with one that is longer than what is kept of an answer, and with a token in the URL', async () => {
    fresh((response, { headers, path }) => {
      response.writeHead(404);
      response.end(`Cannot POST ${path}: ${headers.authorization?.slice(7)}`);
    });
    const url = receiver.url('127.0.0.1', `/services/T00/${LONG}?token=GEHEIM`);
    const { answer } = failed(await send(url, { request: { auth: credential('bearer', 'httpHeaderAuth') } }));
    assert.equal(answer, 'HTTP 404: Cannot POST /services/T00/…?token=…: …');
    fresh((response, { headers }) => void response.end(`${'x'.repeat(1_000)}${headers.authorization}`));
    assert.deepEqual(await send(url, { request: { auth: credential('bearer', 'httpHeaderAuth') } }), {
      end: 'sent',
      answer: `HTTP 200: ${'x'.repeat(1_000)}…`,
    });
  });

  it('an answer is read in the charset that it names, and ends with a whole character', async () => {
    const kept: [body: Buffer, type: string, said: string][] = [
      [Buffer.from('Grüße', 'latin1'), 'text/plain; charset=ISO-8859-1', 'Grüße'],
      [Buffer.from('Grüße'), 'text/plain; charset="utf-8"', 'Grüße'],
      [Buffer.from('Grüße'), 'text/plain; charset=none-such', 'Grüße'],
      [Buffer.from(`a${'ä'.repeat(1_000)}`), 'text/plain', `a${'ä'.repeat(511)}`],
    ];
    for (const [body, type, said] of kept) {
      fresh((response) => void response.writeHead(200, { 'content-type': type }).end(body));
      assert.deepEqual(await send(receiver.url()), { end: 'sent', answer: `HTTP 200: ${said}` });
    }
  });

  it('without its credential, or with one that cannot be used, it is not begun and says which one', async () => {
    fresh();
    for (const request of [
      standard('gone'),
      standard('short'),
      standard('header'),
      { auth: credential('broken', 'httpHeaderAuth') },
      { auth: credential('neither', 'httpBasicAuth') },
    ]) {
      const end = await send(receiver.url(), { request }, { handsOver: () => assert.fail('handed over') });
      assert.ok(end.end === 'returned' && end.isLacking);
      assert.match('error' in end ? end.error : '', /credential "My (gone|short|header|broken|neither)"/);
    }
    assert.equal(receiver.connections, 0);
  });

  it('a credential goes where it may be sent by now, and nowhere else', async () => {
    fresh();
    const asked = { request: { auth: credential('header', 'httpHeaderAuth') } };
    const sendWith = (data: object, tried: Tried = {}): Promise<TryEnd> => {
      const credentialOf = () => Promise.resolve({ ...CREDENTIALS['header'], ...data });
      return send(receiver.url(), asked, { ...tried, ports: { credentialOf } });
    };
    for (const data of [
      { allowedHttpRequestDomains: 'none' },
      { allowedHttpRequestDomains: 'domains', allowedDomains: 'api.example.com' },
    ]) {
      const end = await sendWith(data, { handsOver: () => assert.fail('handed over') });
      assert.ok(end.end === 'refused');
      assert.match(
        end.error,
        /"My header" may not be sent to 127\.0\.0\.1: .*"Allowed HTTP Request Domains"/,
      );
    }
    assert.equal(receiver.connections, 0);
    const here = { allowedHttpRequestDomains: 'domains', allowedDomains: '127.0.0.1' };
    assert.equal((await sendWith(here)).end, 'sent');
    assert.equal(receiver.received[0]!.headers['x-api-key'], LONG);
  });

  it('what each status means', async () => {
    for (const status of [200, 201, 202, 204, 299]) {
      fresh((response) => void response.writeHead(status).end());
      assert.deepEqual(await send(receiver.url()), { end: 'sent', answer: `HTTP ${status}` });
    }
    for (const status of [304, 400, 401, 403, 404, 405, 409, 418, 422, 500, 501, 599]) {
      fresh((response) => void response.writeHead(status).end());
      const end = failed(await send(receiver.url()));
      assert.deepEqual([end.why, end.laneRestsMs, end.answer], ['refused', undefined, `HTTP ${status}`]);
      assert.ok(end.error.includes(`127.0.0.1:${receiver.port}/hook answered ${status}`), end.error);
    }
    for (const status of [429, 502, 503, 504]) {
      fresh((response) => void response.writeHead(status).end());
      const end = failed(await send(receiver.url()));
      assert.ok(end.laneRestsMs! >= 30_000 && end.afterMs === undefined, JSON.stringify(end));
    }
  });

  it('a receiver says when it may be asked again: seconds, or a date by its own clock', async () => {
    for (const [said, ms, laneMs] of [
      ['7', 7_000, 7_000],
      ['Fri, 01 Jan 2021 00:01:00 GMT', 60_000, 60_000],
      // No others wait for a day because one was asked to.
      ['999999999', 86_400_000, 600_000],
      ['9'.repeat(400), 86_400_000, 600_000],
      ['Friday, 01-Jan-21 00:01:00 GMT', 60_000, 60_000],
      ['Fri Jan  1 00:01:00 2021', 60_000, 60_000],
    ] as const) {
      fresh((response) => {
        response.writeHead(429, { 'retry-after': said, date: 'Fri, 01 Jan 2021 00:00:00 GMT' }).end();
      });
      const end = failed(await send(receiver.url()));
      assert.deepEqual([end.afterMs, end.laneRestsMs], [ms, laneMs]);
    }
    for (const said of ['-5', '12.5', '7 s', '2021-01-01T00:01:00Z', 'soon']) {
      fresh((response) => void response.writeHead(429, { 'retry-after': said }).end());
      const end = failed(await send(receiver.url()));
      assert.ok(end.afterMs === undefined && end.laneRestsMs! >= 30_000, said);
    }
    fresh((response) => void response.writeHead(500, { 'retry-after': '9' }).end());
    const end = failed(await send(receiver.url()));
    assert.deepEqual([end.afterMs, end.laneRestsMs], [9_000, undefined]);
  });

  it('410 is final, and sets the endpoint aside; while that cannot be stored it is not settled', async () => {
    fresh((response) => void response.writeHead(410).end('bye'));
    const aside: number[] = [];
    const setAside = (id: number): Promise<boolean> => {
      aside.push(id);
      return Promise.resolve(true);
    };
    const workflow = await send(receiver.url(), {}, { ports: { setAside } });
    assert.equal(workflow.end, 'refused');
    assert.deepEqual(aside, []);
    assert.equal(
      (await send(receiver.url(), { request: { endpoint: 5 } }, { ports: { setAside } })).end,
      'refused',
    );
    assert.deepEqual(aside, [5]);
    await assert.rejects(
      send(
        receiver.url(),
        { request: { endpoint: 5 } },
        { ports: { setAside: () => Promise.reject(new Error('away')) } },
      ),
      /away/,
    );
  });

  it('what tells an endpoint goes to where that is by now, as it is asked by now, and nowhere while it is set aside', async () => {
    fresh((response) => void response.writeHead(429, { 'retry-after': '60' }).end());
    const there: Endpoint = {
      ...newEndpoint({
        ...{ name: 'CRM', url: receiver.url(undefined, '/new'), headers: { 'x-shop': '7' } },
        request: { ...DEFAULT_WEBHOOK_REQUEST, allowOwnNetwork: true },
        wish: { types: ['email.dead'], workflowId: null, sourceId: null },
      }),
      ...{ id: 5, createdBy: 'ann', createdAt: 1, savedAt: 1, position: '0' },
      ...{ asideSince: null, asideReason: null, missedAt: null },
    };
    const told = (endpoint: Endpoint | null, ports: Partial<WebhookSenderPorts> = {}) =>
      send('http://old.example/old', { request: { endpoint: 5 }, endpoint }, { ports });
    const slow = failed(await told(there));
    assert.deepEqual([slow.afterMs, slow.laneRestsMs], [60_000, undefined]);
    const [one] = receiver.received;
    assert.deepEqual([one!.path, one!.headers['x-shop']], ['/new', '7']);
    assert.deepEqual(JSON.parse(one!.body.toString()), BODY);

    fresh();
    for (const [endpoint, why] of [
      [{ ...there, asideSince: 1, asideReason: 'gone' }, /"CRM" is set aside.*until it is taken back/],
      [null, /was removed/],
    ] as const) {
      const end = await told(endpoint);
      assert.ok(end.end === 'refused');
      assert.match(end.error, why);
    }
    assert.equal(receiver.connections, 0);

    // It has moved while it was asked: it is not gone.
    fresh((response) => void response.writeHead(410).end());
    const moved = await told(there, { setAside: (_, __, url) => Promise.resolve(url !== there.url) });
    assert.equal(moved.end, 'returned');
  });

  it('redirects are never followed, wherever they lead', async () => {
    await using inner = await Receiver.open();
    for (const status of [301, 302, 303, 307, 308]) {
      fresh((response) => void response.writeHead(status, { location: `${inner.url()}?token=geheim` }).end());
      const { error } = failed(await send(receiver.url()));
      assert.match(
        error,
        /not followed: if it has moved to http:\/\/127\.0\.0\.1:\d+\/hook\?token=…, enter the new URL/,
      );
    }
    for (const [location, told] of [
      ['/new/place', ` to ${receiver.url('127.0.0.1', '/new/place')}`],
      ['../place?token=geheim', ` to ${receiver.url('127.0.0.1', '/place')}?token=…`],
      ['', ''],
    ] as const) {
      fresh((response) => void response.writeHead(308, { location }).end());
      const { error } = failed(await send(receiver.url('127.0.0.1', '/a/hook?x=1')));
      assert.ok(error.endsWith(`if it has moved${told}, enter the new URL.`), error);
    }
    assert.equal(inner.connections, 0);
  });

  it('of an endless answer a kilobyte is kept, and the rest is not read', async () => {
    let isClosed = false;
    let chunks = 0;
    fresh((response) => {
      response.on('close', () => (isClosed = true));
      const more = (): void => {
        while (!response.destroyed && ++chunks && response.write('x'.repeat(10_000)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    const end = await send(receiver.url());
    assert.equal(end.end === 'sent' && end.answer, `HTTP 200: ${'x'.repeat(1_024)}`);
    await until('the receiver sees it go', () => isClosed);
    // What the buffers of the system take.
    assert.ok(chunks < 2_000, `${chunks} chunks of 10 KB were taken`);
  });

  it('one with a large head has come all the same', async () => {
    fresh((response) => void response.writeHead(200, { 'x-trace': 'y'.repeat(20_000) }).end('ok'));
    assert.deepEqual(await send(receiver.url()), { end: 'sent', answer: 'HTTP 200: ok' });
  });

  it('an answer that stops in its middle, or drips, counts by its status', async () => {
    fresh((response, _, socket) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setTimeout(() => socket.destroy(), 50);
    });
    assert.deepEqual(await send(receiver.url()), { end: 'sent', answer: 'HTTP 200: half' });
    fresh((response) => void response.writeHead(200).write('drop'));
    assert.deepEqual(await send(receiver.url()), { end: 'sent', answer: 'HTTP 200: drop' });
  });

  it('what comes too late, or is cut off, is tried again where the receiver knows it again; else it is in doubt', async () => {
    const FAULTS: Readonly<Record<string, [answering: Receiver['answering'], words: RegExp]>> = {
      late: [() => undefined, /did not answer in time/],
      cut: [(_, __, socket) => void socket.destroy(), /broke the connection off|could not be asked/],
      garbage: [(_, __, socket) => void socket.end('SSH-2.0-OpenSSH_9\r\n'), /could not be asked/],
      'a head without end': [
        (_, __, socket) => void socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(50_000)}`),
        /could not be asked/,
      ],
      'another protocol': [
        (_, __, socket) =>
          void socket.write('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
        /another protocol/,
      ],
    };
    for (const [fault, [answering, words]] of Object.entries(FAULTS)) {
      fresh(answering);
      const timeoutMs = fault === 'late' ? 300 : 15_000;
      const again = failed(await send(receiver.url(), { request: { timeoutMs } }));
      assert.deepEqual([again.why, again.afterMs], ['connection', undefined]);
      assert.match(again.error, words, fault);
      const doubt = await send(receiver.url(), { request: { timeoutMs, repeats: false } });
      assert.equal(doubt.end, 'unknown', fault);
    }
  });

  it('a body that the receiver does not read to its end is answered all the same', async () => {
    fresh();
    receiver.meeting = (socket) => {
      socket.end('HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
      return true;
    };
    const body = randomBytes(4 * 1024 * 1024);
    const end = failed(await send(receiver.url(), { content: { body } }));
    assert.ok(end.answer === 'HTTP 413' || end.why === 'connection', JSON.stringify(end));
  });

  it('it is handed over once it is connected and before a byte is written; refused, or late, nothing is', async () => {
    fresh();
    let seen = -1;
    const end = await send(
      receiver.url(),
      {},
      {
        handsOver: async () => {
          await until('it is connected', () => receiver.connections === 1);
          await new Promise((resolve) => setTimeout(resolve, 50));
          seen = receiver.received.length;
          return true;
        },
      },
    );
    assert.deepEqual([seen, end.end, receiver.received.length], [0, 'sent', 1]);

    fresh();
    const another = await send(receiver.url(), {}, { handsOver: () => Promise.resolve(false) });
    assert.equal(another.end, 'returned');
    const late = await send(
      receiver.url(),
      { request: { timeoutMs: 100, repeats: false } },
      { handsOver: () => new Promise((resolve) => setTimeout(resolve, 300, true)) },
    );
    assert.equal(failed(late).why, 'connection');
    await assert.rejects(
      send(receiver.url(), {}, { handsOver: () => Promise.reject(new Error('ledger away')) }),
      /ledger away/,
    );
    assert.deepEqual(receiver.received, []);
  });

  it('a process that ends lets go of what was not handed over, and waits for the answer of what was', async () => {
    fresh();
    const before = await send(receiver.url(), {}, { signal: AbortSignal.abort() });
    assert.equal(before.end, 'returned');
    assert.deepEqual(receiver.received, []);
    const ending = new AbortController();
    fresh((response) => {
      ending.abort();
      setTimeout(() => response.end('late'), 100);
    });
    assert.deepEqual(await send(receiver.url(), {}, { signal: ending.signal }), {
      end: 'sent',
      answer: 'HTTP 200: late',
    });
  });

  it('where nothing listens, or the name has no address, it was not handed over, and is tried again', async () => {
    const handsOver = (): Promise<boolean> => assert.fail('handed over');
    const url = `http://127.0.0.1:${await closedPort()}/`;
    assert.match(
      failed(await send(url, {}, { handsOver })).error,
      /refused the connection: nothing listens there/,
    );
    const none = { resolve: () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })) };
    const end = failed(await send('http://shop.example/', {}, { handsOver, ports: none }));
    assert.match(end.error, /its name has no address/);
    const empty = { resolve: () => Promise.resolve([]) };
    assert.match(
      failed(await send('http://shop.example/', {}, { handsOver, ports: empty })).error,
      /has no address/,
    );
    const silent = { resolve: () => new Promise<never>(() => undefined) };
    const late = await send(
      'http://shop.example/',
      { request: { timeoutMs: 100 } },
      { handsOver, ports: silent },
    );
    assert.match(failed(late).error, /did not answer in time/);
  });

  it('a name that leads to the own network, by one of its addresses only, is not asked', async () => {
    fresh();
    const own = { address: '127.0.0.1', family: 4 };
    for (const other of [
      { address: '93.184.216.34', family: 4 },
      { address: '::ffff:10.0.0.1', family: 6 },
    ]) {
      const ports = { resolve: () => Promise.resolve([other, own]) };
      const end = failed(
        await send(receiver.url('shop.example'), { request: { allowOwnNetwork: false } }, { ports }),
      );
      assert.match(end.error, /shop\.example leads to .*an address of the own network/);
    }
    const metadata = { resolve: () => Promise.resolve([{ address: '169.254.169.254', family: 4 }]) };
    const end = failed(await send(receiver.url('shop.example'), {}, { ports: metadata }));
    assert.match(end.error, /no webhook goes to/);
    assert.equal(receiver.connections, 0);
  });

  it('where the place says who of the own network may be asked, that counts in each try, and its advice is given', async () => {
    fresh();
    let allowed = false;
    const ownNetwork = {
      mayGoTo: (url: string) => allowed && url.includes(String(receiver.port)),
      help: 'Ask Ann.',
    };
    const resolve = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    const ports = { ownNetwork, resolve };
    for (const host of ['shop.example', '127.0.0.1']) {
      const end = await send(receiver.url(host), { request: { allowOwnNetwork: true } }, { ports });
      assert.ok('error' in end && end.error.endsWith(' Ask Ann.'), JSON.stringify(end));
    }
    assert.equal(receiver.connections, 0);
    allowed = true;
    const { end } = await send(
      receiver.url('shop.example'),
      { request: { allowOwnNetwork: false } },
      { ports },
    );
    assert.equal(end, 'sent');
  });

  it('DNS that says something else a moment later is not asked a second time', async () => {
    fresh();
    let asked = 0;
    const resolve = () => {
      asked++;
      return Promise.resolve([{ address: asked === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }]);
    };
    assert.equal((await send(receiver.url('shop.example'), {}, { ports: { resolve } })).end, 'sent');
    assert.equal(asked, 1);
    assert.equal(receiver.received[0]!.headers.host, `shop.example:${receiver.port}`);
  });

  it('an entry whose URL is refused by now is never sent', async () => {
    fresh();
    const sender = new WebhookSender({
      credentialOf: () => Promise.resolve(null),
      setAside: () => Promise.resolve(false),
    });
    const entry = await dueWebhook(receiver.url());
    const trying = { handOver: () => assert.fail('handed over'), signal: new AbortController().signal };
    const request = { ...entry.request, allowOwnNetwork: false };
    assert.equal((await sender.send({ ...entry, request }, trying)).end, 'refused');
    const newer = { ...entry.request, form: 2 };
    assert.equal((await sender.send({ ...entry, request: newer }, trying)).end, 'returned');
    assert.doesNotThrow(() => [sender.limits({ request: newer }), sender.schedule({ request: newer })]);
    assert.equal(receiver.connections, 0);
  });
});

describe('Webhooks over HTTPS', () => {
  it('a certificate of an authority that is trusted is verified, by name', async () => {
    const authority = await Authority.make();
    await using receiver = await Receiver.open(await authority.issue('shop.example'));
    const ports = {
      ca: authority.cert,
      resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    };
    assert.equal((await send(receiver.url('shop.example'), { request: standard() }, { ports })).end, 'sent');
    const { headers, body } = receiver.received[0]!;
    new Webhook(SECRET).verify(body, headers as Record<string, string>);
    const other = failed(await send(receiver.url('other.example'), {}, { ports }));
    assert.match(other.error, /certificate for another name/);
    assert.equal(receiver.received.length, 1);
  });

  it('a receiver that asks for a client certificate, or speaks no TLS, is told apart from one that is not trusted', async () => {
    const authority = await Authority.make();
    const issued = await authority.issue('127.0.0.1');
    const ports = { ca: authority.cert };
    for (const [version, words] of [
      ['TLSv1.2', /broke the TLS handshake off\. It may ask for a client certificate/],
      ['TLSv1.3', /asks for a client certificate, and webhooks have none/],
    ] as const) {
      const demanding = { ...issued, requestCert: true, minVersion: version, maxVersion: version };
      await using receiver = await Receiver.open(demanding);
      assert.match(failed(await send(receiver.url(), {}, { ports })).error, words);
      assert.deepEqual(receiver.received, []);
    }
    await using plain = await Receiver.open();
    const url = plain.url().replace('http:', 'https:');
    assert.match(failed(await send(url)).error, /does not speak TLS on this port/);
  });

  it('one that nobody vouches for, or that has expired, is not trusted, whatever the process is told', async () => {
    const handsOver = (): Promise<boolean> => assert.fail('handed over');
    const insecure = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      await using receiver = await Receiver.open(await selfSigned('127.0.0.1'));
      assert.match(failed(await send(receiver.url(), {}, { handsOver })).error, /cannot be verified/);
      const authority = await Authority.make();
      await using expired = await Receiver.open(await authority.issue('127.0.0.1', { days: -1 }));
      const ports = { ca: authority.cert };
      assert.match(failed(await send(expired.url(), {}, { handsOver, ports })).error, /has expired/);
      assert.deepEqual([...receiver.received, ...expired.received], []);
    } finally {
      if (insecure === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = insecure;
    }
  });
});
