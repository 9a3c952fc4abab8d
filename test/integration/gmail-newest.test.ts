// Mails that are looked for in Gmail: the newest one that fits, and one that is not in the ledger any more.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { GmailClient } from '../../engine/gmail/api/client';
import { openGmailMail } from '../../engine/gmail/mail/stored';
import { GmailRereader } from '../../engine/gmail/find/again';
import { readNewest } from '../../engine/gmail/find/newest';
import { gmailIdentity } from '../../engine/gmail/mail/identity';
import type { GmailEvent } from '../../engine/gmail/mail/event';
import type { GmailFilter, GmailReading } from '../../engine/gmail/read/reading';
import { GMAIL_MAILBOX } from '../../engine/gmail/mail/source';
import type { Claim } from '../../engine/ledger/pointer';
import { parseTextMatch } from '../../engine/mail/filter';
import type { FakeAccount } from '../support/gmail/account';
import { FakeGmail } from '../support/gmail/fake';
import { fetchHttp } from '../../engine/http/fetch-http';

const { signal } = new AbortController();
const ANYTHING: GmailFilter = {
  ...{ labels: null, sender: null, search: null, readStatus: 'both' },
  ...{ drafts: false, sent: false, scheduled: false, spamAndTrash: false },
};

let gmail: FakeGmail;
let ann: FakeAccount;
let accounts = 0;

before(async () => {
  gmail = await FakeGmail.start();
});
after(() => gmail.close());
beforeEach(() => {
  ann = gmail.account(`ann${++accounts}@example.com`);
  gmail.behaviour.searchLagMs = 0;
});

const client = (): GmailClient =>
  new GmailClient(
    {
      address: ann.address,
      token: () => Promise.resolve(gmail.token(ann.address)),
      send: fetchHttp,
      endpoints: { gmail: gmail.url, pubsub: gmail.url },
      quota: 'new',
    },
    { signal },
  );

const read = (): number =>
  gmail.calls.filter(({ method, account }) => method === 'messages.get' && account === ann.address).length;

/** The id of what is found, or how many were looked at in vain. */
async function newest(
  filter: Partial<GmailFilter> = {},
  about: Partial<Pick<GmailReading, 'event' | 'eventLabels'>> = {},
): Promise<string | number> {
  const found = await readNewest(client(), {
    ...{ event: 'received', eventLabels: [], ...about },
    filter: { ...ANYTHING, ...filter },
  });
  return 'message' in found ? found.message.id : found.looked;
}

/** Mails a minute apart, the newest last. */
const deliver = (count: number, mail: Parameters<FakeAccount['deliver']>[0] = {}): string[] =>
  Array.from({ length: count }, (_, index) =>
    ann.deliver(mail, { internalDate: Date.now() - (count - index) * 60_000 }),
  );

describe('the newest mail that fits', () => {
  it('is the one received last, whatever came into the account in which order', async () => {
    const id = ann.deliver({ internalDate: Date.now() - 1_000 });
    ann.deliver({ internalDate: Date.now() - 60_000 });
    assert.equal(await newest(), id);
    assert.equal(read(), 1);
  });

  it('is none in an empty account', async () => {
    assert.equal(await newest(), 0);
    assert.equal(read(), 0);
  });

  it('is found before the search knows it', async () => {
    gmail.behaviour.searchLagMs = 600_000;
    const id = ann.deliver();
    assert.equal(await newest(), id);
  });

  it('is no draft, and nothing that was sent, scheduled or thrown away, unless that is wanted', async () => {
    const received = ann.deliver({ internalDate: Date.now() - 60_000 });
    const others: [keyof GmailFilter, string][] = [
      ['drafts', ann.draft()],
      ['sent', ann.send()],
      ['scheduled', ann.schedule()],
      ['spamAndTrash', ann.deliver({ labels: ['SPAM'] })],
    ];
    assert.equal(await newest(), received);
    for (const [wanted, id] of others) assert.equal(await newest({ [wanted]: true }), id, wanted);
  });

  it('is found behind hundreds that were sent', async () => {
    const received = ann.deliver({ internalDate: Date.now() - 86_400_000 });
    for (let count = 0; count < 200; count++) ann.send();
    assert.equal(await newest(), received);
    assert.ok(read() <= 20, String(read()));
  });

  it('is one that the account sent to itself, too', async () => {
    const id = ann.deliver({ labels: ['SENT', 'INBOX', 'UNREAD'] });
    assert.equal(await newest(), id);
  });

  it('is one that was sent, or starred, where the trigger waits for these', async () => {
    const sent = ann.send();
    const starred = ann.deliver({ internalDate: Date.now() - 60_000 });
    ann.star(starred);
    deliver(3);
    assert.equal(await newest({}, { event: 'sent' }), sent);
    assert.equal(await newest({}, { event: 'starred' }), starred);
  });

  it('is the newest that has any of the labels, or all of them', async () => {
    const [work, home] = [ann.label('Work'), ann.label('Home')];
    const [both, atWork, atHome] = deliver(3) as [string, string, string];
    deliver(30);
    ann.addLabels(both, work, home);
    ann.addLabels(atWork, work);
    ann.addLabels(atHome, home);
    const ids = [work, home];
    assert.equal(await newest({ labels: { ids, match: 'any' } }), atHome);
    assert.equal(await newest({ labels: { ids: [...ids].reverse(), match: 'any' } }), atHome);
    assert.equal(await newest({ labels: { ids, match: 'all' } }), both);
    assert.equal(await newest({}, { event: 'labelAdded', eventLabels: ids }), atHome);
    assert.equal(await newest({}, { event: 'labelAdded', eventLabels: [work] }), atWork);
  });

  it('has a label of the user’s own, where the trigger waits for any', async () => {
    const [labelled] = deliver(5);
    ann.addLabels(labelled!, ann.label('Work'));
    assert.equal(await newest({}, { event: 'labelAdded' }), labelled);
  });

  it('is read, or unread', async () => {
    const [wasRead, unread, readLast] = deliver(3) as [string, string, string];
    ann.removeLabels(wasRead, 'UNREAD');
    assert.equal(await newest({ readStatus: 'read' }), wasRead);
    ann.removeLabels(readLast, 'UNREAD');
    assert.equal(await newest({ readStatus: 'unread' }), unread);
    deliver(30);
    assert.equal(await newest({ readStatus: 'read' }), readLast);
  });

  it('fits the search and the sender', async () => {
    const [order] = deliver(1, { subject: 'Order 17', from: 'Shop <shop@example.org>' });
    deliver(8);
    assert.equal(await newest({ search: 'subject:order OR subject:invoice' }), order);
    assert.equal(await newest({ sender: parseTextMatch('shop@') }), order);
    assert.equal(await newest({ search: 'subject:order', sender: parseTextMatch('ann@example.com') }), 1);
  });

  it('is not looked for among more than twenty mails', async () => {
    deliver(50);
    assert.equal(await newest({ sender: parseTextMatch('nobody@') }), 20);
    assert.equal(read(), 20);
  });

  it('is the next one, where the newest is deleted while it is looked for', async () => {
    const [first, second] = deliver(2) as [string, string];
    gmail.fail('messages.get', { status: 404, messageId: second });
    assert.equal(await newest(), first);
  });

  it('is not looked for any longer where Gmail refuses what is asked', async () => {
    ann.deliver();
    const fault = gmail.fail('messages.list', { status: 400, reason: 'invalidArgument', times: Infinity });
    await assert.rejects(newest({ labels: { ids: ['Label_99'], match: 'all' } }), {
      name: 'GmailFault',
      kind: 'refused',
    });
    fault.end();
    assert.equal(fault.struck, 1);
  });
});

describe('a mail that is not in the ledger any more', () => {
  const claim = (event: GmailEvent, id: string, more: Partial<Claim> = {}): Claim => ({
    ...{ event: 'event', attempt: 1, subscriptionId: 1, idempotencyKey: 'key', messageId: null },
    ...{ sender: null, subject: null, content: null },
    ...{ account: ann.address, mailbox: GMAIL_MAILBOX, softIdentity: null, uid: null, uidValidity: null },
    ...{ identity: gmailIdentity(event, id, 'Label_1'), receivedAt: null, size: 100 },
    ...more,
  });
  const MOST = 1_000_000;

  for (const [event, labels, added] of [
    ['received', ['INBOX', 'UNREAD'], []],
    ['received', ['INBOX', 'SENT'], []],
    ['sent', ['SENT'], []],
    ['starred', ['INBOX', 'STARRED'], ['STARRED']],
    ['labelAdded', ['INBOX'], ['Label_1']],
  ] as const) {
    it(`is read again as it was stored: ${event}, ${labels.join(' and ')}`, async () => {
      const id = ann.deliver({ subject: 'Once more' }, { labels });
      const again = await new GmailRereader(client(), ann.address).read(claim(event, id), MOST);
      assert.ok(again && !again.truncated);
      const { facts, raw } = openGmailMail(again.raw);
      assert.deepEqual(raw, ann.message(id)!.raw);
      assert.deepEqual([facts.id, facts.event, facts.addedLabelIds], [id, event, added]);
      assert.deepEqual(new Set(facts.labelIds), new Set(labels));
    });
  }

  it('is handed out with its headers only, where it is too large', async () => {
    const id = ann.deliver({ subject: 'Large', text: 'x'.repeat(10_000) });
    const again = await new GmailRereader(client(), ann.address).read(
      claim('received', id, { size: MOST + 1 }),
      MOST,
    );
    assert.ok(again?.truncated);
    const { facts, raw } = openGmailMail(again.raw);
    assert.equal(facts.id, id);
    assert.match(raw.toString(), /Subject: Large/);
    assert.doesNotMatch(raw.toString(), /xxx/);
  });

  it('is gone where it was deleted for good', async () => {
    const id = ann.deliver();
    ann.deleteForever(id);
    const rereader = new GmailRereader(client(), ann.address);
    assert.equal(await rereader.read(claim('received', id), MOST), null);
    await rereader.end();
  });

  it('is not gone because it was in another account', async () => {
    const id = ann.deliver();
    const other = claim('received', id, { account: 'bob@example.com' });
    await assert.rejects(
      new GmailRereader(client(), ann.address).read(other, MOST),
      /was in bob@example\.com; the credential leads to ann\d+@example\.com\. Choose a credential of that account/,
    );
    assert.equal(read(), 0);
  });
});
