// Where the Mail Console lives in a real n8n: on a port of its own, and behind a webhook, in one process and in several.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, request, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Me } from '../../engine/console/api';
import { launchChromium } from '../support/chromium';
import { Cleanup } from '../support/cleanup';
import { shows } from '../support/console/open';
import { consoleWorkflow, LOGIN } from '../support/console-workflow';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import type { N8n } from '../support/n8n';
import { N8n as SingleN8n } from '../support/n8n';
import { freePort, TcpProxy } from '../support/net';
import { QueueModeN8n } from '../support/queue-mode';
import { until } from '../support/until';
import { mailWorkflow } from '../support/workflows';
import { chain, type Node, webhook } from './nodes/bench';

const PATIENCE_MS = 60_000;

const basic = (password: string): { authorization: string } => ({
  authorization: `Basic ${Buffer.from(`${LOGIN.user}:${password}`).toString('base64')}`,
});
const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });

/** n8n stores an execution some time after it has answered. */
async function hasNoExecution(n8n: N8n, workflow: string): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const of = (await n8n.api.executions()).filter(({ workflowId }) => workflowId === workflow);
  assert.deepEqual(of, []);
}

/** What begins a stream, up to what it is read for; then it is left. */
async function beginning(url: string, init: RequestInit, upTo = /^/): Promise<string> {
  const response = await fetch(url, init);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  let text = '';
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk as Uint8Array).toString();
    if (upTo.test(text)) return text;
  }
  return text;
}

const listening = (server: Server, port: number): Promise<void> =>
  new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));

const closed = (server: Server): Promise<unknown> => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
};

/** As people have it before their n8n: takes a prefix away. It keeps what was asked of the console's node. */
class PrefixProxy {
  readonly base: string;
  /** `POST /api/view`. What a browser asks beforehand (OPTIONS) n8n answers itself. */
  hits: string[] = [];
  readonly #server: Server;
  readonly #open = new Set<ServerResponse>();

  private constructor(prefix: string, n8nPort: number, port: number) {
    const home = `${prefix}/webhook/mail-console`;
    this.base = `http://127.0.0.1:${port}${home}`;
    this.#server = createServer((req, res) => {
      const { method, headers, url = '' } = req;
      if (url.startsWith(home) && method !== 'OPTIONS') this.hits.push(`${method} ${url.slice(home.length)}`);
      const path = url.startsWith(`${prefix}/`) ? url.slice(prefix.length) : '/nowhere';
      const asked = request({ host: '127.0.0.1', port: n8nPort, path, method, headers }, (answer) => {
        res.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(res);
      });
      asked.on('error', () => res.destroy());
      this.#open.add(res);
      res.on('close', () => {
        this.#open.delete(res);
        asked.destroy();
      });
      req.pipe(asked);
    });
  }

  static async start(prefix: string, n8nPort: number): Promise<PrefixProxy> {
    const port = await freePort();
    const proxy = new PrefixProxy(prefix, n8nPort, port);
    await listening(proxy.#server, port);
    return proxy;
  }

  /** Whatever is under way breaks off. */
  cut(): void {
    for (const res of this.#open) res.destroy();
  }

  async dispose(): Promise<void> {
    await closed(this.#server);
  }
}

describe('the Mail Console in n8n', { timeout: 10 * 60_000 }, () => {
  const cleanup = new Cleanup();
  const taker = createServer((_, res) => res.end('I am another program'));
  let n8n: N8n;
  let port: number;

  before(async () => {
    port = await freePort();
    await listening(taker, port);
    n8n = await cleanup.of(SingleN8n.start({ DURABLE_MAIL_CONSOLE_PORT: String(port) }));
  });
  after(async () => {
    await closed(taker);
    await cleanup.run();
  });

  const token = async (right: 'read' | 'operate'): Promise<string> =>
    (await readFile(join(n8n.folder, '.n8n', 'durable-mail', `console-${right}-token`), 'utf8')).trim();

  const onPort = async (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers });

  describe('on its port', () => {
    it('is opened by no trigger, says once that the port is taken, and opens as soon as it is free', async () => {
      const isTaken = new RegExp(`port ${port} of 127\\.0\\.0\\.1 is taken by another program`, 'g');
      const times = async (): Promise<number> => (await n8n.log()).match(isTaken)?.length ?? 0;
      await until('it is said', async () => (await times()) > 0, PATIENCE_MS);
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      assert.equal(await times(), 1);
      await closed(taker);
      await until('it is open', async () => (await onPort('/api/me')).status === 401, PATIENCE_MS);
      const me = (await (await onPort('/api/me', bearer(await token('operate')))).json()) as Me;
      assert.equal(me.right, 'operate');
      assert.match(me.ledger, /ledger\.sqlite/);
      assert.equal((await onPort('/api/me', bearer('a wrong token, surely'))).status, 401);
      assert.match(
        await beginning(`http://127.0.0.1:${port}/events`, { headers: bearer(await token('read')) }),
        /^retry: \d+/,
      );
    });

    it('is there again after n8n was killed, with the tokens that it had', async () => {
      const before = await token('read');
      await n8n.down('SIGKILL');
      await n8n.up();
      const isOpen = async (): Promise<boolean> => (await onPort('/api/me', bearer(before))).status === 200;
      await until('it is open', isOpen, PATIENCE_MS);
    });
  });

  describe('behind a webhook', () => {
    let id: string;

    before(async () => {
      id = await consoleWorkflow(n8n);
      await n8n.api.publish(id);
    });

    const at = (path: string, headers: Record<string, string> = {}, body?: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${n8n.port}/webhook/mail-console${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body }),
      });

    it('asks for a name and a password, on every address', async () => {
      for (const path of ['', '/events', '/api/me', '/api/mails', '/metrics', '/healthz']) {
        for (const headers of [{}, basic('wrong'), bearer(LOGIN.password)])
          assert.equal((await at(path, headers)).status, 401, path);
      }
      assert.match((await at('')).headers.get('www-authenticate') ?? '', /^Basic realm="Mail Console"/);
      assert.equal((await at('/api/act', basic('wrong'), '{}')).status, 401);
    });

    it('answers behind a proxy with a prefix: the page, what it asks, and the feed', async () => {
      const proxy = await PrefixProxy.start('/some/n8n', n8n.port);
      const { base } = proxy;
      try {
        const page = await fetch(base, { headers: basic(LOGIN.password) });
        assert.equal(page.status, 200);
        const policy = page.headers.get('content-security-policy') ?? '';
        assert.match(policy, /sandbox allow-scripts/);
        assert.doesNotMatch(policy, /allow-same-origin/);
        const me = (await (await fetch(`${base}/api/me`, { headers: basic(LOGIN.password) })).json()) as Me;
        assert.equal(me.right, 'operate');
        const session = bearer(me.stream.token);
        const batch = await fetch(`${base}/api/batch`, {
          method: 'POST',
          headers: { ...session, 'content-type': 'application/json' },
          body: JSON.stringify({ asks: ['/api/sources', '/api/mails?state=DEAD'] }),
        });
        const { answers } = (await batch.json()) as { answers: { status: number; body: object }[] };
        assert.deepEqual(
          answers.map(({ status }) => status),
          [200, 200],
        );
        assert.match(await beginning(`${base}/events`, { headers: session }), /^retry: \d+/);
        const view = {
          method: 'POST',
          headers: { ...session, 'content-type': 'application/json' },
          body: JSON.stringify({ type: 'stats', asks: ['/api/sources', '/api/mails?limit=x'] }),
        };
        const told = await beginning(`${base}/api/view`, view, /event: answers\ndata: .*\n\n/);
        assert.match(told, /^retry: \d+\n\n:\nid: \S+\n\n[^]*"status":200,.*"status":400,/);
      } finally {
        await proxy.dispose();
      }
    });

    /** What is meant not to be asked is not asked in this time; what the feed tells is gathered for longer. */
    const QUIET_MS = 3_000;

    it('costs two hits for a view, one for another view, one for an act, one to connect anew, and none to stay', async () => {
      const dovecot = await cleanup.of(Dovecot.start());
      const nothing = { name: 'Nothing', type: 'n8n-nodes-base.noOp', typeVersion: 1, parameters: {} };
      const options = { options: { heartbeat: 300 } };
      const watching = await mailWorkflow(n8n, dovecot.login('seen'), [nothing], options);
      await n8n.api.publish(watching);
      await n8n.watching(watching);
      const proxy = await cleanup.of(PrefixProxy.start('/some/n8n', n8n.port));
      const browser = await cleanup.of(launchChromium());
      const context = await browser.newContext({
        httpCredentials: { username: LOGIN.user, password: LOGIN.password },
      });
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      const cost = async (what: () => Promise<unknown>): Promise<readonly string[]> => {
        proxy.hits = [];
        await what();
        await page.waitForTimeout(QUIET_MS);
        return proxy.hits;
      };
      const goes = (view: string, shown: string | RegExp) => async (): Promise<void> => {
        await page.getByRole('navigation').getByRole('link', { name: view }).click();
        await shows(page, shown);
      };
      const isLive = (): Promise<void> => page.locator('[data-link="live"]').waitFor();
      const isWell = (): Promise<void> =>
        page.locator('[data-standing="well"], [data-standing="quiet"]').waitFor();

      // The browser has asked for a name and a password by then.
      await page.goto(proxy.base);
      await isWell();
      const loaded = async (): Promise<void> => {
        await page.reload();
        await isLive();
        await isWell();
      };
      assert.deepEqual(await cost(loaded), ['GET ', 'POST /api/view']);
      assert.deepEqual(await cost(goes('Mails', 'No mail has come yet.')), ['POST /api/batch']);
      assert.deepEqual(await cost(goes('Over time', 'recorded')), ['POST /api/batch']);
      assert.deepEqual(await cost(goes('Workflows', 'Well')), ['POST /api/batch']);
      assert.deepEqual(await cost(() => page.waitForTimeout(QUIET_MS)), []);
      await goes('Sources', 'Look now')();
      const look = async (): Promise<void> => {
        await page.getByRole('button', { name: /^Look now/ }).click();
        await shows(page, /is looked at/);
      };
      assert.deepEqual(await cost(look), ['POST /api/look']);
      // What the look has changed is asked for in its time.
      await page.waitForTimeout(20_000);
      const cut = async (): Promise<void> => {
        proxy.cut();
        await until('it has joined again', () => proxy.hits.length > 0);
        await isLive();
      };
      assert.deepEqual(await cost(cut), ['POST /api/view']);
      await page.goto(`${proxy.base}#/mails`);
      await page.reload();
      await shows(page, 'No mail has come yet.');
      const mail = async (): Promise<void> => {
        await dovecot.append('seen', [rawMail({ subject: 'Seen as it came' })]);
        await shows(page, 'Seen as it came');
      };
      assert.deepEqual(await cost(mail), ['POST /api/batch']);
      await hasNoExecution(n8n, id);
    });

    it('makes no execution, whatever is thrown at it', async () => {
      const headers = basic(LOGIN.password);
      const statuses: number[] = [];
      for (const [path, body] of [
        ['', undefined],
        ['/api/me?what=%00', undefined],
        ['/api/mails?limit=-1', undefined],
        ['/api/act', '{"action":"nothing"}'],
        ['/api/act', '{"action":'],
        ['/api/act', 'x'.repeat(100_000)],
        ['/api/look', '{"source":"x"}'],
        ['/api/batch', '{"asks":[1]}'],
        ['/api/view', '{"asks":1}'],
        ['/api/view', '{"more":[]}'],
        ['/nowhere', undefined],
      ] as const)
        statuses.push((await at(path, headers, body)).status);
      assert.ok(
        statuses.every((status) => status >= 200 && status < 500),
        statuses.join(),
      );
      await hasNoExecution(n8n, id);
    });

    it('says that it cannot answer when its credential is gone, and makes no execution of that', async () => {
      const workflow = await n8n.api.workflow(id);
      const [{ credentials }] = workflow.nodes as [{ credentials: { httpBasicAuth: { id: string } } }];
      await n8n.api.request('DELETE', `/rest/credentials/${credentials.httpBasicAuth.id}`);
      const response = await at('/api/me', basic(LOGIN.password));
      assert.equal(response.status, 503);
      assert.match(((await response.json()) as { error: string }).error, /The log says why/);
      await hasNoExecution(n8n, id);
    });
  });
});

describe('the Mail Console in queue mode', { timeout: 10 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let n8n: QueueModeN8n;
  let port: number;
  let dovecot: Dovecot;

  before(async () => {
    port = await freePort();
    dovecot = await cleanup.of(Dovecot.start());
    const environment = { DURABLE_MAIL_CONSOLE_PORT: String(port) };
    n8n = await cleanup.of(QueueModeN8n.start(environment, { takesWebhooks: true }));
  });
  after(() => cleanup.run());

  it('has its port in main alone', async () => {
    await until(
      'it is open',
      async () => (await fetch(`http://127.0.0.1:${port}/api/me`)).status === 401,
      PATIENCE_MS,
    );
    assert.match(await n8n.main.log(), /The Mail Console is at http:\/\/127\.0\.0\.1:/);
    for (const other of [n8n.worker, n8n.webhook]) assert.doesNotMatch(await other.log(), /Mail Console/);
  });

  it('is answered by the process that takes webhooks, whose sessions main knows, too', async () => {
    const id = await consoleWorkflow(n8n);
    await n8n.api.publish(id);
    const at = (to: number, path: string, headers = basic(LOGIN.password)): Promise<Response> =>
      fetch(`http://127.0.0.1:${to}/webhook/mail-console${path}`, { headers });
    const me = (await (await at(n8n.webhook.port, '/api/me')).json()) as Me;
    assert.equal(me.right, 'operate');
    const session = bearer(me.stream.token);
    for (const to of [n8n.webhook.port, n8n.main.port])
      assert.equal((await at(to, '/api/sources', session)).status, 200);
    const events = `http://127.0.0.1:${n8n.webhook.port}/webhook/mail-console/events`;
    assert.match(await beginning(events, { headers: session }), /^retry: \d+/);
    await hasNoExecution(n8n, id);
  });

  it('and Mail Ledger on a worker lets main look at a mailbox at once', async () => {
    const proxy = await cleanup.of(TcpProxy.to(dovecot.port));
    const login = dovecot.login('looked', { port: proxy.port });
    const nothing = { name: 'Nothing', type: 'n8n-nodes-base.noOp', typeVersion: 1, parameters: {} };
    const id = await mailWorkflow(n8n, login, [nothing], { options: { heartbeat: 300 } });
    await n8n.api.publish(id);
    await n8n.watching(id);
    const node: Node = {
      ...{ name: 'Look', type: 'n8n-nodes-durable-mail.mailLedger', typeVersion: 1 },
      parameters: { resource: 'source', operation: 'lookNow' },
    };
    const nodes = [webhook('look'), node];
    const { id: looking } = await n8n.api.createWorkflow({
      name: 'Look',
      nodes: nodes.map((one, index) => ({ id: one.name, position: [220 * index, 0], ...one })),
      connections: { Call: { main: [[{ node: chain('Call', 'Look')[0]![1], type: 'main', index: 0 }]] } },
    });
    await n8n.api.publish(looking);
    // It is announced to nobody.
    proxy.change = (text) => text.replace(/\* \d+ EXISTS\r\n/g, '');
    await dovecot.append('looked', [rawMail({ subject: 'found' })]);
    const look = await fetch(`http://127.0.0.1:${n8n.webhook.port}/webhook/look`, { method: 'POST' });
    const [source] = (await look.json()) as { account: string; asked: boolean }[];
    assert.equal(source?.asked, true);
    await until('the mail is recorded', async () => (await n8n.events()).length === 1, 15_000);
  });
});
