// The policy of the console's page in a real browser: what the page needs works under it, and nothing else does, with an origin
// of its own and without.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { openConsole, type OpenConsole, TOKENS } from '../support/console';
import { until } from '../support/until';

const SCRIPT = `
  const told = JSON.parse(document.querySelector('meta[name=mail-console]').content);
  const home = location.pathname.replace(/\\/+$/, '');
  const authorization = 'Bearer ' + (told.session ? told.session.token : '${TOKENS.operate}');
  const tries = {
    storage: () => (sessionStorage.setItem('a', 'b'), sessionStorage.getItem('a')),
    origin: () => self.origin,
    me: async () => (await (await fetch(home + '/api/me', { headers: { authorization } })).json()).right,
    post: async () => {
      const headers = { authorization, 'content-type': 'application/json' };
      return (await fetch(home + '/api/batch', { method: 'POST', headers, body: '{"asks":["/api/me"]}' })).status;
    },
    stream: async () => {
      const { body } = await fetch(home + '/events', { headers: { authorization } });
      return new TextDecoder().decode((await body.getReader().read()).value).trim();
    },
    style: () => getComputedStyle(document.querySelector('b')).color,
    outside: () => fetch('http://localhost:' + location.port + '/healthz').then(() => 'reached'),
    injected: () => {
      const script = document.createElement('script');
      script.textContent = 'window.injected = "ran"';
      document.head.append(script);
      return window.injected ?? 'refused';
    },
    plots: async () => {
      const path = '/api/plots?digest=' + encodeURIComponent(told.plots);
      const { script } = await (await fetch(home + path, { headers: { authorization } })).json();
      const ran = (text) => {
        const element = document.createElement('script');
        element.textContent = text;
        document.head.append(element);
        return window.uPlot;
      };
      return [ran(script + ' '), ran(script)].join();
    },
    handler: () => {
      document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.handled = true">');
      return new Promise((resolve) => setTimeout(() => resolve(window.handled ?? 'refused'), 200));
    },
  };
  (async () => {
    const came = {};
    for (const [name, attempt] of Object.entries(tries)) came[name] = await Promise.resolve().then(attempt).catch(() => 'refused');
    window.came = came;
  })();`;

const PAGE =
  '<!doctype html><html><head><meta name="mail-console" content=""><style>b{color:rgb(1, 2, 3)}</style></head><body>' +
  `<b>hello</b><a href="/elsewhere" target="_blank" rel="noopener">out</a><script>${SCRIPT}</script></body></html>`;

describe("the console's page in a browser", { timeout: 120_000 }, () => {
  let browser: Browser;
  before(async () => {
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu'],
    });
  });
  after(() => browser.close());

  /** What came of what the page has tried; and whether its link opened a page of its own. */
  async function came(open: OpenConsole, path: string): Promise<Readonly<Record<string, unknown>>> {
    const context = await browser.newContext({ httpCredentials: { username: 'ann', password: 'secret' } });
    try {
      const page: Page = await context.newPage();
      await page.goto(`http://127.0.0.1:${open.port}${path}`);
      const tried = await until('the page has tried all', () =>
        page.evaluate<Record<string, unknown> | undefined>('window.came'),
      );
      const opened = context.waitForEvent('page');
      await page.click('a');
      return { ...tried, link: (await opened) !== page };
    } finally {
      await context.close();
    }
  }

  const alike = {
    ...{ me: 'operate', post: 200, stream: 'retry: 1000', style: 'rgb(1, 2, 3)', link: true },
    ...{ outside: 'refused', injected: 'refused', handler: 'refused', plots: ',1' },
  };

  it('does what it needs, and nothing else, on an origin of its own', async () => {
    const open = await openConsole({ page: PAGE });
    try {
      const origin = `http://127.0.0.1:${open.port}`;
      assert.deepEqual(await came(open, '/'), { ...alike, origin, storage: 'b' });
    } finally {
      await open.close();
    }
  });

  it('does the same without one, and reaches nothing of what else is there', async () => {
    const open = await openConsole({
      page: PAGE,
      prefix: '/webhook/mail-console',
      isOwnOrigin: false,
      login: { kind: 'challenge', challenge: 'Basic realm="Mail Console"' },
      rights: ({ authorization }) => (authorization?.startsWith('Basic ') === true ? 'operate' : null),
    });
    try {
      const without = { ...alike, origin: 'null', storage: 'refused' };
      assert.deepEqual(await came(open, '/webhook/mail-console'), without);
    } finally {
      await open.close();
    }
  });
});
