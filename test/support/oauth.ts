// An OAuth2 provider of the test's own: everybody who comes to sign in is the same user; it hands out and refreshes
// tokens (RFC 6749, 4.1 and 6), and tells a mail server whose a token is and whether it is still good (RFC 7662).
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { N8n } from './n8n';

/** Presses the credential's "Connect" in n8n, and agrees. @returns what n8n answers */
export async function signIn(n8n: N8n, credential: string): Promise<Response> {
  const url = (await n8n.api.request('GET', `/rest/oauth2-credential/auth?id=${credential}`)) as string;
  const agreed = await fetch(url, { redirect: 'manual' });
  const back = new URL(agreed.headers.get('location') ?? '');
  const cookie = `n8n-auth=${n8n.api.cookie}`;
  return fetch(`${n8n.api.base}${back.pathname}${back.search}`, { headers: { cookie } });
}

export class OAuthServer {
  readonly #server: Server;
  readonly #users = new Map<string, string>();
  readonly #grants = new Map<string, string>();
  /** Who signs in. */
  user = 'ann';
  /** How long the tokens that it hands out are said to be good, in seconds. */
  lifetime = 3600;
  /** It takes each refresh token once, and gives another one. */
  rotates = false;
  /** How often a token was refreshed. */
  refreshed = 0;
  /** What was asked for at each sign-in. */
  readonly asked: URLSearchParams[] = [];

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<OAuthServer> {
    const server = new OAuthServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get authUrl(): string {
    return `${this.#url}/authorize`;
  }

  get tokenUrl(): string {
    return `${this.#url}/token`;
  }

  /** What a credential of ours says of it. */
  get credential(): Readonly<Record<string, string>> {
    return {
      ...{ provider: 'other', otherAuthUrl: this.authUrl, otherAccessTokenUrl: this.tokenUrl },
      ...{ otherScope: 'mail offline', otherAuthQueryParameters: 'prompt=consent' },
      ...{ clientId: 'n8n', clientSecret: 'client-secret' },
    };
  }

  get introspectionUrl(): string {
    return `${this.#url}/introspect`;
  }

  /** A new access token, good until `expire`. */
  issue(user: string): string {
    const token = randomUUID();
    this.#users.set(token, user);
    return token;
  }

  /** Whose it is; undefined: nobody's, or not any more. */
  userOf(token: string): string | undefined {
    return this.#users.get(token);
  }

  /** No access token that was handed out is good any more. */
  expire(): void {
    this.#users.clear();
  }

  /** Nobody gets a new token for what was granted. */
  revoke(): void {
    this.#grants.clear();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  get #url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const form = new URLSearchParams(body);
    const { pathname, searchParams } = new URL(request.url ?? '/', this.#url);
    if (pathname === '/authorize') {
      const back = new URL(searchParams.get('redirect_uri') ?? '');
      back.search = new URLSearchParams({
        code: this.#grant(),
        state: searchParams.get('state') ?? '',
      }).toString();
      this.asked.push(searchParams);
      response.writeHead(302, { location: back.href }).end();
      return;
    }
    const [status, answer] = pathname === '/token' ? this.#token(form) : this.#introspect(form);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  /** As of somebody who signs in. @returns what an access token is refreshed with */
  grant(): string {
    return this.#grant();
  }

  /** @returns what stands for it that the user has signed in, and agreed */
  #grant(user = this.user): string {
    const grant = randomUUID();
    this.#grants.set(grant, user);
    return grant;
  }

  #token(form: URLSearchParams): [status: number, answer: object] {
    const refreshing = form.get('grant_type') === 'refresh_token';
    const grant = form.get(refreshing ? 'refresh_token' : 'code') ?? '';
    const user = this.#grants.get(grant);
    if (user === undefined)
      return [400, { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' }];
    if (refreshing) this.refreshed++;
    const token = { access_token: this.issue(user), token_type: 'Bearer', expires_in: this.lifetime };
    if (!refreshing) return [200, { ...token, refresh_token: grant }];
    if (!this.rotates) return [200, token];
    this.#grants.delete(grant);
    return [200, { ...token, refresh_token: this.#grant(user) }];
  }

  #introspect(form: URLSearchParams): [status: number, answer: object] {
    const user = this.#users.get(form.get('token') ?? '');
    return [200, user === undefined ? { active: false } : { active: true, username: user }];
  }
}
