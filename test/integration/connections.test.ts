// How many connections an account has, whoever listens to whatever of it; against a real Dovecot.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { ImapFault } from '../../engine/imap/session/fault';
import type { ImapLogin } from '../../engine/imap/session/login';
import { ImapSession } from '../../engine/imap/session/session';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { TcpProxy } from '../support/net';
import { until } from '../support/until';
import { type Joined, type JoinOptions, Watching } from '../support/watching';

type Open = (this: ImapSession, mailbox: string) => ReturnType<ImapSession['open']>;

const MAILBOXES = ['INBOX', 'Orders', 'Support', 'Billing', 'Returns'];

describe('the connections of an account', { timeout: 10 * 60_000 }, () => {
  let dovecot: Dovecot;
  /** One that lets in fewer connections than the account may have. */
  let narrow: Dovecot;
  let proxy: TcpProxy;
  let watching: Watching;
  let joined: Joined[];
  let user: string;
  let users = 0;

  before(async () => {
    dovecot = await Dovecot.start();
    narrow = await Dovecot.start({ mostConnections: 2 });
  });
  after(async () => {
    await dovecot.dispose();
    await narrow.dispose();
  });
  beforeEach(async () => {
    user = `user${++users}`;
    joined = [];
    proxy = await TcpProxy.to(dovecot.port);
    watching = await Watching.start({ heartbeatMs: 5_000, pollMs: 1_000 });
  });
  afterEach(async () => {
    await Promise.all(joined.map(({ leave }) => leave()));
    await proxy.close();
    await watching.dispose();
  });

  const login = (more: Partial<ImapLogin> = {}): ImapLogin =>
    dovecot.login(user, { port: proxy.port, ...more });

  const join = async (options: JoinOptions = {}, more: Partial<ImapLogin> = {}): Promise<Joined> => {
    const one = await watching.join(login(more), options);
    joined.push(one);
    return one;
  };

  async function makeMailboxes(server = dovecot): Promise<void> {
    const client = await server.client(user);
    for (const mailbox of MAILBOXES.slice(1)) await client.mailboxCreate(mailbox);
    await client.logout();
  }

  const watchedAll = (count: number): Promise<unknown> =>
    until('all are watched', async () => {
      const sources = await watching.ledger.sources();
      return sources.filter(({ lastSuccessAt }) => lastSuccessAt !== null).length === count;
    });

  const each = (mailbox: string): string => rawMail({ subject: `to ${mailbox}` });

  it('is one, for twenty workflows on a mailbox', async () => {
    for (let index = 0; index < 20; index++) await join({ workflowId: `workflow ${index}` });
    await watchedAll(1);
    await dovecot.append(user, [each('INBOX')]);
    await until('everybody has the mail', () =>
      joined.every(({ subscription }) => watching.uids(subscription).length === 1),
    );
    assert.equal(proxy.accepted, 1);
  });

  it('is one, for two credentials of one login', async () => {
    await join({ workflowId: 'a' });
    await join({ workflowId: 'b' }, { mostConnections: 5, allowUnauthorizedCerts: true });
    await watchedAll(1);
    assert.equal(proxy.accepted, 1);
  });

  it('are as many as mailboxes, up to the limit; the others are read in turn, and none is missed', async () => {
    await makeMailboxes();
    for (const mailbox of MAILBOXES) await join({ mailbox });
    await watchedAll(MAILBOXES.length);
    for (let round = 1; round <= 2; round++) {
      for (const mailbox of MAILBOXES) await dovecot.append(user, [each(mailbox)], mailbox);
      await until('each mailbox has its mail', () =>
        joined.every(({ subscription }) => watching.uids(subscription).length === round),
      );
    }
    assert.equal(proxy.open, 3);
    assert.equal(proxy.accepted, 3);
  });

  it('is one, if that is the limit, and a mailbox that is not there holds up no other', async () => {
    const one = { mostConnections: 1 };
    const missing = await join({ mailbox: 'Nowhere' }, one);
    const inbox = await join({}, one);
    await until('INBOX is watched', async () =>
      (await watching.ledger.sources()).some(({ lastSuccessAt }) => lastSuccessAt !== null),
    );
    await dovecot.append(user, [each('INBOX')]);
    await until('the mail is recorded', () => watching.uids(inbox.subscription).length === 1);
    assert.match(missing.reports[0]!.message, /"Nowhere".*cannot be opened/);
    assert.equal(inbox.reports.length, 0);
    const client = await dovecot.client(user);
    await client.mailboxCreate('Nowhere');
    await client.logout();
    await watchedAll(2);
    await dovecot.append(user, [each('Nowhere')], 'Nowhere');
    await until('its mail is recorded', () => watching.uids(missing.subscription).length === 1);
    assert.ok(proxy.open <= 1);
  });

  it('are spread again when a mailbox is left', async () => {
    await makeMailboxes();
    const limit = { mostConnections: 2 };
    for (const mailbox of MAILBOXES.slice(0, 3)) await join({ mailbox }, limit);
    await watchedAll(3);
    assert.equal(proxy.open, 2);
    await joined[0]!.leave();
    await until('there are two connections again', () => proxy.open === 2);
    for (const mailbox of MAILBOXES.slice(1, 3)) await dovecot.append(user, [each(mailbox)], mailbox);
    await until('both have their mail', () =>
      joined.slice(1).every(({ subscription }) => watching.uids(subscription).length === 1),
    );
    await joined[1]!.leave();
    await joined[2]!.leave();
    await until('none is left', () => proxy.open === 0);
    joined = [];
  });

  it('are never more than the limit, also while a mailbox is left', async () => {
    await makeMailboxes();
    const limit = { mostConnections: 2 };
    for (const mailbox of MAILBOXES.slice(0, 3)) await join({ mailbox }, limit);
    await watchedAll(3);
    let most = 0;
    const counting = setInterval(() => (most = Math.max(most, proxy.open)), 0);
    await joined[0]!.leave();
    await until('the freed connection is used', () => proxy.accepted === 3);
    await until('there are two connections again', () => proxy.open === 2);
    clearInterval(counting);
    assert.equal(most, 2);
  });

  it('is one, if that is the limit, and a mailbox at which it breaks keeps it from no other', async (test) => {
    await makeMailboxes();
    const open: Open = Reflect.get<ImapSession, 'open'>(ImapSession.prototype, 'open');
    test.mock.method(ImapSession.prototype, 'open', function (this: ImapSession, mailbox: string) {
      if (mailbox === 'Orders') throw new ImapFault('connection', 'The server hung up.');
      return open.call(this, mailbox);
    });
    const one = { mostConnections: 1 };
    const broken = await join({ mailbox: 'Orders' }, one);
    const behind = await join({ mailbox: 'Support' }, one);
    await watching.read(behind.subscription, 0);
    await dovecot.append(user, [each('Support')], 'Support');
    await until('its mail is recorded', () => watching.uids(behind.subscription).length === 1);
    assert.deepEqual(watching.uids(broken.subscription), []);
  });

  it('is one, if that is the limit, and the mailbox that was acted on last is the one that is heard', async () => {
    await makeMailboxes();
    const heartbeatMs = 10 * 60_000;
    const options = {
      reading: { heartbeatMs },
      subscription: { afterSuccess: { kind: 'markRead' } as const },
    };
    const slow = await Watching.start({ heartbeatMs, pollMs: heartbeatMs });
    const one = { mostConnections: 1 };
    const orders = await slow.join(login(one), { ...options, mailbox: 'Orders' });
    const support = await slow.join(login(one), { ...options, mailbox: 'Support' });
    try {
      await slow.read(orders.subscription, 0);
      await slow.read(support.subscription, 0);
      const opened = (): number => proxy.clientSaid.split('EXAMINE Orders').length;
      const before = opened();
      // A run has ended: it is looked whether something is to be done with its mail.
      slow.wake.notify([orders.subscription.id]);
      await until('the other mailbox is open', () => opened() > before);
      await dovecot.append(user, [each('Orders')], 'Orders');
      await slow.read(orders.subscription, 1);
    } finally {
      await Promise.all([orders.leave(), support.leave()]);
      await slow.dispose();
    }
  });

  it('are fewer where the server lets in fewer, and every mailbox is read all the same', async (test) => {
    await makeMailboxes(narrow);
    // The third is refused before the others are known to be let in.
    let asked = 0;
    let letIn = 0;
    let isRefused = false;
    const connect = ImapSession.connect.bind(ImapSession);
    test.mock.method(ImapSession, 'connect', async (...login: Parameters<typeof connect>) => {
      if (++asked > 2) await until('the others are through', () => letIn >= 2 || isRefused);
      try {
        const session = await connect(...login);
        letIn++;
        await until('one is refused', () => isRefused);
        return session;
      } catch (error) {
        isRefused = true;
        throw error;
      }
    });
    const three = MAILBOXES.slice(0, 3);
    for (const mailbox of three) {
      joined.push(await watching.join(narrow.login(user, { mostConnections: 3 }), { mailbox }));
    }
    await watchedAll(3);
    for (const one of joined) assert.equal(one.reports.length, 0, 'nobody need know');
  });
});
