// What a server answers to a FETCH, in whatever pieces and whatever comes in between: each mail that was asked for is put
// together, once, and of nothing else is a mail made.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FetchMessageObject } from 'imapflow';
import { type Answer, answerOf, Answers } from '../../engine/imap/session/answers';
import { factsOf, isAnswered, NO_NEEDS } from '../../engine/imap/session/facts';

type Piece = Partial<FetchMessageObject>;

const told = (piece: Piece): FetchMessageObject => ({ seq: 1, ...piece }) as FetchMessageObject;

/** A mail, as a server tells of it in one piece. */
const mailOf = (uid: number): Piece => ({
  uid,
  size: 1_000 + uid,
  internalDate: new Date(1_700_000_000_000 + uid * 1_000),
  headers: Buffer.from(`Message-ID: <${uid}@example.com>\r\nSubject: mail ${uid}\r\n\r\n`),
  emailId: `M${uid}`,
  flags: new Set(['\\Seen']),
  source: Buffer.from(`mail ${uid}`),
});
const ITEMS = ['size', 'internalDate', 'headers', 'emailId', 'flags', 'source'] as const;

/** The same in pieces, each with the UID. */
const piecesOf = (uid: number): fc.Arbitrary<Piece[]> =>
  fc.array(fc.nat(3), { minLength: ITEMS.length, maxLength: ITEMS.length }).map((homes) =>
    [0, 1, 2, 3].flatMap((home) => {
      const items = ITEMS.filter((_, index) => homes[index] === home);
      const mail = mailOf(uid);
      return items.length === 0
        ? []
        : [{ uid, ...Object.fromEntries(items.map((item) => [item, mail[item]])) }];
    }),
  );

/** What a server may say besides, at any time. */
const hint = (asked: readonly number[]): fc.Arbitrary<Piece> =>
  fc.oneof(
    fc.constant({ flags: new Set(['\\Flagged']) }),
    fc.nat(40).map((uid) => ({ uid: uid + 1, flags: new Set(['\\Seen']), modseq: 5n })),
    fc.nat(40).map((uid) => (asked.includes(uid + 1) ? { uid: uid + 1 } : mailOf(uid + 1))),
    fc.constantFrom(...asked).map((uid) => ({ uid, headers: false as never, size: 0 })),
    fc.constantFrom(...asked).map((uid) => ({ uid, source: Buffer.alloc(0), internalDate: new Date(0) })),
  );

const dialogue = fc
  .uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 })
  .chain((asked) =>
    fc.record({
      asked: fc.constant(asked),
      pieces: fc.tuple(...asked.map(piecesOf)).map((all) => all.flat()),
      hints: fc.array(hint(asked), { maxLength: 30 }),
      order: fc.infiniteStream(fc.nat(1_000)),
    }),
  )
  .map(({ asked, pieces, hints, order }) => {
    const all = [...pieces, ...hints].map((piece) => [order.next().value as number, piece] as const);
    return { asked, said: all.sort(([a], [b]) => a - b).map(([, piece]) => piece) };
  });

describe('the answers to a FETCH', () => {
  it('make each mail that was asked for, and no other, in whatever order they come', () => {
    fc.assert(
      fc.property(dialogue, ({ asked, said }) => {
        const answers = new Answers(asked);
        for (const piece of said) answers.take(told(piece));
        assert.deepEqual([...answers.uids].sort(), [...asked].sort());
        for (const uid of asked) {
          const answer = answers.get(uid);
          assert.ok(isAnswered(answer, { flags: true, structure: false }, true));
          const wanted = answerOf(told(mailOf(uid)))!;
          for (const item of ['size', 'receivedAt', 'header', 'content', 'emailId'] as const)
            assert.deepEqual(answer[item], wanted[item], item);
          assert.deepEqual(factsOf(answer).fields, wanted.header);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are not all there while a piece is missing', () => {
    fc.assert(
      fc.property(fc.constantFrom('size', 'internalDate', 'headers', 'emailId'), (missing) => {
        const { [missing]: _, ...rest } = mailOf(3);
        assert.equal(isAnswered(answerOf(told(rest)), NO_NEEDS, true), false);
      }),
    );
  });

  it('count whom they are of only by a UID', () => {
    const answers = new Answers([1, 2]);
    answers.take(told({ flags: new Set() }));
    answers.take(told({ uid: 0, size: 5 }));
    assert.deepEqual([answers.uids, answers.heard], [[], 0]);
    answers.take(told({ uid: 3, size: 5 }));
    assert.deepEqual([answers.uids, answers.heard], [[], 1]);
  });

  it('that know no date have none', () => {
    const dateOf = (internalDate: Date | string): Answer['receivedAt'] =>
      answerOf(told({ uid: 1, internalDate: internalDate }))!.receivedAt;
    assert.deepEqual(['', 'yesterday', new Date(0), new Date(NaN)].map(dateOf), [null, null, null, null]);
    assert.equal(dateOf(new Date(1_700_000_000_000)), 1_700_000_000_000);
    assert.equal(answerOf(told({ uid: 1 }))!.receivedAt, undefined);
  });
});
