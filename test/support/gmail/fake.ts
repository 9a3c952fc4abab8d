// Gmail, its OAuth and its Pub/Sub on one HTTP server of the test's own, built to Google's reference and not to the
// collector that is tested. What it serves is in service.ts; this is the server, and how a test controls it.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { reset } from '../net';
import { FakeAccount } from './account';
import type { Behaviour } from './call';
import type { Fated, Fault, FaultSpec } from './faults';
import type { OAuth, OAuthClient } from './oauth';
import type { PubSub } from './pubsub';
import type { Push } from './push';
import type { LoggedCall, Quota } from './quota';
import { Service } from './service';

export interface FakeGmailOptions {
  /** Of each mailbox; may be beyond 2^53. */
  readonly startHistoryId?: bigint;
  readonly port?: number;
}

/**
 * One server for all of Google: `url` is the base address of Gmail (`url/gmail/v1/users/me/...`, `url/batch/gmail/v1`),
 * of Pub/Sub (`url/v1/projects/P/subscriptions/S:pull`), of the token endpoint (`tokenUrl`) and of the certificates
 * that pushes are signed with (`certificatesUrl`).
 *
 *     const gmail = await FakeGmail.start();
 *     const ann = gmail.account('ann@example.com');   // made when it is first asked for
 *     const token = gmail.token(ann.address);         // or gmail.oauth.grant(address) for a refresh token
 *     const id = ann.deliver({ subject: 'Hi' });      // or a raw mail; labels, internalDate, threadId
 *     await gmail.close();
 *
 * - Accounts: `deliver`, `draft`, `send`, `schedule`, `sendScheduled`, `star`, `addLabels`, `removeLabels`,
 *   `deleteForever`, `label(name)`, `deleteLabel(id)`, `expireHistory`, `messages`, `message(id)`, `labelsOf(id)`; for one account alone
 *   `fail`, `behaviour`, `spent`, `expireTokens` (account.ts).
 * - Tokens (`oauth`): `grant`, `issue`, `expire(address?)`, `revoke(address)`, `addService(email, publicKey, delegates)`;
 *   counters `refreshed`, `asserted`.
 * - Faults: `fail('messages.get', { status: 500, messageId: id, times: Infinity })`; `'*'` is every method, and
 *   `'token'`, `'certs'`, `'pubsub.pull'`, `'pubsub.acknowledge'` are methods, too (faults.ts). `goAway` and `comeBack`:
 *   nobody listens meanwhile; `cut`: every connection is reset.
 * - How it behaves (`behaviour`): `unordered` and `repeated` history, `pageLimit`, `latencyMs`, `searchLagMs`.
 * - Quota (`quota`): `settings` (`enforced`, `table`, `limit`, `windowMs`, `refusal`, `retryAfter`, `concurrency`);
 *   `calls`, `spent(since)`, `mostInAnyWindow(ms)`, `mostAtOnce`; `made(method)` counts the calls of a method.
 * - Pub/Sub (`pubsub`): `subscribe(name, topic, push?)`, `publish`, `waiting`, `watched(address)`; `settings`
 *   (`ackDeadlineMs`, `pullWaitMs`, `gapMs`, `lost`, `watchMs`). Pushes (`push`): `sent`, `rotateKeys`,
 *   `certificatesRead`; `post(target, address, historyId, forgery?)` sends one to a webhook with a
 *   token that is good or forged (`FORGERIES`), and gives the status.
 */
export class FakeGmail {
  readonly #service: Service;
  readonly #server: Server;
  readonly #accounts = new Map<string, FakeAccount>();
  #port = 0;
  readonly behaviour: Behaviour;
  readonly oauth: OAuth;
  readonly quota: Quota;
  readonly pubsub: PubSub;
  readonly push: Push;

  private constructor({ startHistoryId = 1_000n }: FakeGmailOptions) {
    this.#service = new Service(startHistoryId);
    this.behaviour = this.#service.behaviour;
    this.oauth = this.#service.oauth;
    this.quota = this.#service.quota;
    this.pubsub = this.#service.pubsub;
    this.push = this.#service.push;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    this.#server.keepAliveTimeout = 30_000;
  }

  static async start(options: FakeGmailOptions = {}): Promise<FakeGmail> {
    const fake = new FakeGmail(options);
    fake.#port = options.port ?? 0;
    await fake.comeBack();
    return fake;
  }

  get url(): string {
    return this.#service.url;
  }

  get tokenUrl(): string {
    return `${this.url}/token`;
  }

  get certificatesUrl(): string {
    return `${this.url}/oauth2/v3/certs`;
  }

  /** Every call, in order. */
  get calls(): readonly LoggedCall[] {
    return this.quota.calls;
  }

  /** How often a method was called, also in vain. */
  made(method: string): number {
    return this.calls.filter((call) => call.method === method).length;
  }

  /** Units of all calls since then (ms since 1970), also of those that failed. */
  spent(since = 0): number {
    return this.quota.spent(since);
  }

  /** The most units of one account in so many ms, whenever that was. */
  mostInAnyWindow(ms: number): number {
    return this.quota.mostInAnyWindow(ms);
  }

  account(address: string): FakeAccount {
    const name = address.toLowerCase();
    const known = this.#accounts.get(name);
    if (known) return known;
    const account = new FakeAccount(name, this.#service);
    this.#accounts.set(name, account);
    return account;
  }

  /** A good access token. */
  token(address: string, scopes?: readonly string[]): string {
    return this.oauth.issue(address.toLowerCase(), scopes);
  }

  /** What n8n keeps as `oauthTokenData` after a person has signed in. */
  signIn(address: string, client?: OAuthClient): object {
    return {
      access_token: this.oauth.issue(address, undefined, client),
      refresh_token: this.oauth.grant(address, undefined, client),
      token_type: 'Bearer',
      expires_in: this.oauth.lifetime,
      scope: 'https://mail.google.com/',
      n8n_expires_at: String(Date.now() + this.oauth.lifetime * 1_000),
    };
  }

  /** Has n8n refresh the tokens of its own Gmail credential here: where else is not for a credential to say. */
  get n8nEnvironment(): Record<string, string> {
    return {
      CREDENTIALS_OVERWRITE_DATA: JSON.stringify({ gmailOAuth2: { accessTokenUrl: this.tokenUrl } }),
    };
  }

  /** Switches a fault on; `end()` of what it gives switches it off. */
  fail(method: string, spec: FaultSpec): Fault {
    return this.#service.addFault(method, spec);
  }

  /** No fault strikes any more. */
  heal(): void {
    for (const fault of this.#service.faults.splice(0)) fault.end();
  }

  /** Resets every connection. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  /** Nobody listens at the address. */
  async goAway(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async comeBack(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    this.#service.url = `http://127.0.0.1:${this.#port}`;
  }

  async close(): Promise<void> {
    this.push.close();
    if (this.#server.listening) await this.goAway();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // The client broke off.
    }
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const incoming = { method: request.method ?? 'GET', path: pathname, query: searchParams, headers };
    write(response, await this.#service.answer({ ...incoming, body: Buffer.concat(chunks) }, gone.signal));
  }
}

function write(response: ServerResponse, { status, headers = {}, body = '', fate }: Fated): void {
  if (fate === 'hang') return;
  if (fate === 'reset') {
    if (response.socket) reset(response.socket);
    return;
  }
  const bytes = Buffer.from(body);
  if (status === 204) response.writeHead(status, headers).end();
  else if (fate === 'cut') {
    response.writeHead(status, { ...headers, 'content-length': bytes.length });
    response.write(bytes.subarray(0, bytes.length / 2), () => {
      if (response.socket) reset(response.socket);
    });
  } else response.writeHead(status, { ...headers, 'content-length': bytes.length }).end(bytes);
}
