// A console as people meet it, over HTTP on loopback: a ledger of its own, a feed that tells what it was asked, and requests with
// any header that somebody may make up.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach } from 'node:test';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConsole } from '../../engine/console/console';
import type { PageSettings, Refused } from '../../engine/console/api';
import type { Console, ConsoleContext } from '../../engine/console/context';
import type { ConsoleFeed, ConsoleLedger } from '../../engine/console/ports';
import { rightsBy } from '../../engine/console/rights';
import type { FeedAsk, FeedClient } from '../../engine/feed/client';
import type { Ledger } from '../../engine/ledger/ledger';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { placeholdersOf, render } from '../../engine/outbox/mail/render';
import { silentLog } from './log';

export const TOKENS = { read: 'r'.repeat(40), operate: 'o'.repeat(40) } as const;
export const READ = { authorization: `Bearer ${TOKENS.read}` };
export const OPERATE = { authorization: `Bearer ${TOKENS.operate}` };

export const PAGE =
  '<!doctype html><html><head><meta name="mail-console" content=""><style>b{color:red}</style></head>' +
  '<body><b>hello</b><script>document.title = "<style>no</style>";</script></body></html>';

export const PLOTS = 'var uPlot = 1;';

class FakeFeed implements ConsoleFeed {
  readonly asks: FeedAsk[] = [];
  readonly joined = new Set<FeedClient>();
  cut = 7;
  /** Where those who join begin; null: it is not known yet. */
  begins: string | null = '1';

  get clients(): number {
    return this.joined.size;
  }

  join(client: FeedClient, ask: FeedAsk): () => void {
    this.asks.push(ask);
    this.joined.add(client);
    client.write(Buffer.from('retry: 1000\n\n'));
    if (this.begins !== null) client.begin?.(this.begins);
    return () => void this.joined.delete(client);
  }
}

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** Content-Security-Policy. */
  readonly policy: string;
  json<T>(): T;
}

export interface OpenConsole {
  readonly console: Console;
  readonly ledger: Ledger;
  readonly feed: FakeFeed;
  readonly port: number;
  /** What was asked to be looked at, woken, and logged as an error. */
  readonly looked: number[];
  readonly woken: number[];
  readonly errors: string[];
  /** How often the outbox was woken, each as `outbox`. */
  readonly wakes: string[];
  send(path: string, sent?: Sent): Promise<Received>;
  /** As whoever may operate. */
  get<T>(path: string): Promise<T>;
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Received>;
  close(): Promise<void>;
}

type Settings = Partial<Omit<ConsoleContext, 'ledger'>> & {
  /** Over the ledger's own methods. */
  readonly over?: (ledger: Ledger) => Partial<ConsoleLedger>;
  /** What its home has read of a body before. */
  readonly bodyRead?: true;
  /** In place of one of its own; it is closed with the console. */
  readonly ledger?: Ledger;
};

export async function openConsole({
  over,
  bodyRead,
  ledger: given,
  ...settings
}: Settings = {}): Promise<OpenConsole> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-mail-console-'));
  const ledger = given ?? (await openSqliteLedger(join(folder, 'ledger.sqlite')));
  const feed = new FakeFeed();
  const [looked, woken, errors, wakes] = [[] as number[], [] as number[], [] as string[], [] as string[]];
  const handler = createConsole({
    ledger: withOver(ledger, over?.(ledger) ?? {}),
    wake: { notify: (ids) => void woken.push(...ids) },
    feed,
    log: { ...silentLog, error: (message) => void errors.push(message) },
    version: '0.1.0',
    page: PAGE,
    plots: PLOTS,
    prefix: '',
    rights: rightsBy(TOKENS),
    login: { kind: 'form' },
    sessionKey: Buffer.alloc(32, 7),
    hosts: (host) => /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host),
    isOwnOrigin: true,
    bundled: false,
    showMail: true,
    editorUrl: 'https://n8n.example',
    openHealth: false,
    templates: { render, valuesOf: placeholdersOf },
    wakeOutbox: () => void wakes.push('outbox'),
    look: (id) => void looked.push(id),
    now: Date.now,
    ...settings,
  });
  const server = createServer((req, res) => {
    if (!bodyRead) {
      void handler.handle(req, res);
      return;
    }
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => void handler.handle(req, res, Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const send = (path: string, sent: Sent = {}): Promise<Received> => sendTo(port, path, sent);
  return {
    ...{ console: handler, ledger, feed, port, looked, woken, errors, wakes, send },
    get: async (path) => (await send(path, { headers: OPERATE })).json(),
    post: (path, body, headers = {}) =>
      send(path, {
        method: 'POST',
        headers: { ...OPERATE, 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    close: async () => {
      handler.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await ledger.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** The ledger, but for the methods that are given. */
const withOver = (ledger: Ledger, over: Partial<ConsoleLedger>): ConsoleLedger =>
  new Proxy({} as ConsoleLedger, {
    get: (_, name) => {
      const own = over[name as keyof ConsoleLedger];
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(ledger, name);
      return typeof value === 'function' ? (value.bind(ledger) as unknown) : value;
    },
  });

const sendTo = (
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: Sent,
): Promise<Received> =>
  new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const whole = Buffer.concat(chunks);
        const text = whole.toString();
        resolve({
          status: answer.statusCode!,
          headers: answer.headers,
          body: whole,
          text,
          policy: String(answer.headers['content-security-policy']),
          json: <T>() => JSON.parse(text) as T,
        });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });

export const refusedWith = (received: Received, status: number, words: RegExp): void => {
  assert.equal(received.status, status, received.text);
  assert.match(received.json<Refused>().error, words);
};

/** What no answer goes without. */
export function assertGuarded({ headers, text, policy }: Received): void {
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['x-frame-options'], 'DENY');
  assert.equal(headers['referrer-policy'], 'no-referrer');
  assert.match(policy, /default-src 'none'.*frame-ancestors 'none'.*sandbox/);
  assert.match(headers['cache-control'] ?? '', /no-(store|cache), no-transform/);
  assert.equal(headers['set-cookie'], undefined);
  assert.doesNotMatch(text, /\n\s+at .*:\d+:\d+/, 'a stack trace');
}

export function settingsIn(text: string): PageSettings {
  const [, content] = /<meta name="mail-console" content="([^"]*)">/.exec(text) ?? [];
  const entities: Readonly<Record<string, string>> = { amp: '&', quot: '"', lt: '<', gt: '>' };
  return JSON.parse(content!.replace(/&(\w+);/g, (_, name: string) => entities[name]!)) as PageSettings;
}

/**
 * A console for each test of the suite in which this is called.
 * @param opened is told which one it is now
 * @returns opens another one in its place
 */
export function consoleOfEach(
  opened: (open: OpenConsole) => void,
): (settings?: Parameters<typeof openConsole>[0]) => Promise<OpenConsole> {
  let open: OpenConsole;
  const begin = async (settings: Parameters<typeof openConsole>[0] = {}): Promise<OpenConsole> => {
    opened((open = await openConsole(settings)));
    return open;
  };
  beforeEach(() => begin());
  afterEach(() => open.close());
  return async (settings) => {
    await open.close();
    return begin(settings);
  };
}
