// A login, as it is read from n8n's credentials: what is refused and how it is called, and when a token is refreshed.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { runInNewContext } from 'node:vm';
import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';
import { DurableImapOAuth2Api } from '../../credentials/DurableImapOAuth2Api.credentials';
import { ImapFault, toFault } from '../../engine/imap/session/fault';
import { renewedLogin } from '../../engine/imap/session/login';
import { checkLogin, type LoginContext, readLogin } from '../../nodes/DurableImapTrigger/login';
import { type ImapType, toLogin } from '../../nodes/host/n8n/imap-credential';
import { Authority } from '../support/authority';
import type { Certificate } from '../support/certificate';

const MINUTE_MS = 60_000;
const byPassword = {
  user: ' ann ',
  password: 'p4ssw0rd',
  host: ' imap.example.com ',
  port: 993,
  secure: true,
};

/** n8n, as far as a login is read from it: one credential, and a provider that answers as it is told. */
class FakeN8n {
  readonly type: ImapType;
  readonly #id = randomUUID();
  data: ICredentialDataDecryptedObject;
  emailAddress: string | undefined;
  options: object | undefined;
  refreshed = 0;
  asked: unknown[] = [];
  /** What the provider does when a token is to be refreshed. */
  provider: () => unknown = () => ({ access_token: `fresh ${this.refreshed}` });
  profile: () => unknown = () => ({ emailAddress: 'ann@gmail.com' });

  constructor(type: ImapType, data: ICredentialDataDecryptedObject) {
    this.type = type;
    this.data = data;
  }

  /** A credential with a token that n8n was told to be good for so long; null: it was not told. */
  static signedIn(type: ImapType, leftMs: number | null, data: object = {}): FakeN8n {
    const token = {
      access_token: 'stored',
      refresh_token: 'grant',
      ...(leftMs !== null && { n8n_expires_at: String(Date.now() + leftMs) }),
    };
    return new FakeN8n(type, { ...data, oauthTokenData: token });
  }

  get context(): LoginContext {
    const node = {
      parameters: { emailAddress: this.emailAddress, options: this.options },
      credentials: { [this.type]: { id: this.#id, name: 'My mail' } },
    };
    return {
      getNode: () => node,
      getCredentials: () => Promise.resolve(this.data),
      helpers: {
        refreshOAuth2Token: async (type: string) => {
          assert.equal(type, this.type);
          this.refreshed++;
          return this.provider();
        },
        httpRequestWithAuthentication: async (type: string, request: unknown) => {
          this.asked.push([type, request]);
          return this.profile();
        },
      },
    } as unknown as LoginContext;
  }

  async token(afterRejection = false): Promise<string> {
    const { proof } = await readLogin(this.context, this.type);
    if (!('accessToken' in proof)) return assert.fail('There should be a token');
    return afterRejection && proof.renew ? proof.renew() : proof.accessToken;
  }

  async fault(afterRejection = false): Promise<ImapFault> {
    const fault = await this.token(afterRejection).catch((error: unknown) => error);
    return fault instanceof ImapFault ? fault : assert.fail(String(fault));
  }
}

describe('a login by password', () => {
  it("of n8n's own credential takes STARTTLS where it is offered", () => {
    assert.deepEqual(toLogin(byPassword, 'imap'), {
      host: 'imap.example.com',
      port: 993,
      secure: true,
      startTls: 'ifOffered',
      user: 'ann',
      proof: { password: 'p4ssw0rd' },
      allowUnauthorizedCerts: false,
      mostConnections: 3,
    });
  });

  it('of ours requires STARTTLS, unless a person chose otherwise', () => {
    assert.equal(toLogin({ ...byPassword, secure: false }).startTls, 'required');
    assert.equal(toLogin({ ...byPassword, secure: false, startTls: 'never' }).startTls, 'never');
    assert.equal(toLogin({ ...byPassword, mostConnections: 7 }).mostConnections, 7);
  });

  it('names the field that can never work, and no password', () => {
    const refused: [data: object, says: RegExp][] = [
      [{ host: ' ' }, /^Host is empty/],
      [{ user: '' }, /^User is empty/],
      [{ password: '' }, /^Password is empty/],
      [{ port: 0 }, /^Port in the IMAP credential must be a number from 1 to 65535/],
      [{ port: 'imap' }, /^Port /],
      [{ mostConnections: 21 }, /^Most Connections in the IMAP credential must be a number from 1 to 20/],
      [{ mostConnections: 1.5 }, /^Most Connections/],
      [{ startTls: 'maybe' }, /^STARTTLS/],
    ];
    for (const [data, says] of refused) {
      const read = (): unknown => toLogin({ ...byPassword, ...data });
      assert.throws(read, (error: Error) => says.test(error.message) && !error.message.includes('p4ssw0rd'));
    }
  });

  it('is checked when the workflow is published', async () => {
    const n8n = new FakeN8n('durableImap', { ...byPassword, host: '' });
    await assert.rejects(checkLogin(n8n.context, 'durableImap'), NodeOperationError);
    await checkLogin(new FakeN8n('durableImap', byPassword).context, 'durableImap');
  });

  it('names its credential by its name and its type, in what is refused and in what goes wrong later', async () => {
    for (const [type, called] of [
      ['imap', '"My mail" (IMAP)'],
      ['durableImap', '"My mail" (Durable IMAP)'],
    ] as const) {
      const empty = new FakeN8n(type, { ...byPassword, host: '' });
      const refused = { message: `Host is empty in the credential ${called}.` };
      await assert.rejects(checkLogin(empty.context, type), refused);
      const login = await readLogin(new FakeN8n(type, byPassword).context, type);
      const rejected = toFault(Object.assign(new Error(), { authenticationFailed: true }), login);
      assert.ok(rejected.message.includes(`Check User and Password in the credential ${called}.`));
      const away = toFault(Object.assign(new Error(), { code: 'ECONNREFUSED' }), login);
      assert.ok(away.message.includes(`Check Host and Port in the credential ${called} (`));
    }
  });

  it('takes any certificate where the built-in trigger, in its version 1, was told to', async () => {
    const n8n = new FakeN8n('imap', byPassword);
    assert.equal((await readLogin(n8n.context, 'imap')).allowUnauthorizedCerts, false);
    n8n.options = { allowUnauthorizedCerts: true };
    assert.equal((await readLogin(n8n.context, 'imap')).allowUnauthorizedCerts, true);
    n8n.options = { allowUnauthorizedCerts: false };
    n8n.data = { ...byPassword, allowUnauthorizedCerts: true };
    assert.equal(
      (await readLogin(n8n.context, 'imap')).allowUnauthorizedCerts,
      true,
      'the credential allows it',
    );
  });
});

describe('the certificates of a login', () => {
  let authority: Authority;
  let client: Certificate;
  let encrypted: Certificate;

  before(async () => {
    authority = await Authority.make();
    client = await authority.issue('ann');
    encrypted = await authority.issue('ann', { passphrase: 'sesame' });
  });
  after(() => authority.dispose());

  const read = (data: object): unknown => toLogin({ ...byPassword, ...data });

  it('are taken as PEM, also where a field has lost its line breaks', () => {
    const whole = read({ ca: authority.cert });
    assert.deepEqual(read({ ca: authority.cert.replaceAll('\n', ' ') }), whole);
    assert.deepEqual(read({ ca: authority.cert.replaceAll('\n', '\\n') }), whole);
    const pair = { clientCertificate: client.cert, clientKey: client.key.replaceAll('\n', ' ') };
    assert.deepEqual(read(pair), {
      ...toLogin(byPassword),
      clientCertificate: { certificate: client.cert, key: client.key },
    });
  });

  it('may be several authorities, with words between them', () => {
    const { ca } = toLogin({ ...byPassword, ca: `ours:\n${authority.cert}\nand\n${client.cert}` });
    assert.equal(ca, authority.cert + client.cert);
  });

  it('are refused by name where they are none, or do not belong together', () => {
    const broken = authority.cert.replace(/[A-Za-z]{8}\n/, 'AAAAAAAA\n').slice(0, 200);
    const certificate = { clientCertificate: client.cert };
    const refused: [data: object, says: RegExp][] = [
      [{ ca: 'none' }, /^"CA Certificate" in the IMAP credential holds no certificate\. It begins with/],
      [{ ca: client.key }, /^"CA Certificate" .* holds no certificate/],
      [{ ca: broken }, /^"CA Certificate" .* holds no certificate/],
      [
        { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
        /"CA Certificate".*cannot be read/,
      ],
      [{ clientKey: client.key }, /^"Client Certificate" .* holds no certificate/],
      [certificate, /^"Client Key" in the IMAP credential holds no private key/],
      [{ ...certificate, clientKey: client.cert }, /^"Client Key" .* holds no private key/],
      [
        { ...certificate, clientKey: encrypted.key },
        /^"Client Key" .* is encrypted, and "Client Key Passphrase"/,
      ],
      [
        { ...certificate, clientKey: encrypted.key, clientKeyPassphrase: 'wrong' },
        /^"Client Key" .* is encrypted, and "Client Key Passphrase" does not open it/,
      ],
      [
        { ...certificate, clientKey: encrypted.key, clientKeyPassphrase: 'sesame' },
        /^"Client Key" .* does not belong to "Client Certificate"/,
      ],
    ];
    for (const [data, says] of refused) assert.throws(() => read(data), { message: says });
    read({ clientCertificate: encrypted.cert, clientKey: encrypted.key, clientKeyPassphrase: 'sesame' });
  });
});

describe('a login by OAuth2', () => {
  const outlook = { provider: 'microsoft', user: 'ann@example.com' };

  it('goes to the server of the provider, or to the one that was entered', async () => {
    const place = async (data: object): Promise<unknown> => {
      const n8n = FakeN8n.signedIn('durableImapOAuth2Api', 60 * MINUTE_MS, data);
      const { proof: _, credential, ...account } = await readLogin(n8n.context, n8n.type);
      assert.equal(credential, '"My mail" (Durable IMAP OAuth2 API)');
      return account;
    };
    const preset = { port: 993, secure: true, startTls: 'required', allowUnauthorizedCerts: false };
    const rest = { user: 'ann@example.com', mostConnections: 3 };
    assert.deepEqual(await place(outlook), { host: 'outlook.office365.com', ...preset, ...rest });
    assert.deepEqual(await place({ ...outlook, provider: 'gmail', host: 'left.over', port: 1 }), {
      host: 'imap.gmail.com',
      ...preset,
      ...rest,
    });
    const other = {
      provider: 'other',
      host: 'mx.example.org',
      port: 143,
      secure: false,
      startTls: 'ifOffered',
    };
    const { provider: _, ...entered } = other;
    assert.deepEqual(await place({ ...outlook, ...other }), {
      ...entered,
      ...rest,
      allowUnauthorizedCerts: false,
    });
  });

  it('takes the stored token while it is good', async () => {
    const n8n = FakeN8n.signedIn('durableImapOAuth2Api', 60 * MINUTE_MS, outlook);
    assert.equal(await n8n.token(), 'stored');
    assert.equal(n8n.refreshed, 0);
  });

  it('refreshes one that ends within five minutes, has ended, or of which nobody knows when', async () => {
    for (const leftMs of [4 * MINUTE_MS, -MINUTE_MS, null]) {
      const n8n = FakeN8n.signedIn('durableImapOAuth2Api', leftMs, outlook);
      assert.equal(await n8n.token(), 'fresh 1', String(leftMs));
    }
  });

  it('refreshes one that the server rejected, once for all who use it', async () => {
    const n8n = FakeN8n.signedIn('durableImapOAuth2Api', 60 * MINUTE_MS, outlook);
    n8n.provider = () => {
      n8n.data = { ...n8n.data, oauthTokenData: { access_token: 'newer', refresh_token: 'grant' } };
      return n8n.data['oauthTokenData'];
    };
    assert.equal(await n8n.token(true), 'newer');
    assert.equal(await n8n.token(true), 'newer');
    assert.equal(n8n.refreshed, 1);
    // Somebody signs in anew: what was refreshed before says nothing about that.
    n8n.data = { ...outlook, oauthTokenData: { access_token: 'of another', refresh_token: 'another' } };
    n8n.provider = () => ({ access_token: 'newest' });
    assert.equal(await n8n.token(), 'newest');
  });

  it('carries how to get another token, for a session whose own one is rejected', async () => {
    const n8n = FakeN8n.signedIn('durableImapOAuth2Api', 60 * MINUTE_MS, outlook);
    const login = await readLogin(n8n.context, n8n.type);
    const renewed = await renewedLogin(login);
    assert.deepEqual(renewed, { ...login, proof: { accessToken: 'fresh 1' } });
    const same = FakeN8n.signedIn('durableImapOAuth2Api', 60 * MINUTE_MS, outlook);
    same.provider = () => ({ access_token: 'stored' });
    assert.equal(await renewedLogin(await readLogin(same.context, same.type)), undefined);
    assert.equal(await renewedLogin(toLogin(byPassword)), undefined);
  });

  it('says to reconnect the credential when its access was revoked, in each of the words of n8n', async () => {
    const words: Error[] = [
      Object.assign(new Error('The provided authorization grant is invalid'), {
        body: { error: 'invalid_grant' },
      }),
      Object.assign(new Error('Client authentication failed'), { body: { error: 'invalid_client' } }),
      Object.assign(new Error('HTTP status 401'), { status: 401, body: '<html>' }),
      new Error('The credential "My mail" needs to be reconnected.'),
      new Error(
        'OAuth access token expired and no refresh token is available. Please reconnect the credentials.',
      ),
    ];
    for (const error of words) {
      const n8n = FakeN8n.signedIn('durableImapOAuth2Api', -MINUTE_MS, outlook);
      n8n.provider = () => Promise.reject(error);
      const fault = await n8n.fault();
      assert.equal(fault.kind, 'login', error.message);
      assert.match(
        fault.message,
        /credential "My mail" \(Durable IMAP OAuth2 API\) cannot be refreshed\. Reconnect it/,
      );
      assert.doesNotMatch(fault.message, /stored|grant/);
    }
  });

  it('takes a provider that does not answer for an outage, and a token that is still good for good', async () => {
    const n8n = FakeN8n.signedIn('durableImapOAuth2Api', -MINUTE_MS, outlook);
    n8n.provider = () => Promise.reject(Object.assign(new Error('HTTP status 503'), { status: 503 }));
    const fault = await n8n.fault();
    assert.equal(fault.kind, 'unreachable');
    assert.match(fault.message, /credential "My mail" \(Durable IMAP OAuth2 API\) could not be refreshed/);
    const good = FakeN8n.signedIn('durableImapOAuth2Api', 2 * MINUTE_MS, outlook);
    good.provider = n8n.provider;
    assert.equal(await good.token(), 'stored');
    assert.equal((await good.fault(true)).kind, 'unreachable', 'the server has just rejected it');
  });

  it('is refused when published, and told when it is read, as long as nobody has signed in', async () => {
    const n8n = new FakeN8n('durableImapOAuth2Api', outlook);
    for (const nothing of [undefined, '', {}]) {
      n8n.data = { ...outlook, ...(nothing !== undefined && { oauthTokenData: nothing }) };
      await assert.rejects(checkLogin(n8n.context, n8n.type), /is not connected\. Open it, and sign in/);
      assert.match(
        (await n8n.fault()).message,
        /"My mail" \(Durable IMAP OAuth2 API\) is not connected\. Reconnect it/,
      );
    }
  });

  it('is published without asking the provider', async () => {
    const n8n = FakeN8n.signedIn('durableImapOAuth2Api', -MINUTE_MS, outlook);
    await checkLogin(n8n.context, n8n.type);
    const gmail = FakeN8n.signedIn('gmailOAuth2', -MINUTE_MS);
    await checkLogin(gmail.context, gmail.type);
    assert.deepEqual([n8n.refreshed, gmail.refreshed, gmail.asked.length], [0, 0, 0]);
  });

  it('names the field that can never work', async () => {
    const n8n = FakeN8n.signedIn('durableImapOAuth2Api', 60 * MINUTE_MS, { provider: 'gmail', user: '' });
    await assert.rejects(checkLogin(n8n.context, n8n.type), /^NodeOperationError: Email Address is empty/);
    n8n.data = { ...n8n.data, provider: 'other', user: 'ann', host: '' };
    await assert.rejects(readLogin(n8n.context, n8n.type), NodeOperationError);
  });
});

describe("a login with n8n's Gmail credential", () => {
  const signedIn = (): FakeN8n => FakeN8n.signedIn('gmailOAuth2', 60 * MINUTE_MS);
  const user = async (n8n: FakeN8n): Promise<string> => (await readLogin(n8n.context, 'gmailOAuth2')).user;

  it('opens the mailbox whose address was entered', async () => {
    const n8n = signedIn();
    n8n.emailAddress = ' bob@gmail.com ';
    const login = await readLogin(n8n.context, 'gmailOAuth2');
    assert.deepEqual(
      [login.host, login.port, login.secure, login.user, login.proof],
      ['imap.gmail.com', 993, true, 'bob@gmail.com', { ...login.proof, accessToken: 'stored' }],
    );
    assert.equal(n8n.asked.length, 0);
  });

  it('asks Google whose mailbox it is where none was entered, once for each sign-in', async () => {
    const n8n = signedIn();
    assert.equal(await user(n8n), 'ann@gmail.com');
    assert.equal(await user(n8n), 'ann@gmail.com');
    const url = 'https://gmail.googleapis.com/gmail/v1/users/me/profile';
    assert.deepEqual(n8n.asked, [['gmailOAuth2', { url, json: true }]]);
    n8n.data = { oauthTokenData: { ...(n8n.data['oauthTokenData'] as object), refresh_token: 'another' } };
    n8n.profile = () => ({ emailAddress: 'cat@gmail.com' });
    assert.equal(await user(n8n), 'cat@gmail.com');
  });

  it('says to enter the address when Google cannot tell', async () => {
    const n8n = signedIn();
    n8n.profile = () => Promise.reject(new Error('getaddrinfo ENOTFOUND'));
    const fault = await n8n.fault();
    assert.equal(fault.kind, 'unreachable');
    assert.match(fault.message, /Google could not be asked.*"Email Address"/);
    n8n.profile = () => ({});
    assert.match((await n8n.fault()).message, /Google did not say whose mailbox/);
  });

  it('does not take an expression for the address', async () => {
    const n8n = signedIn();
    n8n.emailAddress = '={{ $json.address }}';
    await assert.rejects(checkLogin(n8n.context, 'gmailOAuth2'), /"Email Address" must not be an expression/);
  });
});

describe('the OAuth2 credential', () => {
  /** What n8n makes of a hidden field's expression. */
  const hidden = (name: string, self: Record<string, string>): unknown => {
    const property = new DurableImapOAuth2Api().properties.find((found) => found.name === name);
    const expression = property?.default as string;
    assert.match(expression, /^=\{\{.*\}\}$/);
    return runInNewContext(expression.slice(3, -2), { $self: self });
  };

  it('asks each provider at its own place for what opens IMAP and can be refreshed', () => {
    const gmail = { provider: 'gmail' };
    assert.equal(hidden('authUrl', gmail), 'https://accounts.google.com/o/oauth2/v2/auth');
    assert.equal(hidden('accessTokenUrl', gmail), 'https://oauth2.googleapis.com/token');
    assert.equal(hidden('scope', gmail), 'https://mail.google.com/');
    assert.equal(hidden('authQueryParameters', gmail), 'access_type=offline&prompt=consent');
    const microsoft = { provider: 'microsoft', tenant: 'example.org' };
    const login = 'https://login.microsoftonline.com/example.org/oauth2/v2.0';
    assert.equal(hidden('authUrl', microsoft), `${login}/authorize`);
    assert.equal(
      hidden('accessTokenUrl', { provider: 'microsoft' }),
      login.replace('example.org', 'common') + '/token',
    );
    assert.equal(
      hidden('scope', microsoft),
      'https://outlook.office.com/IMAP.AccessAsUser.All offline_access',
    );
    const other = { provider: 'other', otherAuthUrl: 'a', otherAccessTokenUrl: 't', otherScope: 's' };
    assert.deepEqual(
      ['authUrl', 'accessTokenUrl', 'scope'].map((name) => hidden(name, other)),
      ['a', 't', 's'],
    );
  });
});
