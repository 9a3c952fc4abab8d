// IMAP without a server: what an error means, and what an account is called.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FaultKind, toFault } from '../../engine/imap/session/fault';
import { mailboxFault } from '../../engine/imap/session/mailbox-fault';
import type { ListedMailbox } from '../../engine/imap/session/mailboxes';
import { accountName, type ImapLogin } from '../../engine/imap/session/login';
import { DeadlineError } from '../../engine/runtime/time';

const login: ImapLogin = {
  host: 'imap.example.com',
  port: 993,
  secure: true,
  startTls: 'required',
  user: 'ann',
  proof: { password: 'p4ssw0rd' },
  allowUnauthorizedCerts: false,
  mostConnections: 3,
};

describe('a fault of an IMAP server', () => {
  const cases: [what: string, error: object, kind: FaultKind, says: RegExp][] = [
    ['an unknown host', { code: 'ENOTFOUND' }, 'host', /"imap\.example\.com" was not found.*Host/],
    ['a closed port', { code: 'ECONNREFUSED' }, 'unreachable', /imap\.example\.com:993 refused.*Port/],
    ['no route', { code: 'CONNECT_TIMEOUT' }, 'unreachable', /cannot be reached/],
    [
      'a self-signed certificate',
      { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      'tls',
      /not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\).*CA Certificate.*Allow Self-Signed/,
    ],
    [
      "another host's certificate",
      { code: 'ERR_TLS_CERT_ALTNAME_INVALID', cert: { subjectaltname: 'DNS:mx.example.org' } },
      'tls',
      /for another host \(mx\.example\.org\).*Host/,
    ],
    ['an expired certificate', { code: 'CERT_HAS_EXPIRED' }, 'tls', /has expired/],
    ['a certificate of the future', { code: 'CERT_NOT_YET_VALID' }, 'tls', /not valid yet.*clock/],
    [
      'a server that wants a client certificate',
      { code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' },
      'tls',
      /asks for a certificate of the client/,
    ],
    [
      'STARTTLS that is not there',
      { tlsFailed: true, message: 'Server does not support STARTTLS' },
      'tls',
      /does not offer STARTTLS, or refused it\. Nothing was sent.*SSL\/TLS.*993.*Never/,
    ],
    ['STARTTLS that is tampered with', { tlsFailed: true, code: 'STARTTLS_INJECTION' }, 'tls', /on the way/],
    [
      'a password that is not wanted in clear',
      { authenticationFailed: true, message: 'Login is disabled' },
      'tls',
      /no password without encryption.*STARTTLS/,
    ],
    [
      'the same by its code',
      { authenticationFailed: true, serverResponseCode: 'PRIVACYREQUIRED' },
      'tls',
      /no password without encryption/,
    ],
    ['TLS to a plain port', { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }, 'tls', /Check Port and SSL\/TLS/],
    ['plain to a TLS port', { code: 'GREETING_TIMEOUT' }, 'greeting', /did not greet.*SSL\/TLS/],
    [
      'a wrong password',
      { authenticationFailed: true, responseText: 'nope.' },
      'login',
      /rejected the login of "ann" \(nope\)\. Check User and Password.*app password/,
    ],
    [
      'a wrong password that the server repeats',
      { authenticationFailed: true, responseText: 'p4ssw0rd is not it' },
      'login',
      /rejected the login of "ann"\. Check/,
    ],
    [
      'a wrong password that may be entered again',
      { authenticationFailed: true, responseText: 'Invalid credentials, please try again' },
      'login',
      /rejected the login/,
    ],
    [
      'too many logins',
      { authenticationFailed: true, serverResponseCode: 'LIMIT', responseText: 'too many' },
      'busy',
      /right now \(too many\)/,
    ],
    [
      'a server that is busy, in words',
      { authenticationFailed: true, responseText: 'Temporary authentication failure' },
      'busy',
      /right now/,
    ],
    ...['LIMIT', 'UNAVAILABLE', 'INUSE', 'THROTTLED', 'OVERQUOTA'].map(
      (code): [string, object, FaultKind, RegExp] => [
        `a login that is not possible now, ${code}`,
        { authenticationFailed: true, serverResponseCode: code },
        'busy',
        /right now/,
      ],
    ),
    ['a lost connection', { code: 'NoConnection' }, 'connection', /was lost/],
    [
      'a connection that the server ended',
      { code: 'NoConnection', reason: '[ALERT] Maximum number of connections reached' },
      'busy',
      /come back later \(.*Maximum number/,
    ],
    ['a throttled account', { code: 'ETHROTTLE' }, 'busy', /come back later/],
    ['a busy server', { serverResponseCode: 'INUSE' }, 'busy', /come back later/],
    [
      'a server that knows no login by password',
      { message: 'Unsupported authentication mechanism' },
      'login',
      /no login by password.*OAuth2/,
    ],
    [
      'something else',
      { message: 'Command failed', responseText: 'Internal error' },
      'other',
      /Internal error/,
    ],
  ];
  for (const [what, error, kind, says] of cases) {
    it(`is told in words: ${what}`, () => {
      const fault = toFault(
        Object.assign(new Error('message' in error ? String(error.message) : ''), error),
        login,
      );
      assert.equal(fault.kind, kind);
      assert.match(fault.message, says);
      assert.doesNotMatch(fault.message, /p4ssw0rd/);
    });
  }

  it('carries how long a throttled account is to be left alone', () => {
    const told = (error: object, throttledMs?: number): (number | undefined)[] => {
      const { kind, retryAfterMs } = toFault(Object.assign(new Error('x'), error), login, { throttledMs });
      assert.equal(kind, 'busy');
      return [retryAfterMs];
    };
    assert.deepEqual(told({ code: 'ETHROTTLE', throttleReset: 92_415 }), [92_415]);
    assert.deepEqual(told({ code: 'ETHROTTLE', throttleReset: 5, authenticationFailed: true }), [5]);
    assert.deepEqual(told({ code: 'NoConnection' }, 7_000), [7_000]);
    assert.deepEqual(told({ code: 'ETHROTTLE' }), [undefined]);
  });

  it('of a login by token says to reconnect the credential, and repeats no token', () => {
    const byToken: ImapLogin = { ...login, proof: { accessToken: 't0ken' } };
    const refused = { authenticationFailed: true, responseText: 'Invalid credentials (Failure)' };
    const fault = toFault(Object.assign(new Error('Command failed'), refused), byToken);
    assert.equal(fault.kind, 'login');
    assert.match(fault.message, /rejected the login of "ann" \(Invalid.*Reconnect the OAuth2 credential/);
    assert.doesNotMatch(fault.message, /password/i);
    const repeated = Object.assign(new Error(), { ...refused, responseText: 'bad token t0ken' });
    assert.doesNotMatch(toFault(repeated, byToken).message, /t0ken/);
    const none = toFault(new Error('Unsupported authentication mechanism'), byToken);
    assert.equal(none.kind, 'login');
    assert.match(none.message, /no login by OAuth2 \(XOAUTH2 or OAUTHBEARER\)/);
  });

  it('says of an authority of the credential that it did not sign the certificate', () => {
    const error = Object.assign(new Error(), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    assert.match(toFault(error, { ...login, ca: 'PEM' }).message, /neither by the "CA Certificate"/);
  });

  it('keeps a deadline and a fault as what they are', () => {
    const fault = toFault(new DeadlineError('IDLE', 30_000), login);
    assert.deepEqual(
      [fault.kind, fault.message],
      ['connection', 'imap.example.com:993: IDLE was not answered within 30 s.'],
    );
    assert.equal(toFault(fault, login), fault);
  });

  it('about a mailbox names those that are there, but not hundreds', () => {
    const names = Array.from({ length: 30 }, (_, index) => `box ${index}`);
    const missing = (listed: readonly string[]): string =>
      mailboxFault('x', login, listed.map(listedMailbox), () => false, 'no such mailbox').message;
    assert.match(missing(names), /"x" of "ann".*"box 19" and more\.$/);
    assert.match(missing([]), /Check Mailbox Name\.$/);
  });
});

const listedMailbox = (path: string): ListedMailbox => ({
  path,
  specialUse: null,
  delimiter: '/',
  selectable: true,
});

describe('an account', () => {
  it('is named by user and host, whatever the case of the host', () => {
    assert.equal(accountName({ ...login, host: 'IMAP.Example.com' }), 'ann@imap.example.com');
  });

  it('has one name on the two ports of IMAP, and another on one that may lead elsewhere', () => {
    assert.equal(accountName({ ...login, port: 143 }), accountName({ ...login, port: 993 }));
    assert.equal(accountName({ ...login, port: 1143 }), 'ann@imap.example.com:1143');
    assert.equal(accountName({ ...login, host: '::1', port: 1143 }), 'ann@::1:1143');
  });
});
