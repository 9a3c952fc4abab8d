// Mails of which a server says less than it should: fewer octets, no size, no date.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ImapRereader } from '../../../engine/imap/find/again';
import { ascending, eachOnce, numbers, readsContent, shortPart } from '../../support/scripted-imap/expected';
import { answersTo, fetchAnswer, imapDate, literal, scriptedMail } from '../../support/scripted-imap/mail';
import type { Script } from '../../support/scripted-imap/server';
import { WatchedScript } from '../../support/scripted-imap/watched';
import { until } from '../../support/until';

describe('fewer octets than there are', { concurrency: 99, timeout: 3 * 60_000 }, () => {
  const short = (octets: number, seq: number, uid: number, part = ''): Buffer =>
    fetchAnswer(seq, [
      ['UID', Buffer.from(String(uid))],
      [`BODY[]${part}`, literal(scriptedMail(uid).raw.subarray(0, octets))],
    ]);

  it('are asked for again, whole, where a part of a mail came short', async () => {
    await WatchedScript.with({ script: { fetched: shortPart } }, async (scene) => {
      scene.arrive(...numbers(3, 202));
      await eachOnce(scene, numbers(3, 202));
    });
  });

  it('are asked for again where they come once', async () => {
    const seen = new Set<number>();
    const script: Script = {
      fetched: (command, seq, { uid }) => {
        if (!readsContent(command) || seen.has(uid)) return undefined;
        seen.add(uid);
        return short(50 + uid, seq, uid);
      },
    };
    await WatchedScript.with({ script }, async (scene) => {
      scene.arrive(3, 4, 5);
      await eachOnce(scene, [3, 4, 5]);
    });
  });

  it("are the mail where they come twice the same: some servers' sizes are wrong", async () => {
    await WatchedScript.with({}, async (scene) => {
      scene.server.arrive(
        ...[3, 4].map((uid) => scriptedMail(uid, { size: 999 })),
        scriptedMail(5, { size: 7 }),
      );
      await eachOnce(scene, [3, 4, 5]);
      assert.equal(scene.told, '');
    });
  });

  it('are no mail where they come another time each time', async () => {
    let octets = 20;
    const script: Script = {
      fetched: (command, seq, { uid }) =>
        uid === 4 && readsContent(command) ? short(octets++, seq, uid) : undefined,
    };
    await WatchedScript.with({ script }, async (scene) => {
      scene.arrive(3, 4, 5);
      const mails = await scene.recorded(3);
      assert.deepEqual(
        mails.filter(({ content }) => !content).map(({ uid }) => uid),
        [4],
      );
    });
  });

  it('are no mail for a run that reads it again either, and neither is nothing', async () => {
    const script: Script = {
      fetched: (command, seq, { uid }) =>
        readsContent(command) ? `* ${seq} FETCH (UID ${uid} BODY[] "")\r\n` : undefined,
    };
    await WatchedScript.with({}, async (scene) => {
      const rereader = await ImapRereader.connect(scene.server.login(), new AbortController().signal);
      const { raw } = scriptedMail(2);
      const known = {
        ...{ mailbox: 'INBOX', identity: 'uid:1:2:INBOX', softIdentity: null, uid: 2 },
        ...{ uidValidity: '1', receivedAt: null },
      };
      try {
        for (const size of [0, raw.length]) {
          scene.server.script = {};
          const whole = await rereader.read({ ...known, size });
          assert.ok(whole?.raw.equals(raw));
          scene.server.script = script;
          await assert.rejects(
            rereader.read({ ...known, size }),
            /UID 2 in the mailbox "INBOX" of ann.*does not hand it out/,
          );
        }
        scene.server.script = {
          fetched: (command) =>
            command.items.includes('BODY')
              ? (command.conversation.say(`${command.tag} NO Cannot read it\r\n`), true)
              : undefined,
        };
        await assert.rejects(rereader.read({ ...known, size: raw.length }), /UID 2 .*\(Cannot read it\)/);
      } finally {
        await rereader.end();
      }
    });
  });
});

describe('a mail of unknown size', { concurrency: 99 }, () => {
  const unsized: Script = {
    fetched: ({ items }, seq, mail) =>
      fetchAnswer(
        seq,
        answersTo(items, mail).filter(([name]) => name !== 'RFC822.SIZE'),
      ),
  };
  const NIL: Script = {
    fetched: ({ items }, seq, mail) =>
      fetchAnswer(
        seq,
        answersTo(items, mail).map(([name, value]) => [
          name,
          name === 'RFC822.SIZE' ? Buffer.from('NIL') : value,
        ]),
      ),
  };
  for (const [what, script] of [
    ['missing', unsized],
    ['NIL', NIL],
  ] as const) {
    it(`is recorded whole, and above the limit without content (${what})`, async () => {
      await WatchedScript.with({ script, join: { mostStoredBytes: 1_000 } }, async (scene) => {
        scene.arrive(3);
        scene.server.arrive(scriptedMail(4, { text: 'x'.repeat(2_000) }));
        scene.arrive(5);
        const mails = await scene.recorded(3);
        assert.deepEqual(
          mails.map(({ uid, content }) => [uid, content !== null]),
          [
            [3, true],
            [4, false],
            [5, true],
          ],
        );
        assert.equal(mails[0]!.size, scriptedMail(3).raw.length);
      });
    });

    it(`keeps within the limit for large mails when it is read again (${what})`, async () => {
      await WatchedScript.with({ script }, async (scene) => {
        const rereader = await ImapRereader.connect(scene.server.login(), new AbortController().signal);
        const known = {
          mailbox: 'INBOX',
          identity: 'uid:1:2:INBOX',
          softIdentity: null,
          uid: 2,
          uidValidity: '1',
          receivedAt: null,
          size: 0,
        };
        const { raw } = scriptedMail(2);
        try {
          const cut = await rereader.read(known, raw.length - 1);
          assert.equal(cut?.truncated, true);
          assert.ok(cut.raw.length < raw.length);
          const whole = await rereader.read(known, raw.length);
          assert.ok(whole?.raw.equals(raw));
        } finally {
          await rereader.end();
        }
      });
    });
  }
});

describe('a mail of which the server does not know when it came', { concurrency: 99 }, () => {
  const dates: [what: string, dated: (name: string, value: Buffer) => [string, Buffer][]][] = [
    ['NIL', (name) => [[name, Buffer.from('NIL')]]],
    ['an empty text', (name) => [[name, Buffer.from('""')]]],
    ['no date', (name) => [[name, Buffer.from('"yesterday"')]]],
    ['1970', (name) => [[name, Buffer.from('" 1-Jan-1970 00:00:00 +0000"')]]],
    ['nothing', () => []],
  ];
  for (const [what, dated] of dates) {
    it(`is taken, though it came before the mailbox was first reached: ${what}`, async () => {
      let isAway = true;
      const script: Script = {
        command: (name, tag) =>
          isAway && name === 'EXAMINE' ? `${tag} NO [UNAVAILABLE] later\r\n` : undefined,
        fetched: ({ items }, seq, mail) =>
          fetchAnswer(
            seq,
            answersTo(items, mail).flatMap(([name, value]) =>
              name === 'INTERNALDATE' ? dated(name, value) : [[name, value]],
            ),
          ),
      };
      await WatchedScript.with({ script, before: [], ready: false }, async (scene) => {
        await until('it was tried', () =>
          scene.server.commands.some((command) => command.startsWith('EXAMINE')),
        );
        scene.joined.begun = true;
        scene.server.mails.push(scriptedMail(1, { date: 'NIL' }));
        isAway = false;
        const [mail] = await scene.recorded(1);
        assert.equal(mail!.receivedAt, null);
        scene.arrive(2);
        await eachOnce(scene, [1, 2]);
      });
    });
  }

  it('is among those since a date, while older ones are not', async () => {
    const old = imapDate(new Date(Date.now() - 90 * 86_400_000));
    const before = [
      scriptedMail(1, { date: old }),
      scriptedMail(2, { date: 'NIL' }),
      scriptedMail(3),
      scriptedMail(4, { date: old }),
      scriptedMail(5),
    ];
    const join = { reading: { start: { kind: 'since', at: Date.now() - 86_400_000 } as const } };
    for (const search of [undefined, (tag: string) => `${tag} NO later\r\n`]) {
      const script: Script = search ? { search } : {};
      await WatchedScript.with({ before, join, script, ready: false }, async (scene) => {
        await scene.recorded(3);
        assert.deepEqual(ascending(scene.uids), [2, 3, 5, await scene.oneMore()].slice(0, 3));
      });
    }
  });
});
