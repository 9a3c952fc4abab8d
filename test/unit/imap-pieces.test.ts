// The fault proxy's reading of IMAP: every octet comes out as it went in, and a mail is never read as protocol.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ImapPieces, type Piece } from '../support/imap-pieces';

const text = (piece: Piece): string => (piece.kind === 'line' ? piece.text : piece.bytes.toString('latin1'));
const MAIL = 'Subject: a trap\r\n\r\n* 5 EXISTS\r\n+ idling\r\n';
const STREAM = `* 1 FETCH (UID 1 BODY[] {${MAIL.length}}\r\n${MAIL} FLAGS ())\r\n* 6 EXISTS\r\nA1 OK BODY[] {0}\r\n`;

describe('a stream of IMAP', () => {
  it('is cut into lines and literals, wherever its packets were cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: STREAM.length })), (cuts) => {
        const ends = [...cuts.sort((a, b) => a - b), STREAM.length];
        const pieces = new ImapPieces();
        const taken = ends.flatMap((end, index) =>
          pieces.take(Buffer.from(STREAM.slice(ends[index - 1] ?? 0, end), 'latin1')),
        );
        assert.equal(taken.map(text).join(''), STREAM);
        const lines = taken.filter(({ kind }) => kind === 'line').map(text);
        assert.deepEqual(lines, [
          `* 1 FETCH (UID 1 BODY[] {${MAIL.length}}\r\n`,
          ' FLAGS ())\r\n',
          '* 6 EXISTS\r\n',
          'A1 OK BODY[] {0}\r\n',
        ]);
        const literals = taken.filter((piece) => piece.kind === 'literal');
        assert.equal(literals.map(text).join(''), MAIL);
        assert.deepEqual(
          literals.map(({ at }) => at),
          literals.map((_, index) =>
            literals.slice(0, index).reduce((sum, { bytes }) => sum + bytes.length, 0),
          ),
        );
      }),
    );
  });
});
