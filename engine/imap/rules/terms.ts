// What a custom email rule may be called and what it takes: IMAP's search keys (RFC 3501 6.4.4), MODSEQ (RFC 7162) and
// Gmail's. Invariant: imapflow leaves out what it finds empty, zero or unreadable; so nothing of the kind gets through.
import type { SearchObject } from 'imapflow';
import { fieldName, keywordOf, searchDate, sequenceSet, shown, textOf, wholeNumber } from './values';

export interface Term {
  /** What must follow, in words; absent: nothing. */
  readonly takes?: readonly string[];
  readonly example?: string;
  /** Any number of them may follow. */
  readonly many?: true;
  /** @throws Error that says what is wrong with the values */
  read(values: readonly unknown[]): SearchObject;
  /** What the values mean wherever they are read; absent: as they are. */
  meant?(values: readonly unknown[]): readonly unknown[];
}

export const NOT_NEW =
  'it asks for mail that is not new. The trigger hands out new mail only: take this rule out.';

const flag = (query: SearchObject): Term => ({ read: () => ({ ...query }) });

function one(what: string, example: string, read: (value: unknown) => SearchObject): Term {
  return { takes: [what], example, read: ([value]) => read(value) };
}

const text = (name: string, read: (value: string) => SearchObject): Term =>
  one('a text', `["${name}", "ann"]`, (value) => read(textOf(value)));
const date = (name: string, key: keyof SearchObject): Term => ({
  ...one('a date', `["${name}", "20-May-2026"]`, (value) => ({ [key]: searchDate(value) })),
  meant: (values) => values.map(searchDate),
});
const size = (name: string, key: keyof SearchObject): Term =>
  one('a number of bytes', `["${name}", 10240]`, (value) => ({
    [key]: Number(wholeNumber(value, 0xffffffffn)),
  }));
const keyword = (name: string, key: keyof SearchObject): Term =>
  one('a keyword', `["${name}", "$Forwarded"]`, (value) => ({ [key]: keywordOf(value) }));
const gmailId = (name: string, key: keyof SearchObject): Term =>
  one("Gmail's number", `["${name}", "1278455344230334865"]`, (value) => ({
    [key]: String(wholeNumber(value, 0xffffffffffffffffn)),
  }));

const TERMS: Readonly<Record<string, Term>> = {
  ALL: flag({ all: true }),
  ANSWERED: flag({ answered: true }),
  DELETED: flag({ deleted: true }),
  DRAFT: flag({ draft: true }),
  FLAGGED: flag({ flagged: true }),
  SEEN: flag({ seen: true }),
  UNANSWERED: flag({ answered: false }),
  UNDELETED: flag({ deleted: false }),
  UNDRAFT: flag({ draft: false }),
  UNFLAGGED: flag({ flagged: false }),
  UNSEEN: flag({ seen: false }),
  // \Recent belongs to whichever program opened the mailbox first, so it says nothing of a mail. The trigger itself hands
  // out each mail once, when it is new: RECENT is no restriction then, NEW (recent and unseen) is UNSEEN, OLD is never so.
  RECENT: flag({ all: true }),
  NEW: flag({ seen: false }),
  OLD: {
    read: () => {
      throw new Error(NOT_NEW);
    },
  },
  BCC: text('BCC', (bcc) => ({ bcc })),
  BODY: text('BODY', (body) => ({ body })),
  CC: text('CC', (cc) => ({ cc })),
  FROM: text('FROM', (from) => ({ from })),
  SUBJECT: text('SUBJECT', (subject) => ({ subject })),
  TEXT: text('TEXT', (value) => ({ text: value })),
  TO: text('TO', (to) => ({ to })),
  BEFORE: date('BEFORE', 'before'),
  ON: date('ON', 'on'),
  SINCE: date('SINCE', 'since'),
  SENTBEFORE: date('SENTBEFORE', 'sentBefore'),
  SENTON: date('SENTON', 'sentOn'),
  SENTSINCE: date('SENTSINCE', 'sentSince'),
  LARGER: size('LARGER', 'larger'),
  SMALLER: size('SMALLER', 'smaller'),
  KEYWORD: keyword('KEYWORD', 'keyword'),
  UNKEYWORD: keyword('UNKEYWORD', 'unKeyword'),
  HEADER: {
    takes: ["a header field's name", 'a text ("" where it need only be there)'],
    example: '["HEADER", "X-Spam-Flag", "YES"]',
    read: ([name, value]) => ({ header: { [fieldName(name)]: value === '' ? '' : textOf(value) } }),
  },
  UID: {
    takes: ['one or more UIDs'],
    example: '["UID", "100:*"]',
    many: true,
    read: (values) => {
      const uid = sequenceSet(values);
      if (!uid)
        throw new Error(`${shown(values)} are no UIDs. Write them as in ["UID", "100:*"] or ["UID", 7, 9].`);
      return { uid };
    },
  },
  MODSEQ: one('a number', '["MODSEQ", 620162338]', (value) => ({
    modseq: wholeNumber(value, (1n << 63n) - 1n),
  })),
  'X-GM-RAW': text('X-GM-RAW', (gmraw) => ({ gmraw })),
  // imapflow asks for it as for X-GM-RAW "label:…", where system labels go without their backslash.
  'X-GM-LABELS': text('X-GM-LABELS', (label) => ({
    labels: { has: [textOf(label.replace(/^\\/, '').trim())] },
  })),
  'X-GM-MSGID': gmailId('X-GM-MSGID', 'emailId'),
  'X-GM-THRID': gmailId('X-GM-THRID', 'threadId'),
};

const OTHER_WORDS: Readonly<Record<string, string>> = {
  READ: 'SEEN',
  UNREAD: 'UNSEEN',
  STARRED: 'FLAGGED',
  AFTER: 'SINCE',
  SENDER: 'FROM',
};

/** @param name in upper case */
export const knownTerm = (name: string): Term | undefined =>
  Object.hasOwn(TERMS, name) ? TERMS[name] : undefined;

/** @throws Error that says which name may have been meant */
export function findTerm(name: string): Term {
  const term = knownTerm(name);
  if (term) return term;
  const names = [...Object.keys(TERMS), 'OR', 'AND'];
  const near = names
    .map((other) => ({ other, steps: stepsBetween(name, other) }))
    .filter(({ steps }) => steps <= Math.min(2, name.length / 2))
    .sort((a, b) => a.steps - b.steps)[0];
  const meant = OTHER_WORDS[name] ?? near?.other;
  throw new Error(
    `there is no such rule. ${meant ? `Did you mean ${meant}?` : `There are: ${names.join(', ')}; with a ! before it, the opposite.`}`,
  );
}

/** How many letters are to be changed, added, left out or swapped with the next. */
function stepsBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        rows[i - 1]![j]! + 1,
        row[j - 1]! + 1,
        rows[i - 1]![j - 1]! + (same ? 0 : 1),
        swapped ? rows[i - 2]![j - 2]! + 1 : Infinity,
      );
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
