// Large mails, which are asked for in pieces, at servers that do not do that right: whatever they do, the mail is whole.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { fetchAnswer, literal, scriptedMail, type StoredMail } from '../../support/scripted-imap/mail';
import type { FetchCommand, Script } from '../../support/scripted-imap/server';
import { WatchedScript } from '../../support/scripted-imap/watched';

const LARGE = text(5 * 1024 * 1024 + 7);

/** Lines that are no two the same. */
function text(octets: number): string {
  let lines = '';
  for (let line = 0; lines.length < octets; line++)
    lines += `${createHash('sha256')
      .update(String(line))
      .digest('base64')
      .repeat(1 + (line % 3))}\r\n`;
  return lines.slice(0, octets - 2);
}

const large = (uid: number, more: Partial<StoredMail> = {}): StoredMail =>
  scriptedMail(uid, { text: LARGE, ...more });

interface Wanted {
  readonly start: number;
  readonly octets: number;
}

/** What of a large mail is asked for; null: it is not a piece. */
function piece({ items }: FetchCommand): Wanted | null {
  const [, start, octets] = /BODY\.PEEK\[\]<(\d+)\.(\d+)>/.exec(items) ?? [];
  return octets !== undefined && Number(octets) > 65_536
    ? { start: Number(start), octets: Number(octets) }
    : null;
}

/** It answers so to each piece. */
const answering = (octetsOf: (raw: Buffer, wanted: Wanted) => Buffer): Script => ({
  fetched: (command, seq, { uid, raw }) => {
    const wanted = piece(command);
    if (!wanted) return undefined;
    const octets = literal(octetsOf(raw, wanted));
    return fetchAnswer(seq, [
      ['UID', Buffer.from(String(uid))],
      [`BODY[]<${wanted.start}>`, octets],
    ]);
  },
});

/** It and the small ones beside it are recorded, each once, byte for byte. */
async function eachWhole(scene: WatchedScript, one: StoredMail): Promise<void> {
  const mails = [scriptedMail(3), one, scriptedMail(5)];
  scene.server.arrive(...mails);
  const recorded = await scene.recorded(3);
  const last = await scene.oneMore();
  assert.deepEqual(scene.uids.toSorted(), [3, 4, 5, last]);
  for (const { uid, raw } of mails) {
    const content = recorded.find((mail) => mail.uid === uid)?.content;
    assert.ok(content?.equals(raw), `mail ${uid}: ${content?.length} of ${raw.length} octets`);
  }
  assert.equal(scene.told, '');
}

const asksWhole = ({ server }: WatchedScript): number =>
  server.commands.filter((command) => /^UID FETCH 4 .*BODY\.PEEK\[\](?!<)/.test(command)).length;
const asksPieces = ({ server }: WatchedScript): number =>
  server.commands.filter((command) => /^UID FETCH 4 .*BODY\.PEEK\[\]<\d+\.(?!65536>)/.test(command)).length;

describe('a large mail', { concurrency: 99, timeout: 3 * 60_000 }, () => {
  const inPieces = (what: string, script: Script, more: Partial<StoredMail> = {}): void => {
    it(`is read in pieces ${what}`, () =>
      WatchedScript.with({ script }, async (scene) => {
        await eachWhole(scene, large(4, more));
        assert.equal(asksWhole(scene), 0);
        assert.ok(asksPieces(scene) > 5);
      }));
  };
  inPieces('by a server that does as it should', {});
  inPieces(
    'where the server hands out less at a time than it is asked for',
    answering((raw, { start }) => raw.subarray(start, start + 200_000)),
  );
  inPieces('to its end, where the server says that there is less of it', {}, { size: 4.5 * 1024 * 1024 });

  const asOne = (what: string, script: Script, more: Partial<StoredMail> = {}): void => {
    it(`is read as one ${what}`, () =>
      WatchedScript.with({ script }, async (scene) => {
        await eachWhole(scene, large(4, more));
        assert.ok(asksPieces(scene) > 0);
        assert.ok(asksWhole(scene) > 0);
      }));
  };
  asOne(
    'where the server hands out all of it, whatever piece is asked for',
    answering((raw) => raw),
  );
  asOne(
    'where the server hands out the beginning again and again',
    answering((raw, { octets }) => raw.subarray(0, octets)),
  );
  asOne(
    'where the server counts a line’s end as one octet',
    answering((raw, { start, octets }) => {
      const skipped = start + raw.subarray(0, start).toString('latin1').split('\n').length - 1;
      return raw.subarray(skipped, skipped + octets);
    }),
  );
  asOne(
    'where some octets of a piece are left out',
    answering((raw, { start, octets }) => {
      const all = raw.subarray(start, start + octets);
      return start > 2_000_000 ? all.subarray(100) : all;
    }),
  );
  asOne('where the server says that there is more of it', {}, { size: 5.5 * 1024 * 1024 });
  asOne(
    'where pieces are empty',
    answering(() => Buffer.alloc(0)),
  );
  asOne('where the server refuses pieces', {
    fetch: (command) => {
      if (!piece(command)) return undefined;
      command.conversation.say(`${command.tag} BAD what is that?\r\n`);
      return true;
    },
  });
  asOne('where pieces are not answered', { fetched: (command) => (piece(command) ? null : undefined) });

  it('is read again from its beginning where the connection breaks between two pieces', () => {
    let breaks = 2;
    const script: Script = {
      fetched: (command) => {
        if ((piece(command)?.start ?? 0) < 2_000_000 || breaks === 0) return undefined;
        breaks--;
        command.conversation.end();
        return true;
      },
    };
    return WatchedScript.with({ script }, async (scene) => {
      await eachWhole(scene, large(4));
      assert.equal(breaks, 0);
      assert.equal(asksWhole(scene), 0);
    });
  });
});
