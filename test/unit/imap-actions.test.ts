// What can be checked of what is done with mails without a server: keywords.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkKeyword } from '../../engine/imap/keyword';

describe('a keyword', () => {
  for (const keyword of ['Done', '$Forwarded', 'n8n-done', 'a.b_c/d', "it's+1"]) {
    it(`may be ${keyword}`, () => assert.equal(checkKeyword(` ${keyword} `), keyword));
  }

  const refused: [keyword: string, says: RegExp][] = [
    ['', /is empty/],
    ['   ', /is empty/],
    ['two words', /contains a space/],
    ['a\tb', /an invisible character/],
    ['a\r\nA1 LOGOUT', /an invisible character/],
    ['\\Seen', /contains "\\"/],
    ['done)', /contains "\)"/],
    ['50%', /contains "%"/],
    ['a*', /contains "\*"/],
    ['"a"', /contains """/],
    ['[a]', /contains "\]"/],
    ['erledigt-ü', /contains "ü"/],
    ['✓', /contains "✓"/],
  ];
  for (const [keyword, says] of refused) {
    it(`may not be ${JSON.stringify(keyword)}`, () => assert.throws(() => checkKeyword(keyword), says));
  }
});
