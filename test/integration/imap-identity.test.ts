// Which mails are one mail, through the engine, on a real Dovecot: none is run twice for what its server or its owner
// does to it, and none is lost because it resembles another one.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { ImapFlow } from 'imapflow';
import type { ImapLogin } from '../../engine/imap/session/login';
import { Dovecot } from '../support/dovecot';
import { GmailDialect } from '../support/gmail-dialect';
import { SqliteLedgerReader } from '../support/ledger-reader';
import { rawMail, type TestMail } from '../support/mails';
import { until } from '../support/until';
import { type Joined, type JoinOptions, Watching } from '../support/watching';

/** A mail that is the same, byte for byte, whenever it is written. */
const mail = (subject: string, more: Partial<TestMail> = {}): string =>
  rawMail({ subject, messageId: `<${subject.replaceAll(' ', '-')}@test>`, date: new Date(1e12), ...more });

const nameless = (subject: string): string => mail(subject).replace(/^Message-ID:.*\r\n/m, '');

describe('the identity of a mail', { timeout: 10 * 60_000 }, () => {
  let dovecot: Dovecot;
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
    watching = await Watching.start({ heartbeatMs: 5_000, pollMs: 3_000, commandMs: 4_000 });
  });
  afterEach(async () => {
    await Promise.all(joined.map(({ leave }) => leave()));
    await watching.dispose();
  });

  const watched = async (
    mailbox = 'INBOX',
    workflowId = 'workflow',
    login: ImapLogin = dovecot.login(user),
    more: JoinOptions = {},
  ): Promise<Joined> => {
    const one = await watching.join(login, { mailbox, workflowId, ...more });
    joined.push(one);
    const { id } = one.subscription;
    await until('it has its place', async () => (await watching.ledger.cursors([id])).get(id));
    return one;
  };

  const put = (...mails: string[]): Promise<void> => dovecot.append(user, mails);

  const withClient = async (work: (client: ImapFlow) => Promise<unknown>): Promise<void> => {
    const client = await dovecot.client(user);
    await work(client);
    await client.logout();
  };

  const uidValidity = async (mailbox = 'INBOX'): Promise<string> => {
    let validity = '';
    await withClient(async (client) => {
      validity = String((await client.mailboxOpen(mailbox, { readOnly: true })).uidValidity);
    });
    return validity;
  };

  /** The subjects of the mails that run, in order. */
  const subjects = async ({ subscription }: Joined): Promise<string[]> => {
    const rows = await new SqliteLedgerReader(watching.file).query<{ subject: string }>(
      `select subject from event join message on message.id = message_id
       where subscription_id = ${subscription.id} order by seq`,
    );
    return rows.map(({ subject }) => subject);
  };

  /** Waits for the last of them: what was there before it has been judged by then. */
  const runs = async (one: Joined, ...expected: string[]): Promise<void> => {
    await until(`"${expected.at(-1)}" is recorded`, async () =>
      (await subjects(one)).includes(expected.at(-1)!),
    );
    assert.deepEqual(await subjects(one), expected);
  };

  describe('is kept', () => {
    it('when its server lost all UIDs (UIDVALIDITY changed)', async () => {
      const one = await watched();
      await put(mail('one'), mail('two'), mail('three'));
      await runs(one, 'one', 'two', 'three');
      const before = await uidValidity();
      await withClient(async (client) => {
        await client.mailboxOpen('INBOX');
        await client.messageDelete('1', { uid: true });
      });
      await dovecot.down();
      await dovecot.forgetNumbers(user);
      await dovecot.deliver(user, [mail('meanwhile')]);
      await dovecot.up();
      assert.notEqual(await uidValidity(), before);
      await runs(one, 'one', 'two', 'three', 'meanwhile');
      await put(mail('after'));
      await runs(one, 'one', 'two', 'three', 'meanwhile', 'after');
    });

    it('when its mailbox was deleted and made again with the same mails', async () => {
      await withClient((client) => client.mailboxCreate('Support'));
      const one = await watched('Support');
      await dovecot.append(user, [mail('one'), mail('two')], 'Support');
      await runs(one, 'one', 'two');
      await withClient(async (client) => {
        await client.mailboxDelete('Support');
        await client.mailboxCreate('Support');
      });
      await dovecot.append(user, [mail('two'), mail('one'), mail('new')], 'Support');
      await runs(one, 'one', 'two', 'new');
    });

    it('when its mailbox was renumbered and it has no Message-ID', async () => {
      const one = await watched();
      await put(nameless('one'), nameless('two'), mail('three'));
      await runs(one, 'one', 'two', 'three');
      const before = await uidValidity();
      await dovecot.down();
      await dovecot.forgetNumbers(user);
      await dovecot.deliver(user, [nameless('meanwhile')]);
      await dovecot.up();
      assert.notEqual(await uidValidity(), before);
      await runs(one, 'one', 'two', 'three', 'meanwhile');
      await put(nameless('after'));
      await runs(one, 'one', 'two', 'three', 'meanwhile', 'after');
    });

    it('when it is uploaded again, as an antivirus does', async () => {
      const one = await watched();
      await put(mail('checked'));
      await runs(one, 'checked');
      await withClient(async (client) => {
        await client.mailboxOpen('INBOX');
        await client.messageDelete('1', { uid: true });
      });
      await put(mail('checked'), mail('after'));
      await runs(one, 'checked', 'after');
    });

    it('when it is moved away and back', async () => {
      const one = await watched();
      await put(mail('moved'));
      await runs(one, 'moved');
      await withClient(async (client) => {
        await client.mailboxCreate('Archive');
        await client.mailboxOpen('INBOX');
        await client.messageMove('1', 'Archive', { uid: true });
        await client.mailboxOpen('Archive');
        await client.messageMove('1', 'INBOX', { uid: true });
      });
      await put(mail('after'));
      await runs(one, 'moved', 'after');
    });
  });

  describe('is not shared', () => {
    it('by mails with one Message-ID and different bodies', async () => {
      const one = await watched();
      await put(
        mail('report', { messageId: '<always@test>', text: 'Monday' }),
        mail('report', { messageId: '<always@test>', text: 'Tuesday' }),
        mail('after'),
      );
      await runs(one, 'report', 'report', 'after');
    });

    it('by twins without a Message-ID', async () => {
      const one = await watched();
      await put(nameless('twin'), nameless('twin'), mail('between'));
      await runs(one, 'twin', 'twin', 'between');
      await put(nameless('twin'), mail('after'));
      await runs(one, 'twin', 'twin', 'between', 'twin', 'after');
    });

    it('by twins without a Message-ID in a mailbox that was renumbered before they came', async () => {
      const one = await watched();
      await put(mail('before'));
      await runs(one, 'before');
      await dovecot.down();
      await dovecot.forgetNumbers(user);
      await dovecot.up();
      await put(mail('between'));
      await runs(one, 'before', 'between');
      await put(nameless('twin'), nameless('twin'), mail('after'));
      await runs(one, 'before', 'between', 'twin', 'twin', 'after');
    });

    it('by a mail whose Message-ID is forged to be that of an older one', async () => {
      const one = await watched();
      await put(mail('order'));
      await runs(one, 'order');
      await put(mail('refund', { messageId: '<order@test>' }), mail('after'));
      await runs(one, 'order', 'refund', 'after');
    });

    it('by one mail in two mailboxes that two workflows watch', async () => {
      await withClient((client) => client.mailboxCreate('Support'));
      const inbox = await watched('INBOX', 'a');
      const support = await watched('Support', 'b');
      await put(mail('to both'));
      await dovecot.append(user, [mail('to both')], 'Support');
      await runs(inbox, 'to both');
      await runs(support, 'to both');
    });

    it('by one mail in two mailboxes that one node watches, where the server has no name for it', async () => {
      await withClient((client) => client.mailboxCreate('Support'));
      const inbox = await watched('INBOX');
      const support = await watched('Support');
      await put(mail('to both'));
      await dovecot.append(user, [mail('to both')], 'Support');
      await runs(inbox, 'to both');
      await runs(support, 'to both');
    });
  });

  describe('is what Gmail says', () => {
    let gmail: GmailDialect;
    /** Mails of INBOX by their UIDs, as they were first there. All Mail has one more before them. */
    let first: (uid: number) => number;
    const id = (mailbox: string, uid: number): string =>
      String(18_000_000_000_000_000_000n + BigInt(mailbox === 'INBOX' ? first(uid) : uid - 1));
    const login = (): ImapLogin => dovecot.login(user, { port: gmail.port });

    beforeEach(async () => {
      first = (uid) => uid;
      gmail = await GmailDialect.of(dovecot.port, id);
      await withClient((client) => client.mailboxCreate('All Mail'));
      await dovecot.append(user, [mail('old')], 'All Mail');
    });
    afterEach(() => gmail.close());

    it('when one node watches two mailboxes that it stands in', async () => {
      const inbox = await watched('INBOX', 'workflow', login());
      const all = await watched('All Mail', 'workflow', login());
      await put(nameless('one'));
      await runs(inbox, 'one');
      await dovecot.append(user, [nameless('one'), mail('sent')], 'All Mail');
      await runs(all, 'sent');
      assert.deepEqual(await subjects(inbox), ['one']);
    });

    it('for each of two workflows that watch two mailboxes that it stands in', async () => {
      const inbox = await watched('INBOX', 'a', login());
      const all = await watched('All Mail', 'b', login());
      await put(mail('one'));
      await dovecot.append(user, [mail('one')], 'All Mail');
      await runs(inbox, 'one');
      await runs(all, 'one');
    });

    it('when it is moved away and back, and has no Message-ID', async () => {
      first = (uid) => (uid === 2 ? 1 : uid);
      const inbox = await watched('INBOX', 'workflow', login());
      await put(nameless('moved'));
      await runs(inbox, 'moved');
      await withClient(async (client) => {
        await client.mailboxCreate('Archive');
        await client.mailboxOpen('INBOX');
        await client.messageMove('1', 'Archive', { uid: true });
        await client.mailboxOpen('Archive');
        await client.messageMove('1', 'INBOX', { uid: true });
      });
      await put(mail('after'));
      await runs(inbox, 'moved', 'after');
    });

    it('when its mailbox was renumbered, and it has no Message-ID and is not stored', async () => {
      // Nothing else tells of a mail without Message-ID that is not stored.
      const inbox = await watched('INBOX', 'workflow', login(), { mostStoredBytes: 10 });
      await put(nameless('one'), nameless('two'));
      await runs(inbox, 'one', 'two');
      await dovecot.down();
      await dovecot.forgetNumbers(user);
      await dovecot.up();
      await put(mail('after'));
      await runs(inbox, 'one', 'two', 'after');
    });
  });
});
