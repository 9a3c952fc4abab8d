// How UIDs are named in a command.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { sequenceSet } from '../../engine/imap/session/sequence-set';

/** As a server reads it. */
const named = (set: string): number[] =>
  set.split(',').flatMap((run) => {
    const [first = 0, last = first] = run.split(':').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });

describe('a sequence set', () => {
  it('names runs by their ends', () => {
    assert.equal(sequenceSet([3]), '3');
    assert.equal(sequenceSet([3, 4, 5, 9, 11, 12]), '3:5,9,11:12');
    assert.equal(sequenceSet([]), '');
  });

  it('names each UID, and no other', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (uids) => {
        const sorted = uids.sort((a, b) => a - b);
        assert.deepEqual(named(sequenceSet(sorted)), sorted);
      }),
    );
  });
});
