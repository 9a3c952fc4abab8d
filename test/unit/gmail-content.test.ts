// How a Gmail mail is stored.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gmailMailBytes, openGmailMail } from '../../engine/gmail/mail/stored';
import { rawMailIn } from '../../engine/ledger/content';

const facts = {
  id: '19a0',
  threadId: '19a1',
  labelIds: ['INBOX', 'Label_1'],
  snippet: 'a line\nand "another" – ünïcode',
  historyId: '18446744073709551615',
  internalDate: 1_700_000_000_123,
  sizeEstimate: 77,
};

describe('a stored Gmail mail', () => {
  for (const [what, raw] of [
    ['lines of its own', Buffer.from('From: a\r\n\r\nHello\n')],
    ['nothing in it', Buffer.alloc(0)],
    ['all octets', Buffer.from(Array.from({ length: 256 }, (_, index) => index))],
  ] as const) {
    it(`comes back as it was, with ${what}`, () => {
      const stored = gmailMailBytes({ ...facts, raw }, 'labelAdded', ['Label_1']);
      const opened = openGmailMail(stored);
      assert.deepEqual(opened.facts, { ...facts, event: 'labelAdded', addedLabelIds: ['Label_1'] });
      assert.deepEqual(opened.raw, raw);
      assert.deepEqual(rawMailIn(stored), raw);
    });
  }

  it('is not taken for one when it is none', () => {
    assert.throws(() => openGmailMail(Buffer.from('From: a')), /not one of Gmail/);
    for (const raw of [
      'From: a\r\n\r\n{"id":"1"}\n',
      '{"id":"a field": b\r\nFrom: a\r\n',
      '{"id":"1"}',
      '',
    ]) {
      assert.equal(rawMailIn(Buffer.from(raw)).toString(), raw);
    }
  });
});
