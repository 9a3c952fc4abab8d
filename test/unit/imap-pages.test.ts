// In what pages new mail is read, and that a page is asked for while the one before it is dealt with.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readInTurn, type Turns } from '../../engine/imap/read/pages';
import type { MailFacts } from '../../engine/imap/session/facts';

const mail = (uid: number, bytes = 1_000): MailFacts => ({
  uid,
  size: bytes,
  receivedAt: null,
  emailId: undefined,
  fields: Buffer.alloc(0),
  content: Buffer.alloc(bytes),
});
/** A mailbox with the UIDs `step`, 2 × `step`, …: lists of so many. */
const upTo =
  (last: number, most = Infinity, step = 1) =>
  async (above: number): Promise<number[]> =>
    Array.from({ length: last }, (_, index) => (index + 1) * step)
      .filter((uid) => uid > above)
      .slice(0, most);

describe('reading page after page', () => {
  const lengthsOf = async (
    list: ReturnType<typeof upTo>,
    bytes?: number,
    turns: Partial<Turns> = {},
  ): Promise<number[]> => {
    const lengths: number[] = [];
    const read = async (page: readonly number[]): Promise<MailFacts[]> => page.map((uid) => mail(uid, bytes));
    let end = 0;
    for await (const { to, mails } of readInTurn(list, read, { ahead: true, ...turns })) {
      assert.ok(mails[0]!.uid > end);
      assert.equal(mails.at(-1)!.uid, to);
      end = to;
      lengths.push(mails.length);
    }
    return lengths;
  };

  it('begins with a short page, goes on with long ones, and ends with short ones again', async () => {
    assert.deepEqual(await lengthsOf(upTo(5_000)), [50, 1_300, 1_300, 1_175, 588, 294, 147, 73, 50, 23]);
  });

  it('goes on with what is listed after the first list', async () => {
    const lengths = await lengthsOf(upTo(250, 100));
    assert.deepEqual(lengths, [50, 50, 50, 50, 50]);
  });

  it('keeps pages short where the server is so near that nothing is gained by long ones', async () => {
    const near = { roundTripMs: () => 0 };
    assert.deepEqual(await lengthsOf(upTo(1_000), 1_000, near), [50, 250, 250, 225, 113, 56, 50, 6]);
  });

  it('goes on after pages of which nothing was left', async () => {
    const lengths: number[] = [];
    const read = async (page: readonly number[]): Promise<MailFacts[]> => {
      lengths.push(page.length);
      return [];
    };
    for await (const { mails } of readInTurn(upTo(400), read, { ahead: true })) assert.deepEqual(mails, []);
    assert.equal(
      lengths.reduce((sum, length) => sum + length),
      400,
    );
  });

  it('ends with short pages only where the list is the last one', async () => {
    const near = { roundTripMs: () => 0, mostListed: 550 };
    assert.deepEqual(await lengthsOf(upTo(700, 550), 1_000, near), [50, 250, 250, 75, 50, 25]);
  });

  it('asks for no more mails than the UIDs of which a command holds', async () => {
    const uids = 10_000_000;
    const [, longest] = await lengthsOf(upTo(5_000, Infinity, uids));
    assert.ok(longest! < 800, `${longest} UIDs`);
    assert.equal(
      (await lengthsOf(upTo(5_000, Infinity, uids))).reduce((sum, length) => sum + length),
      5_000,
    );
  });

  it('keeps pages short where mails are large', async () => {
    assert.deepEqual(await lengthsOf(upTo(600), 60_000), [50, 139, 139, 136, 68, 50, 18]);
  });

  it('asks for the next page before this one is dealt with', async () => {
    const events: string[] = [];
    const read = async (page: readonly number[]): Promise<MailFacts[]> => {
      events.push(`ask ${page[0]}`);
      return page.map((uid) => mail(uid));
    };
    for await (const { mails } of readInTurn(upTo(150), read, { ahead: true }))
      events.push(`deal with ${mails[0]!.uid}`);
    assert.deepEqual(events, ['ask 1', 'ask 51', 'deal with 1', 'ask 101', 'deal with 51', 'deal with 101']);
  });

  it('asks for a page only when it is come for, if it is told so', async () => {
    const events: string[] = [];
    const read = async (page: readonly number[]): Promise<MailFacts[]> => {
      events.push(`ask ${page[0]}`);
      return page.map((uid) => mail(uid));
    };
    for await (const { mails } of readInTurn(upTo(100), read, { ahead: false }))
      events.push(`deal with ${mails[0]!.uid}`);
    assert.deepEqual(events, ['ask 1', 'deal with 1', 'ask 51', 'deal with 51']);
  });

  it('hands out the page before the one that cannot be read', async () => {
    const dealt: number[] = [];
    const read = async (page: readonly number[]): Promise<MailFacts[]> => {
      if (page[0] !== 1) throw new Error('cut off');
      return page.map((uid) => mail(uid));
    };
    await assert.rejects(async () => {
      for await (const { to } of readInTurn(upTo(100), read, { ahead: true })) dealt.push(to);
    }, /cut off/);
    assert.deepEqual(dealt, [50]);
  });

  it('leaves a page that nobody comes for any more without an unhandled rejection', async () => {
    const read = async (page: readonly number[]): Promise<MailFacts[]> => {
      if (page[0] !== 1) throw new Error('cut off');
      return page.map((uid) => mail(uid));
    };
    const unhandled: unknown[] = [];
    const hear = (reason: unknown): unknown => unhandled.push(reason);
    process.on('unhandledRejection', hear);
    for await (const page of readInTurn(upTo(100), read, { ahead: true })) {
      assert.equal(page.to, 50);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.off('unhandledRejection', hear);
    assert.deepEqual(unhandled, []);
  });
});
