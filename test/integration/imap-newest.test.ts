// What a person sees who tests the trigger by hand: the newest mail that fits, and the server's mailboxes.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type NewestMail, type NewestQuery, readNewest } from '../../engine/imap/find/newest';
import { ImapSession } from '../../engine/imap/session/session';
import { parseTextMatch } from '../../engine/mail/filter';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { parseCriteria } from '../support/reading';

const { signal } = new AbortController();

describe('the newest mail that fits', { timeout: 180_000 }, () => {
  let dovecot: Dovecot;

  before(async () => {
    dovecot = await Dovecot.start();
  });
  after(() => dovecot.dispose());

  const newest = (user: string, query: Partial<NewestQuery> = {}): ReturnType<typeof readNewest> =>
    readNewest(
      dovecot.login(user),
      {
        mailboxes: { kind: 'names', names: ['INBOX'] },
        filter: null,
        criteria: null,
        mostReadBytes: 1024 * 1024,
        ...query,
      },
      signal,
    );

  const found = async (user: string, query: Partial<NewestQuery> = {}): Promise<NewestMail> => {
    const mail = await newest(user, query);
    assert.ok('content' in mail, JSON.stringify(mail));
    return mail;
  };

  /** @param subjects from the oldest mail to the newest */
  const fill = (user: string, subjects: readonly string[], mailbox?: string): Promise<void> =>
    dovecot.append(
      user,
      subjects.map((subject) => rawMail({ subject })),
      mailbox,
    );

  const subjectOf = ({ content }: NewestMail): string | undefined =>
    /^Subject: (.*)$/m.exec(content.toString())?.[1];

  it('is the last one, where nothing is asked of it', async () => {
    await fill('last', ['one', 'two', 'three']);
    const mail = await found('last');
    assert.equal(subjectOf(mail)?.trim(), 'three');
    assert.deepEqual([mail.mailbox, mail.facts.uid, mail.truncated], ['INBOX', 3, false]);
  });

  it('is looked for back through the mailbox, by filter and by rules', async () => {
    await fill('back', ['an order', ...Array.from({ length: 120 }, (_, index) => `spam ${index}`)]);
    const byFilter = await found('back', { filter: { subject: parseTextMatch('Order') } });
    assert.equal(byFilter.facts.uid, 1);
    const byRules = await found('back', { criteria: parseCriteria('[["SUBJECT", "order"]]') });
    assert.equal(byRules.facts.uid, 1);
    const byBoth = await newest('back', {
      filter: { subject: parseTextMatch('/^spam/') },
      criteria: parseCriteria('[["SUBJECT", "order"]]'),
    });
    assert.deepEqual(byBoth, { mailboxes: ['INBOX'], looked: 121 });
  });

  it('is looked for in the newest 500 only', async () => {
    await fill('many', ['an order', ...Array.from({ length: 500 }, (_, index) => `spam ${index}`)]);
    const filter = { subject: parseTextMatch('order') };
    assert.deepEqual(await newest('many', { filter }), { mailboxes: ['INBOX'], looked: 500 });
  });

  it('is not looked for in an empty mailbox', async () => {
    assert.deepEqual(await newest('empty'), { mailboxes: ['INBOX'], looked: 0 });
  });

  it('comes from the first mailbox that has one', async () => {
    const client = await dovecot.client('folders');
    for (const name of ['Orders.2026', 'Orders.2025', 'Bills']) await client.mailboxCreate(name);
    await client.logout();
    await fill('folders', ['a bill'], 'Bills');
    await fill('folders', ['an old order'], 'Orders.2025');
    const several = await found('folders', {
      mailboxes: { kind: 'names', names: ['INBOX', 'Orders.2026', 'Bills'] },
    });
    assert.equal(several.mailbox, 'Bills');
    const pattern = await found('folders', { mailboxes: { kind: 'pattern', pattern: 'Orders.%' } });
    assert.equal(pattern.mailbox, 'Orders.2025');
    await assert.rejects(newest('folders', { mailboxes: { kind: 'pattern', pattern: 'None*' } }), {
      kind: 'mailbox',
      message: 'No mailbox of "folders" on 127.0.0.1 fits "None*". Check Mailbox Pattern.',
    });
  });

  it('comes without its body where it is too large', async () => {
    await dovecot.append('large', [rawMail({ subject: 'large', text: 'x'.repeat(5_000) })]);
    const mail = await found('large', { mostReadBytes: 4_000 });
    assert.equal(mail.truncated, true);
    assert.equal(subjectOf(mail)?.trim(), 'large');
    assert.ok(mail.content.length < 4_000);
  });

  it('stays as it was: unread', async () => {
    await fill('unread', ['new']);
    await found('unread', { filter: { unreadOnly: true }, criteria: parseCriteria('["UNSEEN"]') });
    assert.equal((await found('unread', { filter: { unreadOnly: true } })).facts.uid, 1);
  });
});

describe("the list of the server's mailboxes", { timeout: 60_000 }, () => {
  it('tells what they are for, and which cannot hold mail', async () => {
    const dovecot = await Dovecot.start();
    try {
      const client = await dovecot.client('ann');
      for (const name of ['Sent', 'Trash', 'Größe', 'Parent.Child']) await client.mailboxCreate(name);
      await client.logout();
      const session = await ImapSession.connect(dovecot.login('ann'), signal);
      const list = await session.list();
      await session.end();
      const byPath = new Map(list.map((mailbox) => [mailbox.path, mailbox]));
      const use = (path: string): string | null | undefined => byPath.get(path)?.specialUse;
      assert.deepEqual(['INBOX', 'Sent', 'Trash', 'Größe', 'Parent.Child'].map(use), [
        '\\Inbox',
        '\\Sent',
        '\\Trash',
        null,
        null,
      ]);
      assert.equal(byPath.get('Parent.Child')?.delimiter, '.');
      assert.equal(byPath.get('Parent.Child')?.selectable, true);
      assert.notEqual(byPath.get('Parent')?.selectable, true);
    } finally {
      await dovecot.dispose();
    }
  });
});
