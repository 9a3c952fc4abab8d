// Custom email rules on a real Dovecot: each gives what its words say, and what the same SEARCH written by hand gives.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { ImapFault } from '../../engine/imap/session/fault';
import { ImapSession } from '../../engine/imap/session/session';
import { hasAttachment } from '../../engine/imap/rules/structure';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { TcpProxy } from '../support/net';
import { parseCriteria } from '../support/reading';

const USER = 'rules';
const { signal } = new AbortController();

interface StoredMail {
  readonly head: readonly string[];
  readonly body?: string;
  readonly flags?: readonly string[];
  /** When it was sent, and received: at noon. */
  readonly sent: string;
  readonly received: string;
}

/** UIDs 1 to 6. */
const MAILS: readonly StoredMail[] = [
  {
    head: ['From: Ann <ann@example.com>', 'To: bob@example.com', 'Subject: Invoice 1', 'X-Foo: bar'],
    flags: ['\\Seen'],
    sent: '2026-05-17',
    received: '2026-05-18',
  },
  {
    head: ['From: bob@example.com', 'To: ann@example.com', 'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_Wien?='],
    flags: ['\\Flagged'],
    sent: '2026-05-20',
    received: '2026-05-20',
  },
  {
    head: [
      'From: "Ann Lee" <lee@example.org>',
      'To: bob@example.com',
      'Cc: carol@example.com',
      'Subject: Invoice 2',
      'X-Foo: baz',
    ],
    body: `offer ${'x'.repeat(5_000)}`,
    flags: ['$Work'],
    sent: '2026-05-21',
    received: '2026-05-21',
  },
  {
    head: [
      'From: dora@ann.example',
      'To: eve@example.com',
      'Bcc: carol@example.com',
      'Subject: (no "quotes") \\ end',
    ],
    body: 'Die Straße nach Süden',
    flags: ['\\Seen', '\\Answered', '$Work'],
    sent: '2026-05-21',
    received: '2026-05-22',
  },
  {
    head: [
      'From: "Bob" <bob@example.com>',
      'To: ann@example.com, lee@example.org',
      'Subject: plan',
      'X-Empty: ',
    ],
    body: 'an offer',
    flags: ['\\Draft', '\\Deleted'],
    sent: '2026-06-01',
    received: '2026-06-01',
  },
  {
    head: ['From: carol@example.com', 'To: ann@example.com', 'Subject: FROM ann'],
    flags: ['\\Seen', '\\Flagged'],
    sent: '2026-06-02',
    received: '2026-06-02',
  },
];

const noon = (day: string): Date => new Date(`${day}T12:00:00Z`);

const rawOf = ({ head, body = 'Hello', sent }: StoredMail): Buffer =>
  Buffer.from(
    [
      ...head,
      `Date: ${noon(sent).toUTCString()}`,
      'Content-Type: text/plain; charset=utf-8',
      '',
      body,
      '',
    ].join('\r\n'),
  );

/** The rule, the same as SEARCH takes it, and the UIDs that its words mean. */
const RULES: [json: string, search: string, uids: number[]][] = [
  ['["ALL"]', 'ALL', [1, 2, 3, 4, 5, 6]],
  ['["UNSEEN"]', 'UNSEEN', [2, 3, 5]],
  ['["!UNSEEN"]', 'SEEN', [1, 4, 6]],
  ['["NEW"]', 'UNSEEN', [2, 3, 5]],
  ['["SEEN", "FLAGGED"]', 'SEEN FLAGGED', [6]],
  ['["SEEN", "UNSEEN"]', 'SEEN UNSEEN', []],
  ['["DRAFT", "DELETED", "UNANSWERED"]', 'DRAFT DELETED UNANSWERED', [5]],
  ['["!ANSWERED", "!FLAGGED", "!DRAFT"]', 'UNANSWERED UNFLAGGED UNDRAFT', [1, 3]],
  ['["FROM", "ANN"]', 'FROM ann', [1, 3, 4]],
  ['[["FROM", "ann"], ["FROM", "example.org"]]', 'FROM ann FROM example.org', [3]],
  ['[["FROM", "ann"], ["!FROM", "lee"], ["!FROM", "dora"]]', 'FROM ann NOT FROM lee NOT FROM dora', [1]],
  ['[["TO", "ann@"], ["TO", "lee@"]]', 'TO ann@ TO lee@', [5]],
  ['[["CC", "carol"]]', 'CC carol', [3]],
  ['[["BCC", "carol"]]', 'BCC carol', [4]],
  ['[["SUBJECT", "FROM ann"]]', 'SUBJECT "FROM ann"', [6]],
  ['[["SUBJECT", "Grüße"]]', 'CHARSET UTF-8 SUBJECT "Grüße"', [2]],
  ['[["!SUBJECT", "GRÜSSE AUS"], "UNSEEN"]', 'CHARSET UTF-8 NOT SUBJECT "GRÜSSE AUS" UNSEEN', [2, 3, 5]],
  ['[["SUBJECT", "(no \\"quotes\\") \\\\ end"]]', 'SUBJECT "(no \\"quotes\\") \\\\ end"', [4]],
  ['[["SUBJECT", "\\\\ end"]]', 'SUBJECT "\\\\ end"', [4]],
  ['[["SUBJECT", "\\\\"]]', 'SUBJECT "\\\\"', [4]],
  ['[["SUBJECT", "\\\\plan"]]', 'SUBJECT "\\\\plan"', []],
  ['[["BODY", "offer"]]', 'BODY offer', [3, 5]],
  ['[["BODY", "Straße"]]', 'CHARSET UTF-8 BODY "Straße"', [4]],
  ['[["TEXT", "carol"]]', 'TEXT carol', [3, 4, 6]],
  ['[["SINCE", "May 21, 2026"]]', 'SINCE 21-May-2026', [3, 4, 5, 6]],
  ['[["BEFORE", "2026-05-21"]]', 'BEFORE 21-May-2026', [1, 2]],
  ['[["SINCE", "20-May-2026"], ["BEFORE", "22-May-2026"]]', 'SINCE 20-May-2026 BEFORE 22-May-2026', [2, 3]],
  ['[["!SINCE", "20-May-2026"]]', 'NOT SINCE 20-May-2026', [1]],
  ['[["ON", "May 22, 2026"]]', 'ON 22-May-2026', [4]],
  ['[["SENTSINCE", "22-May-2026"]]', 'SENTSINCE 22-May-2026', [5, 6]],
  ['[["SENTON", "21-May-2026"]]', 'SENTON 21-May-2026', [3, 4]],
  ['[["SENTBEFORE", "18-May-2026"]]', 'SENTBEFORE 18-May-2026', [1]],
  ['[["SINCE", "1-Jan-2100"]]', 'SINCE 1-Jan-2100', []],
  ['[["LARGER", 5000]]', 'LARGER 5000', [3]],
  ['[["SMALLER", "5000"], ["LARGER", 1]]', 'SMALLER 5000 LARGER 1', [1, 2, 4, 5, 6]],
  ['[["KEYWORD", "$Work"]]', 'KEYWORD $Work', [3, 4]],
  ['[["UNKEYWORD", "$Work"], "SEEN"]', 'UNKEYWORD $Work SEEN', [1, 6]],
  ['[["KEYWORD", "$Never"]]', 'KEYWORD $Never', []],
  ['[["HEADER", "X-Foo", "ba"], ["HEADER", "Subject", "2"]]', 'HEADER X-Foo ba HEADER Subject 2', [3]],
  ['[["HEADER", "x-foo", "a"], ["HEADER", "X-Foo", "z"]]', 'HEADER X-Foo a HEADER X-Foo z', [3]],
  ['[["HEADER", "X-Foo", ""]]', 'HEADER X-Foo ""', [1, 3]],
  ['[["!HEADER", "X-Foo", "bar"], "SEEN"]', 'NOT HEADER X-Foo bar SEEN', [4, 6]],
  ['[["UID", "2:4", 6]]', 'UID 2:4,6', [2, 3, 4, 6]],
  ['[["!UID", "2:*"]]', 'NOT UID 2:*', [1]],
  ['["1:2"]', '1:2', [1, 2]],
  ['[["MODSEQ", 1]]', 'MODSEQ 1', [1, 2, 3, 4, 5, 6]],
  ['[["OR", ["FROM", "bob"], ["TO", "bob"]]]', 'OR FROM bob TO bob', [1, 2, 3, 5]],
  [
    '[["OR", "UNSEEN", ["SINCE", "2026-06-02"]], ["TO", "ann"]]',
    'OR UNSEEN SINCE 2-Jun-2026 TO ann',
    [2, 5, 6],
  ],
  ['[["!OR", ["FROM", "bob"], ["TO", "bob"]]]', 'NOT OR FROM bob TO bob', [4, 6]],
  [
    '[["OR", ["OR", ["FROM", "dora"], ["!OR", "SEEN", ["FROM", "bob"]]], "DRAFT"]]',
    'OR (OR FROM dora NOT OR SEEN FROM bob) DRAFT',
    [3, 4, 5],
  ],
  [
    '[["OR", "SEEN", ["FROM", "lee"]], ["OR", "FLAGGED", ["TO", "bob"]]]',
    'OR SEEN FROM lee OR FLAGGED TO bob',
    [1, 3, 6],
  ],
  [
    '[["OR", ["UID", 1], ["UID", 2], ["UID", 3], ["UID", 5], ["UID", 6]], "!FLAGGED"]',
    'UID 1:3,5:6 UNFLAGGED',
    [1, 3, 5],
  ],
  [
    '[["OR", [["FROM", "ann"], "SEEN"], [["FROM", "bob"], "DRAFT"]]]',
    'OR (FROM ann SEEN) (FROM bob DRAFT)',
    [1, 4, 5],
  ],
  ['[["!AND", "SEEN", ["FROM", "ann"], ["FROM", "dora"]]]', 'NOT (SEEN FROM ann FROM dora)', [1, 2, 3, 5, 6]],
];

describe('custom email rules on a server', { timeout: 5 * 60_000 }, () => {
  let dovecot: Dovecot;
  let session: ImapSession;
  const uids = MAILS.map((_, index) => index + 1);

  before(async () => {
    dovecot = await Dovecot.start();
    const client = await dovecot.client(USER);
    for (const mail of MAILS)
      await client.append('INBOX', rawOf(mail), [...(mail.flags ?? [])], noon(mail.received));
    await client.logout();
    session = await ImapSession.connect(dovecot.login(USER), signal);
    await session.open('INBOX');
  });
  after(async () => {
    await session.end();
    await dovecot.dispose();
  });

  async function through(use: (session: ImapSession, proxy: TcpProxy) => Promise<void>): Promise<void> {
    const proxy = await TcpProxy.to(dovecot.port);
    const other = await ImapSession.connect(dovecot.login(USER, { port: proxy.port }), signal);
    try {
      await other.open('INBOX');
      await use(other, proxy);
    } finally {
      await other.end();
      await proxy.close();
    }
  }

  for (const [json, search, expected] of RULES) {
    it(`${json} take the same mails as SEARCH ${search}`, async () => {
      const matching = await session.matching(uids, parseCriteria(json));
      assert.deepEqual([...matching].sort(), expected, 'as the words say');
      assert.deepEqual(await searchByHand(dovecot, search), expected, 'as SEARCH says');
    });
  }

  it('judge the mails in question only, however many they are', async () => {
    const seen = parseCriteria('["SEEN"]');
    assert.deepEqual(await session.matching([2, 4, 5], seen), new Set([4]));
    assert.deepEqual(await session.matching([], seen), new Set());
    const many = Array.from({ length: 1_500 }, (_, index) => index + 1);
    assert.deepEqual(await session.matching(many, seen), new Set([1, 4, 6]));
    assert.deepEqual(
      await session.matching([9], parseCriteria('[["UID", "9:*"]]')),
      new Set(),
      '* is the last mail',
    );
  });

  it('leave the mails as they are', async () => {
    await session.matching(uids, parseCriteria('[["BODY", "offer"]]'));
    const unseen = await session.matching(uids, parseCriteria('["UNSEEN"]'));
    assert.deepEqual(unseen, new Set([2, 3, 5]));
  });

  it('of Gmail say on another server what to do', async () => {
    for (const json of [
      '[["X-GM-RAW", "has:attachment"]]',
      '["UNSEEN", ["OR", ["X-GM-LABELS", "a"], "SEEN"]]',
      '[["X-GM-MSGID", 7]]',
      '[["!X-GM-THRID", 7]]',
    ]) {
      const name = /X-GM-\w+/.exec(json)![0];
      await assert.rejects(session.matching(uids, parseCriteria(json)), {
        name: 'ImapFault',
        kind: 'other',
        message: `Custom Email Rules has a rule that only Gmail knows (${name}), and 127.0.0.1 is not Gmail. Take the rule out.`,
      });
    }
  });

  it('that the server refuses say what it says, and the connection stays', async () => {
    await through(async (other, proxy) => {
      proxy.change = (text) => text.replace(/OK Search completed/, 'NO [CANNOT] Nothing of the kind here');
      await assert.rejects(other.matching(uids, parseCriteria('["DRAFT"]')), {
        kind: 'other',
        message: '127.0.0.1 refused to search by Custom Email Rules (Nothing of the kind here). Check them.',
      });
      proxy.change = (text) => text;
      assert.deepEqual(await other.matching(uids, parseCriteria('["DRAFT"]')), new Set([5]));
    });
  });

  it('are not taken to match nothing when the connection is lost', async () => {
    const lost = (error: unknown): boolean => error instanceof ImapFault && error.kind === 'connection';
    const rules = parseCriteria('["UNSEEN"]');
    await through(async (other, proxy) => {
      proxy.change = () => (proxy.cut(), '');
      await assert.rejects(other.matching(uids, rules), lost, 'before the answer');
      await assert.rejects(other.matching(uids, rules), lost, 'before the question');
    });
  });

  it('stand beside what the server tells of attachments', async () => {
    const file = { name: 'a.pdf', content: Buffer.from('pdf') };
    await dovecot.append('files', [
      rawMail({ subject: 'none' }),
      rawMail({ subject: 'one', attachment: file }),
    ]);
    const client = await dovecot.client('files');
    await client.mailboxOpen('INBOX');
    const attached: boolean[] = [];
    for await (const { bodyStructure } of client.fetch('1:*', { bodyStructure: true }))
      attached.push(hasAttachment(bodyStructure));
    await client.logout();
    assert.deepEqual(attached, [false, true]);
  });
});

/** UID SEARCH as a person types it, without any library. */
async function searchByHand(dovecot: Dovecot, search: string): Promise<number[]> {
  const { user, proof } = dovecot.login(USER);
  assert.ok('password' in proof);
  const socket = connect(dovecot.port, '127.0.0.1').setEncoding('utf8');
  socket.write(
    `1 LOGIN ${user} ${proof.password}\r\n2 EXAMINE INBOX\r\n3 UID SEARCH ${search}\r\n4 LOGOUT\r\n`,
  );
  let said = '';
  socket.on('data', (text: string) => (said += text));
  await once(socket, 'close');
  assert.match(said, /^3 OK /m, said);
  const found = /^\* SEARCH ?([\d ]*)/m.exec(said)?.[1] ?? '';
  return found.trim().split(' ').filter(Boolean).map(Number);
}
