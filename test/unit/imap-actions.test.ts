// What can be checked of what is done with mails without a server: keywords, and which mail is meant.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MailFacts } from '../../engine/imap/session/facts';
import { findAlike } from '../../engine/imap/find/find';
import type { MailTraits } from '../../engine/ledger/mail-traits';
import { checkKeyword } from '../../engine/imap/act/keyword';
import { readHeaders } from '../../engine/mail/headers';
import { softIdentity } from '../../engine/mail/identity';

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

describe('a mail in a mailbox that was renumbered', () => {
  const fields = Buffer.from('Message-ID: <17@test>\r\nFrom: ann@test\r\nSubject: Order\r\n\r\n');
  const known: MailTraits = {
    identity: 'uid:1:5:INBOX',
    softIdentity: softIdentity(readHeaders(fields), 100),
    uid: 5,
    uidValidity: '1',
    receivedAt: 1_700_000_000_000,
    size: 100,
  };
  const server = (
    ofSize: (size: number) => number[],
    facts: readonly MailFacts[],
  ): Parameters<typeof findAlike>[0] => ({
    place: 'the mailbox "INBOX"',
    listing: { ofSize: (size) => Promise.resolve(ofSize(size)) },
    mails: {
      facts: () =>
        Promise.resolve({
          answers: new Map(facts.map((one) => [one.uid, one])),
          withheld: [],
          fault: null,
        }),
    },
  });
  /** What a server tells that gives mails an id of its own. */
  const found = async (mail: MailTraits, emailId: string): Promise<readonly number[]> => {
    const facts = { uid: 9, size: 100, receivedAt: known.receivedAt, emailId, fields };
    return (
      await findAlike(
        server(() => [9], [facts]),
        [mail],
      )
    ).get(mail)!;
  };

  it("is found by the server's own id, and by nothing else", async () => {
    assert.deepEqual(await found({ ...known, identity: 'id:M1' }, 'M1'), [9]);
    assert.deepEqual(await found({ ...known, identity: 'id:M1' }, 'M2'), []);
  });

  it('is looked for by its size, and not at all if that was never known', async () => {
    const sizes: number[] = [];
    const session = server((size) => (sizes.push(size), []), []);
    const unread = { ...known, softIdentity: null, receivedAt: null, size: 0 };
    const uids = await findAlike(session, [unread, known]);
    assert.deepEqual([sizes, uids.get(unread), uids.get(known)], [[100], [], []]);
  });

  it('is found on a server that gives such ids only since it was moved or updated', async () => {
    assert.deepEqual(await found(known, 'M1'), [9]);
  });
});
