// Answers of a server that were not asked for, and such as come in pieces: of each mail one event is made, with all that
// identifies it, and of nothing else.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eachOnce, numbers, tellsMails } from '../../support/scripted-imap/expected';
import { answersTo, fetchAnswer, scriptedMail } from '../../support/scripted-imap/mail';
import type { Script } from '../../support/scripted-imap/server';
import { WatchedScript } from '../../support/scripted-imap/watched';

const GMAIL = 'IMAP4rev1 IDLE X-GM-EXT-1';

describe('an answer that was not asked for', { concurrency: 99 }, () => {
  const unasked: [what: string, script: (said: { times: number }) => Script][] = [
    [
      'about a mail of a later page',
      (said) => ({
        beforeFetched: (command) => {
          const [seq, mail] = command.conversation.mailAt(90) ?? [];
          if (!tellsMails(command) || !mail || command.mails.some(([, { uid }]) => uid === 90))
            return undefined;
          said.times++;
          return `* ${seq} FETCH (UID 90 MODSEQ (5) FLAGS (\\Seen))\r\n`;
        },
      }),
    ],
    [
      'about a mail of this page, before its own answer',
      (said) => ({
        fetched: (command, seq, mail) => {
          if (!tellsMails(command) || mail.uid % 10 !== 0) return undefined;
          said.times++;
          const own = fetchAnswer(seq, answersTo(command.items, mail));
          return Buffer.concat([Buffer.from(`* ${seq} FETCH (FLAGS (\\Seen) UID ${mail.uid})\r\n`), own]);
        },
      }),
    ],
    [
      'about a mail of this page, behind its own answer',
      (said) => ({
        beforeFetched: ({ mails }) => {
          const [seq, mail] = mails[0] ?? [];
          if (!mail) return undefined;
          said.times++;
          return `* ${seq} FETCH (UID ${mail.uid} FLAGS (\\Seen))\r\n`;
        },
      }),
    ],
    [
      'without a UID, in each answer',
      (said) => ({ beforeFetched: () => (said.times++, '* 1 FETCH (FLAGS (\\Seen))\r\n') }),
    ],
    [
      'about an old mail, with all that identifies it',
      (said) => ({
        beforeFetched: ({ items }) => {
          said.times++;
          return fetchAnswer(1, answersTo(items, scriptedMail(1)));
        },
      }),
    ],
  ];
  for (const capabilities of ['IMAP4rev1 IDLE', GMAIL, 'IMAP4rev1 IDLE OBJECTID']) {
    for (const [what, scriptOf] of unasked) {
      for (const [size, last] of [
        ['a few mails', 12],
        ['a burst', 152],
      ] as const) {
        it(`makes of no mail two: ${what}; ${size} (${capabilities})`, async () => {
          const said = { times: 0 };
          await WatchedScript.with({ capabilities, script: scriptOf(said) }, async (scene) => {
            scene.arrive(...numbers(3, last));
            await eachOnce(scene, numbers(3, last));
            if (last > 90 || !what.includes('later page')) assert.ok(said.times > 0, 'it was said');
            const identities = (await scene.mails()).map(({ identity }) => identity.split(':')[0]);
            const kind = capabilities === 'IMAP4rev1 IDLE' ? 'uid' : 'id';
            assert.deepEqual(new Set(identities), new Set([kind]));
            assert.equal(scene.server.connections, 1);
            assert.equal(scene.told, '');
          });
        });
      }
    }
  }

  it('lets no mail past a filter that fits none', async () => {
    const script: Script = { beforeFetched: () => '* 3 FETCH (UID 3 FLAGS (\\Seen))\r\n' };
    const join = { reading: { filter: { from: { matches: (text: string) => text.includes('nobody') } } } };
    await WatchedScript.with({ script, join }, async (scene) => {
      scene.arrive(...numbers(3, 80));
      await scene.watching.read(scene.joined.subscription, 80);
      assert.deepEqual(scene.uids, []);
    });
  });
});

describe('what comes of a mail in pieces', { concurrency: 99 }, () => {
  const reversed: Script = {
    fetched: (command, seq, mail) => {
      const answers = answersTo(command.items, mail);
      if (answers.length === 1) return undefined;
      const uid = ['UID', Buffer.from(String(mail.uid))] as const;
      const pieces = answers.filter(([name]) => name !== 'UID').reverse();
      return Buffer.concat(pieces.map((piece) => fetchAnswer(seq, [uid, piece])));
    },
  };
  for (const capabilities of ['IMAP4rev1 IDLE', GMAIL]) {
    it(`is put together, however many they are (${capabilities})`, async () => {
      await WatchedScript.with({ capabilities, script: reversed }, async (scene) => {
        scene.arrive(...numbers(3, 70));
        await eachOnce(scene, numbers(3, 70));
        for (const { size, receivedAt, uid } of await scene.mails()) {
          assert.equal(size, scriptedMail(uid).raw.length);
          assert.notEqual(receivedAt, null);
        }
      });
    });
  }

  it('is put together of the pieces of two mails in turn', async () => {
    const later: Buffer[] = [];
    const script: Script = {
      fetched: (command, seq, mail) => {
        const [uid, ...rest] = answersTo(command.items, mail).sort(([a]) => (a === 'UID' ? -1 : 1));
        later.push(fetchAnswer(seq, [uid!, ...rest.slice(1)]));
        return fetchAnswer(seq, [uid!, ...rest.slice(0, 1)]);
      },
      beforeFetched: () => Buffer.concat(later.splice(0)),
    };
    await WatchedScript.with({ script }, async (scene) => {
      scene.arrive(3, 4);
      await eachOnce(scene, [3, 4]);
    });
  });
});
