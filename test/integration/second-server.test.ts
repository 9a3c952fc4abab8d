// The IMAP engine against Cyrus, a server of another family than Dovecot: other names, other answers, other habits.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { ImapFlow } from 'imapflow';
import { unpackContent } from '../../engine/ledger/content';
import { ImapSession } from '../../engine/imap/session/session';
import type { ImapLogin } from '../../engine/imap/session/login';
import type { Claim } from '../../engine/ledger/pointer';
import type { Errand } from '../../engine/ledger/errands';
import { hasCyrus } from '../../tools/cyrus.mjs';
import { Cyrus } from '../support/cyrus';
import { rawMail } from '../support/mails';
import { TcpProxy } from '../support/net';
import { until } from '../support/until';
import { type Joined, Watching } from '../support/watching';
import { parseCriteria } from '../support/reading';

const skip = hasCyrus() ? false : 'Cyrus is not here; "npm test" fetches it on Debian and Ubuntu';

describe('a mailbox on Cyrus', { timeout: 10 * 60_000, skip }, () => {
  let cyrus: Cyrus;
  let proxy: TcpProxy;
  let watching: Watching;
  let joined: Joined[];
  let user: string;
  let users = 0;

  before(async () => {
    cyrus = await Cyrus.start();
  });
  after(() => cyrus.dispose());
  beforeEach(async () => {
    user = `user${++users}`;
    joined = [];
    proxy = await TcpProxy.to(cyrus.port);
    watching = await Watching.start({ heartbeatMs: 5_000, pollMs: 3_000, commandMs: 4_000 });
  });
  afterEach(async () => {
    await Promise.all(joined.map(({ leave }) => leave()));
    await proxy.close();
    await watching.dispose();
  });

  const login = (more = {}): ImapLogin => cyrus.login(user, { port: proxy.port, ...more });

  const watched = async (mailbox = 'INBOX', afterSuccess: Errand | null = null): Promise<Joined> => {
    const one = await watching.join(login(), { mailbox, subscription: { afterSuccess } });
    joined.push(one);
    const { id } = one.subscription;
    await until('it has its place', async () => (await watching.ledger.cursors([id])).get(id));
    await until('it is waited for mail', () => watching.source().connection === 'idling');
    return one;
  };

  const append = (...subjects: string[]): Promise<void> =>
    cyrus.append(
      user,
      subjects.map((subject) => rawMail({ subject })),
    );

  const withClient = async (work: (client: ImapFlow) => Promise<unknown>): Promise<void> => {
    const client = await cyrus.client(user);
    await work(client);
    await client.logout();
  };

  const has = (one: Joined, ...uids: number[]): Promise<unknown> =>
    until(`UIDs ${uids.join(', ')} are recorded`, () => {
      const recorded = watching.uids(one.subscription);
      return recorded.length >= uids.length && (assert.deepEqual(recorded, uids), true);
    });

  const claim = async ({ subscription: { id } }: Joined): Promise<Claim> => {
    const { ledger } = watching;
    const { runs } = await ledger.offer({
      subscriptionIds: [id],
      mostRuns: 1,
      mailsPerRun: 1,
      leaseMs: 60_000,
    });
    return (await ledger.claim(runs[0]!.pointers, '1', 60_000))[0]!;
  };

  it('is read as soon as the server announces a mail', async () => {
    await append('old');
    const one = await watched();
    await append('first');
    await has(one, 2);
    await append('second', 'third');
    await has(one, 2, 3, 4);
  });

  it('gives a burst of mails once each, in order', async () => {
    const one = await watched();
    const many = Array.from({ length: 120 }, (_, index) => `mail ${index}`);
    await append(...many);
    await has(one, ...many.map((_, index) => index + 1));
  });

  it('misses nothing while its connection is cut', async () => {
    const one = await watched();
    await append('before');
    await has(one, 1);
    proxy.cut();
    await append('meanwhile');
    await has(one, 1, 2);
    assert.ok(proxy.accepted >= 2);
  });

  it('misses nothing while the server is away', async () => {
    const one = await watched();
    await append('before');
    await has(one, 1);
    await cyrus.down();
    await until('it backs off', () => watching.source().connection === 'backing_off');
    await cyrus.up();
    await append('as soon as it is back');
    await has(one, 1, 2);
  });

  it('finds a mail that the server never announced', async () => {
    const one = await watched();
    proxy.change = (text) => text.replace(/\* \d+ EXISTS\r\n/g, '');
    await append('unannounced');
    await has(one, 1);
  });

  it('stores a mail of 10 MB byte for byte', async () => {
    const one = await watched();
    const large = rawMail({
      subject: 'large',
      attachment: { name: 'large.bin', content: Buffer.alloc(7_500_000, 'durable mail ') },
    });
    assert.ok(large.length > 10_000_000);
    await cyrus.append(user, [large]);
    await has(one, 1);
    const { event } = await claim(one);
    const content = (await watching.ledger.contents([event])).get(event);
    assert.ok((await unpackContent(content!)).equals(Buffer.from(large)));
  });

  it('is read on when a mail is deleted in the middle of it', async () => {
    const one = await watched();
    // Between the headers and the bodies, the second one is deleted.
    const { ledger } = watching;
    const unrecorded = ledger.unrecorded.bind(ledger);
    let deleted = false;
    ledger.unrecorded = async (candidates) => {
      if (!deleted && candidates.length === 3) {
        deleted = true;
        await withClient(async (client) => {
          await client.mailboxOpen('INBOX');
          await client.messageDelete('2', { uid: true });
        });
      }
      return unrecorded(candidates);
    };
    // The third is the first one that is announced: all three are read together.
    proxy.change = (text) => text.replace(/\* [12] EXISTS\r\n/g, '');
    // Small ones would come whole with their headers.
    const text = 'long '.repeat(20_000);
    await cyrus.append(
      user,
      ['one', 'two', 'three'].map((subject) => rawMail({ subject, text })),
    );
    await until('the third is recorded', () => watching.uids(one.subscription).includes(3));
    proxy.change = (text) => text;
    assert.ok(deleted);
    // Dovecot has forgotten it at once. Cyrus still hands it out to whoever has not been told of the deletion.
    await append('four');
    await has(one, 1, 2, 3, 4);
    assert.deepEqual(watching.unstored(), []);
  });

  it('is found again after it was deleted and made again', async () => {
    await withClient((client) => client.mailboxCreate('INBOX.Support'));
    const one = await watched('INBOX.Support');
    await cyrus.append(user, [rawMail({ subject: 'before' })], 'INBOX.Support');
    await has(one, 1);
    await withClient(async (client) => {
      await client.mailboxDelete('INBOX.Support');
      await client.mailboxCreate('INBOX.Support');
    });
    await cyrus.append(user, [rawMail({ subject: 'after' })], 'INBOX.Support');
    await has(one, 1, 1);
  });

  it('is listed with its place in the hierarchy and its special use', async () => {
    await withClient(async (client) => {
      await client.mailboxCreate('INBOX.Support');
      await client.mailboxCreate('INBOX.Support.Größe');
    });
    const session = await ImapSession.connect(login(), new AbortController().signal);
    const listed = (await session.list()).map(({ path, delimiter, specialUse }) => [
      path,
      delimiter,
      specialUse,
    ]);
    await session.end();
    assert.deepEqual(listed.sort(), [
      ['INBOX', '.', '\\Inbox'],
      ['INBOX.Sent', '.', '\\Sent'],
      ['INBOX.Support', '.', null],
      ['INBOX.Support.Größe', '.', null],
      ['INBOX.Trash', '.', '\\Trash'],
    ]);
    const one = await watched('INBOX.Support.Größe');
    await cyrus.append(user, [rawMail({ subject: 'new' })], 'INBOX.Support.Größe');
    await has(one, 1);
  });

  it('is read back from its newest mails to its oldest one, each once', async () => {
    const many = Array.from({ length: 60 }, (_, index) => `old ${index}`);
    await append(...many);
    const last = await watching.join(login(), {
      workflowId: 'last',
      reading: { start: { kind: 'last', count: 2 } },
    });
    const all = await watching.join(login(), {
      workflowId: 'all',
      reading: { start: { kind: 'everything' } },
    });
    joined.push(last, all);
    await has(last, 59, 60);
    await until('all is read', () => watching.uids(all.subscription).length === 60);
    await append('new');
    await has(last, 59, 60, 61);
    await until('the new one is recorded', () => watching.uids(all.subscription).includes(61));
    const uids = watching.uids(all.subscription);
    assert.deepEqual(
      uids.toSorted((a, b) => a - b),
      Array.from({ length: 61 }, (_, index) => index + 1),
    );
    assert.ok(uids.indexOf(60) < uids.indexOf(1), 'the newest go first');
  });

  it('is searched by its server for what the rules ask', async () => {
    const one = await watching.join(login(), {
      reading: { criteria: parseCriteria('["UNSEEN", ["SUBJECT", "größe"]]') },
    });
    joined.push(one);
    await until('it is waited for mail', () => watching.source().connection === 'idling');
    await append('no size', '=?utf-8?Q?Die_Gr=C3=B6=C3=9Fe?=', '=?iso-8859-1?Q?GR=D6SSE?=', 'other', 'after');
    await watching.read(one.subscription, 5);
    const found = watching.uids(one.subscription);
    assert.ok(found.includes(2));
    assert.ok(![1, 4, 5].some((uid) => found.includes(uid)));
  });

  it('that is not there is told with the names of those that are', async () => {
    const one = await watching.join(login(), { mailbox: 'Support' });
    joined.push(one);
    await until('it is reported', () => one.reports.length > 0);
    assert.match(one.reports[0]!.message, /"Support".*cannot be opened.*There are: "INBOX", "INBOX\.Sent"/);
  });

  it('tells of a wrong password as such', async () => {
    const one = await watching.join(login({ proof: { password: 'wrong' } }));
    joined.push(one);
    await until('it is reported', () => one.reports.length > 0);
    assert.match(one.reports[0]!.message, /rejected the login of "user\d+"/);
  });

  it('is left with DONE and LOGOUT, and without a connection', async () => {
    const one = await watched();
    await until('it idles', () => proxy.clientSaid.includes('IDLE\r\n'));
    await one.leave();
    assert.match(proxy.clientSaid, /DONE\r\n[\s\S]*LOGOUT\r\n$/);
    await until('no connection is open', () => proxy.open === 0);
  });

  describe('whose server names each mail (EMAILID)', () => {
    // Nothing else tells that it is the same mail.
    const nameless = (subject: string): string =>
      rawMail({ subject, date: new Date(1e12) }).replace(/^Message-ID:.*\r\n/m, '');
    const put = (mailbox: string, ...subjects: string[]): Promise<void> =>
      cyrus.append(user, subjects.map(nameless), mailbox);

    it('gives a mail once that was moved away and back', async () => {
      const one = await watched();
      await put('INBOX', 'moved');
      await has(one, 1);
      await withClient(async (client) => {
        await client.mailboxOpen('INBOX');
        await client.messageMove('1', 'INBOX.Trash', { uid: true });
        await client.mailboxOpen('INBOX.Trash');
        await client.messageMove('1', 'INBOX', { uid: true });
      });
      await put('INBOX', 'after');
      await has(one, 1, 3);
    });

    it('gives a mail once that is in two mailboxes of one node', async () => {
      const inbox = await watched();
      const sent = await watched('INBOX.Sent');
      await put('INBOX', 'before', 'in both');
      await has(inbox, 1, 2);
      await withClient(async (client) => {
        await client.mailboxOpen('INBOX');
        await client.messageCopy('2', 'INBOX.Sent', { uid: true });
      });
      await put('INBOX.Sent', 'after');
      await has(sent, 2);
    });

    it('gives no mail twice when the mailbox was made again with the same mails', async () => {
      await withClient((client) => client.mailboxCreate('INBOX.Support'));
      const one = await watched('INBOX.Support');
      await put('INBOX.Support', 'one', 'two');
      await has(one, 1, 2);
      await withClient(async (client) => {
        await client.mailboxDelete('INBOX.Support');
        await client.mailboxCreate('INBOX.Support');
      });
      await put('INBOX.Support', 'two', 'new', 'one', 'newer');
      await has(one, 1, 2, 2, 4);
    });
  });

  describe('when a run has succeeded', () => {
    /** Where the mail is then, and with which flags. */
    const cases: readonly [Errand, Readonly<Record<string, readonly string[]>>][] = [
      [{ kind: 'markRead' }, { INBOX: ['\\Seen'] }],
      [{ kind: 'flag' }, { INBOX: ['\\Flagged'] }],
      [{ kind: 'addKeyword', keyword: 'done' }, { INBOX: ['done'] }],
      [
        { kind: 'copy', mailbox: 'INBOX.Trash' },
        { INBOX: [], 'INBOX.Trash': [] },
      ],
      [{ kind: 'move', mailbox: 'INBOX.Trash' }, { 'INBOX.Trash': [] }],
      [{ kind: 'delete' }, {}],
    ];

    const mails = async (): Promise<Record<string, string[]>> => {
      const found: Record<string, string[]> = {};
      await withClient(async (client) => {
        for (const mailbox of ['INBOX', 'INBOX.Trash']) {
          await client.mailboxOpen(mailbox, { readOnly: true });
          for (const { flags } of await client.fetchAll('1:*', { flags: true }, { uid: true })) {
            found[mailbox] = [...(flags ?? [])].filter((flag) => flag !== '\\Recent');
          }
        }
      });
      return found;
    };

    for (const [action, expected] of cases) {
      it(`does with the mail what was chosen: ${action.kind}`, async () => {
        const one = await watched('INBOX', action);
        await append('to be run');
        await has(one, 1);
        const claimed = await claim(one);
        assert.deepEqual(await mails(), { INBOX: [] }, 'nothing is done before');
        await watching.ledger.settle([claimed], { kind: 'success' });
        watching.wake.notify([one.subscription.id]);
        await until('it is done', async () => (assert.deepEqual(await mails(), expected), true));
        await append('after');
        await has(one, 1, 2);
        assert.deepEqual(one.reports, []);
      });
    }
  });
});
