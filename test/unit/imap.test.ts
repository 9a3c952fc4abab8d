// IMAP without a server: what an error means, and where a subscription begins.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { advanced, readCursor, startingCursor, storedCursor } from '../../engine/imap/cursor';
import { type FaultKind, mailboxFault, toFault } from '../../engine/imap/fault';
import { accountName } from '../../engine/imap/login';
import { DeadlineError } from '../../engine/runtime/time';

const login = {
  host: 'imap.example.com',
  port: 993,
  secure: true,
  user: 'ann',
  password: 'p4ssw0rd',
  allowUnauthorizedCerts: false,
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
      /not trusted.*Allow Self-Signed/,
    ],
    ["another host's certificate", { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'tls', /not trusted/],
    ['an expired certificate', { code: 'CERT_HAS_EXPIRED' }, 'tls', /not trusted \(CERT_HAS_EXPIRED\)/],
    ['TLS to a plain port', { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }, 'tls', /Check Port and SSL\/TLS/],
    ['plain to a TLS port', { code: 'GREETING_TIMEOUT' }, 'greeting', /did not greet.*SSL\/TLS/],
    [
      'a wrong password',
      { authenticationFailed: true, responseText: 'nope' },
      'login',
      /rejected the login of "ann"/,
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
    ['a lost connection', { code: 'NoConnection' }, 'connection', /was lost/],
    ['a throttled account', { code: 'ETHROTTLE' }, 'busy', /come back later/],
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
    assert.match(
      mailboxFault('x', login, names, 'no such mailbox').message,
      /"x" of "ann".*"box 19" and more\.$/,
    );
    assert.match(mailboxFault('x', login, [], 'no such mailbox').message, /Check Mailbox Name\.$/);
  });
});

describe('an account', () => {
  it('is named by user and host, without the port and the password', () => {
    assert.equal(accountName({ ...login, host: 'IMAP.Example.com', port: 143 }), 'ann@imap.example.com');
  });
});

describe('a cursor', () => {
  const opened = { uidValidity: '5', uidNext: 11 };
  const subscription = { id: 1, sourceId: 1, cursor: null, createdAt: 1_000_000, nodeIds: [1] };

  it('begins with the next mail', () => {
    assert.deepEqual(startingCursor(null, opened, subscription, false), { uidValidity: '5', uid: 10 });
  });

  it('goes on where it stood', () => {
    const stored = { uidValidity: '5', uid: 3 };
    assert.equal(startingCursor(stored, opened, subscription, true), stored);
  });

  it('reads back, by date, a mailbox that was renumbered or first reached late', () => {
    const back = { uidValidity: '5', uid: 0, since: 940_000 };
    assert.deepEqual(startingCursor({ uidValidity: '4', uid: 99 }, opened, subscription, false), back);
    assert.deepEqual(startingCursor(null, opened, subscription, true), back);
  });

  it('never goes backwards, and survives being stored', () => {
    const cursor = { uidValidity: '5', uid: 7, since: 5 };
    assert.equal(advanced(cursor, 6), cursor);
    assert.deepEqual(advanced(cursor, 9), { ...cursor, uid: 9 });
    assert.deepEqual(readCursor(structuredClone(storedCursor(cursor))), cursor);
    assert.equal(readCursor({ historyId: '1' }), null);
  });
});
