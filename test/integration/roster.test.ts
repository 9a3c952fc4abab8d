// The mailboxes that a pattern means, as they come and go; against a real Dovecot.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { ImapFlow } from 'imapflow';
import { ImapAccounts } from '../../engine/imap/watch/accounts';
import { accountName } from '../../engine/imap/session/login';
import { Roster } from '../../engine/imap/watch/roster';
import { SourceLeases } from '../../engine/source/leases';
import { SourceRegistry } from '../../engine/source/registry';
import { Dovecot } from '../support/dovecot';
import { silentLog } from '../support/log';
import { rawMail } from '../support/mails';
import { until } from '../support/until';
import { Watching } from '../support/watching';
import { readingDataOf } from '../support/reading';

const nothing = (): undefined => undefined;

describe('a trigger with a pattern', { timeout: 5 * 60_000 }, () => {
  let dovecot: Dovecot;
  let watching: Watching;
  let roster: Roster;
  let client: ImapFlow;
  let user: string;
  let users = 0;
  let moved: boolean;
  let looks = 0;
  /** Where the login leads now. */
  let account: string;

  before(async () => {
    dovecot = await Dovecot.start();
  });
  after(() => dovecot.dispose());
  beforeEach(async () => {
    user = account = `user${++users}`;
    moved = false;
    watching = await Watching.start();
    client = await dovecot.client(user);
    await client.mailboxCreate('Orders.2025');
    await client.mailboxCreate('Support');
    roster = start();
    await roster.start();
    await watched('Orders.2025');
  });
  afterEach(async () => {
    await roster.stop();
    await client.logout();
    await watching.dispose();
  });

  function start(): Roster {
    const { ledger, wake } = watching;
    const login = dovecot.login(user);
    const leases = new SourceLeases(ledger, silentLog);
    const times = { heartbeatMs: 2_000, pollMs: 1_000 };
    const accounts = new ImapAccounts({ ledger, leases, wake, log: silentLog }, times);
    const settings = {
      workflowId: 'workflow',
      nodeId: 'node',
      account: accountName(login),
      subscription: {
        retryDelaysMs: [],
        guarantee: 'atLeastOnce',
        keepContentMs: 0,
        retentionMs: 1_000_000,
        afterSuccess: null,
        whenDead: null,
      },
      reading: readingDataOf({ mailboxes: { kind: 'pattern', pattern: 'Orders*' } }),
      login: () => Promise.resolve(dovecot.login(account)),
      listEveryMs: 300,
    } as const;
    return new Roster(settings, {
      ledger,
      registry: new SourceRegistry(accounts.start),
      log: silentLog,
      subscriber: (subscription, reading) => ({
        subscription,
        reading,
        outage: { afterMs: 0, whenOver: false },
        hasActions: false,
        mostConnections: 3,
        joinedAt: Date.now(),
        begun: () => false,
        synced: nothing,
        login: settings.login,
        report: nothing,
        warn: nothing,
        reportOver: nothing,
        moved: nothing,
      }),
      changed: nothing,
      failed: nothing,
      moved: () => (moved = true),
      listed: () => looks++,
    });
  }

  const connectionOf = async (mailbox: string): Promise<string | undefined> =>
    (await watching.ledger.sources()).find((source) => source.mailbox === mailbox)?.connection;

  const watched = (mailbox: string): Promise<unknown> =>
    until(`${mailbox} is watched`, async () => (await connectionOf(mailbox)) === 'idling');

  const recorded = (mailbox: string, count: number): Promise<unknown> =>
    until(`${count} mails of ${mailbox} are recorded`, async () => {
      const { events } = await watching.ledger.events({}, { limit: 100 });
      return events.filter((event) => event.mailbox === mailbox).length === count;
    });

  it('takes what is in a mailbox that was made later, and nothing of others', async () => {
    await client.mailboxCreate('Orders.2026');
    await dovecot.append(user, [rawMail({ subject: 'early' })], 'Orders.2026');
    await recorded('Orders.2026', 1);
    assert.equal(await connectionOf('Support'), undefined);
  });

  it('takes what is in a mailbox that was made while nobody looked, as after a restart', async () => {
    await roster.stop();
    await client.mailboxCreate('Orders.2026');
    await dovecot.append(user, [rawMail({ subject: 'while n8n was down' })], 'Orders.2026');
    roster = start();
    await roster.start();
    await recorded('Orders.2026', 1);
  });

  it('takes what is in a mailbox that was made later, though the clock was set ahead', async (t) => {
    const real = Date.now.bind(Date);
    t.mock.method(Date, 'now', () => real() + 3_600_000);
    const before = looks;
    await until('it looks by that clock, and again', () => looks >= before + 3);
    await client.mailboxCreate('Orders.2026');
    await dovecot.append(user, [rawMail({ subject: 'ahead' })], 'Orders.2026');
    await recorded('Orders.2026', 1);
  });

  it('finds out that its login leads to another account', async () => {
    account = 'somebody else';
    await until('it is told', () => moved);
  });

  it('lets a mailbox go that was deleted, and takes it again when it comes back', async () => {
    await client.mailboxDelete('Orders.2025');
    await until('it is left', async () => (await connectionOf('Orders.2025')) === 'closed');
    await client.mailboxCreate('Orders.2025');
    await dovecot.append(user, [rawMail({ subject: 'again' })], 'Orders.2025');
    await recorded('Orders.2025', 1);
  });
});
