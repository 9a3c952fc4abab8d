// What is read is recorded while more is read: in order, and nothing behind what could not be recorded.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Recorder } from '../../engine/imap/read/recorder';
import { UnpackedContent } from '../../engine/ledger/content';
import type { Ledger } from '../../engine/ledger/ledger';
import type { NotedBounce } from '../../engine/ledger/outbox';
import type { NewMessage, RecordBatch } from '../../engine/ledger/recording';
import { silentLog } from '../support/log';

const mail = (uid: number, bytes = 1_000): NewMessage => ({
  identity: `uid:${uid}`,
  softIdentity: null,
  accountWide: false,
  weakIdentity: null,
  messageId: null,
  sender: null,
  subject: null,
  uid,
  uidValidity: '1',
  receivedAt: null,
  size: bytes,
  content: Buffer.alloc(bytes),
  due: [1],
});

interface Noted {
  readonly ids: readonly string[];
  /** How many mails were given to be recorded by then. */
  readonly begun: number;
}

describe('recording what is read', () => {
  const recorder = (
    record: (batch: RecordBatch) => Promise<void>,
  ): { recorder: Recorder; begun: number[]; told: (readonly number[])[]; noted: Noted[] } => {
    const noted: Noted[] = [];
    const begun: number[] = [];
    const told: (readonly number[])[] = [];
    const ledger = {
      noteBounces: (bounces: readonly NotedBounce[]) => {
        noted.push({ ids: bounces.map(({ messageId }) => messageId), begun: begun.length });
        return Promise.resolve([]);
      },
      record: async (batch: RecordBatch) => {
        begun.push(...batch.messages.map(({ uid }) => uid!));
        await record(batch);
        return [1];
      },
    } as unknown as Ledger;
    const hold = { sourceId: 1, fence: 1 };
    const one = new Recorder({ ledger, hold, log: silentLog, recorded: (ids) => told.push(ids) });
    return { recorder: one, begun, told, noted };
  };

  it('records one batch at a time, in order, and is done when all are', async () => {
    let atOnce = 0;
    const {
      recorder: one,
      begun,
      told,
    } = recorder(async () => {
      assert.equal(++atOnce, 1);
      await setTimeout(5);
      atOnce--;
    });
    for (let uid = 1; uid <= 8; uid++) await one.add([mail(uid)], []);
    await one.end();
    assert.deepEqual(begun, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.equal(told.length, 8);
  });

  /** A ledger that records nothing until it is let to. */
  const slow = (): ReturnType<typeof recorder> & { readonly letOne: () => void } => {
    const waiting: (() => void)[] = [];
    const made = recorder(() => new Promise((resolve) => waiting.push(resolve)));
    return { ...made, letOne: () => waiting.shift()!() };
  };
  const isDone = async (adding: Promise<void>): Promise<boolean> =>
    Promise.race([adding.then(() => true), setTimeout(20, false)]);

  it('lets a few batches wait while the ledger is slow, and no more of them', async () => {
    const { recorder: one, begun, letOne } = slow();
    for (let uid = 1; uid <= 3; uid++) await one.add([mail(uid)], []);
    assert.deepEqual(begun, [1]);
    const fourth = one.add([mail(4)], []);
    assert.equal(await isDone(fourth), false);
    letOne();
    await fourth;
    for (let uid = 2; uid <= 4; uid++) {
      await setTimeout();
      letOne();
    }
    await one.end();
    assert.deepEqual(begun, [1, 2, 3, 4]);
  });

  const large = 3 * 1024 * 1024;
  const inPieces = (uid: number): NewMessage => ({
    ...mail(uid),
    content: [Buffer.alloc(large / 3), Buffer.alloc(large / 3), Buffer.alloc(large / 3)],
  });
  for (const [what, largeMail] of [
    ['a mail', (uid: number) => mail(uid, large)],
    ['a mail in pieces', inPieces],
    [
      'a mail that is not packed',
      (uid: number) => ({ ...mail(uid), content: new UnpackedContent(Buffer.alloc(large)) }),
    ],
  ] as const)
    it(`lets no more bytes wait than there is room for: ${what}`, async () => {
      const { recorder: one, letOne } = slow();
      await one.add([largeMail(1)], []);
      const second = one.add([largeMail(2)], []);
      assert.equal(await isDone(second), false);
      letOne();
      await second;
      await setTimeout();
      letOne();
      await one.end();
    });

  it('notes what came back before it records the mails that say so, in one question for a batch', async () => {
    const { recorder: one, noted } = recorder(() => Promise.resolve());
    const report = (uid: number): NewMessage => ({
      ...mail(uid),
      bounce: { messageId: `<${uid}@shop.example>`, reason: 'It came back.' },
    });
    await one.add([mail(1), report(2), { ...mail(3), bounce: null }, report(4)], []);
    await one.add([mail(5)], []);
    await one.end();
    assert.deepEqual(noted, [{ ids: ['<2@shop.example>', '<4@shop.example>'], begun: 0 }]);
  });

  it('records nothing behind what could not be recorded, and says so to whoever adds or ends', async () => {
    const { recorder: one, begun } = recorder(async ({ messages }) => {
      await setTimeout(5);
      if (messages[0]!.uid === 2) throw new Error('the disk is full');
    });
    await one.add([mail(1)], []);
    await one.add([mail(2)], []);
    await one.add([mail(3)], []);
    await assert.rejects(async () => {
      for (let uid = 4; uid <= 9; uid++) await one.add([mail(uid)], [{ subscriptionId: 1, cursor: { uid } }]);
    }, /the disk is full/);
    await assert.rejects(one.end(), /the disk is full/);
    assert.deepEqual(begun, [1, 2]);
  });
});
