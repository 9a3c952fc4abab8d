// What came while nobody read is collected in long pages, small mails together with what is told of them: that each
// is stored as it is, whatever its size.
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ImapConnection } from '../../engine/imap/session/connection';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
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

  const collected = async (
    user: string,
    mails: readonly string[],
    more: Parameters<Watching['join']>[1] = {},
  ): Promise<{ contents: Map<number, string>; uids: number[] }> => {
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
      return { contents: contents(watching.file), uids };
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
});
