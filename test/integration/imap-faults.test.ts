// Every way in which an IMAP connection breaks, against a real Dovecot, with the engine's own times: what came in
// the meantime is found, none is lost, none comes twice. With WRITE_DOCS=1 it writes docs/imap-faults.md.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Certificate, selfSigned } from '../support/certificate';
import { Dovecot } from '../support/dovecot';
import { FaultProxy } from '../support/fault-proxy';
import { type Fault, FaultRun } from '../support/fault-run';
import { type Outcome, outcomeLine, TRANSPORTS, writeFaultTable } from '../support/fault-table';
import { until } from '../support/until';

/** The longest wait before a new connection is 2 min; the rest is for a machine that has other things to do. */
const AFTER_OUTAGE_MS = 180_000;
const AFTER_REJECTION_MS = 10 * 60_000;

const outage = { lastsMs: 20_000, withinMs: AFTER_OUTAGE_MS, connections: 'several' } as const;

const FAULTS: readonly Fault[] = [
  {
    what: 'Half-open: packets vanish both ways, both ends still believe in it',
    noticed: 'The next heartbeat is not answered within the deadline',
    begin: ({ proxy }) => proxy.halfOpen(),
    connections: 'several',
  },
  {
    what: 'Reset (RST)',
    noticed: 'The socket says so',
    begin: ({ proxy }) => proxy.reset(),
    connections: 'several',
  },
  {
    what: 'Reset, and then refused for 20 s: the port is closed',
    noticed: 'The socket says so; each new connection is refused until the port is open',
    begin: ({ proxy }) => proxy.refuse(),
    ...outage,
  },
  {
    what: 'IDLE is never confirmed: its `+` does not come',
    noticed: 'The next command, at the next heartbeat at the latest, is not answered within the deadline',
    begin: async (run) => {
      // The IDLE that runs was confirmed; a mail ends it.
      run.proxy.begin({ idleUnconfirmed: true });
      await run.deliver();
      await until('IDLE is not confirmed', () => run.proxy.struck > 0, 120_000);
    },
    connections: 'several',
  },
  {
    what: 'New mail is not announced while idling: EXISTS never comes',
    noticed: 'The next heartbeat reads the mailbox unasked',
    begin: ({ proxy }) => proxy.begin({ existsDropped: true }),
    connections: 'only one',
  },
  {
    what: 'Each new mail is announced twice: EXISTS comes doubled',
    noticed: 'An announcement is only a hint; the mailbox has nothing more',
    begin: ({ proxy }) => proxy.begin({ existsDoubled: true }),
    connections: 'only one',
  },
  {
    what: 'The server has no IDLE any more',
    noticed: 'It is not among what the server says it can; the mailbox is polled',
    begin: async (run) => {
      run.proxy.begin({ noIdle: true });
      run.proxy.reset();
      await run.connectionIs('polling');
    },
    connections: 'several',
  },
  {
    what: 'The server says BYE and closes',
    noticed: 'The connection is closed',
    begin: ({ proxy }) => proxy.bye('Server is shutting down'),
    connections: 'several',
  },
  {
    what: 'Reset, and then too many connections for 20 s: the login is answered `NO [LIMIT]`',
    noticed: 'The login says so: not a wrong password',
    begin: ({ proxy }) => {
      proxy.begin({ loginRefusedWith: '[LIMIT] Too many connections' });
      proxy.reset();
    },
    ...outage,
  },
  {
    what: 'A slow drip: 150 bytes a second',
    noticed: 'Bytes come, so that the deadline does not count; reading takes its time',
    begin: ({ proxy }) => proxy.begin({ bytesPerSecond: 150 }),
    mailBytes: 3_000,
    connections: 'only one',
  },
  {
    what: 'Cut in the middle of a mail, twice',
    noticed: 'The connection is closed; half a mail is none',
    begin: ({ proxy }) => proxy.begin({ cutMails: 2 }),
    mailBytes: 20_000,
    connections: 'several',
  },
  {
    what: 'Each connection falls silent 15 s after it was made: nothing is answered any more',
    noticed: 'The next heartbeat is not answered within the deadline',
    begin: async ({ proxy }) => {
      proxy.begin({ silentAfterMs: 15_000 });
      await new Promise((resolve) => setTimeout(resolve, 15_000));
    },
    connections: 'several',
  },
  {
    what: 'The mailbox is deleted and made again, with its old mails under new numbers (UIDVALIDITY)',
    noticed:
      'The server closes the connection, at the next heartbeat at the latest; the mailbox is read again',
    begin: (run) => run.renumber(),
    byClient: true,
    mailbox: 'Support',
    connections: 'several',
  },
  {
    what: 'Reset, and the password is changed; 20 s later it is as before',
    noticed: 'The login is rejected; after that the waits are far longer, so that no account is locked',
    begin: ({ proxy }) => {
      proxy.begin({ loginRefusedWith: '[AUTHENTICATIONFAILED] Authentication failed.' });
      proxy.reset();
    },
    ...outage,
    withinMs: AFTER_REJECTION_MS,
  },
  {
    what: 'Reset, and then every login is accepted and dropped at once, for 60 s',
    noticed: 'The connection is closed; a login alone does not shorten the next wait',
    begin: ({ proxy }) => {
      proxy.begin({ dropAfterLogin: true });
      proxy.reset();
    },
    ...outage,
    lastsMs: 60_000,
    // With waits of at least 0.5, 1, 2, 4, 8, 16 and 32 s.
    mostLogins: 9,
  },
  {
    what: 'An outage of 2 min: the port is closed',
    noticed: 'The socket says so; each new connection is refused until the port is open',
    begin: ({ proxy }) => proxy.refuse(),
    ...outage,
    lastsMs: 120_000,
  },
  {
    what: 'An outage of 2 min: packets vanish, on old connections and new ones',
    noticed: 'The next heartbeat, and then each greeting, does not come within the deadline',
    begin: ({ proxy }) => proxy.begin({ blackout: true }),
    ...outage,
    lastsMs: 120_000,
  },
  {
    what: 'The server is down when the trigger starts, for 20 s',
    noticed:
      'Each connection is refused; once reached, "from now on" means from when the trigger began to listen',
    begin: ({ proxy }) => proxy.refuse(),
    fromTheStart: true,
    ...outage,
    connections: 'only one',
  },
];

describe(
  'a mail that comes while the connection is broken',
  { concurrency: 99, timeout: 20 * 60_000 },
  () => {
    let dovecot: Dovecot;
    let certificate: Certificate;
    const outcomes: Outcome[] = [];
    let users = 0;

    before(async () => {
      dovecot = await Dovecot.start();
      certificate = await selfSigned('127.0.0.1');
    });
    after(async () => {
      await dovecot.dispose();
      if (process.env['WRITE_DOCS'] !== '1') return;
      const whats = FAULTS.map(({ what }) => what);
      assert.equal(
        outcomes.length,
        whats.length * TRANSPORTS.length,
        'the table is written whole or not at all',
      );
      await writeFaultTable(outcomes, whats);
    });

    for (const fault of FAULTS) {
      for (const transport of TRANSPORTS) {
        it(`is found, once (${transport}): ${fault.what}`, async (test) => {
          const secure = transport === 'TLS';
          const proxy = await FaultProxy.to(dovecot.port, secure ? certificate : undefined);
          try {
            const login = dovecot.login(`user${++users}`, {
              port: proxy.port,
              secure,
              ...(secure && { ca: certificate.cert }),
            });
            const outcome = await FaultRun.of(fault, dovecot, proxy, login, transport);
            test.diagnostic(outcomeLine(outcome));
            outcomes.push(outcome);
            assert.deepEqual([outcome.lost, outcome.repeated], [0, 0], outcomeLine(outcome));
            assert.ok(proxy.struck > 0 || fault.byClient, 'the fault has happened');
            if (fault.connections === 'only one') assert.equal(outcome.connections, 1);
            else assert.ok(outcome.connections > 1, 'a new connection was made');
          } finally {
            await proxy.dispose();
          }
        });
      }
    }
  },
);
