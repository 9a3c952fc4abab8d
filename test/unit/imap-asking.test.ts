// How many mails a server is asked for at a time, how often for one that it does not hand out, and when again.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { askFor } from '../../engine/imap/read/asking';
import { Portion } from '../../engine/imap/read/portion';
import { MOST_TRIES, Withheld } from '../../engine/imap/read/withheld';
import { ImapFault } from '../../engine/imap/session/fault';
import type { HandedOut } from '../../engine/imap/session/handed-out';
import type { ImapSession } from '../../engine/imap/session/session';

const NEVER = new AbortController().signal;
const refusal = (): ImapFault =>
  new ImapFault('other', 'mail.example: No', { cause: { responseStatus: 'NO', responseText: 'No' } });
const lost = (): ImapFault => new ImapFault('connection', 'The connection was lost.');

const job = (others: 'yes' | 'none' | ImapFault = 'yes'): Parameters<typeof askFor>[0] => ({
  session: { mails: { handsOutOthers: () => Promise.resolve(others) } } as unknown as ImapSession,
  withheld: new Withheld(),
  portion: new Portion(),
  signal: NEVER,
});

const mails = (count: number): { uid: number }[] =>
  Array.from({ length: count }, (_, index) => ({ uid: index + 1 }));

/** A server that answers until it comes to a mail that it does not hand out. */
const server =
  (poison: ReadonlySet<number>, fault: () => ImapFault, asked: number[][] = []) =>
  (some: readonly { uid: number }[]): Promise<HandedOut<number>> => {
    asked.push(some.map(({ uid }) => uid));
    const at = some.findIndex(({ uid }) => poison.has(uid));
    const sent = at < 0 ? some : some.slice(0, at);
    const answers = new Map(sent.map(({ uid }) => [uid, uid]));
    return Promise.resolve({ answers, withheld: [], fault: at < 0 ? null : fault() });
  };

describe('of mails of which a server refuses some', () => {
  it('each of the others is handed out, and only those are counted', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 60 })),
        async (count, bad) => {
          const poison = new Set(bad.filter((uid) => uid <= count));
          const { answers, refused, broken } = await askFor(job(), mails(count), server(poison, refusal));
          assert.equal(broken, null);
          assert.deepEqual([...refused].sort(), [...poison].sort());
          assert.deepEqual(
            [...answers.keys()].sort((a, b) => a - b),
            mails(count)
              .map(({ uid }) => uid)
              .filter((uid) => !poison.has(uid)),
          );
        },
      ),
    );
  });

  it('one in a thousand is found in few commands', async () => {
    const asked: number[][] = [];
    await askFor(job(), mails(1_000), server(new Set([777]), refusal, asked));
    assert.ok(asked.length <= 20, `${asked.length}`);
  });

  it('none is counted where the server hands out no other either', async () => {
    const down = job(refusal());
    const { answers, refused, broken } = await askFor(down, mails(5), server(new Set([1]), refusal));
    assert.deepEqual([answers.size, refused.size, broken?.message], [0, 0, 'mail.example: No']);
    assert.deepEqual(down.withheld.held, []);
  });
});

describe('a connection that breaks while mails are read', () => {
  it('gives what had come, suspects the one that was being read, and asks for fewer next time', async () => {
    const asking = job();
    const { answers, broken } = await askFor(asking, mails(40), server(new Set([8]), lost));
    assert.deepEqual([...answers.keys()], [1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual([broken?.kind, broken?.lessNext], ['connection', true]);
    assert.deepEqual(asking.withheld.held, [8]);
    assert.equal(asking.withheld.isGivenUp(8), false);
    assert.equal(asking.portion.most, 20);
  });

  it('counts against a mail only where that was asked for alone', async () => {
    const asking = job();
    for (let times = 1; times <= MOST_TRIES; times++) {
      assert.equal(asking.withheld.isGivenUp(1), false);
      const { broken } = await askFor(asking, mails(1), server(new Set([1]), lost));
      assert.deepEqual([broken?.kind, broken?.lessNext], ['connection', false]);
    }
    assert.equal(asking.withheld.isGivenUp(1), true);
  });
});

describe('a portion', () => {
  it('is halved by each break down to one, and grows again when it goes well', () => {
    const portion = new Portion();
    assert.equal(portion.most, Infinity);
    portion.broke(475);
    assert.equal(portion.most, 237);
    portion.broke(237);
    assert.equal(portion.most, 118);
    for (let times = 0; times < 20; times++) portion.broke(50);
    assert.equal(portion.most, 1);
    for (let times = 0; times < 1_000_000 && portion.most < Infinity; times++) portion.wentWell();
    assert.equal(portion.most, Infinity);
  });

  it('tries more ever more seldom where that breaks', () => {
    const portion = new Portion();
    const until = (most: number): number => {
      let times = 0;
      for (; portion.most < most; times++) portion.wentWell();
      return times;
    };
    portion.broke(400);
    const first = until(400);
    portion.broke(400);
    assert.ok(until(400) > first);
  });
});

describe('a mail that is not handed out', () => {
  it('is asked for again after a wait that grows, and given up after so many tries', () => {
    let now = 0;
    const withheld = new Withheld(() => now);
    withheld.refused(7, 'No');
    assert.deepEqual([withheld.held, withheld.due, withheld.nextMs], [[7], [], 1_000]);
    now = 1_000;
    assert.deepEqual(withheld.due, [7]);
    withheld.refused(7, 'Still no');
    assert.equal(withheld.nextMs, 2_000);
    withheld.refused(7, 'Never');
    assert.deepEqual([withheld.isGivenUp(7), withheld.held, withheld.nextMs], [true, [], Infinity]);
    assert.equal(withheld.saidOf(7), 'Never');
    withheld.settled(7);
    assert.equal(
      withheld.isGivenUp(7),
      true,
      'it stays so: once asked for again it could be taken for another',
    );
  });

  it('is waited for longer where nobody knows whether it is the mail or the server', () => {
    const withheld = new Withheld(() => 0);
    withheld.refused(7, '', false);
    assert.equal(withheld.nextMs, 15_000);
  });
});
