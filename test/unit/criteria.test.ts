// The grammar of custom email rules: what each means, and what is said of one that is wrong.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { restrictedTo } from '../../engine/imap/rules/criteria';
import { parseCriteria } from '../support/reading';

const queryOf = (json: string): unknown => parseCriteria(json).query;

describe('custom email rules', () => {
  const meanings: [json: string, query: object][] = [
    ['["UNSEEN"]', { seen: false }],
    ['["unseen", "Flagged"]', { seen: false, flagged: true }],
    ['["!SEEN"]', { not: { seen: true } }],
    ['[["FROM","ann"],["SINCE","May 20, 2026"]]', { from: 'ann', since: '2026-05-20' }],
    ['["ALL"]', { all: true }],
    [' [["UNSEEN"]]\n', { seen: false }],
    ['["NEW"]', { seen: false }],
    ['["RECENT"]', { all: true }],
    ['[["SUBJECT", 2026]]', { subject: '2026' }],
    [
      '[["HEADER", "X-Foo", "bar"], ["HEADER", "X-Bar", ""]]',
      and({ header: { 'X-Foo': 'bar' } }, { header: { 'X-Bar': '' } }),
    ],
    ['[["LARGER", "100"], ["SMALLER", 200]]', { larger: 100, smaller: 200 }],
    ['[["KEYWORD", "$Forwarded"], ["UNKEYWORD", "done"]]', { keyword: '$Forwarded', unKeyword: 'done' }],
    ['[["UID", "5:*", 3]]', { uid: '5:*,3' }],
    ['["1:5"]', { seq: '1:5' }],
    ['[["1", "3:5"]]', { seq: '1,3:5' }],
    ['[["MODSEQ", 7]]', { modseq: 7n }],
    ['[["X-GM-RAW", "has:attachment"]]', { gmraw: 'has:attachment' }],
    ['[["X-GM-LABELS", "\\\\Important"]]', { labels: { has: ['Important'] } }],
    ['[["X-GM-MSGID", "1278455344230334865"]]', { emailId: '1278455344230334865' }],
    ['[["X-GM-THRID", 12]]', { threadId: '12' }],
    ['[["FROM","a"],["FROM","b"]]', and({ from: 'a' }, { from: 'b' })],
    [
      '[["FROM","a"],"UNSEEN",["FROM","b"],["TO","c"]]',
      and({ from: 'a', seen: false, to: 'c' }, { from: 'b' }),
    ],
    ['["SEEN","UNSEEN"]', and({ seen: true }, { seen: false })],
    ['["!SEEN",["!FROM","a"]]', and({ not: { seen: true } }, { not: { from: 'a' } })],
    ['[["OR", "UNSEEN", ["SINCE", "20-May-2026"]]]', { or: [{ seen: false }, { since: '2026-05-20' }] }],
    ['[["!OR", "UNSEEN", ["!FROM", "a"]]]', { not: { or: [{ seen: false }, { not: { from: 'a' } }] } }],
    // Beyond node-imap.
    [
      '["OR", "UNSEEN", ["FROM", "a"], ["FROM", "b"]]',
      { or: [{ seen: false }, { from: 'a' }, { from: 'b' }] },
    ],
    ['["FROM", "ann"]', { from: 'ann' }],
    ['["!FROM", "ann"]', { not: { from: 'ann' } }],
    ['[["AND", ["FROM", "a"], "SEEN"]]', { from: 'a', seen: true }],
    ['[["OR", [["FROM","a"],["TO","b"]], "SEEN"]]', { or: [{ from: 'a', to: 'b' }, { seen: true }] }],
  ];
  for (const [json, query] of meanings) {
    it(`${json.trim()} ask for just that`, () => assert.deepEqual(queryOf(json), query));
  }

  it('take dates as node-imap did, and a date alone as that day everywhere', () => {
    const days: [written: string | number, day: string][] = [
      ['2026-05-20', '2026-05-20'],
      ['20-May-2026', '2026-05-20'],
      ['May 20, 2026 23:59', '2026-05-20'],
      ['Wed, 20 May 2026', '2026-05-20'],
      ['5/20/2026', '2026-05-20'],
      ['20 May 26', '2026-05-20'],
      ['2024-02-29', '2024-02-29'],
      [new Date(2026, 4, 20, 12).getTime(), '2026-05-20'],
      [new Date(2026, 4, 20, 12).toISOString(), '2026-05-20'],
      [new Date(2026, 4, 20, 12).toString(), '2026-05-20'],
    ];
    for (const [written, day] of days)
      assert.deepEqual(queryOf(JSON.stringify([['ON', written]])), { on: day }, String(written));
  });

  it('are asked of the mails in question only', () => {
    assert.deepEqual(restrictedTo('3,5', parseCriteria('["UNSEEN"]')), { uid: '3,5', seen: false });
    const own = parseCriteria('[["UID", "4:*"]]');
    assert.deepEqual(restrictedTo('3,5', own), and({ uid: '3,5' }, { uid: '4:*' }));
    assert.deepEqual(own.query, { uid: '4:*' }, 'and stay as they are');
  });

  it('say whether only Gmail knows them', () => {
    assert.equal(parseCriteria('["UNSEEN"]').gmailOnly, null);
    assert.equal(parseCriteria('["UNSEEN", ["OR", "SEEN", ["!x-gm-raw", "a"]]]').gmailOnly, 'X-GM-RAW');
  });

  const faulty: [json: string, said: string | RegExp][] = [
    ['["UNSEEN", ["FORM", "a"]]', 'rule 2, "FORM": there is no such rule. Did you mean FROM?'],
    ['["UNSEEEN"]', 'rule 1, "UNSEEEN": there is no such rule. Did you mean UNSEEN?'],
    ['["UNREAD"]', 'rule 1, "UNREAD": there is no such rule. Did you mean UNSEEN?'],
    ['["!sender"]', 'rule 1, "!sender": there is no such rule. Did you mean FROM?'],
    [
      '["constructor"]',
      /^rule 1, "constructor": there is no such rule\. There are: ALL, .*, AND; with a ! before it/,
    ],
    [
      '[["OR", "SEEN", ["OR", "SEEN", ["SUBJEKT", "a"]]]]',
      'rule 1, "OR", part 2, "OR", part 2, "SUBJEKT": there is no such rule. Did you mean SUBJECT?',
    ],
    [
      '["UNSEEN", "FROM", "ann"]',
      'rule 2, "FROM": a text must follow, as in ["FROM", "ann"]; there is nothing.',
    ],
    [
      '[["FROM", "ann", "bob"]]',
      'rule 1, "FROM": a text must follow, as in ["FROM", "ann"]; there is "ann", "bob".',
    ],
    [
      '[["UNSEEN", "FLAGGED"]]',
      'rule 1, "UNSEEN": nothing may follow; there is "FLAGGED". Each further rule stands for itself: ["UNSEEN", "FLAGGED"].',
    ],
    [
      '[["HEADER", "X-Foo"]]',
      /^rule 1, "HEADER": a header field's name and a text .* must follow, as in .*; there is "X-Foo"\.$/,
    ],
    ['["UID"]', 'rule 1, "UID": one or more UIDs must follow, as in ["UID", "100:*"]; there is nothing.'],
    ['[["UID", "0"]]', /^rule 1, "UID": \["0"\] are no UIDs/],
    ['[["FROM", ""]]', /^rule 1, "FROM": the text is empty/],
    ['[["FROM", ["ann"]]]', 'rule 1, "FROM": ["ann"] is no text. Write it in quotes.'],
    ['[["SUBJECT", "a\\r\\nA LOGOUT"]]', /^rule 1, "SUBJECT": the text has a line break/],
    ['[["LARGER", "10 KB"]]', 'rule 1, "LARGER": "10 KB" is no whole number from 1 to 4294967295.'],
    ['[["SMALLER", 0]]', /^rule 1, "SMALLER": 0 is no whole number/],
    ['[["SMALLER", -1.5]]', /^rule 1, "SMALLER": -1.5 is no whole number/],
    ['[["X-GM-MSGID", 1278455344230334865]]', /more than JSON's numbers hold\. Write it in quotes\.$/],
    ['[["KEYWORD", "\\\\Seen"]]', /is a flag, no keyword/],
    ['[["KEYWORD", "two words"]]', /is no keyword/],
    ['[["HEADER", "X Foo", "a"]]', /is no header field's name/],
    ['["OLD"]', /^rule 1, "OLD": it asks for mail that is not new/],
    ['["!RECENT"]', /^rule 1, "!RECENT": it asks for mail that is not new/],
    ['[["OR", "SEEN"]]', /^rule 1, "OR": two rules or more must follow, .* There is one\.$/],
    ['["OR"]', /^rule 1, "OR": two rules or more must follow, .* There is none\.$/],
    ['[5]', /^rule 1 is 5\. A rule is a name/],
    ['["UNSEEN", {"from": "ann"}]', /^rule 2 is \{"from":"ann"\}\. A rule is a name/],
    ['["UNSEEN", []]', /^rule 2 is \[\]\./],
    ['[""]', /^rule 1 is ""\./],
    ['["!!SEEN"]', /^rule 1, "!!SEEN": there is no such rule/],
    ['["!!OR", "SEEN", "DRAFT"]', /^rule 1, "!!OR": there is no such rule/],
    ['[["X-GM-LABELS", "\\\\ "]]', /^rule 1, "X-GM-LABELS": the text is empty/],
    ['["!"]', /^rule 1, "!": there is no such rule/],
    ['[]', /^The list of rules is empty\./],
    ['{"from": "ann"}', 'This is no list of rules. Write it in square brackets: ["UNSEEN"].'],
    ['"UNSEEN"', 'This is no list of rules. Write it in square brackets: ["UNSEEN"].'],
  ];
  for (const [json, said] of faulty) {
    it(`${json} are refused with the faulty part named`, () => {
      assert.throws(() => parseCriteria(json), { message: said });
    });
  }

  const noDates: [written: unknown, why: string][] = [
    ['tomorrow', ''],
    ['order 66', ''],
    ['May 32, 2026', ''],
    ['2026-02-30', ': there is no such day'],
    ['Feb 30, 2026', ': there is no such day'],
    ['2/30/2026', ': there is no such day'],
    ['May 20', ': it has no year'],
    ['', ''],
    [true, ''],
  ];
  for (const [written, why] of noDates) {
    it(`refuse ${JSON.stringify(written)} as a date`, () => {
      const message = `rule 1, "SINCE": ${JSON.stringify(written)} is no date${why}. Write it as in "20-May-2026" or "2026-05-20".`;
      assert.throws(() => parseCriteria(JSON.stringify([['SINCE', written]])), { message });
    });
  }

  const noJson: [json: string, why: string][] = [
    ['UNSEEN', 'names and texts stand in double quotes, at character 1 (UNSEEN)'],
    ['["UNSEEN", FLAGGED]', 'names and texts stand in double quotes, at character 12 (FLAGGED])'],
    ["['UNSEEN']", "texts stand in straight double quotes, at character 2 ('UNSEEN'])"],
    ['[“UNSEEN”]', 'texts stand in straight double quotes, at character 2 (“UNSEEN”])'],
    ['["UNSEEN"', 'a bracket is not closed, at character 1 (["UNSEEN")'],
    ['[["FROM", "ann"], ["TO", "bob"]', 'a bracket is not closed, at character 1 ([["FROM", "a…)'],
    ['["UNSEEN",]', 'nothing follows the comma before the closing bracket, at character 11 (])'],
    ['["UNSEEN" "SEEN"]', 'a comma is missing, at character 11 ("SEEN"])'],
    ['["SEEN"]]', 'there is a closing bracket too many, at character 9 (])'],
    ['["SEEN"], ["x"]', 'there is a comma too many, at character 9 (, ["x"])'],
    ['["SEEN"] x', 'names and texts stand in double quotes, at character 10 (x)'],
    ['[,"SEEN"]', 'there is a comma too many, at character 2 (,"SEEN"])'],
    ['["FROM, 1]', 'a text has no closing quotation mark, at character 2 ("FROM, 1])'],
    ['[{from: 1}]', 'rules are lists, in square brackets, at character 2 ({from: 1}])'],
    ['  ', 'there is nothing in it'],
    ['', 'there is nothing in it'],
  ];
  for (const [json, why] of noJson) {
    it(`that are no JSON (${json}) are refused with the place`, () =>
      assert.throws(() => parseCriteria(json), { message: `This is no JSON: ${why}.` }));
  }
});

/** All of them, in imapflow's words. */
function and(...queries: object[]): object {
  return { not: { or: queries.map((not) => ({ not })) } };
}
