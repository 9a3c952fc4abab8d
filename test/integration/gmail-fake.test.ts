// What the fake of Gmail does beyond the happy path, on which the tests of the collector stand: history with its
// traps, search, faults.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { FakeAccount } from '../support/gmail/account';
import { PlainClient, type Said } from '../support/gmail/client';
import { FakeGmail } from '../support/gmail/fake';

interface Change {
  readonly id: string;
  readonly messagesAdded?: readonly { readonly message: { readonly id: string } }[];
}

const changes = ({ json }: Said): readonly Change[] => (json?.history ?? []) as Change[];
const added = (said: Said): string[] =>
  changes(said).flatMap(({ messagesAdded = [] }) => messagesAdded.map(({ message }) => message.id));
const nextPage = ({ json }: Said): string => {
  const token = json?.nextPageToken;
  return typeof token === 'string' ? `&pageToken=${token}` : '';
};
const found = ({ json }: Said): string[] => ((json?.messages ?? []) as { id: string }[]).map(({ id }) => id);
const reason = ({ json }: Said): string =>
  (json?.error as { errors: { reason: string }[] } | undefined)?.errors[0]?.reason ?? '';

describe('the fake of Gmail', () => {
  let gmail: FakeGmail;
  let ann: FakeAccount;
  let client: PlainClient;

  beforeEach(async () => {
    gmail = await FakeGmail.start({ startHistoryId: 2n ** 60n + 1n });
    ann = gmail.account('Ann@example.com');
    client = new PlainClient(gmail.url, gmail.token(ann.address));
  });
  afterEach(() => gmail.close());

  /** Every page of the history since then. */
  async function history(start: string, query = 'historyTypes=messageAdded'): Promise<readonly Said[]> {
    const pages: Said[] = [];
    for (;;) {
      const next = pages.length === 0 ? '' : nextPage(pages.at(-1)!);
      if (pages.length > 0 && next === '') return pages;
      pages.push(await client.get(`history?startHistoryId=${start}&${query}${next}`));
      assert.equal(pages.at(-1)!.status, 200);
    }
  }

  describe('its history', () => {
    it('has ids that no double can hold, that rise and leave gaps', async () => {
      const start = ann.historyId;
      const mails = Array.from({ length: 50 }, () => ann.deliver());
      const [page] = await history(start, '');
      const ids = changes(page!).map(({ id }) => BigInt(id));
      assert.deepEqual(added(page!), mails);
      assert.ok(ids.every((id, index) => index === 0 || id > ids[index - 1]!));
      assert.ok(ids.some((id, index) => index > 0 && id > ids[index - 1]! + 1n));
      assert.notEqual(BigInt(Number(ann.historyId)), BigInt(ann.historyId));
    });

    it('hands out every record, unordered and repeated on several pages, also what comes meanwhile', async () => {
      Object.assign(ann.behaviour, { unordered: true, repeated: true, pageLimit: 7 });
      const start = ann.historyId;
      const mails = Array.from({ length: 30 }, () => ann.deliver());
      const first = await client.get(`history?startHistoryId=${start}`);
      mails.push(ann.deliver());
      const pages = [first];
      for (let next = nextPage(first); next !== ''; next = nextPage(pages.at(-1)!))
        pages.push(await client.get(`history?startHistoryId=${start}${next}`));
      const told = pages.flatMap(added);
      assert.deepEqual([...new Set(told)].sort(), [...mails].sort());
      assert.ok(told.length > mails.length, 'some are told twice');
      const ids = pages.flatMap(changes).map(({ id }) => BigInt(id));
      assert.ok(
        ids.some((id, index) => index > 0 && id < ids[index - 1]!),
        'some are out of order',
      );
      const pagesOf = (id: string): number => pages.filter((page) => added(page).includes(id)).length;
      assert.ok(
        mails.some((id) => pagesOf(id) > 1),
        'some are on several pages',
      );
    });

    it('is without records, and moves on, when only other things changed', async () => {
      const id = ann.deliver();
      const start = ann.historyId;
      ann.star(id);
      const [page] = await history(start);
      assert.equal(page!.json?.history, undefined);
      assert.equal(page!.json?.historyId, ann.historyId);
    });

    it('has a horizon: what is older, or was never handed out, is not found', async () => {
      ann.deliver();
      const old = ann.historyId;
      ann.expireHistory();
      const said = await client.get(`history?startHistoryId=${old}`);
      assert.equal(said.status, 404);
      assert.equal(reason(said), 'notFound');
      const tomorrow = BigInt(ann.historyId) + 1n;
      assert.equal((await client.get(`history?startHistoryId=${tomorrow}`)).status, 404);
      const now = ((await client.get('profile')).json as { historyId: string }).historyId;
      const id = ann.deliver();
      assert.deepEqual(added((await history(now))[0]!), [id]);
      assert.equal((await client.get('history?startHistoryId=abc')).status, 400);
      assert.equal((await client.get(`history?startHistoryId=${now}&pageToken=abc`)).status, 400);
    });

    it('makes a new message of a draft each time that it is saved', async () => {
      const start = ann.historyId;
      const first = ann.draft({ subject: 'One' });
      const second = ann.draft({ subject: 'Two' }, first);
      assert.deepEqual(added((await history(start))[0]!), [first, second]);
      assert.equal((await client.get(`messages/${first}`)).status, 404);
      assert.deepEqual(ann.labelsOf(second), ['DRAFT']);
    });
  });

  describe('its search', () => {
    const search = async (q: string, more = ''): Promise<readonly string[]> =>
      found(await client.get(`messages?q=${encodeURIComponent(q)}${more}`));

    it('finds by all that a collector asks for', async () => {
      const invoice = ann.deliver({
        subject: 'Your invoice 17',
        from: 'Shop <shop@example.com>',
        text: 'Please pay soon',
        messageId: '<a.b@shop>',
        internalDate: Date.UTC(2026, 0, 10),
        attachment: { name: 'bill.pdf', content: Buffer.from('pdf') },
      });
      const label = ann.label('My Work/Urgent');
      const letter = ann.deliver(
        { subject: 'Letter', internalDate: Date.UTC(2026, 0, 20) },
        { labels: ['INBOX', label] },
      );
      const spam = ann.deliver({ subject: 'Spam' }, { labels: ['SPAM'] });
      const both = [letter, invoice];
      const cases: readonly [q: string, ids: readonly string[]][] = [
        ['', both],
        ['subject:invoice', [invoice]],
        ['subject:voice', []],
        ['from:shop@example.com has:attachment', [invoice]],
        ['-from:shop', [letter]],
        ['subject:letter OR subject:invoice', both],
        ['{subject:letter subject:invoice}', both],
        ['subject:(your invoice)', [invoice]],
        ['subject:"invoice 17" -(is:read)', [invoice]],
        ['is:unread', [invoice]],
        ['is:read', [letter]],
        ['label:my-work-urgent', [letter]],
        ['"pay soon"', [invoice]],
        ['rfc822msgid:a.b@shop', [invoice]],
        ['after:2026/01/15', [letter]],
        [`before:${Date.UTC(2026, 0, 15) / 1000}`, [invoice]],
        [`after:${Date.UTC(2026, 0, 20) / 1000}`, [letter]],
        ['in:spam', [spam]],
        ['in:anywhere subject:spam', [spam]],
        ['in:inbox (subject:letter OR subject:spam)', [letter]],
      ];
      for (const [q, ids] of cases) assert.deepEqual(await search(q), ids, q);
      assert.deepEqual(await search('subject:spam', '&includeSpamTrash=true'), [spam]);
      assert.deepEqual(await search('', `&labelIds=INBOX&labelIds=${label}`), [letter]);
    });

    it('does not find at once what has just come, though the list without a search does', async () => {
      ann.behaviour.searchLagMs = 3_600_000;
      const id = ann.deliver({ subject: 'Late' });
      assert.deepEqual(await search('subject:late'), []);
      assert.deepEqual(await search(''), [id]);
    });

    it('goes on behind the last one of a page, whatever comes meanwhile', async () => {
      const ids = Array.from({ length: 4 }, (_, day) =>
        ann.deliver({ internalDate: Date.UTC(2026, 0, day + 1) }),
      );
      const page = await client.get('messages?maxResults=3');
      ann.deliver();
      const next = await client.get(`messages?maxResults=3${nextPage(page)}`);
      assert.deepEqual([...found(page), ...found(next)], ids.reverse());
    });
  });

  describe('its faults', () => {
    it('strike so often, so late, and only where they are meant to', async () => {
      const [good, poison] = [ann.deliver(), ann.deliver()];
      const statuses = async (count: number, id: string): Promise<number[]> => {
        const all: number[] = [];
        for (let call = 0; call < count; call++) all.push((await client.get(`messages/${id}`)).status);
        return all;
      };
      const fault = gmail.fail('messages.get', { status: 500, messageId: poison, times: Infinity });
      assert.deepEqual(await statuses(3, poison), [500, 500, 500]);
      assert.deepEqual(await statuses(1, good), [200]);
      fault.end();
      ann.fail('messages.get', { status: 503, times: 2, afterMatching: 1 });
      assert.deepEqual(await statuses(4, good), [200, 503, 503, 200]);
      const said = await (gmail.fail('profile', { status: 429, retryAfter: 7 }), client.get('profile'));
      assert.equal(said.headers.get('retry-after'), '7');
      assert.equal(reason(said), 'rateLimitExceeded');
    });

    it('break a page in the midst of a list', async () => {
      ann.behaviour.pageLimit = 2;
      const start = ann.historyId;
      for (let mail = 0; mail < 4; mail++) ann.deliver();
      gmail.fail('history.list', { status: 500, laterPage: true });
      const page = await client.get(`history?startHistoryId=${start}`);
      const next = `history?startHistoryId=${start}${nextPage(page)}`;
      assert.equal(page.status, 200);
      assert.equal((await client.get(next)).status, 500);
      assert.equal((await client.get(next)).status, 200);
    });

    it('are no answer, half an answer, nonsense, or an answer that is lost after the work is done', async () => {
      const id = ann.deliver();
      gmail.fail('messages.get', { reset: true });
      await assert.rejects(client.get(`messages/${id}`));
      gmail.fail('messages.get', { cut: true });
      await assert.rejects(client.get(`messages/${id}`));
      gmail.fail('messages.get', { malformed: true });
      const nonsense = await client.get(`messages/${id}`);
      assert.deepEqual([nonsense.status, nonsense.json], [200, null]);
      gmail.fail('messages.modify', { reset: true, afterEffect: true });
      await assert.rejects(client.post(`messages/${id}/modify`, { addLabelIds: ['STARRED'] }));
      assert.ok(ann.labelsOf(id).includes('STARRED'));
      gmail.fail('messages.modify', { reset: true });
      await assert.rejects(client.post(`messages/${id}/modify`, { removeLabelIds: ['STARRED'] }));
      assert.ok(ann.labelsOf(id).includes('STARRED'));
      gmail.fail('profile', { hang: true });
      const hanging = client.get('profile');
      assert.equal(
        await Promise.race([hanging, client.get('labels').then(() => 'still open')]),
        'still open',
      );
      gmail.cut();
      await assert.rejects(hanging);
    });

    it('leave nobody listening, until it comes back at the same address', async () => {
      await gmail.goAway();
      await assert.rejects(client.get('profile'));
      await gmail.comeBack();
      assert.equal((await client.get('profile')).status, 200);
    });
  });
});
