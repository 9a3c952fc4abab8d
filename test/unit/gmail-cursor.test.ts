// Where a subscription stands in a Gmail account, where it begins, and what of that is stored.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { beginningCursor, interestedFrom } from '../../engine/gmail/read/begin';
import { advanced, type GmailCursor, readCursor, storedCursor } from '../../engine/gmail/read/cursor';
import { gmailIdentity, gmailIdOf, labelOf } from '../../engine/gmail/mail/identity';
import type { GmailBeginning } from '../../engine/gmail/read/job';
import type { Start } from '../../engine/source/source';
import { gmailReading } from '../support/gmail-reading';

const MADE = 1_000_000;
const OFF = 5_000_000;
const AT = 9_000_000;
const NOW = { historyId: '18446744073709551615', syncedAt: AT, from: MADE };

function begin(
  stored: GmailCursor | null,
  {
    start = { kind: 'new' },
    skipWhileOff = false,
    ...more
  }: Partial<GmailBeginning> & { start?: Start; skipWhileOff?: boolean } = {},
): Promise<GmailCursor> {
  const subscription = { id: 1, sourceId: 1, cursor: null, createdAt: MADE, nodeIds: [1] };
  const reading = gmailReading({ start, skipWhileOff });
  const beginning = { subscription, reading, reachedLate: false, switchedOnAt: OFF, ...more };
  return beginningCursor(stored, beginning, () => Promise.resolve({ historyId: NOW.historyId, at: AT }));
}

describe('a subscription to a Gmail account', () => {
  it('begins with the next mail', async () => {
    assert.deepEqual(await begin(null), NOW);
  });

  it('goes on where it stood, whatever it began with', async () => {
    const stored = { historyId: '7', syncedAt: 6_000_000, from: MADE };
    assert.equal(await begin(stored, { reachedLate: true }), stored);
    assert.equal(await begin(stored, { start: { kind: 'everything' } }), stored);
  });

  it('looks by date where the account was first reached late', async () => {
    assert.deepEqual(await begin(null, { reachedLate: true }), { ...NOW, since: MADE - 60_000 });
  });

  it('passes over what came while it was off, if it is told to, but goes on reading older mail', async () => {
    const fill = { list: 0, counted: 3, read: 3, page: 'next' };
    const stored = { historyId: '7', syncedAt: 4_000_000, from: MADE, fill };
    const skipped = { ...NOW, from: OFF, fill };
    assert.deepEqual(await begin(stored, { skipWhileOff: true }), skipped);
    assert.deepEqual(await begin(stored, { skipWhileOff: true, reachedLate: true }), {
      ...skipped,
      since: OFF - 60_000,
    });
    assert.equal(await begin(skipped, { skipWhileOff: true, reachedLate: true }), skipped);
  });

  it('reads older mail as far as it was asked to', async () => {
    const fill = { list: 0, counted: 0, read: 0 };
    assert.deepEqual(await begin(null, { start: { kind: 'everything' } }), { ...NOW, fill });
    assert.deepEqual(await begin(null, { start: { kind: 'last', count: 3 } }), {
      ...NOW,
      fill: { ...fill, count: 3 },
    });
    assert.deepEqual(await begin(null, { start: { kind: 'since', at: 42 } }), {
      ...NOW,
      fill: { ...fill, since: 42 },
    });
  });

  it('is interested in mails that are moved to it, from when it was asked for mail', () => {
    assert.equal(interestedFrom(gmailReading(), NOW), MADE - 60_000);
    assert.equal(interestedFrom(gmailReading({ start: { kind: 'since', at: 42 } }), NOW), 42);
    assert.equal(interestedFrom(gmailReading({ start: { kind: 'everything' } }), NOW), -Infinity);
  });
});

describe('a cursor in the history of Gmail', () => {
  it('is read as it was stored', () => {
    const fill = { list: 1, counted: 2, read: 30, page: 'p', total: 90, count: 50, since: 4 };
    for (const cursor of [
      NOW,
      { ...NOW, since: 3, expired: true, fill },
      { ...NOW, fill: { list: 0, counted: 0, read: 0 } },
    ]) {
      assert.deepEqual(readCursor(storedCursor(cursor)), cursor);
    }
    for (const strange of [null, undefined, {}, { uidValidity: '5', uid: 3 }])
      assert.equal(readCursor(strange), null);
  });

  it('moves forwards only, also where a Number cannot tell two ids apart', () => {
    const cursor = { ...NOW, historyId: '9007199254740992' };
    assert.equal(advanced(cursor, '9007199254740993', AT).historyId, '9007199254740993');
    assert.equal(advanced(cursor, '999', AT + 1), cursor);
    assert.equal(advanced(cursor, '9007199254740992', AT + 1), cursor);
    assert.deepEqual(advanced(cursor, '999', AT + 3_600_000), { ...cursor, syncedAt: AT + 3_600_000 });
  });
});

describe('the identity of a Gmail event', () => {
  it('tells the mail, and the label that it was given', () => {
    const all = [
      gmailIdentity('received', '19a'),
      gmailIdentity('sent', '19a'),
      gmailIdentity('starred', '19a'),
      gmailIdentity('labelAdded', '19a', 'Label_1:2'),
    ];
    assert.deepEqual(all, ['id:19a', 'id:19a', 'label:STARRED:19a', 'label:Label_1:2:19a']);
    assert.deepEqual(all.map(gmailIdOf), ['19a', '19a', '19a', '19a']);
    assert.deepEqual(all.map(labelOf), [null, null, 'STARRED', 'Label_1:2']);
  });
});
