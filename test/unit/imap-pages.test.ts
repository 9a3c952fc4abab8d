// In what pages new mail is read, and that a page is asked for while the one before it is dealt with.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readInTurn } from '../../engine/imap/read/pages';
import type { MailFacts } from '../../engine/imap/session/facts';

const mail = (uid: number, bytes = 1_000): MailFacts => ({
  uid,
  size: bytes,
  receivedAt: null,
  emailId: undefined,
  fields: Buffer.alloc(0),
  content: Buffer.alloc(bytes),
});
const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

describe('reading page after page', () => {
  it('begins with a short page and goes on with long ones', async () => {
    const lengths: number[] = [];
    const read = async (page: readonly number[]): Promise<MailFacts[]> => page.map((uid) => mail(uid));
    const ends: number[] = [];
    for await (const { to, mails } of readInTurn(upTo(1_500), read, { ahead: true })) {
      lengths.push(mails.length);
      ends.push(to);
    }
    assert.deepEqual(lengths, [50, 700, 700, 50]);
    assert.deepEqual(ends, [50, 750, 1_450, 1_500]);
  });

  it('keeps pages short where mails are large', async () => {
    const lengths: number[] = [];
    const read = async (page: readonly number[]): Promise<MailFacts[]> =>
      page.map((uid) => mail(uid, 60_000));
    for await (const { mails } of readInTurn(upTo(330), read, { ahead: true })) lengths.push(mails.length);
    assert.deepEqual(lengths, [50, 139, 139, 2]);
  });

  it('asks for the next page before this one is dealt with', async () => {
    const events: string[] = [];
    const read = async (page: readonly number[]): Promise<MailFacts[]> => {
      events.push(`ask ${page[0]}`);
      return page.map((uid) => mail(uid));
    };
    for await (const { mails } of readInTurn(upTo(800), read, { ahead: true }))
      events.push(`deal with ${mails[0]!.uid}`);
    assert.deepEqual(events, ['ask 1', 'ask 51', 'deal with 1', 'ask 751', 'deal with 51', 'deal with 751']);
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
