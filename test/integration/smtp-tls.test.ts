// How a mail to an SMTP server is encrypted: from the first byte or over STARTTLS, with a certificate that is trusted, or not at all;
// in each case where it is not, nobody hears a password, a token, or a mail.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { SMTPServerOptions } from 'smtp-server';
import type { MailRequest } from '../../engine/outbox/mail/mail-request';
import type { SmtpLogin } from '../../engine/outbox/mail/smtp-login';
import type { TryEnd } from '../../engine/outbox/sender';
import { Authority } from '../support/authority';
import { type Certificate, selfSigned } from '../support/certificate';
import { FaultySmtp, SMTP_PASSWORD, SMTP_TOKEN, type Taken } from '../support/smtp';
import { dueMail, loginAt, requestAt, senderFor, Tried, wordsOf } from '../support/smtp-sending';

describe('TLS', () => {
  const trusted = getCACertificates('default');
  let authority: Authority;
  const servers: FaultySmtp[] = [];
  const serverOf = async (options: SMTPServerOptions): Promise<FaultySmtp> => {
    const server = await FaultySmtp.start(options);
    servers.push(server);
    return server;
  };
  before(async () => {
    authority = await Authority.make();
    setDefaultCACertificates([...trusted, authority.cert]);
  });
  afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));
  after(async () => {
    setDefaultCACertificates(trusted);
    await authority.dispose();
  });

  const sendTo = async (
    server: FaultySmtp,
    login: Partial<SmtpLogin>,
    request: Partial<MailRequest> = {},
  ): Promise<TryEnd> => {
    const own = senderFor(loginAt(server.port, login));
    try {
      return await own.send(await dueMail(requestAt(server.port, request)), new Tried());
    } finally {
      await own.close();
    }
  };
  const nobodyHasHeard = (server: FaultySmtp): void => {
    assert.deepEqual(
      [server.logins, server.accepted],
      [[], []],
      'nobody has heard the password, or the mail',
    );
  };
  const ways = [
    { secure: true, startTls: 'never' },
    { secure: false, startTls: 'required' },
  ] as const;

  it('is used from the first byte, or over STARTTLS, with a certificate that is trusted', async () => {
    for (const login of ways) {
      const server = await serverOf({ ...(await authority.issue('127.0.0.1')), secure: login.secure });
      const end = await sendTo(server, login);
      assert.equal(end.end, 'sent', wordsOf(end));
      const [{ secure, client }] = server.accepted as [Taken];
      assert.deepEqual([secure, client, server.logins.length], [true, 'test.example', 1]);
    }
  });

  it('is refused with a certificate that is not, and no password is said, unless SSL issues are ignored', async () => {
    const certificates: readonly [Certificate, RegExp][] = [
      [await selfSigned('127.0.0.1'), /is not trusted .* Nothing was sent.*Ignore SSL Issues/],
      [await authority.issue('smtp.example.com'), /is for another host\. .* credential "Shop"/],
      [await authority.issue('127.0.0.1', { days: -1 }), /has expired/],
    ];
    for (const login of ways)
      for (const [certificate, words] of certificates) {
        const server = await serverOf({ ...certificate, secure: login.secure });
        const end = await sendTo(server, login);
        assert.equal(end.end, 'failed');
        assert.match(wordsOf(end), words);
        nobodyHasHeard(server);
        const ignored = await sendTo(server, login, { allowUnauthorizedCerts: true });
        assert.equal(ignored.end, 'sent', wordsOf(ignored));
        assert.ok(server.accepted[0]!.secure);
      }
  });

  it('is not given up where STARTTLS is not offered, or whoever is between has cut the offer out', async () => {
    const certificate = await authority.issue('127.0.0.1');
    const plain = await serverOf({ disabledCommands: ['STARTTLS'] });
    for (const proof of [{ password: SMTP_PASSWORD }, { accessToken: SMTP_TOKEN }, null])
      // Nor with what lets a certificate pass.
      for (const allowUnauthorizedCerts of [false, true]) {
        const end = await sendTo(plain, { startTls: 'required', proof }, { allowUnauthorizedCerts });
        assert.ok(end.end === 'failed' && end.why === 'refused' && end.laneRestsMs! > 0, wordsOf(end));
        assert.match(
          end.error,
          /no encryption \(STARTTLS\).*nothing was sent.*credential "Shop" \(SMTP\), turn on SSL/,
        );
        assert.equal(/Disable STARTTLS/.test(end.error), proof === null || 'password' in proof);
        nobodyHasHeard(plain);
      }
    // It is asked for all the same, and then it is there.
    const hidden = await serverOf({ ...certificate, hideSTARTTLS: true });
    assert.equal((await sendTo(hidden, { startTls: 'required' })).end, 'sent');
    assert.ok(hidden.accepted[0]!.secure);
  });

  it('is left out only where the credential says so', async () => {
    const offers = await serverOf(await selfSigned('127.0.0.1'));
    const end = await sendTo(offers, { startTls: 'never' });
    assert.equal(end.end, 'sent', wordsOf(end));
    assert.equal(offers.accepted[0]!.secure, false);
  });

  it('that does not fit the port is said as that', async () => {
    const secure = await serverOf({ ...(await authority.issue('127.0.0.1')), secure: true });
    const plain = await serverOf({});
    for (const [server, login] of [
      [plain, { secure: true }],
      [secure, { startTls: 'required' }],
    ] as const) {
      const end = await sendTo(server, login);
      assert.ok(end.end === 'failed' && end.why === 'connection');
      assert.match(end.error, /SSL|greet/);
    }
  });
});
