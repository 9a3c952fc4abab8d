// What came while nobody read is collected in long pages, small mails together with what is told of them: that each
// is stored as it is, whatever its size.
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Answers } from '../../engine/imap/session/answers';
import { ImapConnection } from '../../engine/imap/session/connection';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { longestHold } from '../support/slow-disk/ledger-holds';
import { busy, threadTime } from '../support/thread-time';
import { until } from '../support/until';
import { Watching } from '../support/watching';

const SMALL = 64 * 1024;

describe('Mail that came while nobody read', () => {
  let dovecot: Dovecot;
  before(async () => {
    dovecot = await Dovecot.start();
  });
  after(() => dovecot.dispose());

  /** Stored mails by UID. */
  const contents = (file: string): Map<number, string> => {
    const database = new DatabaseSync(file, { readOnly: true });
    const rows = database.prepare('select uid, gzip from content join message on id = message_id').all();
    database.close();
    return new Map(rows.map(({ uid, gzip }) => [Number(uid), gunzipSync(gzip as Uint8Array).toString()]));
  };

  /** What mails are known and looked for by. */
  const names = (file: string): Record<string, unknown>[] => {
    const database = new DatabaseSync(file, { readOnly: true });
    const rows = database
      .prepare(
        'select uid, soft_identity, weak_identity is not null as weak, header_message_id, sender, subject, size from message order by uid',
      )
      .all();
    database.close();
    return rows.map((row) => ({ ...row }));
  };

  const collected = async (
    user: string,
    mails: readonly string[],
    more: Parameters<Watching['join']>[1] = {},
  ): Promise<{ contents: Map<number, string>; names: Record<string, unknown>[]; uids: number[] }> => {
    const watching = await Watching.start();
    try {
      const login = dovecot.login(user);
      const first = await watching.join(login, more);
      await until('the mailbox is watched', () => watching.source().state === 'idle');
      await first.leave();
      await dovecot.append(user, mails);
      const { subscription, leave } = await watching.join(login, more);
      await watching.read(subscription, mails.length);
      const uids = watching.uids(subscription);
      await leave();
      return { contents: contents(watching.file), names: names(watching.file), uids };
    } finally {
      await watching.dispose();
    }
  };

  const ofSize = (bytes: number, index: number): string => {
    const empty = rawMail({ subject: `mail ${index}`, text: '' });
    return rawMail({
      subject: `mail ${index}`,
      messageId: `<${index}@example.com>`,
      text: 'x'.repeat(Math.max(bytes - empty.length, 0)),
    });
  };

  it('is stored byte for byte, small and large mixed', async () => {
    const sizes = [500, 5_000, 40_000, SMALL - 100, SMALL, SMALL + 100, 200_000];
    const mails = Array.from({ length: 320 }, (_, index) =>
      ofSize(index % 20 === 0 ? sizes[(index / 20) % sizes.length]! : 800, index),
    );
    const { contents, uids } = await collected('mixed', mails);
    assert.deepEqual(
      uids,
      mails.map((_, index) => index + 1),
    );
    for (const [index, mail] of mails.entries()) assert.equal(contents.get(index + 1), mail, `mail ${index}`);
  });

  it('is stored byte for byte where nearly all are large', async () => {
    const mails = Array.from({ length: 120 }, (_, index) => ofSize(index % 9 === 0 ? 800 : 80_000, index));
    const { contents } = await collected('large', mails);
    for (const [index, mail] of mails.entries()) assert.equal(contents.get(index + 1), mail, `mail ${index}`);
  });

  it('is there, whatever the search of the server leaves out', async (test) => {
    const mails = Array.from({ length: 200 }, (_, index) => ofSize(500, index));
    const search = Reflect.get<ImapConnection, 'search'>(ImapConnection.prototype, 'search');
    const lags: readonly ((uid: number) => boolean)[] = [
      (uid) => uid !== 1,
      (uid) => uid !== 100,
      (uid) => uid !== 200,
      (uid) => uid > 190,
      () => false,
    ];
    for (const [index, isFound] of lags.entries()) {
      const lagging = test.mock.method(
        ImapConnection.prototype,
        'search',
        async function (this: ImapConnection, ...asked: Parameters<typeof search>) {
          return (await search.apply(this, asked)).filter(isFound);
        },
      );
      const { uids } = await collected(`lag${index}`, mails);
      assert.equal(lagging.mock.callCount() > 0, true);
      assert.equal(uids.length, mails.length, `search ${index}`);
      lagging.mock.restore();
    }
  });

  it('is not stored above the size that is stored, be it ever so small', async () => {
    const mails = Array.from({ length: 80 }, (_, index) => ofSize(index % 2 === 0 ? 600 : 3_000, index));
    const { contents, uids } = await collected('limited', mails, { mostStoredBytes: 2_000 });
    assert.equal(uids.length, 80);
    assert.deepEqual(
      [...contents.keys()].sort((a, b) => a - b),
      mails.flatMap((_, index) => (index % 2 === 0 ? [index + 1] : [])),
    );
  });

  it('comes with its header once, and is known by the same names as one whose fields were asked for', async (test) => {
    const long = (bytes: number): string =>
      `X-Long: ${'x '.repeat(500)}\r\n`.repeat(Math.ceil(bytes / 1_000));
    const body = '\r\n\r\ntext\r\n';
    const odd = [
      `Message-ID: <folded\r\n @example.com>\r\nFrom: Ann\r\n\t<ann@mail.example>\r\nSubject: one\r\n two${body}`,
      `message-id : <spaced@example.com>\r\nFROM:bob@mail.example\r\nsubject:=?utf-8?B?w6TDtsO8?=${body}`,
      `Message-ID: <twice@example.com>\r\nMessage-ID: <again@example.com>\r\nFrom: a@b.example\r\nFrom: c@d.example${body}`,
      `Subject: nobody knows me\r\nDate: Thu, 3 Sep 2026 10:12:13 +0000${body}`,
      `Message-ID: <junk@example.com>\r\nno field at all\r\nSubject: behind it${body}`,
      `Message-ID: <latin@example.com>\r\nSubject: caf\u00e9${body}`,
      `Message-ID: <no-body@example.com>\r\nSubject: no body\r\n`,
      `\r\nonly a body\r\n`,
      `${long(40_000)}Message-ID: <long@example.com>\r\nSubject: behind 40 KB${body}`,
      `${long(70_000)}Message-ID: <longer@example.com>\r\nSubject: behind 70 KB${body}`,
    ];
    const mails = Array.from({ length: 120 }, (_, index) =>
      index < 60 ? ofSize(500, index) : (odd[index - 60] ?? ofSize(700, index)),
    );
    const fetched = test.mock.method(ImapConnection.prototype, 'fetch');
    const whole = await collected('whole', mails);
    const withContent = fetched.mock.calls.filter(
      ({ arguments: [what, , { source }] }) => what === 'Reading mail headers' && source,
    );
    assert.ok(withContent.length > 0);
    for (const { arguments: asked } of withContent) assert.equal(asked[2].headers, undefined);
    // So small are none of these: they are read apart, as one that comes alone is.
    const apart = await collected('apart', mails, { mostStoredBytes: 10 });
    assert.deepEqual(whole.names, apart.names);
    assert.equal(whole.names.length, mails.length);
    for (const [index, mail] of mails.entries()) assert.equal(whole.contents.get(index + 1), mail);
  });

  it('is asked for once where it comes alone, unless the ones before it were large', async (test) => {
    const fetched = test.mock.method(ImapConnection.prototype, 'fetch');
    /** What was asked since it was last looked. */
    const asked = (): string[] => {
      const all = fetched.mock.calls.map(({ arguments: [what, , { source }] }) =>
        source ? `${what}, with content` : what,
      );
      fetched.mock.resetCalls();
      return all;
    };
    const watching = await Watching.start();
    try {
      const login = dovecot.login('alone');
      const { subscription, leave } = await watching.join(login);
      await until('the mailbox is watched', () => watching.source().state === 'idle');
      const mails: string[] = [];
      const come = async (size: number): Promise<string[]> => {
        asked();
        mails.push(ofSize(size, mails.length));
        await dovecot.append('alone', mails.slice(-1));
        await watching.read(subscription, mails.length);
        return asked();
      };
      const once = ['Looking for new mail, with content'];
      const twice = ['Looking for new mail', 'Reading mail, with content'];
      assert.deepEqual(await come(600), once);
      assert.deepEqual(await come(SMALL + 1_000), ['Looking for new mail, with content', twice[1]]);
      assert.deepEqual(await come(600), twice);
      for (const size of [700, 800]) await come(size);
      assert.deepEqual(await come(900), once);
      // Nothing is new: the last mail is told of, and its content would be for nobody.
      const other = await watching.join(login, { nodeId: 'other' });
      await until('the mailbox was looked at', () => fetched.mock.callCount() > 0);
      assert.deepEqual(asked(), ['Looking for new mail']);
      await other.leave();
      await leave();
      assert.deepEqual([...contents(watching.file).values()], mails);
    } finally {
      await watching.dispose();
    }
  });

  it('lets whatever else n8n does have its turn while it comes', async (test) => {
    const take = Reflect.get<Answers, 'take'>(Answers.prototype, 'take');
    // A slow machine.
    test.mock.method(Answers.prototype, 'take', function (this: Answers, ...told: Parameters<typeof take>) {
      busy(1);
      take.apply(this, told);
    });
    const mails = Array.from({ length: 400 }, (_, index) => ofSize(300, index));
    const held = await longestHold(() => collected('turns', mails), threadTime);
    assert.ok(held < 150, `held for ${Math.round(held)} ms`);
  });
});
