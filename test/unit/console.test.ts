// The console's handler over HTTP: its page, what is no request of it, and that whatever is thrown at it is answered.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { Refused } from '../../engine/console/api';
import { deadMails, listening } from '../support/console-mails';
import {
  assertGuarded,
  OPERATE,
  consoleOfEach,
  type OpenConsole,
  PAGE,
  PLOTS,
  READ,
  type Received,
  refusedWith,
  settingsIn,
  TOKENS,
} from '../support/console';
import { until } from '../support/until';

describe('the console, over HTTP', { timeout: 120_000 }, () => {
  let open: OpenConsole;

  const begin = consoleOfEach((opened) => (open = opened));

  describe('the page', () => {
    it('runs its own script and style, and nothing else', async () => {
      const { policy, text } = await open.send('/');
      const digest = (content: string): string =>
        `sha256-${createHash('sha256').update(content).digest('base64')}`;
      const scripts = [digest('document.title = "<style>no</style>";'), digest(PLOTS)];
      assert.ok(policy.includes(`script-src '${scripts.join("' '")}';`), policy);
      assert.ok(policy.includes(`style-src '${digest('b{color:red}')}';`), policy);
      assert.match(policy, /connect-src 'self'/);
      assert.match(policy, /sandbox .*allow-same-origin/);
      assert.doesNotMatch(policy, /unsafe|https?:|\*/);
      const plots = digest(PLOTS);
      assert.deepEqual(settingsIn(text), { bundled: false, session: null, hasStorage: true, plots });
      assert.equal(text.replace(/content="[^"]*"/, 'content=""'), PAGE);
    });

    it('is given its second script where it is of this version, and somebody is logged in', async () => {
      const { plots } = settingsIn((await open.send('/')).text);
      const path = (digest: string): string => `/api/plots?${new URLSearchParams({ digest }).toString()}`;
      refusedWith(await open.send(path(plots)), 401, /Log in first/);
      assert.deepEqual(await open.get(path(plots)), { script: PLOTS });
      for (const other of [path('sha256-older'), '/api/plots'])
        refusedWith(await open.send(other, { headers: READ }), 404, /another version.* Reload the page/);
    });

    it('comes packed to who takes it so', async () => {
      const packed = await open.send('/', { headers: { 'accept-encoding': 'br, gzip' } });
      assert.equal(packed.headers['content-encoding'], 'gzip');
      assert.match(gunzipSync(packed.body).toString(), /hello/);
      const refused = await open.send('/', { headers: { 'accept-encoding': 'gzip;q=0, identity' } });
      assert.equal(refused.headers['content-encoding'], undefined);
    });

    it('is answered to HEAD without itself', async () => {
      const head = await open.send('/', { method: 'HEAD' });
      assert.equal(head.status, 200);
      assert.equal(head.text, '');
      assertGuarded(head);
    });
  });

  describe('what is no request of the console', () => {
    it('is told so, with what there is instead', async () => {
      refusedWith(await open.send('/nothing', { headers: READ }), 404, /nothing at this address/);
      refusedWith(await open.send('/api/mails/', { headers: READ }), 404, /nothing at this address/);
      refusedWith(await open.send('/api/__proto__', { headers: READ }), 404, /nothing at this address/);
      refusedWith(await open.send('//api/me', { headers: READ }), 404, /nothing at this address/);
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'OPTIONS']) {
        const answer = await open.send('/api/me', { method, headers: READ });
        refusedWith(answer, 405, /GET and HEAD only/);
        assert.equal(answer.headers.allow, 'GET, HEAD');
      }
      for (const method of ['GET', 'HEAD', 'PUT']) {
        const answer = await open.send('/api/act', { method, headers: OPERATE });
        assert.equal(answer.status, 405);
        assert.equal(answer.headers.allow, 'POST');
      }
      assert.equal((await open.send('/events', { method: 'HEAD', headers: READ })).headers.allow, 'GET');
    });

    it('has a body that is JSON, an object, and small', async () => {
      const sent = (type: string, body: string): Promise<Received> =>
        open.send('/api/look', { method: 'POST', headers: { ...OPERATE, 'content-type': type }, body });
      refusedWith(await sent('text/plain', '{"source":1}'), 415, /has to be JSON/);
      refusedWith(await sent('application/x-www-form-urlencoded', 'source=1'), 415, /has to be JSON/);
      for (const body of ['', '{', '[1]', 'null', '1', '"x"', '{"source":1}x']) {
        refusedWith(await sent('application/json', body), 400, /no JSON object/);
      }
      refusedWith(await sent('application/json', `{"source":"${'x'.repeat(70_000)}"}`), 413, /larger than/);
      const chunked = await open.send('/api/look', {
        method: 'POST',
        headers: { ...OPERATE, 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
        body: 'x'.repeat(70_000),
      });
      refusedWith(chunked, 413, /larger than/);
      refusedWith(await open.post('/api/look', { source: 1, more: 1 }), 400, /"more" is not known/);
    });

    it('is not read to its end where it has none', async () => {
      const socket = connect(open.port, '127.0.0.1');
      const told = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())));
      socket.on('error', () => undefined);
      socket.write(
        `POST /api/look HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKENS.operate}\r\n` +
          'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
      );
      socket.write(`11170\r\n${'x'.repeat(70_000)}\r\n`);
      const answer = await told;
      assert.match(answer, /^HTTP\/1.1 413 /);
      assert.match(answer, /^Connection: close\r$/m);
      socket.destroy();
    });

    it('may have been read by its home already', async () => {
      await begin({ bodyRead: true });
      await listening(open.ledger);
      assert.equal((await open.post('/api/look', { source: 1 })).status, 200);
      assert.deepEqual(open.looked, [1]);
      const huge = await open.post('/api/look', { source: 'x'.repeat(70_000) });
      refusedWith(huge, 413, /larger than/);
    });

    it('is no harm where it is cut off', async () => {
      for (const half of [
        'POST /api/look HTTP/1.1\r\n',
        `POST /api/look HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKENS.operate}\r\n` +
          'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"sou',
        `GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKENS.operate}\r\n\r\n`,
      ]) {
        const socket = connect(open.port, '127.0.0.1');
        await new Promise((resolve) => socket.write(half, resolve));
        socket.destroy();
      }
      assert.equal((await open.send('/api/me', { headers: READ })).status, 200);
      await until('nobody listens', () => open.feed.clients === 0);
      assert.deepEqual(open.errors, []);
    });
  });

  it('answers whatever is asked, and never with a mistake of ours', async () => {
    await deadMails(open.ledger, await listening(open.ledger), 3);
    const path = fc.oneof(
      fc.constantFrom('/', '/events', '/healthz', '/metrics', '/api/me', '/api/sources', '/api/triggers'),
      fc.constantFrom(
        '/api/mails',
        '/api/count',
        '/api/series',
        '/api/statistics',
        '/api/jobs',
        '/api/batch',
        '/api/view',
      ),
      fc.constantFrom('/api/act', '/api/look', '/api/jobs/stop', '/api/mails/x', '/..', '//', '/%', '/%00'),
      fc.webPath(),
    );
    const value = fc.oneof(
      fc.constantFrom('', '1', 'DEAD', '2026-01-31', 'a:b:c', '-1', '9'.repeat(20), '%', '\0', '__proto__'),
      fc.string({ unit: 'binary', maxLength: 20 }),
    );
    const name = fc.oneof(
      fc.constantFrom('state', 'workflow', 'source', 'sender', 'subject', 'failures', 'annotation', 'since'),
      fc.constantFrom('until', 'after', 'limit', 'from', 'step', 'type', 'token', 'constructor'),
      fc.string({ maxLength: 8 }),
    );
    const body = fc.oneof(
      fc.json().map((text) => text),
      fc.record({
        action: fc.constantFrom('replay', 'forget', 'x', 1, null),
        ids: fc.oneof(fc.constant(undefined), fc.array(fc.anything(), { maxLength: 3 })),
        filter: fc.oneof(fc.constant(undefined), fc.dictionary(name, fc.oneof(value, fc.integer()))),
        count: fc.anything(),
      }),
      fc.record({ asks: fc.array(fc.oneof(fc.webPath(), fc.anything()), { maxLength: 4 }) }),
      fc.dictionary(name, value, { maxKeys: 2 }),
    );
    const header = fc.record(
      {
        origin: fc.constantFrom('null', 'https://evil.example', '', 'x'),
        'sec-fetch-site': fc.constantFrom('same-origin', 'cross-site', 'none', 'x'),
        'content-type': fc.constantFrom('application/json', 'text/plain', 'application/json; charset=utf-16'),
        'last-event-id': fc.constantFrom('1', 'x y', ''),
        authorization: fc.constantFrom(
          READ.authorization,
          OPERATE.authorization,
          'Bearer mcs1.x',
          'Basic eDp5',
        ),
      },
      { requiredKeys: ['authorization', 'content-type'] },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'GET', 'POST', 'POST', 'HEAD', 'OPTIONS', 'DELETE'),
        path,
        fc.array(fc.tuple(name, value), { maxLength: 3 }),
        header,
        body,
        async (method, at, pairs, headers, sent) => {
          const query = new URLSearchParams(pairs).toString();
          const url = `${at.replace(/[^\x21-\x7e]/g, '') || '/'}${query && `?${query}`}`;
          const asking = open.send(url, {
            ...{ method, headers },
            ...(method === 'POST' && { body: typeof sent === 'string' ? sent : (stringified(sent) ?? '') }),
          });
          // What listens is told nothing until it ends.
          const timer = setInterval(() => {
            for (const client of open.feed.joined) client.end();
          }, 5);
          const answer = await asking.finally(() => clearInterval(timer));
          const { status } = answer;
          assert.ok(
            [200, 400, 401, 403, 404, 405, 409, 413, 415, 429].includes(status),
            `${status} ${answer.text}`,
          );
          assertGuarded(answer);
          if (status !== 200 && method !== 'HEAD')
            assert.equal(typeof answer.json<Refused>().error, 'string');
          if (/json/.test(answer.headers['content-type'] ?? '') && method !== 'HEAD') answer.json();
        },
      ),
      { numRuns: 400 },
    );
    assert.deepEqual(open.errors, []);
  });
});

function stringified(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
  } catch {
    return undefined;
  }
}
