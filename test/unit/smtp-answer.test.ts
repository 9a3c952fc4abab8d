// What the log keeps of who was refused: nobody is lost on the way there and back, in whatever room there is.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { MOST_ENTRY_TEXT } from '../../engine/ledger/outbox';
import { readAnswer, writeAnswer } from '../../engine/outbox/mail/smtp-answer';
import { loginAt } from '../support/smtp-sending';

it('who was refused is named, or is there by the place, or is counted', () => {
  const places = fc
    .uniqueArray(fc.nat(3_000), { maxLength: 900, size: 'max' })
    .map((all) => all.sort((a, b) => a - b));
  let counted = 0;
  const property = fc.property(places, fc.string({ maxLength: 300 }), fc.boolean(), (all, text, isPlaced) => {
    const refused = all.map((at) => {
      const place = isPlaced ? at : null;
      return { address: `user-${at}@example.com`, at: place, code: 550, response: `550 ${text}` };
    });
    const answer = writeAnswer('250 OK', refused, loginAt(25));
    assert.ok(answer.length <= MOST_ENTRY_TEXT);
    const read = readAnswer(answer);
    const named = read.refused.map(({ address }) => address);
    const expected = [...named, ...read.places.map((at) => `user-${at}@example.com`)];
    assert.deepEqual(expected, refused.map(({ address }) => address).slice(0, expected.length));
    assert.equal(expected.length + read.uncounted, all.length);
    counted += read.uncounted > 0 ? 1 : 0;
    if (isPlaced && all.length < 100) assert.equal(read.uncounted, 0);
  });
  fc.assert(property);
  assert.ok(counted > 0);
});
