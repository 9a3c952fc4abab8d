// The IMAP engine against a real Dovecot, with the network in between broken in the ways it breaks.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { unpackContent } from '../../engine/ledger/content';
import { ImapRereader } from '../../engine/imap/find/again';
import type { ImapLogin } from '../../engine/imap/session/login';
import type { Claim } from '../../engine/ledger/pointer';
import { lookKey } from '../../engine/source/notices';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { TcpProxy } from '../support/net';
import { until } from '../support/until';
import { type Joined, Watching } from '../support/watching';

const { signal } = new AbortController();

describe('a watched mailbox', { timeout: 10 * 60_000 }, () => {
  let dovecot: Dovecot;
  let proxy: TcpProxy;
  let watching: Watching;
  let joined: Joined[];
  let user: string;
  let users = 0;

  before(async () => {
    dovecot = await Dovecot.start();
  });
  after(() => dovecot.dispose());
  beforeEach(async () => {
    user = `user${++users}`;
    joined = [];
    proxy = await TcpProxy.to(dovecot.port);
    // As in the product but for the waits, which are shorter.
    watching = await Watching.start({ heartbeatMs: 5_000, pollMs: 3_000, commandMs: 4_000 });
  });
  afterEach(async () => {
    await Promise.all(joined.map(({ leave }) => leave()));
    await proxy.close();
    await watching.dispose();
  });

  const login = (more = {}): ImapLogin => dovecot.login(user, { port: proxy.port, ...more });

  interface JoinOptions {
    readonly workflowId?: string;
    readonly mostStoredBytes?: number;
  }

  const join = async (options: JoinOptions = {}): Promise<Joined> => {
    const one = await watching.join(login(), options);
    joined.push(one);
    return one;
  };

  const watched = async (options?: JoinOptions): Promise<Joined> => {
    const one = await join(options);
    await until('the mailbox is watched', () => watching.source().connection === 'idling');
    return one;
  };

  const append = (...subjects: string[]): Promise<void> =>
    dovecot.append(
      user,
      subjects.map((subject) => rawMail({ subject })),
    );

  const has = (one: Joined, ...uids: number[]): Promise<unknown> =>
    until(`UIDs ${uids.join(', ')} are recorded`, () => {
      const recorded = watching.uids(one.subscription);
      return recorded.length >= uids.length && (assert.deepEqual(recorded, uids), true);
    });

  it('begins with now: what was there before is not new', async () => {
    await append('old one', 'old two');
    const one = await watched();
    await append('new');
    await has(one, 3);
  });

  it('is read as soon as the server announces a mail', async () => {
    const one = await watched();
    await append('first');
    await has(one, 1);
    await append('second', 'third');
    await has(one, 1, 2, 3);
  });

  it('gives a burst of mails once each, in order', async () => {
    const one = await watched();
    const many = Array.from({ length: 120 }, (_, index) => `mail ${index}`);
    await append(...many);
    await has(one, ...many.map((_, index) => index + 1));
  });

  it('is watched over one connection, however many workflows listen', async () => {
    const first = await watched({ workflowId: 'a' });
    const second = await watched({ workflowId: 'b' });
    await append('for both');
    await has(first, 1);
    await has(second, 1);
    assert.equal(proxy.accepted, 1);
  });

  it('gives a workflow that joins later only what comes after it joined', async () => {
    const first = await watched({ workflowId: 'a' });
    await append('before');
    await has(first, 1);
    const second = await watched({ workflowId: 'b' });
    await until('it has its place', async () => {
      const cursors = await watching.ledger.cursors([second.subscription.id]);
      return cursors.get(second.subscription.id);
    });
    await append('after');
    await has(second, 2);
    await has(first, 1, 2);
  });

  it('goes on where it stopped when nobody listened for a while', async () => {
    const before = await watched();
    await append('one');
    await has(before, 1);
    await before.leave();
    await append('two', 'three');
    const again = await watched();
    await has(again, 1, 2, 3);
  });

  it('catches a workflow up that was away while another one listened', async () => {
    const away = await watched({ workflowId: 'a' });
    await watched({ workflowId: 'b' });
    await away.leave();
    await append('meanwhile');
    const listening = joined[1]!;
    await has(listening, 1);
    const again = await watched({ workflowId: 'a' });
    await has(again, 1);
    await has(listening, 1);
  });

  it('ends with DONE and LOGOUT, and leaves no connection', async () => {
    const one = await watched();
    await until('it idles', () => proxy.clientSaid.includes('IDLE\r\n'));
    await one.leave();
    assert.match(proxy.clientSaid, /DONE\r\n[\s\S]*LOGOUT\r\n$/);
    await until('no connection is open', () => proxy.open === 0);
    assert.equal(watching.source().connection, 'closed');
  });

  it('comes back after its connection was cut, and misses nothing', async () => {
    const one = await watched();
    proxy.cut();
    await append('meanwhile');
    await has(one, 1);
    assert.ok(proxy.accepted >= 2);
    assert.deepEqual(one.reports, [], 'a blip is nothing to report');
  });

  it('finds a mail that the server never announced', async () => {
    // Every EXISTS is lost; only the heartbeat is left.
    const one = await watched();
    proxy.change = (text) => text.replace(/\* \d+ EXISTS\r\n/g, '');
    await append('unannounced');
    await until('the mail is recorded', () => watching.uids(one.subscription).length === 1);
  });

  it('is looked at as soon as a person asks', async () => {
    await watching.dispose();
    watching = await Watching.start();
    const one = await watched();
    const ask = (): void => watching.wake.notify([lookKey(one.subscription.sourceId)]);
    proxy.change = (text) => text.replace(/\* \d+ EXISTS\r\n/g, '');
    await append('unannounced');
    ask();
    await until('the mail is recorded', () => watching.uids(one.subscription).length === 1, 5_000);
  });

  it('notices a connection that is dead without saying so', async () => {
    const one = await watched();
    proxy.freeze();
    await append('unheard');
    // One heartbeat, one deadline, and a new connection.
    await until('the mail is recorded', () => watching.uids(one.subscription).length === 1);
    assert.ok(proxy.accepted >= 2);
  });

  it('notices a server that never confirms IDLE', async () => {
    proxy.change = (text) => text.replace(/^\+ idling\r\n/gm, '');
    const one = await join();
    await until('it idles', () => proxy.clientSaid.includes('IDLE\r\n'));
    await append('into the silence');
    await until('the mail is recorded', () => watching.uids(one.subscription).length === 1);
  });

  it('is polled where the server cannot announce', async () => {
    proxy.change = (text) => text.replace(/ IDLE\b/g, '');
    const one = await join();
    await until('it polls', () => watching.source().connection === 'polling');
    await append('found by asking');
    await until('the mail is recorded', () => watching.uids(one.subscription).length === 1);
    assert.doesNotMatch(proxy.clientSaid, /IDLE\r\n/);
  });

  it('rides out a server that is down, from the start or later', async () => {
    await dovecot.down();
    const one = await join();
    await until('it backs off', () => watching.source().connection === 'backing_off');
    assert.match(watching.source().error ?? '', /refused the connection|was lost|did not greet/);
    await dovecot.up();
    await until('it watches', () => watching.source().connection === 'idling');
    await append('after the start');
    await has(one, 1);
    await dovecot.down();
    await until('it backs off again', () => watching.source().connection === 'backing_off');
    await dovecot.up();
    await append('after the outage');
    await has(one, 1, 2);
  });

  it('that is first reached after its trigger is active begins with the beginning of the subscription', async () => {
    await append('meanwhile');
    proxy.change = () => '';
    const one = await join();
    one.begun = true;
    await append('meanwhile, too');
    proxy.change = (text) => text;
    proxy.cut();
    await has(one, 1, 2);
  });

  it('renumbered by its server gives no mail twice and loses none', async () => {
    const client = await dovecot.client(user);
    await client.mailboxCreate('Support');
    const support = (...subjects: string[]): Promise<void> =>
      dovecot.append(
        user,
        subjects.map((subject) => rawMail({ subject, messageId: `<${subject}@test>`, date: new Date(1e12) })),
        'Support',
      );
    const one = await watching.join(login(), { mailbox: 'Support' });
    joined.push(one);
    await until('it watches', () => watching.source().connection === 'idling');
    await support('a', 'b');
    await has(one, 1, 2);
    await one.leave();
    // Made anew with the same mails, as after a restored backup, and one more.
    await client.mailboxDelete('Support');
    await client.mailboxCreate('Support');
    await client.logout();
    await support('c', 'a', 'b');
    const again = await watching.join(login(), { mailbox: 'Support' });
    joined.push(again);
    await has(again, 1, 2, 1);
    await watching.read(again.subscription, 3);
    await has(again, 1, 2, 1);
  });

  it('tells somebody who has just set up a wrong password, and says so', async () => {
    const one = await watching.join(login({ proof: { password: 'wrong' } }));
    joined.push(one);
    await until('it is reported', () => one.reports.length > 0);
    assert.match(one.reports[0]!.message, /rejected the login of "user\d+".*Check User and Password/);
    assert.ok(!watching.log.join().includes('wrong'), 'no password in the log');
  });

  it('tells somebody who has just set up a mailbox that is not there which ones there are', async () => {
    const one = await watching.join(login(), { mailbox: 'Inbux' });
    joined.push(one);
    await until('it is reported', () => one.reports.length > 0);
    assert.match(one.reports[0]!.message, /"Inbux".*cannot be opened.*There are: "INBOX"/);
  });

  it('takes over a changed password without a restart', async () => {
    let password = 'wrong';
    const one = await watching.join(async () => login({ ...(password && { proof: { password } }) }));
    joined.push(one);
    await until('it is reported', () => one.reports.length > 0);
    password = '';
    await until('it watches', () => watching.source().connection === 'idling', 90_000);
  });

  it('is watched also while the credential of one of its workflows cannot be read', async () => {
    let readable = true;
    const broken = await watching.join(
      async () => (readable ? login() : Promise.reject(new Error('The credential was deleted'))),
      { workflowId: 'broken' },
    );
    joined.push(broken);
    await until('it is watched', () => watching.source().connection === 'idling');
    const fine = await watched({ workflowId: 'fine' });
    readable = false;
    proxy.cut();
    await append('for both');
    await has(fine, 1);
    await has(broken, 1);
    await until('its owner is told', () => broken.warnings.length > 0);
    assert.match(
      broken.warnings[0]!.message,
      /credential of another workflow only.*The credential was deleted/,
    );
    assert.deepEqual(fine.warnings, []);
  });

  it('is watched over the login of another workflow where one is rejected: whose own it is hears of it, once', async () => {
    let password = 'wrong';
    const bad = await watching.join(async () => login({ ...(password && { proof: { password } }) }), {
      workflowId: 'bad',
    });
    joined.push(bad);
    await until('it is reported', () => bad.reports.length > 0);
    const good = await join({ workflowId: 'good' });
    await until('it is watched', () => watching.source().connection === 'idling', 90_000);
    await append('for both');
    await has(good, 1);
    await has(bad, 1);
    for (let times = 0; times < 3; times++) {
      proxy.cut();
      await append(`after cut ${times}`);
      await has(good, ...Array.from({ length: times + 2 }, (_, index) => index + 1));
    }
    assert.deepEqual([good.reports, good.warnings], [[], []], 'nobody is told of the login of another');
    assert.equal(bad.warnings.length, 1);
    assert.match(
      bad.warnings[0]!.message,
      /credential of another workflow only, since this workflow's own.*rejected the login of "user\d+"/,
    );
    // Mended: with nobody else it is read again.
    password = '';
    await good.leave();
    proxy.cut();
    await append('with its own');
    await has(bad, 1, 2, 3, 4, 5);
  });

  it('goes on when the password is changed in one of two credentials only: its owner is told, once', async () => {
    let password = '';
    const own = await watching.join(async () => login({ ...(password && { proof: { password } }) }), {
      workflowId: 'own',
      subscription: { afterSuccess: { kind: 'markRead' } },
    });
    joined.push(own);
    const other = await watched({ workflowId: 'other' });
    let mails = 0;
    const goesOn = async (): Promise<void> => {
      proxy.cut();
      await append(`mail ${++mails}`);
      // Dovecot answers ever later to where wrong passwords come from.
      const isThere = (one: Joined): boolean => watching.uids(one.subscription).length >= mails;
      await until('it is recorded for both', () => isThere(own) && isThere(other), 90_000);
      for (const one of [own, other]) assert.equal(watching.uids(one.subscription).length, mails);
    };
    await goesOn();
    password = 'of before';
    await goesOn();
    await goesOn();
    await until('its owner is told', () => own.warnings.length > 0);
    const asked = { subscriptionIds: [own.subscription.id], mostRuns: 9, mailsPerRun: 9, leaseMs: 60_000 };
    const { runs } = await watching.ledger.offer(asked);
    const pointers = runs.flatMap((run) => run.pointers);
    await watching.ledger.settle(await watching.ledger.claim(pointers, 'execution', 60_000), {
      kind: 'success',
    });
    watching.wake.notify([own.subscription.id]);
    const client = await dovecot.client(user);
    await client.mailboxOpen('INBOX', { readOnly: true });
    await until(
      'what it wants done is done',
      async () => ((await client.search({ seen: true })) || []).length === mails,
    );
    await client.logout();
    assert.equal(own.warnings.length, 1);
    password = '';
    await goesOn();
    assert.equal(own.warnings.length, 1);
    assert.deepEqual([own.reports, other.reports, other.warnings], [[], [], []]);
  });

  it('whose logins are all rejected: each is told of its own', async () => {
    const joinWrong = async (workflowId: string, host: string): Promise<Joined> => {
      const one = await watching.join(login({ host, proof: { password: `wrong ${workflowId}` } }), {
        workflowId,
      });
      joined.push(one);
      return one;
    };
    const both = [await joinWrong('one', '127.0.0.1'), await joinWrong('two', '127.0.0.1')];
    await until('both are told', () => both.every(({ reports }) => reports.length > 0), 90_000);
    assert.ok(both.every(({ reports, warnings }) => reports.length === 1 && warnings.length === 0));
  });

  describe('a mail above the size that is stored', () => {
    const sized = (subject: string, megabytes: number): string =>
      rawMail({
        subject,
        attachment: { name: 'large.bin', content: Buffer.alloc(megabytes * 1024 * 1024, 'durable mail ') },
      });

    const claims = async (to: Joined): Promise<Claim[]> => {
      const { runs } = await watching.ledger.offer({
        subscriptionIds: [to.subscription.id],
        mostRuns: 9,
        mailsPerRun: 9,
        leaseMs: 60_000,
      });
      return watching.ledger.claim(runs[0]!.pointers, '1', 60_000);
    };

    it('is recorded without its content, the ones around it whole, and is read again from the server', async () => {
      const one = await watched({ mostStoredBytes: 20 * 1024 * 1024 });
      const [large, larger] = [sized('large', 12), sized('larger', 45)];
      await dovecot.append(user, [large, larger]);
      await append('small');
      await has(one, 1, 2, 3);
      assert.deepEqual(watching.unstored(), [2]);
      const claimed = await claims(one);
      const contents = await watching.ledger.contents(claimed.map(({ event }) => event));
      assert.ok((await unpackContent(contents.get(claimed[0]!.event)!)).equals(Buffer.from(large)));
      const rereader = await ImapRereader.connect(login(), signal);
      assert.ok((await rereader.read(claimed[1]!))?.raw.equals(Buffer.from(larger)));
      await rereader.end();
    });

    it('is found again by what identifies it when the server has renumbered the mailbox', async () => {
      const one = await watched({ mostStoredBytes: 100 });
      await append('first', 'second');
      await has(one, 1, 2);
      const [first, second] = await claims(one);
      const rereader = await ImapRereader.connect(login(), signal);
      const renumbered = { ...second!, uid: 1, uidValidity: 'another' };
      assert.match((await rereader.read(renumbered))!.raw.toString(), /^Subject: second\r$/m);
      assert.match((await rereader.read(first!))!.raw.toString(), /^Subject: first\r$/m);
      const unknown = { ...renumbered, softIdentity: 'of another mail' };
      assert.equal(await rereader.read(unknown), null, 'a mail that only has the same size is another one');
      await rereader.end();
    });

    it('that was deleted meanwhile is gone', async () => {
      const one = await watched({ mostStoredBytes: 100 });
      await append('to be deleted');
      await has(one, 1);
      const [claim] = await claims(one);
      const client = await dovecot.client(user);
      await client.mailboxOpen('INBOX');
      await client.messageDelete('1', { uid: true });
      await client.logout();
      const rereader = await ImapRereader.connect(login(), signal);
      assert.equal(await rereader.read(claim!), null);
      await rereader.end();
    });
  });
});
