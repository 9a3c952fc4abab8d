// A mail that its server lists and does not hand out: it keeps no other waiting, is recorded without content in the end, and
// people are told which one it is.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ascending,
  eachOnce,
  endsWith,
  impatient,
  numbers,
  readsContent,
} from '../../support/scripted-imap/expected';
import { answersTo, fetchAnswer, scriptedMail } from '../../support/scripted-imap/mail';
import type { FetchCommand, Script } from '../../support/scripted-imap/server';
import { WatchedScript } from '../../support/scripted-imap/watched';
import { until } from '../../support/until';

const GMAIL = 'IMAP4rev1 IDLE X-GM-EXT-1';

describe('a mail that the server does not hand out', { concurrency: 99, timeout: 5 * 60_000 }, () => {
  const POISON = 4;
  const isPoison = ({ uid }: { uid: number }): boolean => uid === POISON;
  const ways: [
    what: string,
    refuse: (command: FetchCommand, seq: number) => string | Buffer | null | true,
    said?: RegExp,
  ][] = [
    [
      'NO',
      endsWith('NO [SERVERBUG] Server error while fetching messages'),
      /Server error while fetching messages/,
    ],
    ['BAD', endsWith('BAD Error in IMAP command UID FETCH'), /Error in IMAP command/],
    ['nothing at all', () => null],
    ['NIL', (_, seq) => `* ${seq} FETCH (UID ${POISON} BODY[] NIL)\r\n`],
    ['an empty string', (_, seq) => `* ${seq} FETCH (UID ${POISON} BODY[] "")\r\n`],
    ['an empty literal', (_, seq) => `* ${seq} FETCH (UID ${POISON} BODY[] {0}\r\n)\r\n`],
    [
      'fewer octets than announced, and silence',
      (_, seq) => `* ${seq} FETCH (UID ${POISON} BODY[] {900}\r\nfew)\r\n`,
    ],
    ['the end of the connection', ({ conversation }) => (conversation.end(), true)],
    [
      'half a mail, and the end',
      ({ conversation }, seq) => {
        conversation.say(`* ${seq} FETCH (UID ${POISON} BODY[] {900}\r\nhalf`);
        setTimeout(() => conversation.end(), 50);
        return true;
      },
    ],
  ];
  for (const [what, refuse, said] of ways) {
    it(`keeps no other waiting, and is recorded without content: ${what}`, async () => {
      const script: Script = {
        fetched: (command, seq, mail) =>
          isPoison(mail) && readsContent(command) ? refuse(command, seq) : undefined,
      };
      await WatchedScript.with({ script, ...impatient }, async (scene) => {
        scene.arrive(3, 4, 5, 6);
        await scene.recorded(3);
        assert.deepEqual(ascending(scene.uids), [3, 5, 6], 'the others come at once');
        const mails = await scene.recorded(4);
        assert.deepEqual(
          mails.filter(({ content }) => !content).map(({ uid }) => uid),
          [POISON],
        );
        await until('people are told', () => scene.joined.warnings.length > 0);
        assert.match(
          scene.told,
          /lists the mail with UID 4 in the mailbox "INBOX" of ann@127\.0\.0\.1:\d+, and does not hand it out/,
        );
        if (said) assert.match(scene.told, said);
        scene.arrive(7);
        await scene.recorded(5);
        assert.deepEqual(ascending(scene.uids), [3, 4, 5, 6, 7]);
        assert.equal(scene.joined.warnings.length, 1, 'once');
        assert.doesNotMatch(
          `${scene.told}${scene.watching.log.join()}`,
          /argument|undefined|not a function|instance of/,
        );
      });
    });
  }

  const headerWays: [what: string, script: Script][] = [
    [
      'NO to its header',
      {
        fetched: (command, _, mail) =>
          isPoison(mail) && command.items.includes('BODY')
            ? endsWith('NO [UNAVAILABLE] Cannot read it')(command)
            : undefined,
      },
    ],
    [
      'NIL for its header, each time',
      {
        fetched: ({ items }, seq, mail) =>
          isPoison(mail) && items.includes('HEADER')
            ? fetchAnswer(
                seq,
                answersTo(items, mail).map(([name, value]) => [
                  name,
                  name.includes('HEADER') ? Buffer.from('NIL') : value,
                ]),
              )
            : undefined,
      },
    ],
    [
      'no answer to what identifies it',
      {
        fetched: (command, _, mail) => (isPoison(mail) && command.items.includes('BODY') ? null : undefined),
      },
    ],
    [
      'the end of the connection at its header',
      {
        fetched: ({ items, conversation }, _, mail) =>
          isPoison(mail) && items.includes('BODY') ? (conversation.end(), true) : undefined,
      },
    ],
  ];
  for (const capabilities of ['IMAP4rev1 IDLE', GMAIL]) {
    for (const [what, script] of headerWays) {
      it(`is recorded though nothing is told of it: ${what} (${capabilities})`, async () => {
        const join = {
          reading: {
            commandMs: 4_000,
            filter: { from: { matches: (text: string) => text.includes('ann') } },
          },
        };
        await WatchedScript.with({ capabilities, script, times: impatient.times, join }, async (scene) => {
          scene.arrive(3, 4, 5, 6);
          await scene.recorded(3);
          assert.deepEqual(ascending(scene.uids), [3, 5, 6]);
          await scene.recorded(4);
          scene.arrive(7);
          await scene.recorded(5);
          assert.deepEqual(ascending(scene.uids), [3, 4, 5, 6, 7], 'each once');
          assert.match(scene.told, /UID 4 in the mailbox "INBOX"/);
        });
      });
    }
  }

  it('is whole where only the choice of header fields is NIL', async () => {
    const script: Script = {
      fetched: ({ items }, seq, mail) =>
        isPoison(mail) && items.includes('HEADER.FIELDS')
          ? `* ${seq} FETCH (UID 4 RFC822.SIZE ${mail.raw.length} INTERNALDATE "${mail.date}" BODY[HEADER.FIELDS (X)] NIL)\r\n`
          : undefined,
    };
    await WatchedScript.with({ script }, async (scene) => {
      scene.arrive(3, 4, 5);
      await eachOnce(scene, [3, 4, 5]);
      assert.equal(scene.told, '');
    });
  });

  it('among a thousand keeps none of them waiting, nor do three of them', async () => {
    const poison = new Set([60, 61, 700]);
    const script: Script = {
      fetched: (command, _, { uid }) =>
        poison.has(uid) && command.items.includes('BODY')
          ? endsWith('NO Cannot read message')(command)
          : undefined,
    };
    await WatchedScript.with({ script, ...impatient }, async (scene) => {
      scene.arrive(...numbers(3, 1_002));
      await scene.recorded(997);
      assert.deepEqual(
        numbers(3, 1_002).filter((uid) => !scene.uids.includes(uid)),
        [60, 61, 700],
      );
      const mails = await scene.recorded(1_000);
      assert.equal(new Set(mails.map(({ uid }) => uid)).size, 1_000);
    });
  });

  it('is recorded where it is the only one there is', async () => {
    const script: Script = {
      fetched: (command) => (readsContent(command) ? endsWith('NO Cannot read it')(command) : undefined),
    };
    await WatchedScript.with({ script, before: [], ...impatient }, async (scene) => {
      scene.arrive(1);
      const [mail] = await scene.recorded(1, 120_000);
      assert.equal(mail!.content, null);
    });
  });

  it('is asked for again, and whole, where the server can again', async () => {
    let left = 2;
    const script: Script = {
      fetched: (command, _, mail) =>
        isPoison(mail) && readsContent(command) && left-- > 0
          ? endsWith('NO [INUSE] Try again')(command)
          : undefined,
    };
    await WatchedScript.with({ script }, async (scene) => {
      scene.arrive(3, 4, 5);
      await eachOnce(scene, [3, 4, 5]);
      assert.equal(scene.told, '');
    });
  });

  it("is nobody's fault where the server hands out no mail at all: it is waited for, and every one is whole", async () => {
    const refuses: Script = {
      fetched: (command) =>
        command.items.includes('BODY') ? endsWith('NO [UNAVAILABLE] Storage is offline')(command) : undefined,
    };
    await WatchedScript.with({ script: refuses, ...impatient }, async (scene) => {
      scene.arrive(3, 4, 5);
      await until('it is tried again', () => scene.server.connections > 3, 60_000);
      assert.match(scene.watching.source().error ?? '', /Storage is offline/);
      assert.deepEqual(scene.uids, []);
      scene.server.script = {};
      await eachOnce(scene, [3, 4, 5]);
    });
  });

  it('that is deleted while it is asked for again is forgotten', async () => {
    const script: Script = {
      fetched: (command, _, mail) =>
        isPoison(mail) && readsContent(command) ? endsWith('NO Cannot read it')(command) : undefined,
    };
    await WatchedScript.with({ script }, async (scene) => {
      scene.arrive(3, 4, 5);
      await scene.recorded(2);
      scene.server.expunge(POISON);
      scene.arrive(6);
      await scene.watching.read(scene.joined.subscription, 6);
      assert.deepEqual(ascending(scene.uids), [3, 5, 6]);
      assert.equal(scene.told, '');
      await until('nothing is wrong any more', () => scene.watching.source().state === 'idle');
    });
  });

  it('among older mail keeps none of them waiting', async () => {
    const script: Script = {
      fetched: (command, _, { uid }) =>
        uid === 30 && readsContent(command) ? endsWith('NO Cannot read it')(command) : undefined,
    };
    const before = numbers(1, 120).map((uid) => scriptedMail(uid));
    const join = { reading: { start: { kind: 'everything' } as const } };
    await WatchedScript.with({ before, script, join, ready: false }, async (scene) => {
      const mails = await scene.recorded(120);
      assert.deepEqual(
        mails.filter(({ content }) => !content).map(({ uid }) => uid),
        [30],
      );
      assert.equal(new Set(mails.map(({ uid }) => uid)).size, 120);
    });
  });
});
