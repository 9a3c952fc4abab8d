// `/ws` on a port of its own, over a ledger whose changes a test makes, and over a real one for what is done; and its clients.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, type ClientOptions } from 'ws';
import type { ConsoleContext } from '../../../engine/console/context';
import { Jobs } from '../../../engine/console/jobs';
import { rightsBy } from '../../../engine/console/rights';
import { Sessions } from '../../../engine/console/sessions';
import { type Limits, LIMITS } from '../../../engine/console/ws/limits';
import { WebSockets } from '../../../engine/console/ws/web-socket';
import { Feed } from '../../../engine/feed/feed';
import type { Ledger } from '../../../engine/ledger/ledger';
import { placeholdersOf, render } from '../../../engine/outbox/mail/render';
import { ProcessWake } from '../../../engine/signal/wake';
import { TOKENS } from '../console';
import { FakeLedger } from '../feed/fake-ledger';
import { silentLog } from '../log';
import { until } from '../until';

export interface OpenWebSocket {
  readonly url: string;
  readonly port: number;
  readonly changes: FakeLedger;
  readonly feed: Feed;
  readonly sessions: Sessions;
  readonly looked: number[];
  readonly sockets: WebSockets;
  close(): Promise<void>;
}

export async function openWebSocket(
  ledger: Ledger,
  limits: Partial<Limits> = {},
  over: Partial<ConsoleContext> = {},
): Promise<OpenWebSocket> {
  const [changes, wake] = [new FakeLedger(), new ProcessWake()];
  const feed = new Feed({
    ...{ ledger: changes, changeAt: changes.changeAt, mailsOf: null, wake, log: silentLog },
  });
  const looked: number[] = [];
  const context: ConsoleContext = {
    ...{ ledger, wake, feed, log: silentLog, version: '0', page: '', plots: '', prefix: '' },
    ...{ rights: rightsBy(TOKENS), login: { kind: 'form' }, sessionKey: Buffer.alloc(32, 7) },
    hosts: (host) => /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host),
    ...{ isOwnOrigin: true, bundled: false, showMail: true, editorUrl: null, openHealth: false },
    templates: { render, valuesOf: placeholdersOf },
    wakeOutbox: () => undefined,
    look: (id) => void looked.push(id),
    now: Date.now,
    webSocket: true,
    ...over,
  };
  const sessions = new Sessions(context.sessionKey, Date.now);
  const jobs = new Jobs({ log: silentLog, now: Date.now });
  const sockets = new WebSockets(
    { context, sessions, acting: { ...context, jobs } },
    { ...LIMITS, ...limits },
  );
  const server = createServer();
  server.on('upgrade', (req, socket, head) => void sockets.upgrade(req, socket, head));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `ws://127.0.0.1:${port}/ws`, port, changes, feed, sessions, looked, sockets },
    close: async () => {
      sockets.close();
      jobs.close();
      feed.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Message {
  readonly id?: string | number | null;
  readonly status?: number;
  readonly error?: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly subscription?: number;
  readonly events?: readonly { readonly id?: string; readonly type: string; readonly event: string }[];
  readonly position?: string;
}

/** A client, and what it was told. */
export class Client {
  readonly messages: Message[] = [];
  ended: { readonly code: number; readonly reason: string } | null = null;
  #asked = 0;

  private constructor(readonly ws: WebSocket) {
    ws.on('message', (data: Buffer) => this.messages.push(JSON.parse(data.toString()) as Message));
    ws.on('close', (code, reason) => (this.ended = { code, reason: reason.toString() }));
    ws.on('error', () => undefined);
  }

  /** @throws Error with the status and what was said, where it is refused */
  static async open(
    url: string,
    protocols: readonly string[] = [],
    options: ClientOptions = {},
  ): Promise<Client> {
    const ws = new WebSocket(url, [...protocols], { perMessageDeflate: false, ...options });
    const client = new Client(ws);
    await new Promise<void>((resolve, reject) => {
      ws.once('open', resolve);
      ws.once('error', reject);
      ws.once('unexpected-response', (_, response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => reject(new Error(`${response.statusCode} ${text}`)));
      });
    });
    return client;
  }

  /** @returns what it was answered */
  async ask(asked: Readonly<Record<string, unknown>>): Promise<Message> {
    const id = ++this.#asked;
    this.ws.send(JSON.stringify({ id, ...asked }));
    return until('it is answered', () => this.messages.find((message) => message.id === id) ?? false);
  }

  /** Ids of the events that a subscription was told of, in their order. */
  toldTo(subscription: number): string[] {
    return this.messages.flatMap((message) =>
      message.subscription === subscription ? message.events!.flatMap(({ id }) => id ?? []) : [],
    );
  }

  end(): Promise<{ readonly code: number; readonly reason: string }> {
    return until('it is ended', () => this.ended);
  }
}
