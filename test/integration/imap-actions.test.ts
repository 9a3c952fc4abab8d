// What is done with mails on their server, against a real Dovecot, with connections that break at the worst moment.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { type ActionsEnd, performActions } from '../../engine/imap/act/actions';
import { ImapFault } from '../../engine/imap/session/fault';
import { NO_NEEDS } from '../../engine/imap/session/facts';
import { ImapSession } from '../../engine/imap/session/session';
import type { DueErrand, Errand, Errands } from '../../engine/ledger/errands';
import { readHeaders } from '../../engine/mail/headers';
import { imapIdentity, messageIdOf, softIdentity } from '../../engine/mail/identity';
import { Dovecot } from '../support/dovecot';
import { silentLog } from '../support/log';
import { rawMail } from '../support/mails';
import { TcpProxy } from '../support/net';

const { signal } = new AbortController();
const MINUTE = 60_000;

/** Keeps the queue in memory, without times: what was begun is due again at once. */
class Queue implements Errands {
  due: DueErrand[] = [];
  readonly postponed: { ids: readonly number[]; error: string; delayMs: number }[] = [];

  add(
    mail: Omit<DueErrand, 'id' | 'action' | 'tries' | 'subscriptionId'>,
    action: Errand,
    subscriptionId = 1,
  ): void {
    this.due.push({ ...mail, id: this.due.length + 1, action, subscriptionId, tries: 0 });
  }

  takeErrands(): Promise<DueErrand[]> {
    const taken = this.due;
    this.due = taken.map((due) => ({ ...due, tries: due.tries + 1 }));
    return Promise.resolve(taken);
  }

  finishErrands(ids: readonly number[]): Promise<void> {
    this.due = this.due.filter(({ id }) => !ids.includes(id));
    return Promise.resolve();
  }

  postponeErrands(ids: readonly number[], error: string, delayMs: number): Promise<void> {
    this.postponed.push({ ids, error, delayMs });
    return Promise.resolve();
  }
}

describe('what is due to be done with mails', { timeout: 5 * MINUTE }, () => {
  let dovecot: Dovecot;
  let proxy: TcpProxy;
  let queue: Queue;
  let sessions: ImapSession[];
  let reports: { subscriptionId: number; text: string }[];
  let user: string;
  let users = 0;

  before(async () => {
    dovecot = await Dovecot.start();
  });
  after(() => dovecot.dispose());
  beforeEach(async () => {
    user = `user${++users}`;
    queue = new Queue();
    sessions = [];
    reports = [];
    proxy = await TcpProxy.to(dovecot.port);
  });
  afterEach(async () => {
    await Promise.all(sessions.map((session) => session.end()));
    await proxy.close();
  });

  const connect = async (): Promise<ImapSession> => {
    const session = await ImapSession.connect(dovecot.login(user, { port: proxy.port }), signal);
    sessions.push(session);
    return session;
  };

  /** Does what is due over a new connection, as after a start. */
  const perform = async (mailbox = 'INBOX', session?: ImapSession): Promise<ActionsEnd> =>
    performActions(
      {
        session: session ?? (await connect()),
        mailbox,
        hold: { sourceId: 1, fence: 1 },
        ledger: queue,
        log: silentLog,
        report: (subscriptionId, { message }) => reports.push({ subscriptionId, text: message }),
      },
      signal,
    );

  const prepare = async <T>(
    work: (client: Awaited<ReturnType<Dovecot['client']>>) => Promise<T>,
  ): Promise<T> => {
    const client = await dovecot.client(user);
    try {
      return await work(client);
    } finally {
      await client.logout();
    }
  };

  const make = (...mailboxes: string[]): Promise<void> =>
    prepare(async (client) => {
      for (const mailbox of mailboxes) await client.mailboxCreate(mailbox);
    });

  /** Puts mails there. @returns what the ledger would know of them */
  const arrive = async (mails: readonly string[], mailbox = 'INBOX'): Promise<DueErrand[]> => {
    await dovecot.append(user, mails, mailbox);
    const session = await ImapSession.connect(dovecot.login(user), signal);
    const { uidValidity } = await session.open(mailbox);
    const uids = await session.listing.ofSize(mails[0]!.length);
    const { answers } = await session.mails.facts(uids, NO_NEEDS);
    await session.end();
    assert.equal(answers.size, mails.length, 'the mails of a test have one size');
    return [...answers.values()].map(({ uid, size, receivedAt, emailId, fields }) => {
      const headers = readHeaders(fields!);
      return {
        id: 0,
        subscriptionId: 1,
        action: { kind: 'flag' },
        tries: 0,
        event: `event-${uid}`,
        identity: imapIdentity({ mailbox, uidValidity, uid, emailId }),
        softIdentity: softIdentity(headers, size),
        messageId: messageIdOf(headers),
        uid,
        uidValidity,
        receivedAt,
        size,
      };
    });
  };

  const three = (): Promise<DueErrand[]> =>
    arrive(['one', 'two', 'six'].map((subject) => rawMail({ subject })));

  /** Subjects and flags of what is in a mailbox. */
  const content = (mailbox = 'INBOX'): Promise<string[]> =>
    prepare(async (client) => {
      const { exists } = await client.mailboxOpen(mailbox, { readOnly: true });
      const mails: string[] = [];
      if (exists === 0) return mails;
      for await (const { envelope, flags } of client.fetch('1:*', { envelope: true, flags: true })) {
        const shown = [...(flags ?? [])].filter((flag) => flag !== '\\Recent').sort();
        mails.push([envelope?.subject, ...shown].join(' '));
      }
      return mails;
    });

  const markDeleted = (uid: number): Promise<unknown> =>
    prepare(async (client) => {
      await client.mailboxOpen('INBOX');
      await client.messageFlagsAdd(String(uid), ['\\Deleted'], { uid: true });
    });

  const without = (...capabilities: string[]): void => {
    proxy.change = (text) =>
      capabilities.reduce((rest, name) => rest.replaceAll(new RegExp(` ${name}(?=[ \\]\r])`, 'g'), ''), text);
  };

  /** The connection is lost after the server has done it, before its answer. */
  const cutBefore = (answer: RegExp): void => {
    const change = proxy.change;
    proxy.change = (text) => {
      if (!answer.test(text)) return change(text);
      proxy.change = change;
      proxy.cut();
      return '';
    };
  };

  const answer = (from: RegExp, to: string): void => {
    proxy.change = (text) => {
      if (from.test(text)) proxy.change = (rest) => rest;
      return text.replace(from, to);
    };
  };

  const said = (command: string): number => proxy.clientSaid.split(` ${command} `).length - 1;

  const isLost = (error: unknown): boolean => error instanceof ImapFault && error.kind === 'connection';

  it('marks mails as read, flags them and adds keywords, with one command for all of a kind', async () => {
    const [one, two, six] = await three();
    for (const mail of [one!, two!]) queue.add(mail, { kind: 'markRead' });
    queue.add(two!, { kind: 'flag' });
    queue.add(six!, { kind: 'addKeyword', keyword: '$Done' });
    const { done, mayBeMore, opened } = await perform();
    assert.deepEqual(await content(), ['one \\Seen', 'two \\Flagged \\Seen', 'six $Done']);
    assert.deepEqual({ done, mayBeMore, left: queue.due }, { done: 4, mayBeMore: false, left: [] });
    assert.equal(opened?.uidValidity, one!.uidValidity);
    assert.equal(said('UID STORE'), 3);
  });

  it('moves and copies mails to a mailbox as people write it', async () => {
    await make('Übrige Post', 'Kopien & mehr');
    const [one, two, six] = await three();
    for (const mail of [one!, six!]) queue.add(mail, { kind: 'move', mailbox: 'Übrige Post' });
    queue.add(two!, { kind: 'copy', mailbox: 'Kopien & mehr' });
    assert.equal((await perform()).done, 3);
    assert.deepEqual(await content(), ['two']);
    assert.deepEqual(await content('Übrige Post'), ['one', 'six']);
    assert.deepEqual(await content('Kopien & mehr'), ['two']);
    assert.equal(said('UID MOVE'), 1);
  });

  it('deletes mails, and none that somebody else has marked as deleted', async () => {
    const [one, two] = await three();
    await markDeleted(two!.uid!);
    queue.add(one!, { kind: 'delete' });
    await perform();
    assert.deepEqual(await content(), ['two \\Deleted', 'six']);
  });

  it('marks a mail for one workflow before another one takes it away', async () => {
    await make('Done');
    const [one] = await three();
    queue.add(one!, { kind: 'delete' }, 3);
    queue.add(one!, { kind: 'move', mailbox: 'Done' }, 2);
    queue.add(one!, { kind: 'markRead' }, 1);
    assert.equal((await perform()).done, 3);
    assert.deepEqual(await content('Done'), ['one \\Seen']);
  });

  it('does nothing where nothing is due, and leaves the mailbox open as it was', async () => {
    const session = await connect();
    await session.open('INBOX');
    assert.deepEqual(await perform('INBOX', session), { done: 0, mayBeMore: false, opened: null });
    assert.equal(said('SELECT'), 0);
  });

  it('moves and copies nothing to where it is', async () => {
    const [one, two] = await three();
    queue.add(one!, { kind: 'move', mailbox: 'inbox' });
    queue.add(two!, { kind: 'copy', mailbox: 'INBOX' });
    assert.equal((await perform()).done, 2);
    assert.deepEqual(await content(), ['one', 'two', 'six']);
  });

  it('needs to do nothing with a mail that is not there any more', async () => {
    await make('Done');
    const mails = await three();
    await prepare(async (client) => {
      await client.mailboxOpen('INBOX');
      await client.messageDelete('1:2');
    });
    queue.add(mails[0]!, { kind: 'markRead' });
    queue.add(mails[1]!, { kind: 'move', mailbox: 'Done' });
    queue.add(mails[2]!, { kind: 'move', mailbox: 'Done' });
    assert.equal((await perform()).done, 3);
    assert.deepEqual(await content('Done'), ['six']);
  });

  it('tells who waits that there may be new mail, since the mailbox was opened anew', async () => {
    const session = await connect();
    await session.open('INBOX');
    const [one] = await three();
    queue.add(one!, { kind: 'flag' });
    await perform('INBOX', session);
    assert.equal(await session.wait(MINUTE, MINUTE, signal), 'hint');
    const { uids } = await session.news.above(1, 10, NO_NEEDS);
    assert.deepEqual(uids, [2, 3]);
  });

  it('opens the mailbox to change it once for a connection', async () => {
    const session = await connect();
    const [one, two] = await three();
    for (const mail of [one!, two!]) {
      queue.add(mail, { kind: 'flag' });
      await perform('INBOX', session);
    }
    assert.deepEqual(await content(), ['one \\Flagged', 'two \\Flagged', 'six']);
    assert.equal(said('SELECT'), 1);
  });

  describe('when the connection is lost before the server has answered', () => {
    it('finds what was moved moved', async () => {
      await make('Done');
      for (const mail of await three()) queue.add(mail, { kind: 'move', mailbox: 'Done' });
      cutBefore(/OK.*Move completed/);
      await assert.rejects(perform(), isLost);
      assert.deepEqual(await content('Done'), ['one', 'two', 'six'], 'the server has done it');
      assert.equal(queue.due.length, 3);
      assert.equal((await perform()).done, 3);
      assert.deepEqual(await content('Done'), ['one', 'two', 'six']);
      assert.deepEqual([await content(), queue.due, queue.postponed], [[], [], []]);
    });

    it('copies nothing twice', async () => {
      await make('Copies');
      for (const mail of await three()) queue.add(mail, { kind: 'copy', mailbox: 'Copies' });
      cutBefore(/OK.*Copy completed/);
      await assert.rejects(perform(), isLost);
      assert.deepEqual(await content('Copies'), ['one', 'two', 'six'], 'the server has done it');
      assert.equal((await perform()).done, 3);
      assert.deepEqual(await content('Copies'), ['one', 'two', 'six']);
    });

    it('copies a mail without Message-ID once, too', async () => {
      await make('Copies');
      const [mail] = await arrive([rawMail({ subject: 'nameless' }).replace(/Message-ID: .*\r\n/, '')]);
      assert.equal(mail!.messageId, null);
      queue.add(mail!, { kind: 'copy', mailbox: 'Copies' });
      cutBefore(/OK.*Copy completed/);
      await assert.rejects(perform(), isLost);
      assert.equal((await perform()).done, 1);
      assert.deepEqual(await content('Copies'), ['nameless']);
    });

    it('copies what was not copied yet', async () => {
      await make('Copies');
      for (const mail of await three()) queue.add(mail, { kind: 'copy', mailbox: 'Copies' });
      // Before the mailbox is even open.
      cutBefore(/OK.*Select completed/);
      await assert.rejects(perform(), isLost);
      assert.deepEqual(await content('Copies'), []);
      assert.equal((await perform()).done, 3);
      assert.deepEqual(await content('Copies'), ['one', 'two', 'six']);
    });

    it('goes on with a move that the server can only do in two steps', async () => {
      await make('Done');
      without('MOVE');
      for (const mail of await three()) queue.add(mail, { kind: 'move', mailbox: 'Done' });
      cutBefore(/OK.*Copy completed/);
      await assert.rejects(perform(), isLost);
      assert.deepEqual(
        [await content(), await content('Done')],
        [
          ['one', 'two', 'six'],
          ['one', 'two', 'six'],
        ],
      );
      assert.equal((await perform()).done, 3);
      assert.deepEqual([await content(), await content('Done')], [[], ['one', 'two', 'six']]);
      assert.equal(said('UID COPY'), 1);
    });
  });

  describe('on a server that cannot move', () => {
    it('takes no mail for the copy of one that it could only be confused with', async () => {
      await make('Done');
      const nameless = (subject: string): string => rawMail({ subject }).replace(/Message-ID: .*\r\n/, '');
      const [mail] = await arrive([nameless('one')]);
      const receivedAt = new Date(mail!.receivedAt!);
      await prepare((client) => client.append('Done', nameless('two'), [], receivedAt));
      without('MOVE');
      queue.add(mail!, { kind: 'move', mailbox: 'Done' });
      cutBefore(/OK.*Select completed/);
      await assert.rejects(perform(), isLost);
      assert.equal((await perform()).done, 1);
      assert.deepEqual([await content(), await content('Done')], [[], ['two', 'one']]);
    });

    it('copies, then deletes what was copied, and nothing that others have marked', async () => {
      await make('Done');
      without('MOVE');
      const [one, two] = await three();
      await markDeleted(two!.uid!);
      queue.add(one!, { kind: 'move', mailbox: 'Done' });
      assert.equal((await perform()).done, 1);
      assert.deepEqual([await content(), await content('Done')], [['two \\Deleted', 'six'], ['one']]);
      assert.equal(said('UID MOVE'), 0);
    });

    it('copies nothing twice when it was refused the deletion', async () => {
      await make('Done');
      without('MOVE');
      for (const mail of await three()) queue.add(mail, { kind: 'move', mailbox: 'Done' });
      const strip = proxy.change;
      proxy.change = (text) => strip(text).replace(/OK Store completed/, 'NO [CANNOT] Not now');
      assert.equal((await perform()).done, 0);
      assert.match(reports[0]!.text, /cannot be moved to "Done": the server refuses it \(Not now\)/);
      proxy.change = strip;
      assert.equal((await perform()).done, 3);
      assert.deepEqual([await content(), await content('Done')], [[], ['one', 'two', 'six']]);
      assert.equal(said('UID COPY'), 1);
    });

    it('only marks what it may not delete by itself', async () => {
      await make('Done');
      without('MOVE', 'UIDPLUS');
      const [one, two, six] = await three();
      await markDeleted(two!.uid!);
      queue.add(one!, { kind: 'move', mailbox: 'Done' });
      queue.add(six!, { kind: 'delete' });
      assert.equal((await perform()).done, 2);
      assert.deepEqual(await content(), ['one \\Deleted', 'two \\Deleted', 'six \\Deleted']);
      assert.deepEqual(await content('Done'), ['one']);
      assert.doesNotMatch(proxy.clientSaid, /EXPUNGE|CLOSE/);
    });
  });

  describe('in a mailbox that was made anew', () => {
    const renumber = async (mails: readonly string[]): Promise<void> => {
      await prepare((client) => client.mailboxDelete('Work'));
      await make('Work');
      await dovecot.append(user, [rawMail({ subject: 'first' }), ...mails], 'Work');
    };

    it('finds the mails again by what they are', async () => {
      await make('Work', 'Done');
      const mails = ['one', 'two'].map((subject) => rawMail({ subject }));
      const [one, two] = await arrive(mails, 'Work');
      await renumber([...mails].reverse());
      queue.add(one!, { kind: 'move', mailbox: 'Done' });
      queue.add(two!, { kind: 'delete' });
      const { done, opened } = await perform('Work');
      assert.equal(done, 2);
      assert.notEqual(opened!.uidValidity, one!.uidValidity);
      assert.deepEqual([await content('Work'), await content('Done')], [['first'], ['one']]);
    });

    it('touches none of two mails of which either may be the one', async () => {
      await make('Work');
      const mail = rawMail({ subject: 'twice' });
      const [known] = await arrive([mail], 'Work');
      await renumber([mail, mail]);
      queue.add(known!, { kind: 'delete' });
      assert.equal((await perform('Work')).done, 1);
      assert.deepEqual(await content('Work'), ['first', 'twice', 'twice']);
    });
  });

  describe('what the server refuses', () => {
    it('waits for a mailbox to be made, and is told once to each workflow', async () => {
      const [one, two, six] = await three();
      queue.add(one!, { kind: 'move', mailbox: 'Done' }, 1);
      queue.add(two!, { kind: 'move', mailbox: 'Done' }, 1);
      queue.add(six!, { kind: 'copy', mailbox: 'Done' }, 2);
      for (let begun = 0; begun < 8; begun++) assert.equal((await perform()).done, 0);
      assert.deepEqual(await content(), ['one', 'two', 'six']);

      const rounds = [1, 2].map((id) => queue.postponed.filter(({ ids }) => ids.includes(id)));
      for (const delays of rounds.map((round) => round.map(({ delayMs }) => delayMs / MINUTE))) {
        assert.equal(delays.length, 8);
        for (const [begun, delay] of delays.entries()) {
          const most = Math.min(2 ** begun, 60);
          assert.ok(delay >= most / 2 && delay <= most, `${delay} minutes after ${begun + 1} times`);
        }
      }
      const text =
        `Mail in "INBOX" of ${user}@127.0.0.1:${proxy.port} cannot be moved to "Done": there is no such mailbox. ` +
        'Create it, or choose another one in the trigger. There are: "INBOX".';
      assert.deepEqual(
        reports.slice(0, 2).sort((a, b) => a.subscriptionId - b.subscriptionId),
        [
          { subscriptionId: 1, text },
          { subscriptionId: 2, text: text.replace('moved', 'copied') },
        ],
      );
      assert.equal(reports.length, 16, 'one a round: the rest is for whoever is told');
      assert.equal(queue.postponed[0]!.error.startsWith('Mail in "INBOX"'), true);

      await make('Done');
      assert.equal((await perform()).done, 3);
      assert.deepEqual((await content('Done')).sort(), ['one', 'six', 'two']);
    });

    it('says that the mailbox keeps no keywords', async () => {
      const [one, two] = await three();
      queue.add(one!, { kind: 'addKeyword', keyword: 'done' });
      queue.add(two!, { kind: 'flag' });
      answer(/\[PERMANENTFLAGS [^\]]*\]/, '[PERMANENTFLAGS (\\Seen \\Flagged \\Deleted)]');
      assert.equal((await perform()).done, 1);
      assert.match(reports[0]!.text, /cannot be given the keyword "done": the server takes no keywords/);
      assert.equal(queue.postponed.length, 1);
      assert.deepEqual(await content(), ['one', 'two \\Flagged', 'six']);
    });

    it('uses a keyword that the mailbox has, however it is spelled', async () => {
      const [one] = await three();
      queue.add(one!, { kind: 'addKeyword', keyword: '$DONE' });
      answer(/\[PERMANENTFLAGS [^\]]*\]/, '[PERMANENTFLAGS (\\Seen $Done)]');
      assert.equal((await perform()).done, 1);
      assert.deepEqual(await content(), ['one $Done', 'two', 'six']);
    });

    it('says that the mailbox can only be read, and still copies from it', async () => {
      await make('Copies');
      const [one, two] = await three();
      queue.add(one!, { kind: 'delete' });
      queue.add(two!, { kind: 'copy', mailbox: 'Copies' });
      answer(/\[READ-WRITE\]/, '[READ-ONLY]');
      assert.equal((await perform()).done, 1);
      assert.match(reports[0]!.text, /cannot be deleted: this login may only read the mailbox/);
      assert.deepEqual(await content('Copies'), ['two']);
    });

    it('is done with each mail by itself, if not with all together', async () => {
      for (const mail of await three()) queue.add(mail, { kind: 'flag' });
      answer(/OK (Store completed)/, 'NO [CANNOT] $1');
      assert.equal((await perform()).done, 3);
      assert.equal(said('UID STORE'), 4);
      assert.deepEqual([reports, queue.postponed], [[], []]);
    });

    it('is told with the words of the server', async () => {
      const [one] = await three();
      queue.add(one!, { kind: 'flag' });
      answer(/OK Store completed/, 'NO [NOPERM] Not on a Sunday');
      assert.equal((await perform()).done, 0);
      assert.match(reports[0]!.text, /cannot be flagged: the server refuses it \(Not on a Sunday\)\./);
      assert.equal(queue.postponed[0]!.error, reports[0]!.text);
    });

    it('is told only if it lasts, where it passes by itself as a rule', async () => {
      const [one] = await three();
      queue.add(one!, { kind: 'flag' });
      const told: number[] = [];
      for (let begun = 0; begun < 6; begun++) {
        answer(/OK Store completed/, 'NO [UNAVAILABLE] Try later');
        await perform();
        told.push(reports.length);
      }
      assert.deepEqual(told, [0, 0, 0, 0, 1, 2]);
      assert.equal(queue.postponed.length, 6);
    });
  });

  it('is not postponed by a connection that breaks', async () => {
    const [one] = await three();
    queue.add(one!, { kind: 'flag' });
    const session = await connect();
    await session.open('INBOX');
    proxy.cut();
    await assert.rejects(perform('INBOX', session), isLost);
    assert.deepEqual(queue.postponed, []);
    assert.equal((await perform()).done, 1);
  });

  it('ends early when it is to stop, and leaves the rest due', async () => {
    const [one, two] = await three();
    queue.add(one!, { kind: 'flag' });
    queue.add(two!, { kind: 'markRead' });
    const stopping = new AbortController();
    const ledger = {
      takeErrands: () => queue.takeErrands(),
      postponeErrands: () => Promise.reject(new Error('nothing is refused')),
      finishErrands: (ids: readonly number[]) => {
        stopping.abort();
        return queue.finishErrands(ids);
      },
    };
    const session = await connect();
    const hold = { sourceId: 1, fence: 1 };
    const report = (): void => undefined;
    const job = { session, mailbox: 'INBOX', hold, ledger, log: silentLog, report };
    assert.equal((await performActions(job, stopping.signal)).done, 1);
    assert.deepEqual(await content(), ['one', 'two \\Seen', 'six']);
    assert.equal(queue.due.length, 1);
  });
});
