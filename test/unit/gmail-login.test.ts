// A Gmail login, as it is read from n8n's credentials: whose mail it opens, when a token is refreshed, what is refused
// and in which words, and how requests go out through n8n.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID, verify } from 'node:crypto';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import type { ICredentialDataDecryptedObject, IHttpRequestOptions, INodeParameters } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';
import { GmailFault } from '../../engine/gmail/api/fault';
import type { HttpAnswer, HttpRequest } from '../../engine/http/send';
import type { GmailLogin } from '../../engine/gmail/api/login';
import {
  checkGmailLogin,
  type GmailLoginContext,
  pubsubToken,
  readGmailLogin,
  storedGmailLogin,
} from '../../nodes/DurableGmailTrigger/login';
import { sendHttp } from '../../nodes/host/n8n/http';

const HOUR_MS = 3_600_000;
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

type Answer = { statusCode: number; headers: object; body: string };
const answer = (body: object, statusCode = 200): Answer => ({
  statusCode,
  headers: {},
  body: JSON.stringify(body),
});

/** n8n, as far as a login is read from it: its credentials, and Google as it is told to answer. */
class FakeN8n {
  readonly #ids: Record<string, string> = { gmailOAuth2: randomUUID(), googleApi: randomUUID() };
  readonly credentials: Record<string, ICredentialDataDecryptedObject | Error> = {};
  parameters: INodeParameters = {};
  refreshed = 0;
  /** What the provider does when a token is to be refreshed. */
  provider: () => unknown = () => {
    this.signIn('gr4nt', `fresh ${this.refreshed}`);
    return { access_token: `fresh ${this.refreshed}` };
  };
  /** Whose mail a token opens; undefined: it is rejected. */
  owner: (token: string) => string | undefined = () => 'Ann@Example.com';
  readonly asked: IHttpRequestOptions[] = [];
  readonly context = {
    getNode: () => ({
      parameters: this.parameters,
      credentials: {
        gmailOAuth2: { id: this.#ids['gmailOAuth2'], name: 'My Gmail' },
        googleApi: { id: this.#ids['googleApi'], name: 'Robot' },
      },
    }),
    getCredentials: async (type: string) => {
      const found = this.credentials[type];
      if (!found || found instanceof Error) throw found ?? new Error('There is none');
      return found;
    },
    helpers: {
      refreshOAuth2Token: async () => {
        this.refreshed++;
        return this.provider();
      },
      httpRequest: async (request: IHttpRequestOptions) => {
        this.asked.push(request);
        return this.#google(request);
      },
    },
  } as unknown as GmailLoginContext;

  static signedIn(): FakeN8n {
    const n8n = new FakeN8n();
    n8n.signIn('gr4nt', 'st0red');
    return n8n;
  }

  static withRobot(more: object = {}): FakeN8n {
    const n8n = new FakeN8n();
    n8n.parameters = { authentication: 'serviceAccount' };
    n8n.credentials['googleApi'] = {
      email: 'robot@project.iam.gserviceaccount.com',
      privateKey: PEM,
      inpersonate: true,
      delegatedEmail: ' Ann@Example.com ',
      ...more,
    };
    return n8n;
  }

  signIn(refreshToken: string, accessToken: string): void {
    this.credentials['gmailOAuth2'] = {
      oauthTokenData: {
        access_token: accessToken,
        refresh_token: refreshToken,
        n8n_expires_at: String(Date.now() + HOUR_MS),
      },
    };
  }

  login(): Promise<GmailLogin> {
    return readGmailLogin(this.context);
  }

  async fault(of: Promise<unknown> = this.login()): Promise<GmailFault> {
    const fault = await of.catch((error: unknown) => error);
    assert.ok(fault instanceof GmailFault, String(fault));
    assert.doesNotMatch(inspect(fault, { depth: 9 }), /st0red|fresh \d|gr4nt|PRIVATE KEY/);
    return fault;
  }

  /** The claims of the assertion that a token was asked for with. */
  claims(of = this.asked[0]): Record<string, unknown> {
    const form = new URLSearchParams(of?.body as string);
    const [head, body, signature] = (form.get('assertion') ?? '').split('.') as [string, string, string];
    const signed = Buffer.from(`${head}.${body}`);
    assert.ok(verify('sha256', signed, publicKey, Buffer.from(signature, 'base64url')), 'it is signed');
    return JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
  }

  #google({ url, headers }: IHttpRequestOptions): Answer {
    if (url.endsWith('/token'))
      return answer({ access_token: `robot ${this.asked.length}`, expires_in: 3600 });
    assert.ok(url.endsWith('/gmail/v1/users/me/profile'), url);
    const token = (headers?.['authorization'] as string).replace('Bearer ', '');
    const emailAddress = this.owner(token);
    return emailAddress === undefined
      ? answer({ error: { code: 401, message: 'Invalid Credentials', status: 'UNAUTHENTICATED' } }, 401)
      : answer({ emailAddress, historyId: '17' });
  }
}

describe('a Gmail login by OAuth2', () => {
  it('opens the account that Google names, in lower case, with the stored token', async () => {
    const n8n = FakeN8n.signedIn();
    const { address, token, endpoints, quota } = await n8n.login();
    assert.deepEqual(
      { address, endpoints, quota },
      {
        address: 'ann@example.com',
        endpoints: { gmail: 'https://gmail.googleapis.com', pubsub: 'https://pubsub.googleapis.com' },
        quota: 'new',
      },
    );
    assert.equal(await token(false), 'st0red');
    assert.equal(n8n.asked[0]?.headers?.['authorization'], 'Bearer st0red');
    assert.equal(n8n.refreshed, 0);
  });

  it('asks whose mail it is once for each sign-in, and each place of the API', async () => {
    const n8n = FakeN8n.signedIn();
    await n8n.login();
    await n8n.login();
    assert.equal(n8n.asked.length, 1);
    n8n.parameters = { options: { apiBaseUrl: 'http://127.0.0.1:4000/' } };
    await n8n.login();
    assert.equal(n8n.asked[1]?.url, 'http://127.0.0.1:4000/gmail/v1/users/me/profile');
    n8n.parameters = {};
    n8n.owner = () => 'bob@example.com';
    n8n.signIn('another grant', 'of bob');
    assert.equal((await n8n.login()).address, 'bob@example.com');
    assert.equal(n8n.asked.length, 3);
  });

  it('is the same login when n8n has refreshed its token, and another when somebody signs in or edits it', async () => {
    const n8n = FakeN8n.signedIn();
    const before = (await n8n.login()).stored;
    n8n.signIn('gr4nt', 'fresh 1');
    assert.equal((await n8n.login()).stored, before);
    assert.equal(await storedGmailLogin(n8n.context), before);
    n8n.credentials['gmailOAuth2'] = { ...(n8n.credentials['gmailOAuth2'] as object), clientId: 'another' };
    const edited = (await n8n.login()).stored;
    n8n.signIn('another grant', 'fresh 2');
    const signedIn = (await n8n.login()).stored;
    assert.equal(new Set([before, edited, signedIn]).size, 3);
  });

  it('asks whose mail it is once for all who want to know at the same time', async () => {
    const n8n = FakeN8n.signedIn();
    const logins = await Promise.all([n8n.login(), n8n.login(), n8n.login()]);
    assert.deepEqual([...new Set(logins.map(({ address }) => address))], ['ann@example.com']);
    assert.equal(n8n.asked.length, 1);
    n8n.signIn('another grant', 'rejected');
    n8n.owner = () => undefined;
    n8n.provider = () => Promise.reject(new Error('away'));
    const failed = await Promise.allSettled([n8n.login(), n8n.login()]);
    assert.deepEqual(
      failed.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    n8n.owner = () => 'ann@example.com';
    assert.equal((await n8n.login()).address, 'ann@example.com', 'a failure is not kept');
  });

  it('gets another token when its own one is rejected, also while it asks whose mail it is', async () => {
    const n8n = FakeN8n.signedIn();
    n8n.owner = (token) => (token === 'st0red' ? undefined : 'ann@example.com');
    const { token } = await n8n.login();
    assert.equal(await token(false), 'st0red', 'it has not been told');
    assert.equal(await token(true), 'fresh 1');
    assert.equal(await token(false), 'fresh 1');
    assert.equal(n8n.refreshed, 1);
  });

  it('never hands out the token of another account than its own', async () => {
    const n8n = FakeN8n.signedIn();
    n8n.owner = (token) => (token === 'of bob' ? 'bob@example.com' : 'ann@example.com');
    const { token } = await n8n.login();
    n8n.signIn('grant of bob', 'of bob');
    n8n.provider = () => ({ access_token: 'of bob' });
    const fault = await n8n.fault(token(true));
    assert.equal(fault.kind, 'unreachable');
    assert.match(fault.message, /"My Gmail" \(Gmail OAuth2 API\) does not open ann@example\.com any more/);
    assert.equal((await n8n.login()).address, 'bob@example.com');
  });

  it('goes on when the same account signs in anew', async () => {
    const n8n = FakeN8n.signedIn();
    const { token } = await n8n.login();
    n8n.signIn('a second grant', 'newer');
    n8n.provider = () => ({ access_token: 'newest' });
    assert.equal(await token(true), 'newest');
  });

  it('says to reconnect the credential when its access was revoked', async () => {
    const n8n = FakeN8n.signedIn();
    const { token } = await n8n.login();
    n8n.provider = () => Promise.reject(Object.assign(new Error('no'), { body: { error: 'invalid_grant' } }));
    const fault = await n8n.fault(token(true));
    assert.equal(fault.kind, 'login');
    assert.match(fault.message, /"My Gmail" \(Gmail OAuth2 API\) cannot be refreshed\. Reconnect it/);
  });

  it('takes a provider or a database that does not answer for an outage', async () => {
    const n8n = FakeN8n.signedIn();
    const { token } = await n8n.login();
    n8n.provider = () => Promise.reject(new Error('getaddrinfo ENOTFOUND'));
    assert.equal((await n8n.fault(token(true))).kind, 'unreachable');
    n8n.credentials['gmailOAuth2'] = new Error('The database is away');
    const fault = await n8n.fault(token(true));
    assert.equal(fault.kind, 'unreachable');
    assert.match(
      fault.message,
      /"My Gmail" \(Gmail OAuth2 API\) cannot be read from n8n: The database is away/,
    );
    assert.equal((await n8n.fault()).kind, 'unreachable');
    const robot = FakeN8n.withRobot();
    robot.credentials['googleApi'] = new Error('The database is away');
    assert.match(
      (await robot.fault()).message,
      /"Robot" \(Google Service Account API\) cannot be read from n8n: The database is away/,
    );
  });

  it('does not wait for a database that never answers', { timeout: 60_000 }, async (test) => {
    const n8n = FakeN8n.signedIn();
    n8n.credentials['gmailOAuth2'] = new Promise(() => undefined) as never;
    test.mock.timers.enable({ apis: ['setTimeout'] });
    const fault = n8n.fault();
    test.mock.timers.tick(10 * 60_000);
    assert.equal((await fault).kind, 'unreachable');
  });

  it('is refused when published as long as nobody has signed in, without asking anybody', async () => {
    const n8n = FakeN8n.signedIn();
    await checkGmailLogin(n8n.context);
    n8n.credentials['gmailOAuth2'] = {};
    await assert.rejects(checkGmailLogin(n8n.context), (error: Error) => {
      assert.ok(error instanceof NodeOperationError);
      assert.match(error.message, /"My Gmail" \(Gmail OAuth2 API\) is not connected\. Open it, and sign in/);
      return true;
    });
    assert.equal((await n8n.fault()).kind, 'login', 'one that is disconnected later is told');
    assert.deepEqual([n8n.refreshed, n8n.asked.length], [0, 0]);
  });
});

describe('where Gmail is', () => {
  const published = (options: INodeParameters): Promise<void> => {
    const n8n = FakeN8n.signedIn();
    n8n.parameters = { options };
    return checkGmailLogin(n8n.context);
  };

  it('may be a private endpoint, or a server on this machine', async () => {
    const n8n = FakeN8n.signedIn();
    n8n.parameters = {
      options: {
        apiBaseUrl: 'https://gmail.example.com/',
        pubsubBaseUrl: 'http://localhost:8085',
        quotaTable: 'old',
      },
    };
    const { endpoints, quota } = await n8n.login();
    assert.deepEqual(endpoints, { gmail: 'https://gmail.example.com', pubsub: 'http://localhost:8085' });
    assert.equal(quota, 'old');
  });

  it('is refused where tokens would go over an open line, and where it is no address', async () => {
    for (const apiBaseUrl of [
      'http://gmail.example.com',
      'http://127.0.0.1.example.com',
      'http://localhost.org',
    ]) {
      await assert.rejects(published({ apiBaseUrl }), /must begin with https:\/\//);
    }
    for (const name of ['apiBaseUrl', 'pubsubBaseUrl', 'tokenUrl']) {
      await assert.rejects(published({ [name]: '={{ $env.PLACE }}' }), NodeOperationError);
      await assert.rejects(published({ [name]: 'gmail' }), /is not an address/);
    }
  });
});

describe('a Gmail login by a service account', () => {
  it('opens the mail of the account that it acts for', async () => {
    const n8n = FakeN8n.withRobot();
    const { address, token } = await n8n.login();
    assert.equal(address, 'ann@example.com');
    assert.equal(n8n.asked.length, 0, 'nobody has to be asked for that');
    assert.equal(await token(false), 'robot 1');
    assert.equal(n8n.asked[0]?.url, 'https://oauth2.googleapis.com/token');
    const { iss, sub, scope, aud } = n8n.claims();
    assert.deepEqual(
      { iss, sub, scope, aud },
      {
        iss: 'robot@project.iam.gserviceaccount.com',
        sub: 'ann@example.com',
        scope: 'https://www.googleapis.com/auth/gmail.modify',
        aud: 'https://oauth2.googleapis.com/token',
      },
    );
  });

  it('keeps its token while its trigger listens, until the credential is edited', async () => {
    const n8n = FakeN8n.withRobot();
    for (let round = 0; round < 3; round++) assert.equal(await (await n8n.login()).token(false), 'robot 1');
    assert.equal(n8n.asked.length, 1);
    Object.assign(n8n.credentials['googleApi']!, { delegatedEmail: 'bob@example.com' });
    const { address, token } = await n8n.login();
    assert.deepEqual([address, await token(false)], ['bob@example.com', 'robot 2']);
    assert.equal(await token(true), 'robot 3');
  });

  it('takes its tokens from the place that was entered', async () => {
    const n8n = FakeN8n.withRobot();
    n8n.parameters = { ...n8n.parameters, options: { tokenUrl: 'http://127.0.0.1:9/token' } };
    await (await n8n.login()).token(false);
    assert.equal(n8n.asked[0]?.url, 'http://127.0.0.1:9/token');
  });

  it('is refused, by the name of the field, where it can open nothing', async () => {
    const refused: [data: object, says: RegExp][] = [
      [
        { delegatedEmail: '' },
        /in the credential "Robot" \(Google Service Account API\) has no mail of its own\. Switch on "Impersonate a User"/,
      ],
      [
        { email: ' ' },
        /^"Service Account Email" is empty in the credential "Robot" \(Google Service Account API\)/,
      ],
      [
        { privateKey: '' },
        /^"Private Key" is empty in the credential "Robot" \(Google Service Account API\)/,
      ],
    ];
    for (const [data, message] of refused) {
      for (const read of [checkGmailLogin, readGmailLogin]) {
        const { context } = FakeN8n.withRobot(data);
        await assert.rejects(read(context), (error: Error) => {
          assert.ok(error instanceof NodeOperationError);
          assert.match(error.message, message);
          return true;
        });
      }
    }
  });

  it('has a key that cannot be read told without the key', async () => {
    const n8n = FakeN8n.withRobot({
      privateKey: '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----',
    });
    const { token } = await n8n.login();
    const failed = await token(false).catch((error: unknown) => error);
    assert.ok(failed instanceof GmailFault);
    assert.equal(failed.kind, 'login');
    assert.doesNotMatch(inspect(failed, { depth: 9 }), /c2VjcmV0/);
  });
});

describe('a token for Pub/Sub', () => {
  it('is of the service account itself, whichever way the mail is read', async () => {
    for (const authentication of ['oAuth2', 'serviceAccount']) {
      const n8n = FakeN8n.withRobot();
      n8n.parameters = { authentication };
      assert.equal(await (await pubsubToken(n8n.context))(false), 'robot 1');
      const { sub, scope } = n8n.claims();
      assert.deepEqual([sub, scope], [undefined, 'https://www.googleapis.com/auth/pubsub']);
    }
  });

  it('is checked when the workflow is published', async () => {
    const n8n = FakeN8n.withRobot({ email: '' });
    n8n.signIn('gr4nt', 'st0red');
    n8n.parameters = { authentication: 'oAuth2', notifications: 'pull' };
    await assert.rejects(
      checkGmailLogin(n8n.context),
      /"Service Account Email" is empty in the credential "Robot" \(Google Service Account API\)/,
    );
    n8n.parameters = { authentication: 'oAuth2', notifications: 'none' };
    await checkGmailLogin(n8n.context);
  });
});

describe('a request through n8n', () => {
  const request = (more: Partial<HttpRequest> = {}): HttpRequest => ({
    method: 'GET',
    url: 'https://gmail.googleapis.com/gmail/v1/users/me/labels?q=from%3Aann',
    headers: { authorization: 'Bearer s3cret' },
    timeoutMs: 60_000,
    signal: new AbortController().signal,
    ...more,
  });
  const through = (
    n8n: (options: IHttpRequestOptions) => unknown,
    more: Partial<HttpRequest> = {},
  ): Promise<HttpAnswer> =>
    sendHttp({ helpers: { httpRequest: async (options) => n8n(options) } })(request(more));

  it('brings back any status, the text as it is, and header fields by their lower-case names', async () => {
    let options: IHttpRequestOptions | undefined;
    const answered = await through((asked) => {
      options = asked;
      return { statusCode: 429, headers: { 'Retry-After': '7', 'Set-Cookie': ['a', 'b'] }, body: '{"a":1}' };
    });
    assert.deepEqual(answered, {
      status: 429,
      headers: { 'retry-after': '7', 'set-cookie': 'a,b' },
      body: '{"a":1}',
    });
    const { encoding, json, returnFullResponse, ignoreHttpStatusErrors, disableFollowRedirect } = options!;
    assert.deepEqual(
      { encoding, json, returnFullResponse, ignoreHttpStatusErrors, disableFollowRedirect },
      {
        encoding: 'text',
        json: false,
        returnFullResponse: true,
        ignoreHttpStatusErrors: true,
        disableFollowRedirect: true,
      },
    );
    assert.ok(!('body' in options!), 'a GET has none');
    for (const nothing of [undefined, null, ''])
      assert.equal((await through(() => ({ statusCode: 204, headers: {}, body: nothing }))).body, '');
  });

  it('that breaks tells where and by which code, and nothing of what was sent', async () => {
    const broken: [error: Error, says: string][] = [
      [
        Object.assign(new Error('socket hang up Bearer s3cret'), {
          code: 'ECONNRESET',
          config: request(),
        }),
        'ECONNRESET',
      ],
      [Object.assign(new Error('s3cret'), { cause: { code: 'ENOTFOUND' } }), 'ENOTFOUND'],
      [new TypeError('s3cret'), 'TypeError'],
      [Object.assign(new Error('s3cret'), { code: 's3cret and more', name: '' }), 'unknown'],
    ];
    for (const [error, code] of broken) {
      const sent = through(() => Promise.reject(error), { method: 'POST', body: 's3cret' });
      const failed = await sent.catch((found: unknown) => found as Error);
      assert.ok(failed instanceof Error);
      assert.equal(failed.message, `There was no whole answer from gmail.googleapis.com (${code}).`);
      assert.doesNotMatch(inspect(failed, { depth: 9, showHidden: true }), /s3cret|from%3Aann/);
    }
  });

  /** A server that never answers, as n8n tells of it. */
  const silence = ({ abortSignal }: IHttpRequestOptions): Promise<never> =>
    new Promise((_, reject) => {
      const aborted = (): void => reject(Object.assign(new Error('canceled'), { code: 'ERR_CANCELED' }));
      abortSignal?.addEventListener?.('abort', aborted);
    });

  it('ends at its deadline, however n8n counts, and when it is stopped', { timeout: 60_000 }, async () => {
    // The deadline's own timer keeps no process alive.
    const alive = setInterval(() => undefined, 1_000);
    try {
      await assert.rejects(through(silence, { timeoutMs: 20 }), /no whole answer .* \(none within 0 s\)/);
      const stop = new AbortController();
      const sent = through(silence, { signal: stop.signal });
      stop.abort();
      await assert.rejects(sent, /ERR_CANCELED/);
    } finally {
      clearInterval(alive);
    }
  });
});
