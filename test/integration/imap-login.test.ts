// Logins at a real Dovecot: passwords with and without encryption, certificates, and OAuth2 tokens.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { after, afterEach, before, describe, it } from 'node:test';
import { ImapFault } from '../../engine/imap/session/fault';
import type { ImapLogin } from '../../engine/imap/session/login';
import { ImapSession } from '../../engine/imap/session/session';
import { Authority } from '../support/authority';
import type { Certificate } from '../support/certificate';
import { Cleanup } from '../support/cleanup';
import { Dovecot, type DovecotOptions } from '../support/dovecot';
import { TcpProxy } from '../support/net';
import { OAuthServer } from '../support/oauth';

/** How a password, or a token, goes over an IMAP connection. */
const PASSWORD_SENT = /AUTHENTICATE|LOGIN/;

const signal = new AbortController().signal;

/** Logs in, opens the inbox, and logs out. */
async function logIn(login: ImapLogin): Promise<void> {
  const session = await ImapSession.connect(login, signal);
  try {
    await session.open('INBOX');
  } finally {
    await session.end();
  }
}

async function faultOf(login: ImapLogin): Promise<ImapFault> {
  const fault: unknown = await logIn(login).then(
    () => assert.fail('The login should not work'),
    (error: unknown) => error,
  );
  assert.ok(fault instanceof ImapFault, String(fault));
  return fault;
}

/** Dovecot behind a proxy that hears and changes what is said. */
class Line {
  readonly dovecot: Dovecot;
  readonly proxy: TcpProxy;

  private constructor(dovecot: Dovecot, proxy: TcpProxy) {
    this.dovecot = dovecot;
    this.proxy = proxy;
  }

  static async to(dovecot: Dovecot): Promise<Line> {
    return new Line(dovecot, await TcpProxy.to(dovecot.port));
  }

  login(more: Partial<ImapLogin>): ImapLogin {
    return this.dovecot.login('ann', { port: this.proxy.port, ...more });
  }

  /** What the client has said in clear since the last call. */
  heard(): string {
    const said = this.proxy.clientSaid;
    this.proxy.clientSaid = '';
    return said;
  }

  async close(): Promise<void> {
    await this.proxy.close();
  }
}

describe('a login by password', () => {
  const cleanup = new Cleanup();
  let authority: Authority;
  let other: Authority;
  const start = async (options: DovecotOptions): Promise<Dovecot> => cleanup.of(Dovecot.start(options));

  before(async () => {
    authority = await cleanup.of(Authority.make());
    other = await cleanup.of(Authority.make('another authority'));
  });
  after(() => cleanup.run());

  describe('over TLS', () => {
    let dovecot: Dovecot;
    let certificate: Certificate;
    const login = (more: Partial<ImapLogin> = {}): ImapLogin =>
      dovecot.login('ann', { port: dovecot.tlsPort, secure: true, ca: authority.cert, ...more });

    before(async () => {
      certificate = await authority.issue('127.0.0.1');
      dovecot = await start({ tls: certificate });
    });

    it('works with the authority of the credential', () => logIn(login()));

    it('does not trust an authority that nobody named', async () => {
      const { ca: _, ...unnamed } = login();
      const fault = await faultOf(unnamed);
      assert.equal(fault.kind, 'tls');
      assert.match(fault.message, /is not trusted \(UNABLE_TO_.*"CA Certificate"/);
      await logIn({ ...unnamed, allowUnauthorizedCerts: true });
    });

    it('does not trust another authority than that of the credential', async () => {
      const fault = await faultOf(login({ ca: other.cert }));
      assert.equal(fault.kind, 'tls');
      assert.match(fault.message, /signed neither by the "CA Certificate" in the IMAP credential nor/);
    });

    it('wants a certificate that has not expired, and one for this host', async () => {
      const expired = await start({ tls: await authority.issue('127.0.0.1', { days: -1 }) });
      const elsewhere = await start({ tls: await authority.issue('mx.example.org') });
      const of = (server: Dovecot): Promise<ImapFault> => faultOf(login({ port: server.tlsPort }));
      assert.match((await of(expired)).message, /has expired\. Whoever runs the server/);
      assert.match((await of(elsewhere)).message, /for another host \(mx\.example\.org\)/);
    });
  });

  describe('at a server that asks for a certificate of the client', () => {
    let dovecot: Dovecot;
    const login = (clientCertificate?: ImapLogin['clientCertificate']): ImapLogin =>
      dovecot.login('ann', {
        port: dovecot.tlsPort,
        secure: true,
        ca: authority.cert,
        ...(clientCertificate && { clientCertificate }),
      });

    before(async () => {
      dovecot = await start({ tls: await authority.issue('127.0.0.1'), clientAuthority: authority.cert });
    });

    it('works with the one of the credential, also if its key is encrypted', async () => {
      const { cert, key } = await authority.issue('ann');
      await logIn(login({ certificate: cert, key }));
      const encrypted = await authority.issue('ann', { passphrase: 'open sesame' });
      await logIn(login({ certificate: encrypted.cert, key: encrypted.key, passphrase: 'open sesame' }));
    });

    it('does not work without one, or with that of another authority', async () => {
      const { cert, key } = await other.issue('ann');
      const kinds = [await faultOf(login()), await faultOf(login({ certificate: cert, key }))];
      assert.match(
        kinds[0]!.message,
        /asks for a certificate of the client\. Put it into "Client Certificate"/,
      );
      assert.match(kinds[1]!.message, /did not accept the "Client Certificate"/);
      assert.deepEqual(new Set(kinds.map(({ kind }) => kind)), new Set(['tls']));
    });

    it('says the same of a server that ends the connection because of it', async () => {
      const server = createServer(
        { ...(await authority.issue('127.0.0.1')), ca: authority.cert, requestCert: true },
        (socket) => socket.end('* OK never said\r\n'),
      );
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      try {
        const { port } = server.address() as AddressInfo;
        const fault = await faultOf({ ...login(), port });
        assert.equal(fault.kind, 'tls');
        assert.match(fault.message, /asks for a certificate of the client/);
      } finally {
        server.close();
      }
    });
  });

  describe('by STARTTLS', () => {
    let line: Line;
    const login = (more: Partial<ImapLogin> = {}): ImapLogin =>
      line.login({ startTls: 'required', ca: authority.cert, ...more });

    before(async () => {
      line = await cleanup.of(Line.to(await start({ tls: await authority.issue('127.0.0.1') })));
    });
    afterEach(() => {
      line.proxy.change = (text) => text;
      line.heard();
    });

    it('is encrypted where it is required, and where it is offered', async () => {
      for (const startTls of ['required', 'ifOffered'] as const) {
        await logIn(login({ startTls }));
        const heard = line.heard();
        assert.match(heard, /STARTTLS/);
        assert.doesNotMatch(heard, PASSWORD_SENT);
      }
    });

    it('is not encrypted where it is to be so never', async () => {
      await logIn(login({ startTls: 'never' }));
      const heard = line.heard();
      assert.doesNotMatch(heard, /STARTTLS/);
      assert.match(heard, PASSWORD_SENT);
    });

    const downgrades: Record<string, (fromServer: string) => string> = {
      'hides that the server has it': (text) => text.replaceAll(' STARTTLS', ''),
      'refuses it in the name of the server': (text) =>
        text.replace(/^(\S+) OK Begin TLS.*$/m, '$1 NO Not today'),
    };
    for (const [what, change] of Object.entries(downgrades)) {
      it(`keeps the password from somebody on the way who ${what}`, async () => {
        line.proxy.change = change;
        const fault = await faultOf(login());
        assert.equal(fault.kind, 'tls');
        assert.match(
          fault.message,
          /does not offer STARTTLS, or refused it\. Nothing was sent.*SSL\/TLS.*993/,
        );
        assert.doesNotMatch(line.heard(), PASSWORD_SENT);
      });
    }

    it('goes on without where it is not offered and a person chose so', async () => {
      line.proxy.change = (text) => text.replaceAll(' STARTTLS', '');
      await logIn(login({ startTls: 'ifOffered' }));
      assert.match(line.heard(), PASSWORD_SENT);
    });

    it('checks the certificate as TLS from the first byte does', async () => {
      const fault = await faultOf(login({ ca: other.cert }));
      assert.equal(fault.kind, 'tls');
      assert.match(fault.message, /signed neither by the "CA Certificate"/);
      assert.doesNotMatch(line.heard(), PASSWORD_SENT);
    });

    it('says what to choose when the server takes no password without it', async () => {
      const strict = await start({ tls: await authority.issue('127.0.0.1'), refusePlaintext: true });
      // Dovecot takes connections from its own machine for secure.
      const proxied = await cleanup.of(Line.to(strict));
      proxied.proxy.change = (text) => text.replace(/AUTH=PLAIN AUTH=LOGIN/, 'LOGINDISABLED');
      const fault = await faultOf(proxied.login({ startTls: 'never' }));
      assert.equal(fault.kind, 'tls');
      assert.match(fault.message, /takes no password without encryption.*STARTTLS/);
      assert.doesNotMatch(proxied.heard(), PASSWORD_SENT);
    });
  });
});

describe('a login by token', () => {
  const cleanup = new Cleanup();
  let provider: OAuthServer;
  let line: Line;
  const login = (accessToken: string, more: Partial<ImapLogin> = {}): ImapLogin =>
    line.login({ proof: { accessToken }, ...more });

  before(async () => {
    provider = await cleanup.of(OAuthServer.start());
    const dovecot = await cleanup.of(Dovecot.start({ introspectionUrl: provider.introspectionUrl }));
    line = await cleanup.of(Line.to(dovecot));
  });
  after(() => cleanup.run());
  afterEach(() => {
    line.proxy.change = (text) => text;
    line.heard();
  });

  const mechanisms: Record<string, (fromServer: string) => string> = {
    OAUTHBEARER: (text) => text.replaceAll(' AUTH=XOAUTH2', ''),
    XOAUTH2: (text) => text.replaceAll(' AUTH=OAUTHBEARER', ''),
  };
  for (const [mechanism, change] of Object.entries(mechanisms)) {
    it(`works by ${mechanism}, until the token expires, and again with a fresh one`, async () => {
      line.proxy.change = change;
      const token = provider.issue('ann');
      await logIn(login(token));
      assert.match(line.heard(), new RegExp(`AUTHENTICATE ${mechanism} `));

      provider.expire();
      const fault = await faultOf(login(token));
      assert.equal(fault.kind, 'login');
      assert.match(fault.message, /rejected the login of "ann".*Reconnect the OAuth2 credential/);
      assert.doesNotMatch(fault.message, new RegExp(token));

      await logIn(login(provider.issue('ann')));
    });
  }

  it('is tried once more with another token, where the first one is rejected', async () => {
    const expired = provider.issue('ann');
    provider.expire();
    let renewals = 0;
    const proof = (renew: () => string): ImapLogin['proof'] => ({
      accessToken: expired,
      renew: async () => {
        renewals++;
        return renew();
      },
    });
    await logIn(line.login({ proof: proof(() => provider.issue('ann')) }));
    assert.equal((await faultOf(line.login({ proof: proof(() => 'no token') }))).kind, 'login');
    const unreachable = new ImapFault('unreachable', 'The provider is away.');
    const lost = (): never => {
      throw unreachable;
    };
    assert.equal(await faultOf(line.login({ proof: proof(lost) })), unreachable);
    assert.equal(renewals, 3);
  });

  it('does not open the mailbox of somebody else', async () => {
    const fault = await faultOf(login(provider.issue('bob')));
    assert.equal(fault.kind, 'login');
  });

  it('is not tried at a server that takes passwords only, and does not send the token', async () => {
    line.proxy.change = (text) => text.replaceAll(/ AUTH=(XOAUTH2|OAUTHBEARER)/g, '');
    const fault = await faultOf(login(provider.issue('ann')));
    assert.equal(fault.kind, 'login');
    assert.match(fault.message, /offers no login by OAuth2/);
    assert.doesNotMatch(line.heard(), /AUTHENTICATE|LOGIN/);
  });
});

describe('a login that is not possible now', () => {
  const cleanup = new Cleanup();
  let line: Line;

  before(async () => {
    line = await cleanup.of(Line.to(await cleanup.of(Dovecot.start())));
  });
  after(() => cleanup.run());

  it('is not taken for a wrong password', async () => {
    for (const said of [
      '[LIMIT] Rate limit hit',
      '[UNAVAILABLE] Not now',
      '[INUSE] In use',
      'Too many logins',
    ]) {
      line.proxy.change = (text) =>
        text.replace(/^(\S+) OK (\[CAPABILITY[^\]]*\] )?Logged in$/m, `$1 NO ${said}`);
      const fault = await faultOf(line.login({}));
      assert.equal(fault.kind, 'busy', said);
      assert.match(fault.message, /does not let "ann" log in right now/);
    }
  });

  it('carries how long a throttled account is to be left alone, at once', async () => {
    const said = 'Request is throttled. Suggested Backoff Time: 292415 milliseconds';
    line.proxy.change = (text) => text.replace(/^(\S+) OK .*Logged in$/m, `$1 BAD ${said}`);
    const fault = await faultOf(line.login({}));
    assert.deepEqual([fault.kind, fault.retryAfterMs], ['busy', 292_415]);
  });

  it('is told in the same way of an account that is throttled later', { timeout: 60_000 }, async () => {
    line.proxy.change = (text) => text;
    const session = await ImapSession.connect(line.login({}), signal, { commandMs: 120_000 });
    const said = 'Request is throttled. Suggested Backoff Time: 292415 milliseconds';
    line.proxy.change = (text) => text.replace(/^(\S+) (OK|NO|BAD) .*$/m, `$1 BAD ${said}`);
    const fault: unknown = await session.mailboxes().catch((error: unknown) => error);
    assert.ok(fault instanceof ImapFault);
    assert.deepEqual([fault.kind, fault.retryAfterMs], ['busy', 292_415]);
    await session.end();
  });
});
