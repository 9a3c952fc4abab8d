// Where a subscription begins in a mailbox, where it goes on, and what of that is stored.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ImapBeginning, beginningCursor } from '../../engine/imap/read/begin';
import { advanced, filled, type ImapCursor, readCursor, storedCursor } from '../../engine/imap/read/cursor';
import { waysOf } from '../../engine/imap/session/quirks';
import type { ImapReading } from '../../engine/imap/read/reading';
import type { ImapSession } from '../../engine/imap/session/session';
import type { Start } from '../../engine/source/source';
import { readingOf } from '../support/reading';

const opened = { name: 'INBOX', uidValidity: '5', uidNext: 11 };
const subscription = { id: 1, sourceId: 1, cursor: null, createdAt: 1_000_000, nodeIds: [1] };
const NOW = { uidValidity: '5', uid: 10 };
/** From the beginning, for mails received since the subscription was made, a minute more or less. */
const AGAIN = { uidValidity: '5', uid: 0, since: 940_000 };

const session = {
  listing: { fromEnd: (count: number) => Promise.resolve(count >= 7 ? 1 : 11 - count) },
} as unknown as ImapSession;

function begin(
  stored: ImapCursor | null,
  start: Start = { kind: 'new' },
  more: Partial<ImapBeginning & Pick<ImapReading, 'skipWhileOff'>> = {},
  mailbox = opened,
): Promise<ImapCursor> {
  const reading = readingOf({ start, skipWhileOff: more.skipWhileOff ?? false });
  const beginning = { subscription, reading, reachedLate: false, switchedOnAt: 5_000_000, ...more };
  return beginningCursor(stored, mailbox, beginning, session);
}

describe('a subscription', () => {
  it('begins with the next mail', async () => {
    assert.deepEqual(await begin(null), NOW);
  });

  it('goes on where it stood, whatever it began with', async () => {
    const stored = { uidValidity: '5', uid: 3 };
    assert.equal(await begin(stored, { kind: 'new' }, { reachedLate: true }), stored);
    assert.equal(await begin(stored, { kind: 'everything' }), stored);
  });

  it('reads back, by date, a mailbox that was renumbered or first reached late', async () => {
    assert.deepEqual(await begin({ uidValidity: '4', uid: 99 }), AGAIN);
    assert.deepEqual(await begin(null, { kind: 'new' }, { reachedLate: true }), AGAIN);
  });

  it('reads older mail from the newest down, as far as it was asked to', async () => {
    const fill = { below: 11, downTo: 1, read: 0 };
    assert.deepEqual(await begin(null, { kind: 'everything' }), { ...NOW, fill });
    assert.deepEqual(await begin(null, { kind: 'last', count: 3 }), { ...NOW, fill: { ...fill, downTo: 8 } });
    assert.deepEqual(await begin(null, { kind: 'last', count: 99 }), { ...NOW, fill });
    assert.deepEqual(await begin(null, { kind: 'since', at: 42 }), { ...NOW, fill: { ...fill, since: 42 } });
  });

  it('has nothing older to read in a mailbox that never had a mail', async () => {
    const empty = { ...opened, uidNext: 1 };
    assert.deepEqual(await begin(null, { kind: 'everything' }, {}, empty), { uidValidity: '5', uid: 0 });
  });

  it('has nothing older to read where more are new than it was asked for', async () => {
    const grown = { ...opened, uidNext: 8 };
    assert.deepEqual(await begin(null, { kind: 'last', count: 3 }, {}, grown), { uidValidity: '5', uid: 7 });
  });

  it('first reached late takes older mail, and what came since it began, however many that are', async () => {
    assert.deepEqual(await begin(null, { kind: 'last', count: 3 }, { reachedLate: true }), {
      ...AGAIN,
      fill: { below: 11, downTo: 8, read: 0 },
    });
  });

  it('reads older mail anew where the mailbox was renumbered meanwhile', async () => {
    const stored = { uidValidity: '4', uid: 99, fill: { below: 50, downTo: 1, read: 49 } };
    assert.deepEqual(await begin(stored, { kind: 'everything' }), {
      ...AGAIN,
      fill: { below: 11, downTo: 1, read: 0 },
    });
  });

  it('that skips what came while it was off begins with now, only when it was switched on', async () => {
    const stored = { uidValidity: '5', uid: 3 };
    const skip = { skipWhileOff: true };
    const skipped = { ...NOW, on: 5_000_000 };
    assert.deepEqual(await begin(stored, { kind: 'new' }, skip), skipped);
    assert.equal(await begin(stored, { kind: 'new' }, { ...skip, switchedOnAt: undefined }), stored);
    assert.deepEqual(await begin({ uidValidity: '4', uid: 3 }, { kind: 'new' }, skip), skipped);
    assert.deepEqual(readCursor(storedCursor(skipped)), skipped);
    assert.equal(await begin(skipped, { kind: 'new' }, skip), skipped, 'not again, whoever reads next');
    assert.equal((await begin(null, { kind: 'new' }, skip)).on, 5_000_000, 'nor where it has just begun');
  });

  it('that skips, but reaches its mailbox late, skips by date', async () => {
    const late = { skipWhileOff: true, reachedLate: true };
    assert.deepEqual(await begin({ uidValidity: '5', uid: 3 }, { kind: 'new' }, late), {
      ...AGAIN,
      ...{ since: 4_940_000, on: 5_000_000 },
    });
  });

  it('that skips still reads the older mail that it was asked to read', async () => {
    const fill = { below: 5, downTo: 1, read: 6 };
    const skipped = await begin(
      { uidValidity: '5', uid: 8, fill },
      { kind: 'everything' },
      { skipWhileOff: true },
    );
    assert.deepEqual(skipped, { ...NOW, fill, on: 5_000_000 });
  });
});

describe('a cursor', () => {
  it('never goes backwards', () => {
    const cursor = { uidValidity: '5', uid: 7, since: 5 };
    assert.equal(advanced(cursor, 6), cursor);
    assert.deepEqual(advanced(cursor, 9), { ...cursor, uid: 9 });
  });

  it('survives being stored', () => {
    for (const cursor of [
      NOW,
      AGAIN,
      { ...NOW, fill: { below: 9, downTo: 2, read: 3 } },
      { ...AGAIN, fill: { below: 9, downTo: 2, read: 3, since: 77 } },
    ]) {
      assert.deepEqual(readCursor(structuredClone(storedCursor(cursor))), cursor);
    }
    assert.equal(readCursor({ historyId: '1' }), null);
  });

  it('is filled down to its end, and no further than others were', () => {
    const cursor = { ...NOW, fill: { below: 9, downTo: 2, read: 3 } };
    assert.deepEqual(filled(cursor, 5, 4), { ...NOW, fill: { below: 5, downTo: 2, read: 7 } });
    assert.equal(filled(cursor, 9, 4), cursor);
    assert.deepEqual(filled(cursor, 2, 4), NOW);
    assert.equal(filled(NOW, 2, 4), NOW);
  });
});

describe("a provider's ways", () => {
  it('are known by the end of its host name', () => {
    assert.equal(waysOf('IMAP.163.com.').noIdle, true);
    assert.ok(waysOf('imap.rambler.ru').mostIdleMs < 55_000);
    assert.ok(waysOf('imap.mail.yahoo.com').mostIdleMs < 180_000);
  });

  it('are those of every other server where nothing is known', () => {
    assert.deepEqual(waysOf('my163.com'), { mostIdleMs: 25 * 60_000, noIdle: false });
  });
});
