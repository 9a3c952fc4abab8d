// Who is answered by the console, over HTTP, and from where one may ask.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Me } from '../../engine/console/api';
import {
  assertGuarded,
  OPERATE,
  consoleOfEach,
  type OpenConsole,
  READ,
  refusedWith,
  settingsIn,
  TOKENS,
} from '../support/console';

describe('who may ask the console', { timeout: 120_000 }, () => {
  let open: OpenConsole;

  const begin = consoleOfEach((opened) => (open = opened));

  describe('who is answered', () => {
    it('gives the page to everybody where it asks for a token itself, and nothing else', async () => {
      const page = await open.send('/');
      assert.equal(page.status, 200);
      assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
      assertGuarded(page);
      for (const path of ['/api/me', '/api/sources', '/api/mails', '/events', '/healthz', '/metrics']) {
        const answer = await open.send(path);
        refusedWith(answer, 401, /Log in first/);
        assert.equal(answer.headers['www-authenticate'], 'Bearer');
        assertGuarded(answer);
      }
    });

    it('refuses a token that is wrong, or in the wrong place', async () => {
      for (const authorization of [
        `Bearer ${TOKENS.operate}x`,
        `Bearer ${TOKENS.operate.slice(1)}`,
        'Bearer',
        `Basic ${Buffer.from(`x:${TOKENS.operate}`).toString('base64')}`,
        `Token ${TOKENS.operate}`,
        TOKENS.operate,
      ]) {
        refusedWith(await open.send('/api/me', { headers: { authorization } }), 401, /none of the console/);
      }
      refusedWith(await open.send(`/api/sources?token=${TOKENS.operate}`), 401, /Log in first/);
      const cookie = `token=${TOKENS.operate}; Authorization=Bearer ${TOKENS.operate}`;
      refusedWith(await open.send('/api/me', { headers: { cookie } }), 401, /Log in first/);
    });

    it('says that a token does not go into an address', async () => {
      const answer = await open.send('/api/sources?access_token=abc', { headers: READ });
      refusedWith(answer, 400, /never into an address/);
      assert.doesNotMatch(answer.text, /abc/);
    });

    it('lets who may read look, and not act', async () => {
      assert.equal((await open.send('/api/me', { headers: READ })).json<Me>().right, 'read');
      assert.equal((await open.send('/api/me', { headers: OPERATE })).json<Me>().right, 'operate');
      for (const path of ['/api/act', '/api/look', '/api/jobs/stop']) {
        refusedWith(await open.post(path, {}, READ), 403, /may look, and not act/);
        refusedWith(await open.post(path, {}, { authorization: '' }), 401, /.+/);
      }
    });

    it('gives a session that is good for a while, renews it, and not for ever', async () => {
      let now = Date.parse('2026-01-31T08:00:00Z');
      await begin({ now: () => now });
      const first = await open.get<Me>('/api/me');
      assert.equal(first.stream.expires, '2026-01-31T08:15:00.000Z');
      const as = ({ stream }: Me): Record<string, string> => ({ authorization: `Bearer ${stream.token}` });
      assert.equal((await open.send('/api/sources', { headers: as(first) })).status, 200);
      now += 14 * 60_000;
      const second = (await open.send('/api/me', { headers: as(first) })).json<Me>();
      assert.equal(second.right, 'operate');
      now += 2 * 60_000;
      refusedWith(await open.send('/api/sources', { headers: as(first) }), 401, /session is over/);
      assert.equal((await open.send('/api/sources', { headers: as(second) })).status, 200);
      let last = second;
      for (let minutes = 16; minutes < 12 * 60; minutes += 10) {
        last = (await open.send('/api/me', { headers: as(last) })).json<Me>();
        now += 10 * 60_000;
      }
      refusedWith(await open.send('/api/me', { headers: as(last) }), 401, /session is over/);
    });

    it('refuses a session that somebody made up', async () => {
      const { token } = (await open.send('/api/me', { headers: READ })).json<Me>().stream;
      const forged = [
        token.replace('.r.', '.o.'),
        token.replace(/\.\d+\.([\w-]+)$/, '.9999999999999.$1'),
        `${token}x`,
        token.slice(0, -1),
        'mcs1.',
        'mcs1.o.1.9999999999999.',
      ];
      for (const one of forged) {
        refusedWith(
          await open.send('/api/me', { headers: { authorization: `Bearer ${one}` } }),
          401,
          /none of/,
        );
      }
    });
  });

  describe('who may ask from where', () => {
    it('refuses a name that was made to lead here', async () => {
      for (const host of ['evil.example', `evil.example:${open.port}`, '127.0.0.1.evil.example']) {
        const answer = await open.send('/', { headers: { host } });
        refusedWith(answer, 403, /does not answer to the name/);
        assertGuarded(answer);
      }
    });

    it('refuses the pages of other origins, whatever token they have', async () => {
      const host = `127.0.0.1:${open.port}`;
      const forged = [
        { origin: 'https://evil.example' },
        { origin: `http://127.0.0.1:${open.port + 1}` },
        { origin: `http://localhost:${open.port + 1}` },
        { origin: `http://localhost:${open.port}` },
        { origin: 'null' },
        { origin: `http://${host}@evil.example` },
        { origin: `http://evil.example/${host}` },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
        { origin: `http://${host}`, 'sec-fetch-site': 'cross-site' },
        // Only the first proxy has met the browser, and a port is only left out where it goes without saying.
        { origin: 'https://evil.example', 'x-forwarded-host': 'mail.example, evil.example' },
        { origin: 'https://mail.example, https://evil.example', 'x-forwarded-host': 'mail.example' },
        { origin: 'https://mail.example', 'x-forwarded-host': 'mail.example:80' },
        { origin: 'http://mail.example', 'x-forwarded-host': 'mail.example:443' },
        { origin: 'https://mail.example:8443', 'x-forwarded-host': 'mail.example' },
        { origin: 'https://mail.example', 'x-forwarded-host': 'mail.example:4433' },
        { origin: 'https://:443', 'x-forwarded-host': ':443' },
        { origin: 'https://x', 'x-forwarded-host': ', x' },
        { origin: 'https://', 'x-forwarded-host': '' },
        { origin: 'ftp://mail.example', 'x-forwarded-host': 'mail.example' },
      ];
      for (const headers of forged) {
        refusedWith(
          await open.send('/api/sources', { headers: { ...OPERATE, ...headers } }),
          403,
          /may not ask/,
        );
        refusedWith(await open.post('/api/look', { source: 1 }, headers), 403, /may not ask/);
      }
      assert.deepEqual(open.looked, []);
    });

    it('answers its own page, also behind a proxy, and whoever is no browser', async () => {
      const host = `127.0.0.1:${open.port}`;
      for (const headers of [
        {},
        { origin: `http://${host}`, 'sec-fetch-site': 'same-origin' },
        {
          origin: 'https://mail.example',
          'x-forwarded-host': 'mail.example',
          'sec-fetch-site': 'same-origin',
        },
        { 'sec-fetch-site': 'none' },
        { origin: 'https://mail.example', 'x-forwarded-host': 'mail.example:443' },
        { origin: 'http://mail.example', 'x-forwarded-host': 'Mail.Example:80' },
        { origin: 'https://mail.example:443', 'x-forwarded-host': 'mail.example' },
        { origin: 'https://[::1]', 'x-forwarded-host': '[::1]:443' },
        { origin: 'https://mail.example', 'x-forwarded-host': 'mail.example, proxy.internal:8080' },
        { origin: 'https://mail.example', 'x-forwarded-host': ' mail.example:443 ,b' },
        { origin: 'https://localhost', host: 'localhost:443' },
      ]) {
        assert.equal((await open.send('/api/sources', { headers: { ...READ, ...headers } })).status, 200);
      }
    });

    it('lets a link on another page lead to the page, and no form', async () => {
      const navigation = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
      assert.equal((await open.send('/', { headers: navigation })).status, 200);
      const form = { ...navigation, origin: 'https://evil.example' };
      refusedWith(await open.send('/', { method: 'POST', headers: form }), 403, /may not ask/);
    });

    it('allows no other page to ask, and says nothing of what may be read', async () => {
      const asks = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
      const refused = await open.send('/api/act', { method: 'OPTIONS', headers: asks });
      assert.equal(refused.status, 403);
      assert.equal(refused.headers['access-control-allow-origin'], undefined);
      const plain = await open.send('/api/act', { method: 'OPTIONS' });
      refusedWith(plain, 405, /POST only/);
      assert.equal(plain.headers['access-control-allow-origin'], undefined);
    });
  });

  describe('behind a login that the browser sends by itself', () => {
    const BASIC = { authorization: `Basic ${Buffer.from('ann:secret').toString('base64')}` };

    beforeEach(() =>
      begin({
        prefix: '/webhook/mail-console',
        login: { kind: 'challenge', challenge: 'Basic realm="Mail Console"' },
        rights: ({ authorization, ...rest }) => {
          assert.ok(!('cookie' in rest));
          return authorization === BASIC.authorization ? 'operate' : null;
        },
        isOwnOrigin: false,
        bundled: true,
      }),
    );

    it('asks for it at the page alone, and puts a session into the page', async () => {
      const without = await open.send('/webhook/mail-console', { headers: { cookie: 'n8n-auth=x' } });
      refusedWith(without, 401, /Log in first/);
      assert.equal(without.headers['www-authenticate'], 'Basic realm="Mail Console"');
      const api = await open.send('/webhook/mail-console/api/me');
      assert.equal(api.headers['www-authenticate'], 'Bearer');
      for (const path of ['/webhook/mail-console', '/webhook/mail-console/']) {
        const page = await open.send(path, { headers: { ...BASIC, cookie: 'n8n-auth=x' } });
        assert.equal(page.status, 200);
        const settings = settingsIn(page.text);
        assert.equal(settings.bundled, true);
        assert.equal(settings.hasStorage, false);
        const authorization = `Bearer ${settings.session!.token}`;
        const me = await open.send('/webhook/mail-console/api/me', {
          headers: { authorization, origin: 'null' },
        });
        assert.equal(me.json<Me>().right, 'operate');
      }
    });

    it('gives the page no origin, so that nothing in it reaches what else is there', async () => {
      const { policy } = await open.send('/webhook/mail-console', { headers: BASIC });
      assert.match(policy, /sandbox allow-scripts allow-forms/);
      assert.doesNotMatch(policy, /allow-same-origin/);
    });

    it('lets it look and never act: only a session does', async () => {
      assert.equal((await open.send('/webhook/mail-console/api/sources', { headers: BASIC })).status, 200);
      refusedWith(await open.post('/webhook/mail-console/api/look', { source: 1 }, BASIC), 403, /not to act/);
      const forged = {
        ...BASIC,
        'content-type': 'text/plain',
        origin: 'null',
        'sec-fetch-site': 'cross-site',
      };
      refusedWith(
        await open.post('/webhook/mail-console/api/look', { source: 1 }, forged),
        403,
        /not to act/,
      );
      const { stream } = (await open.send('/webhook/mail-console/api/me', { headers: BASIC })).json<Me>();
      const answer = await open.post(
        '/webhook/mail-console/api/look',
        { source: 1 },
        { authorization: `Bearer ${stream.token}`, origin: 'null', 'sec-fetch-site': 'cross-site' },
      );
      refusedWith(answer, 404, /no such source/);
      assert.equal(answer.headers['access-control-allow-origin'], 'null');
    });

    it('tells a browser that the page without an origin may ask with a token', async () => {
      const headers = {
        origin: 'null',
        'sec-fetch-site': 'cross-site',
        'access-control-request-method': 'POST',
      };
      const answer = await open.send('/webhook/mail-console/api/act', { method: 'OPTIONS', headers });
      assert.equal(answer.status, 204);
      assert.equal(answer.headers['access-control-allow-origin'], 'null');
      assert.match(String(answer.headers['access-control-allow-headers']), /Authorization/);
      assert.equal(answer.headers['access-control-allow-credentials'], undefined);
    });

    it('is nowhere but below its prefix', async () => {
      for (const path of ['/', '/api/me', '/webhook/mail-console-2/api/me', '/webhook/mail-consoleapi/me']) {
        refusedWith(await open.send(path, { headers: BASIC }), 404, /nothing at this address/);
      }
    });
  });
});
