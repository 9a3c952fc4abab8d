// Where the console lives in n8n: the port of its own, and the node behind n8n's webhooks, each with a small console in place
// of the real one.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { IHookFunctions, IWebhookFunctions } from 'n8n-workflow';
import type { Console } from '../../engine/console/context';
import type { Home } from '../../engine/console/home/console-over';
import { ownNames } from '../../engine/console/home/own-names';
import { keepOpen } from '../../nodes/host/console/port';
import { portSettings } from '../../nodes/host/console/port-settings';
import type { Store } from '../../nodes/host/store/store';
import { addresses, prefixOf } from '../../nodes/MailConsole/addresses';
import { answer } from '../../nodes/MailConsole/answer';
import { readLogin } from '../../nodes/MailConsole/login';
import { refuseWhatCannotWork } from '../../nodes/MailConsole/refusal';
import { freePort } from '../support/net';
import { until } from '../support/until';

/** Tells which store it is over and what the request may do; at `/stream` it goes on until it is closed. */
function smallConsole(store: Store, { rights }: Home): Console {
  const open = new Set<ServerResponse>();
  return {
    handle: async ({ url, headers }, res) => {
      if (url === '/throw') throw new Error('thrown');
      if (url === '/stream') {
        open.add(res);
        res.write('it begins\n');
      } else {
        res.end(JSON.stringify({ store: store.ledger.place, right: rights(headers) }));
      }
    },
    close: () => {
      for (const res of open) res.end('it ends\n');
    },
  };
}

const storeAt = (place: string): Store => ({ ledger: { place } }) as unknown as Store;

/** What is asked while just this is set, of all that counts here. */
async function withEnvironment<T>(
  set: Readonly<Record<string, string>>,
  ask: () => T | Promise<T>,
): Promise<T> {
  const counts = /^(DURABLE_MAIL_|N8N_EDITOR|N8N_PORT|EXECUTIONS_MODE|WEBHOOK_URL)/;
  const before = Object.entries(process.env).filter(([name]) => counts.test(name));
  const clear = (): void => {
    for (const name of Object.keys(process.env))
      if (counts.test(name)) Reflect.deleteProperty(process.env, name);
  };
  clear();
  Object.assign(process.env, set);
  try {
    return await ask();
  } finally {
    clear();
    Object.assign(process.env, Object.fromEntries(before));
  }
}

describe('the port of the console', () => {
  let folder: string;
  let port: number;
  let over: AbortController;
  let keeping: Promise<void>;
  let said: string[];
  let isOurs: boolean;
  let store: () => Promise<Store>;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-console-'));
    port = await freePort();
    over = new AbortController();
    keeping = Promise.resolve();
    said = [];
    isOurs = true;
    const first = storeAt('the first');
    store = () => Promise.resolve(first);
  });
  afterEach(async () => {
    over.abort();
    await keeping;
    await rm(folder, { recursive: true });
  });

  const say = (message: string): unknown => said.push(message);

  const keptAt = (host: string, log: (message: string) => unknown, signal: AbortSignal): Promise<void> => {
    const settings = { port, host, names: ['mail.example.com'], openHealth: false, webSocket: false };
    return keepOpen(
      { ...settings, showMail: true, editorUrl: 'http://localhost:5678' },
      {
        openStore: () => store(),
        create: smallConsole,
        isOurs: () => isOurs,
        folder,
        log: { info: log, error: log },
        lookMs: 20,
      },
      signal,
    );
  };

  const keep = (host = '127.0.0.1'): void => {
    keeping = keptAt(host, say, over.signal);
  };

  const get = (path = '/', headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers });

  const answers = (): Promise<Response> => until('it answers', () => get().catch(() => false as const));

  const isClosed = (): Promise<boolean> =>
    get().then(
      () => false,
      () => true,
    );

  const token = async (right: 'read' | 'operate'): Promise<string> =>
    (await readFile(join(folder, `console-${right}-token`), 'utf8')).trim();

  it('is open, and knows its two tokens, which are kept where nobody else reads them', async () => {
    keep();
    assert.deepEqual(await (await answers()).json(), { store: 'the first', right: null });
    for (const right of ['read', 'operate'] as const) {
      const response = await get('/', { authorization: `Bearer ${await token(right)}` });
      assert.deepEqual(await response.json(), { store: 'the first', right });
      assert.equal((await stat(join(folder, `console-${right}-token`))).mode & 0o777, 0o600);
    }
    assert.ok(said.includes(`The Mail Console is at http://127.0.0.1:${port}`), said.join('\n'));
    const tokens = [await token('read'), await token('operate')];
    assert.ok(!tokens.some((secret) => said.join().includes(secret)), 'no token is in the log');
  });

  it('that is taken is said once, and opened as soon as it is free', async () => {
    const other = createServer((_, res) => res.end());
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    keep();
    await until('it is said', () => said.some((text) => text.includes('is taken by another program')));
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(said.filter((text) => text.includes('taken')).length, 1);
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
    await answers();
    assert.match(said.at(-1)!, /The Mail Console is at/);
  });

  it('says that others could read a token, and that it is to be another one then', async () => {
    keep();
    await answers();
    over.abort();
    await keeping;
    assert.ok(!said.some((text) => text.includes('could read')));
    const file = join(folder, 'console-operate-token');
    await chmod(file, 0o640);
    over = new AbortController();
    keep();
    await answers();
    assert.deepEqual(
      said.filter((text) => text.includes('could read')),
      [
        `Others on this machine could read the token in ${file}. They cannot any more; where they may have, delete ` +
          'the file, and n8n makes a new one at its next start.',
      ],
    );
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });

  it("that two are to have is the one's, and the other's when that one is gone", async () => {
    keep();
    await answers();
    const [others, otherOver] = [[] as string[], new AbortController()];
    const other = keptAt('127.0.0.1', (text) => others.push(text), otherOver.signal);
    try {
      await until('it is said', () => others.some((text) => text.includes('is taken by another program')));
      over.abort();
      await keeping;
      await until('the other has it', () =>
        others.includes(`The Mail Console is at http://127.0.0.1:${port}`),
      );
      const response = await get('/', { authorization: `Bearer ${await token('read')}` });
      assert.deepEqual(await response.json(), { store: 'the first', right: 'read' });
    } finally {
      otherOver.abort();
      await other;
    }
  });

  it('is at all addresses where these are set, by whichever name of IPv4 or IPv6', async () => {
    keep('0.0.0.0');
    await answers();
    assert.ok(said.includes(`The Mail Console is at http://0.0.0.0:${port}`), said.join('\n'));
    over.abort();
    await keeping;
    over = new AbortController();
    keep('::1');
    // A machine may have no IPv6.
    await until('it is said', () =>
      /at http:\/\/\[::1\]|::1 is no address of this machine/.test(said.at(-1)!),
    );
  });

  it('says what is wrong with an address that it cannot listen at, once, and ends nothing', async () => {
    keep('192.0.2.1');
    await until('it is said', () => said.some((text) => text.includes('cannot be opened')));
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(said.slice(1), [
      'The Mail Console cannot be opened: 192.0.2.1 is no address of this machine. It is tried again until it can. ' +
        'Another port is set with DURABLE_MAIL_CONSOLE_PORT, another address with DURABLE_MAIL_CONSOLE_HOST.',
    ]);
  });

  it('takes tokens from the files that are named, and says so where these hold none', async () => {
    const [file, secret] = [join(folder, 'secret'), 'a-secret-that-nobody-is-told'];
    const named = { DURABLE_MAIL_CONSOLE_TOKEN_FILE: file };
    const failure = async (set: Readonly<Record<string, string>>): Promise<string> => {
      const { message } = await withEnvironment(set, () =>
        keptAt('127.0.0.1', say, over.signal).then(
          () => assert.fail('it is open'),
          (error: unknown) => error as Error,
        ),
      );
      assert.ok(!`${message} ${said.join()}`.includes(secret.slice(0, 8)));
      return message;
    };
    assert.match(await failure(named), /The file that DURABLE_MAIL_CONSOLE_TOKEN_FILE names cannot be read/);
    for (const empty of ['', ' \n\t\n']) {
      await writeFile(file, empty);
      assert.match(
        await failure(named),
        /that DURABLE_MAIL_CONSOLE_TOKEN_FILE names holds nothing\. Put a token/,
      );
    }
    await writeFile(file, `${secret.slice(0, 8)}\n`);
    assert.match(await failure(named), /DURABLE_MAIL_CONSOLE_TOKEN cannot be used: it needs 16 characters/);
    assert.match(await failure({ DURABLE_MAIL_CONSOLE_TOKEN_FILE: folder }), /cannot be read: EISDIR/);
    await writeFile(file, `${secret}\n`);
    // As n8n has it: what is set counts, and the file does not, also where nothing is in it.
    for (const [set, isFile] of [
      [named, true],
      [{ ...named, DURABLE_MAIL_CONSOLE_TOKEN: 'the-token-that-is-set' }, false],
      [{ ...named, DURABLE_MAIL_CONSOLE_TOKEN: '' }, false],
    ] as const) {
      await withEnvironment(set, async () => {
        keep();
        await answers();
      });
      const response = await get('/', { authorization: `Bearer ${secret}` });
      assert.deepEqual(await response.json(), { store: 'the first', right: isFile ? 'read' : null });
      assert.ok(!said.join().includes(secret));
      over.abort();
      await keeping;
      over = new AbortController();
    }
  });

  it('is open only while the process is the one that has it, and ends what it streams', async () => {
    isOurs = false;
    keep();
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.ok(await isClosed());
    isOurs = true;
    await answers();
    const streaming = (await get('/stream')).text();
    isOurs = false;
    await until('it is closed', isClosed);
    assert.match(await streaming.catch(() => 'it begins'), /it begins/);
    isOurs = true;
    await answers();
    over.abort();
    await keeping;
    assert.ok(await isClosed());
  });

  it('without a ledger says why to whoever may look, and no more than that to others; later it is there', async () => {
    store = () => Promise.reject(new Error('Postgres at db:5432 refused the connection'));
    keep();
    const refused = await answers();
    assert.equal(refused.status, 503);
    assert.doesNotMatch(await refused.text(), /Postgres/);
    const headers = { authorization: `Bearer ${await token('read')}` };
    const told = await get('/', headers);
    assert.equal(told.status, 503);
    assert.deepEqual(await told.json(), { error: 'Postgres at db:5432 refused the connection' });
    const other = storeAt('another');
    store = () => Promise.resolve(other);
    assert.deepEqual(await (await get('/', headers)).json(), { store: 'another', right: 'read' });
  });

  it('is over the ledger that is there now: what was asked of the one before is ended', async () => {
    keep();
    await answers();
    const streaming = (await get('/stream')).text();
    const other = storeAt('another');
    store = () => Promise.resolve(other);
    assert.deepEqual(await (await get()).json(), { store: 'another', right: null });
    assert.equal(await streaming, 'it begins\nit ends\n');
  });

  it('answers also where the console throws', async () => {
    keep();
    await answers();
    const response = await get('/throw');
    assert.equal(response.status, 500);
    assert.doesNotMatch(await response.text(), /thrown/);
    assert.ok(said.includes('The Mail Console could not answer: thrown'));
  });

  it('is set by the environment, and what cannot be meant names its variable', async () => {
    assert.equal(await withEnvironment({}, portSettings), null);
    const set = { DURABLE_MAIL_CONSOLE_PORT: '8025', N8N_EDITOR_BASE_URL: 'https://n8n.example.com/' };
    assert.deepEqual(await withEnvironment(set, portSettings), {
      ...{ port: 8025, host: '127.0.0.1', names: [], openHealth: false, showMail: true, webSocket: false },
      editorUrl: 'https://n8n.example.com',
    });
    const more = {
      DURABLE_MAIL_CONSOLE_HOST: '0.0.0.0',
      DURABLE_MAIL_CONSOLE_NAMES: 'a.example, https://b.example:8025/mail,,',
    };
    const { host, names } = (await withEnvironment({ ...set, ...more }, portSettings))!;
    assert.deepEqual([host, names], ['0.0.0.0', ['a.example', 'b.example']]);
    for (const address of ['::1', '[::1]', ' [::1] ']) {
      const at = await withEnvironment({ ...set, DURABLE_MAIL_CONSOLE_HOST: address }, portSettings);
      assert.equal(at!.host, '::1');
    }
    const ports = ['eighty', '0', '-1', '65536', '0x50', '1e3', '80.0', '80,81', 'http://127.0.0.1:80'];
    for (const wrong of [
      ...ports.map((text) => ({ DURABLE_MAIL_CONSOLE_PORT: text })),
      { ...set, DURABLE_MAIL_CONSOLE_OPEN_HEALTH: 'yes' },
    ]) {
      await assert.rejects(withEnvironment(wrong, portSettings), /^Error: DURABLE_MAIL_CONSOLE_\w+ is "/);
    }
  });

  it('answers to its own names and to addresses, which nobody can let lead here', () => {
    const isOwn = ownNames(['127.0.0.1', 'mail.example.com']);
    for (const host of [
      'localhost:8025',
      '127.0.0.1:8025',
      '10.0.0.7',
      '[::1]:8025',
      'Mail.Example.com',
      'mail.example.com.',
    ])
      assert.ok(isOwn(host), host);
    for (const host of [
      'evil.example',
      'localhost.evil.example:8025',
      '[evil]',
      '',
      'a@localhost',
      '::1',
      '127.0.0.1.evil.example',
    ])
      assert.ok(!isOwn(host), host);
  });
});

describe('the Mail Console node', () => {
  const BASIC = { user: 'ann', password: 'secret' };

  const context = (
    credentials: Readonly<Record<string, object>>,
    parameters: Readonly<Record<string, unknown>> = {},
  ): IWebhookFunctions & IHookFunctions =>
    ({
      getNode: () => ({ id: 'n', name: 'Mail Console', parameters: {} }),
      getWorkflow: () => ({ id: 'w' }),
      getInstanceId: () => 'i',
      getInstanceBaseUrl: () => 'https://n8n.example.com/',
      getNodeParameter: (name: string, fallback: unknown) => parameters[name] ?? fallback,
      getCredentials: async (type: string) => {
        if (!credentials[type]) throw new Error(`Node does not have any credentials set for "${type}"`);
        return credentials[type];
      },
    }) as unknown as IWebhookFunctions & IHookFunctions;

  const basic = (text: string): { authorization: string } => ({
    authorization: `Basic ${Buffer.from(text).toString('base64')}`,
  });

  it('lets in whoever has what its credential holds, with the right that was chosen', async () => {
    const { rights, login } = await readLogin(context({ httpBasicAuth: BASIC }), 'mine');
    assert.equal(rights(basic('ann:secret')), 'operate');
    assert.deepEqual(login, { kind: 'challenge', challenge: 'Basic realm="Mail Console", charset="UTF-8"' });
    for (const wrong of [{}, basic('ann:wrong'), basic('ann'), basic(''), { authorization: 'Bearer secret' }])
      assert.equal(rights(wrong), null);
    const header = { httpHeaderAuth: { name: 'X-Console', value: 'a:b' } };
    const only = await readLogin(context(header, { authentication: 'headerAuth', right: 'read' }), 'mine');
    assert.equal(only.rights({ 'x-console': 'a:b' }), 'read');
    for (const wrong of [
      {},
      { 'x-console': 'a' },
      basic('a:b'),
      { 'x-console': ['a:b'] as unknown as string },
    ])
      assert.equal(only.rights(wrong), null);
  });

  it('lets nobody in where the credential holds nothing, or a cookie', async () => {
    const header = (name: string, value: string): IWebhookFunctions & IHookFunctions =>
      context({ httpHeaderAuth: { name, value } }, { authentication: 'headerAuth' });
    for (const nothing of [
      context({ httpBasicAuth: { user: 'ann', password: '' } }),
      context({ httpBasicAuth: {} }),
      context({}),
      header('', 'secret'),
      header('X-Console', ''),
      header('Cookie', 'secret'),
    ]) {
      await assert.rejects(refuseWhatCannotWork(nothing), { name: 'NodeOperationError' });
    }
    await refuseWhatCannotWork(context({ httpBasicAuth: BASIC }));
  });

  it('is refused in queue mode without Postgres when it is published', async () => {
    const publish = (): Promise<void> => refuseWhatCannotWork(context({ httpBasicAuth: BASIC }));
    await withEnvironment({ EXECUTIONS_MODE: 'queue' }, () =>
      assert.rejects(publish(), /Queue mode needs a mail ledger that main and workers share/),
    );
    const url = 'postgres://ann:secret@db.example.com/mail';
    await withEnvironment({ EXECUTIONS_MODE: 'queue', DURABLE_MAIL_POSTGRES_URL: url }, publish);
  });

  it('signs the sessions of one credential with one key in all processes, and of another with another', async () => {
    const keyOf = async (credential: object, owner = 'mine'): Promise<string> =>
      (await (await readLogin(context({ httpBasicAuth: credential }), owner)).sessionKey()).toString('hex');
    const key = await keyOf(BASIC);
    assert.equal(key.length, 64);
    assert.equal(await keyOf(BASIC), key);
    assert.notEqual(await keyOf({ ...BASIC, password: 'other' }), key);
    assert.notEqual(await keyOf(BASIC, 'other'), key);
  });

  it('has fixed addresses, of which people see one, and knows them behind any prefix', () => {
    assert.ok(
      addresses.every(({ path, isFullPath }) => isFullPath && /^mail-console(\/[a-z/]+)?$/i.test(path)),
    );
    assert.equal(
      new Set(addresses.map(({ httpMethod, path }) => `${httpMethod} ${path}`)).size,
      addresses.length,
    );
    assert.deepEqual(
      addresses.filter(({ ndvHideUrl }) => !ndvHideUrl).map(({ path }) => path),
      ['mail-console'],
    );
    assert.equal(prefixOf('/webhook/mail-console'), '/webhook/mail-console');
    assert.equal(prefixOf('/n8n/webhook/mail-console/api/me?x=/mail-console'), '/n8n/webhook/mail-console');
    for (const none of ['/webhook/mail-consoles', '/webhook?/mail-console', ''])
      assert.equal(prefixOf(none), null);
  });

  it('lets nothing out that is thrown, and leaves nobody without an answer', async () => {
    for (const url of ['/webhook/mail-console', '/elsewhere']) {
      const told: (number | string)[] = [];
      const res = {
        headersSent: false,
        writeHead: (status: number) => told.push(status),
        end: (text: string) => told.push(text),
      };
      const hit = Object.assign(context({}), {
        getResponseObject: () => res,
        getRequestObject: () => ({ url, headers: {} }) as unknown as IncomingMessage,
      });
      assert.deepEqual(await answer(hit), { noWebhookResponse: true });
      const [status, text] = told as [number, string];
      assert.equal(status, url === '/elsewhere' ? 404 : 503);
      assert.doesNotMatch(text, /credentials set/);
    }
  });
});
