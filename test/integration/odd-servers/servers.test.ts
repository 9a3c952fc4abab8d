// Servers that refuse to search, hang up where much is asked for, or whose answers cannot be read: every mail is recorded
// all the same, or people are told.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ImapRereader } from '../../../engine/imap/find/again';
import { headerBlock, readHeaders } from '../../../engine/mail/headers';
import { softIdentity } from '../../../engine/mail/identity';
import { ascending, eachOnce, numbers } from '../../support/scripted-imap/expected';
import { scriptedMail } from '../../support/scripted-imap/mail';
import type { FetchCommand, Script } from '../../support/scripted-imap/server';
import { WatchedScript } from '../../support/scripted-imap/watched';
import { until } from '../../support/until';

describe('a server that refuses to search', { concurrency: 99 }, () => {
  const ways = [
    'NO [SERVERBUG] UID SEARCH Server error - Please try again later',
    'BAD Unknown command',
    'NO',
  ];
  for (const how of ways) {
    it(`is asked by FETCH, which works: ${how}`, async () => {
      const script: Script = { search: (tag) => `${tag} ${how}\r\n` };
      await WatchedScript.with({ script }, async (scene) => {
        scene.arrive(...numbers(3, 80));
        await eachOnce(scene, numbers(3, 80));
        assert.equal(scene.server.connections, 1);
        assert.equal(scene.told, '');
      });
    });
  }

  it('with gaps of any size between the UIDs is gone through all the same', async () => {
    const script: Script = { search: (tag) => `${tag} NO later\r\n` };
    const uids = numbers(1, 60).map((number) => number * 50_000_000);
    await WatchedScript.with({ script }, async (scene) => {
      scene.server.arrive(...uids.map((uid) => scriptedMail(uid)));
      await eachOnce(scene, uids);
    });
  });

  it("says why, where somebody's rules need it, and blames the rules only if it is them", async () => {
    for (const [how, says] of [
      [
        'NO [SERVERBUG] Server error - Please try again later',
        /does not search at the moment \(Server error.*asked again/,
      ],
      [
        'BAD Unknown search key',
        /refused to search by Custom Email Rules \(Unknown search key\)\. Check them/,
      ],
    ] as const) {
      const script: Script = { search: (tag) => `${tag} ${how}\r\n` };
      const join = { reading: { criteria: { query: { seen: false }, gmailOnly: null } } };
      await WatchedScript.with({ script, join }, async (scene) => {
        scene.arrive(3);
        await until('people are told', () => scene.told !== '');
        assert.match(scene.told, says);
      });
    }
  });

  it('finds a mail again by its size', async () => {
    await WatchedScript.with({ script: { search: (tag) => `${tag} NO later\r\n` } }, async (scene) => {
      const rereader = await ImapRereader.connect(scene.server.login(), new AbortController().signal);
      const { raw } = scriptedMail(2);
      try {
        const known = {
          mailbox: 'INBOX',
          identity: 'uid:9:7:INBOX',
          uid: 7,
          uidValidity: '9',
          receivedAt: null,
          size: raw.length,
        };
        const soft = softIdentity(readHeaders(headerBlock(raw)), raw.length);
        assert.ok((await rereader.read({ ...known, softIdentity: soft }))?.raw.equals(raw));
      } finally {
        await rereader.end();
      }
    });
  });
});

describe(
  'a server that hangs up where one FETCH asks for many',
  { concurrency: 99, timeout: 3 * 60_000 },
  () => {
    for (const [most, search] of [
      [200, true],
      [200, false],
      [7, true],
    ] as const) {
      it(`is asked for fewer: above ${most}${search ? '' : ', and it does not search'}`, async () => {
        const script: Script = {
          fetch: ({ mails, conversation }) => {
            if (mails.length <= most) return undefined;
            conversation.end();
            return true;
          },
          ...(!search && { search: (tag: string) => `${tag} NO later\r\n` }),
        };
        const last = most > 100 ? 1_002 : 102;
        await WatchedScript.with({ script }, async (scene) => {
          scene.arrive(...numbers(3, last));
          await eachOnce(scene, numbers(3, last), 150_000);
          assert.ok(scene.server.connections < 15, `${scene.server.connections} connections`);
        });
      });
    }
  },
);

describe('answers that cannot be read', { concurrency: 99, timeout: 3 * 60_000 }, () => {
  /** As Xeams: what tells of which mail it is stands behind the list. */
  const garbled = (isMeant: (command: FetchCommand) => boolean): Script => ({
    fetched: (command, seq, mail) =>
      isMeant(command)
        ? `* ${seq} FETCH (FLAGS ())\r\n UID ${mail.uid} RFC822.SIZE ${mail.raw.length})\r\n`
        : undefined,
  });

  it('are told, and the mails run once they can be read', async () => {
    await WatchedScript.with({ script: garbled(() => true) }, async (scene) => {
      scene.arrive(3, 4);
      await until('people are told', () => scene.told !== '', 60_000);
      assert.match(scene.told, /says that there .*mail.*cannot be read/);
      assert.notEqual(scene.watching.source().error, null);
      assert.notEqual(scene.watching.source().state, 'idle');
      scene.server.script = {};
      await eachOnce(scene, [3, 4]);
    });
  });

  it('are told where they are about each mail, new or old, and none is recorded without content', async () => {
    await WatchedScript.with({ script: garbled(({ items }) => items.includes('BODY')) }, async (scene) => {
      scene.arrive(3, 4);
      await until('people are told', () => scene.told !== '', 60_000);
      assert.match(scene.told, /lists the mails of "ann", and hands out nothing of any of them/);
      assert.deepEqual(scene.uids, []);
      scene.server.script = {};
      await eachOnce(scene, [3, 4]);
    });
  });

  it('are no mails that were deleted: those are recorded that are listed', async () => {
    const script = garbled(
      ({ items, mails }) => items.includes('BODY') && mails.some(([, { uid }]) => uid > 2),
    );
    await WatchedScript.with({ script }, async (scene) => {
      scene.arrive(3, 4);
      await scene.recorded(2, 120_000);
      scene.arrive(...numbers(5, 70));
      await scene.recorded(68, 120_000);
      assert.deepEqual(ascending(scene.uids), numbers(3, 70));
      assert.match(scene.told, /with the UIDs 5, 6, 7.* and \d+ more in the mailbox.*does not hand them out/);
      assert.ok(scene.joined.warnings.length < 10, 'many are told together');
    });
  });

  it('are no fault of a mail that came and was deleted at once', async () => {
    await WatchedScript.with({}, async (scene) => {
      scene.server.script = { fetch: () => (scene.server.expunge(3), undefined) };
      // A small one would have come whole by then.
      scene.server.arrive(scriptedMail(3, { text: 'long '.repeat(20_000) }));
      await until('it was looked for', () => !scene.server.mails.some(({ uid }) => uid === 3));
      scene.server.script = {};
      scene.arrive(4);
      await eachOnce(scene, [4]);
      assert.equal(scene.server.connections, 1);
    });
  });
});

describe('a connection that breaks while nothing is read', () => {
  it('is no reason to ask for less', async () => {
    await WatchedScript.with({}, async (scene) => {
      const { server } = scene;
      for (let times = 1; times <= 3; times++) {
        server.breakOff();
        await until('it is watched again', () => server.connections > times && server.idling > 0);
      }
      scene.arrive(3);
      await eachOnce(scene, [3]);
      const looks = server.commands.filter((command) => command.startsWith('UID FETCH 3:*'));
      assert.ok(looks.at(-1)?.includes('RFC822.SIZE'), looks.join('; '));
    });
  });
});
