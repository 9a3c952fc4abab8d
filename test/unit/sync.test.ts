// What is read of a mailbox, in which order, and how far cursors move with it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ImapBeginning } from '../../engine/imap/read/begin';
import type { SyncJob } from '../../engine/imap/read/job';
import type { MailFacts } from '../../engine/imap/session/facts';
import type { ImapSession } from '../../engine/imap/session/session';
import { Announcements } from '../../engine/imap/read/announcements';
import { Portion } from '../../engine/imap/read/portion';
import { LastMails } from '../../engine/imap/read/small-mails';
import { syncMailbox } from '../../engine/imap/read/sync';
import { Withheld } from '../../engine/imap/read/withheld';
import type { Ledger } from '../../engine/ledger/ledger';
import type { Candidate, RecordBatch } from '../../engine/ledger/recording';
import type { Cursor } from '../../engine/ledger/subscriptions';
import { silentLog } from '../support/log';
import { readingOf } from '../support/reading';

const NEVER = new AbortController().signal;
const DAY_MS = 86_400_000;
const NOW = 100 * DAY_MS;

/** A mailbox with mails 1 to `count`, of which the last `today` were received just now. */
class Mailbox {
  readonly opened;
  probed = 0;
  readonly #count: number;
  readonly #today: number;

  constructor(count: number, today: number) {
    this.#count = count;
    this.#today = today;
    this.opened = { name: 'INBOX', uidValidity: '5', uidNext: count + 1 };
  }

  get session(): ImapSession {
    const above = (uid: number): number[] =>
      Array.from({ length: Math.max(this.#count - uid, 0) }, (_, index) => uid + 1 + index);
    const receivedAt = (uid: number): number => (uid > this.#count - this.#today ? NOW : NOW - 50 * DAY_MS);
    const facts = (uid: number): MailFacts => ({
      uid,
      size: 500,
      receivedAt: receivedAt(uid),
      emailId: undefined,
      fields: Buffer.from(`Message-ID: <${uid}@example.com>\r\n`),
    });
    return {
      probe: () => {
        this.probed++;
        return Promise.resolve();
      },
      news: {
        above: (after: number, most: number) =>
          Promise.resolve({ uids: above(after).slice(0, most), facts: new Map() }),
      },
      listing: {
        since: (after: number, since: number) =>
          Promise.resolve(above(after).filter((uid) => receivedAt(uid) >= since)),
      },
      mails: {
        facts: (uids: readonly number[]) =>
          Promise.resolve({
            answers: new Map(uids.map((uid) => [uid, facts(uid)])),
            withheld: [],
            fault: null,
          }),
      },
    } as unknown as ImapSession;
  }
}

/** Keeps what is recorded, for each subscription. */
class Records {
  readonly uids = new Map<number, number[]>();
  readonly #cursors: Map<number, Cursor>;

  constructor(cursors: Map<number, Cursor>) {
    this.#cursors = cursors;
  }

  get ledger(): Ledger {
    return {
      cursors: () => Promise.resolve(new Map(this.#cursors)),
      unrecorded: (candidates: readonly Candidate[]) => Promise.resolve(candidates),
      record: ({ messages, cursors }: RecordBatch) => {
        for (const { uid, due } of messages)
          for (const id of due) this.uids.set(id, [...(this.uids.get(id) ?? []), uid!]);
        for (const { subscriptionId, cursor } of cursors) this.#cursors.set(subscriptionId, cursor);
        return Promise.resolve([]);
      },
    } as unknown as Ledger;
  }

  uid(id: number): unknown {
    return this.#cursors.get(id)?.['uid'];
  }
}

const beginning = (id: number): ImapBeginning => ({
  subscription: { id, sourceId: 1, cursor: null, createdAt: NOW, nodeIds: [id] },
  // Nothing is stored: only what is due to whom matters here.
  reading: readingOf({ mostStoredBytes: 0 }),
  reachedLate: true,
  switchedOnAt: undefined,
});

const job = (mailbox: Mailbox, ledger: Ledger, subscriptions: readonly ImapBeginning[]): SyncJob => ({
  session: mailbox.session,
  hold: { sourceId: 1, fence: 1 },
  mailbox: 'INBOX',
  uidValidity: '5',
  ledger,
  subscriptions,
  log: silentLog,
  recorded: () => undefined,
  refused: () => undefined,
  withheld: new Withheld(),
  portion: new Portion(),
  announcements: new Announcements(),
  lastMails: new LastMails(),
  gaveUp: () => undefined,
  mostWaiting: 500,
  signal: NEVER,
});

describe('a sync', () => {
  it('passes over none of a long backlog, while another workflow reads back by date', async () => {
    const count = 9_000;
    const mailbox = new Mailbox(count, 10);
    const records = new Records(new Map([[1, { uidValidity: '5', uid: 0 }]]));
    await syncMailbox(job(mailbox, records.ledger, [beginning(1), beginning(2)]), mailbox.opened);
    assert.deepEqual(
      records.uids.get(1),
      Array.from({ length: count }, (_, index) => index + 1),
    );
    assert.deepEqual(
      records.uids.get(2),
      Array.from({ length: 10 }, (_, index) => count - 9 + index),
    );
    assert.deepEqual([records.uid(1), records.uid(2)], [count, count]);
  });

  it('for nobody asks for a sign of life, so that an announcement is not heard again and again', async () => {
    const mailbox = new Mailbox(1, 1);
    const records = new Records(new Map());
    await syncMailbox(job(mailbox, records.ledger, []), mailbox.opened);
    assert.equal(mailbox.probed, 1);
  });
});

describe('What the last mails tell of the next one', () => {
  const lastMails = new LastMails();
  const came = (...sizes: number[]): boolean => {
    lastMails.came(sizes.map((size) => ({ size })));
    return lastMails.areSmall;
  };

  it('is that it is small, unless many were large', () => {
    assert.ok(lastMails.areSmall);
    assert.ok(!came(5_000_000));
    assert.ok(came(900, 900, 900));
    assert.ok(came(900, 900, 900, 70_000));
    assert.ok(!came(70_000, 70_000));
    assert.ok(came(900, 900, 900, 900, 900, 900));
  });
});
