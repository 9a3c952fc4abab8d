// Which Gmail mails a trigger takes, and how a search is asked without losing a mail.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GmailApi } from '../../engine/gmail/api/api';
import type { MessageQuery } from '../../engine/gmail/api/types';
import type { GmailFilter } from '../../engine/gmail/read/reading';
import { GmailFault } from '../../engine/gmail/api/fault';
import { askSearch, lookAgainIn } from '../../engine/gmail/read/search';
import { passesGmail } from '../../engine/gmail/read/selection';
import { parseTextMatch } from '../../engine/mail/filter';
import { anyMail } from '../support/gmail-reading';

const message = (labelIds: readonly string[], from = 'Ann <ann@example.com>') => ({
  ...{ id: '1', threadId: '1', snippet: '', historyId: '1', internalDate: 0, sizeEstimate: 0 },
  labelIds,
  raw: Buffer.from(`From: ${from}\r\n\r\nHello`),
});

const passes = (filter: Partial<GmailFilter>, labelIds: readonly string[], from?: string): Promise<boolean> =>
  passesGmail({ ...anyMail, ...filter }, message(labelIds, from));

describe('a Gmail filter', () => {
  for (const [kind, asked] of [
    ['SPAM', { spamAndTrash: true }],
    ['TRASH', { spamAndTrash: true }],
    ['DRAFT', { drafts: true }],
    ['SENT', { sent: true }],
    ['SCHEDULED', { scheduled: true }],
  ] as const) {
    it(`lets ${kind} through only where it is asked for, or named as a label`, async () => {
      assert.equal(await passes({}, [kind, 'Label_1']), false);
      assert.equal(await passes(asked, [kind, 'Label_1']), true);
      assert.equal(await passes({ labels: { ids: [kind], match: 'any' } }, [kind]), true);
    });
  }

  it('lets through what one writes to oneself, and what was sent where that is the event', async () => {
    assert.equal(await passes({}, ['SENT', 'INBOX']), true);
    const sent = { event: 'sent', eventLabels: [] } as const;
    assert.equal(await passesGmail(anyMail, message(['SENT']), sent), true);
    assert.equal(await passesGmail(anyMail, message(['SENT', 'SCHEDULED']), sent), false);
  });

  it('takes a scheduled mail where that is asked for, also if Gmail shows it as a draft', async () => {
    assert.equal(await passes({ scheduled: true }, ['SCHEDULED', 'DRAFT']), true);
  });

  it('asks for any label, or for all', async () => {
    const labels = (match: 'any' | 'all'): Partial<GmailFilter> => ({ labels: { ids: ['A', 'B'], match } });
    assert.deepEqual(
      [
        await passes(labels('any'), ['A']),
        await passes(labels('all'), ['A']),
        await passes(labels('all'), ['B', 'A']),
      ],
      [true, false, true],
    );
    assert.equal(await passes(labels('any'), ['C']), false);
  });

  it('asks for the read status and for the sender, decoded', async () => {
    assert.equal(await passes({ readStatus: 'unread' }, ['INBOX']), false);
    assert.equal(await passes({ readStatus: 'unread' }, ['UNREAD']), true);
    assert.equal(await passes({ readStatus: 'read' }, ['UNREAD']), false);
    const sender = parseTextMatch('Jürgen');
    assert.equal(await passes({ sender }, [], '=?utf-8?q?J=C3=BCrgen?= <j@example.com>'), true);
    assert.equal(await passes({ sender }, []), false);
  });
});

describe('a search for new mails', () => {
  const asking = (find: (q: string) => readonly string[]): { api: GmailApi; asked: string[] } => {
    const asked: string[] = [];
    const messages = ({ q = '', pageToken, includeSpamTrash }: MessageQuery): Promise<object> => {
      assert.equal(includeSpamTrash, true);
      const found = find(q);
      const at = Number(pageToken ?? 0);
      asked.push(q);
      // One on a page.
      return Promise.resolve({
        messages: found.slice(at, at + 1).map((id) => ({ id })),
        ...(at + 1 < found.length && { nextPageToken: String(at + 1) }),
      });
    };
    return { api: { messages } as unknown as GmailApi, asked };
  };
  const mail = (id: string, seconds: number) => ({ id, internalDate: seconds * 1000 + 999 });

  it('asks once for all that came within an hour, with a second more on each side, every page', async () => {
    const { api, asked } = asking(() => ['a', 'b', 'c']);
    const answers = await askSearch(
      api,
      'x OR y',
      [mail('b', 5_000), mail('a', 2_000), mail('c', 5_600)],
      'new',
    );
    assert.deepEqual([...answers.values()], ['matches', 'matches', 'matches']);
    assert.deepEqual([...new Set(asked)], ['(x OR y) after:1999 before:5602']);
    assert.equal(asked.length, 3);
  });

  it('is not at fault for a page that is not there any more; for the first one it is', async () => {
    const refusing = (from: number): GmailApi => {
      const { api } = asking(() => ['a', 'b']);
      const messages = (query: MessageQuery): Promise<object> => {
        if (Number(query.pageToken ?? 0) >= from) throw new GmailFault('refused', 'Bad request');
        return api.messages(query, 'new');
      };
      return { messages } as unknown as GmailApi;
    };
    const kindOf = (from: number): Promise<void> =>
      assert.rejects(askSearch(refusing(from), 'x', [mail('a', 9), mail('b', 9)], 'new'), {
        kind: from === 0 ? 'refused' : 'busy',
      });
    await kindOf(0);
    await kindOf(1);
  });

  it('asks by itself for what came at another time', async () => {
    const { api, asked } = asking(() => ['a', 'b']);
    await askSearch(api, 'x', [mail('a', 0), mail('b', 50_000)], 'new');
    assert.deepEqual([...new Set(asked)], ['(x) after:0 before:2', '(x) after:49999 before:50002']);
  });

  it('tells what differs from what the index does not know', async () => {
    const { api } = asking((q) => (q.startsWith('(') ? ['a'] : ['a', 'b']));
    const answers = await askSearch(api, 'x', [mail('a', 9), mail('b', 9), mail('c', 9)], 'new');
    assert.deepEqual(
      [...answers],
      [
        ['a', 'matches'],
        ['b', 'differs'],
        ['c', 'unknown'],
      ],
    );
  });

  it('is asked again after 2 s, 5 s, 15 s, 30 s and 60 s, however often it is asked meanwhile', () => {
    const waits = [0, 1_999, 2_000, 7_000, 22_000, 52_000, 111_999, 112_000].map(lookAgainIn);
    assert.deepEqual(waits, [2_000, 1, 5_000, 15_000, 30_000, 60_000, 1, null]);
  });
});
