// The contract's collecting half: subscribe, record, unrecorded, reportSource.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { type PackedContent, piecesOf, UnpackedContent, unpackContent } from '../../../engine/ledger/content';
import { GMAIL_MAILBOX } from '../../../engine/gmail/mail/source';
import type { NewMessage } from '../../../engine/ledger/recording';
import type { SourceReport } from '../../../engine/ledger/sources';
import type { Subscription } from '../../../engine/ledger/subscriptions';
import type { Backfill } from '../../../engine/ledger/states';
import { held } from '../held';
import { DAY_MS, type Fixture, HOUR_MS, LEASE_MS, RETENTION_MS, success } from './fixture';

export function recordContract(fixture: Fixture): void {
  describe('subscribe', () => {
    it('makes a subscription once, and finds it again with its cursor', async () => {
      const first = await fixture.subscribe();
      assert.equal(first.cursor, null);
      assert.deepEqual(first.nodeIds, [first.id]);
      await fixture.recordMails(first, [], { uidValidity: '7', uid: 12 });
      assert.deepEqual(await fixture.subscribe(), { ...first, cursor: { uidValidity: '7', uid: 12 } });
      assert.deepEqual(
        await fixture.ledger.cursors([first.id]),
        new Map([[first.id, { uidValidity: '7', uid: 12 }]]),
      );
    });

    it('takes over new settings, also for the events that are there', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [], keepContentMs: 1_000 });
      await fixture.record(to, 1);
      await fixture.subscribe('workflow', { guarantee: 'atMostOnce', retentionMs: 5 });
      const stored = await fixture.under.query(
        'select retry_delays_ms, guarantee, keep_content_ms, retention_ms from subscription',
      );
      assert.deepEqual(
        stored.map((row) => ({ ...(row as object) })),
        [{ retry_delays_ms: '[30000,60000]', guarantee: 'atMostOnce', keep_content_ms: 0, retention_ms: 5 }],
      );
      await fixture.subscribe('workflow', { retryDelaysMs: [1_000], retentionMs: RETENTION_MS });
      assert.deepEqual(await fixture.run(to, { kind: 'failure', error: 'it broke' }), ['RETRY']);
    });

    it("names the node's subscriptions on other sources: what they took may have to run, or be replayed", async () => {
      const moved = { source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'Support' } } as const;
      const before = await fixture.subscribe();
      await fixture.record(before, 1);
      const after = await fixture.subscribe('workflow', moved);
      assert.deepEqual(new Set(after.nodeIds), new Set([before.id, after.id]));
      await fixture.run(before, success);
      assert.deepEqual((await fixture.subscribe('workflow', moved)).nodeIds, [before.id, after.id]);
    });

    it('tells which sources a node has subscribed to, and no other node', async () => {
      const source = { kind: 'imap', account: 'ann@mail.example', mailbox: 'Support' } as const;
      const inbox = await fixture.subscribe();
      const support = await fixture.subscribe('workflow', { source });
      await fixture.subscribe('another');
      const { ledger } = fixture;
      const found = await ledger.subscriptionsOf('workflow', 'node');
      assert.deepEqual(
        found.map(({ id, sourceId, source: { mailbox } }) => [id, sourceId, mailbox]),
        [
          [inbox.id, inbox.sourceId, 'INBOX'],
          [support.id, support.sourceId, 'Support'],
        ],
      );
      assert.deepEqual(found[1]!.source, source);
      assert.deepEqual(await ledger.subscriptionsOf('workflow', 'no such node'), []);
    });

    it('gives two workflows on one mailbox one source', async () => {
      const [a, b] = [await fixture.subscribe('a'), await fixture.subscribe('b')];
      assert.notEqual(a.id, b.id);
      assert.equal(a.sourceId, b.sourceId);
    });
  });

  describe('waiting', () => {
    it('counts what waits to be offered, of these subscriptions, and no further than is asked', async () => {
      const [a, b] = [await fixture.subscribe('a'), await fixture.subscribe('b')];
      await fixture.record(a, 1, 2, 3);
      await fixture.record(b, 4);
      const waiting = (most: number, ...of: Subscription[]): Promise<number> =>
        fixture.ledger.waiting(
          of.map(({ id }) => id),
          most,
        );
      assert.equal(await waiting(10, a), 3);
      assert.equal(await waiting(10, a, b), 4);
      assert.equal(await waiting(2, a, b), 2);
      assert.equal(await waiting(10), 0);
      await fixture.offer(a, { mostRuns: 1 });
      assert.equal(await waiting(10, a), 2);
      await fixture.run(b, success);
      assert.equal(await waiting(10, b), 0);
    });
  });

  describe('record', () => {
    it('makes one event for each subscription a mail is due to', async () => {
      const [a, b] = [await fixture.subscribe('a'), await fixture.subscribe('b')];
      const news = await fixture.recordMails(a, [fixture.mail([a, b], 1)]);
      assert.deepEqual(new Set(news), new Set([a.id, b.id]));
      assert.deepEqual(await fixture.states(), ['PENDING', 'PENDING']);
      assert.equal(await fixture.count('content'), 1);
    });

    it('makes no second event for a mail it knows, by identity', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      assert.deepEqual(await fixture.record(to, 1), []);
      assert.deepEqual(await fixture.record(to, 2, 2), [to.id], 'twice in one batch');
      assert.equal(await fixture.count('event'), 2);
      assert.equal(await fixture.count('message'), 2);
    });

    it('makes no second event for a mail that came back under another number, by soft identity', async () => {
      const to = await fixture.subscribe();
      const send = (...mails: [uid: number, softIdentity: string][]): Promise<readonly number[]> =>
        fixture.recordMails(
          to,
          mails.map(([uid, softIdentity]) => fixture.mail([to], uid, { softIdentity })),
        );
      await send([1, 'same']);
      assert.deepEqual(await send([2, 'same']), []);
      assert.deepEqual(await send([3, 'other']), [to.id]);
      assert.deepEqual(await send([4, 'third'], [5, 'third']), [to.id], 'twice in one batch');
      assert.equal(await fixture.count('event'), 3);
      assert.equal(await fixture.count('message'), 3);
      assert.equal(await fixture.count('content'), 3);
    });

    it('makes GONE of a mail that was deleted before it could be read, and wakes nobody for it', async () => {
      const to = await fixture.subscribe();
      const gone = fixture.mail([to], 1, { content: null, gone: true });
      const news = await fixture.recordMails(to, [gone, fixture.mail([to], 2)]);
      assert.deepEqual(news, [to.id], 'for the other one');
      assert.deepEqual(await fixture.states(), ['GONE', 'PENDING']);
      assert.deepEqual(await fixture.recordMails(to, [fixture.mail([to], 1)]), [], 'it is known');
      assert.deepEqual(await fixture.recordMails(to, [fixture.mail([to], 3, { gone: true })]), []);
      assert.equal((await fixture.pointers(to)).length, 1);
    });

    it('gives a mail that is there for one subscription to another one, later', async () => {
      const [a, b] = [await fixture.subscribe('a'), await fixture.subscribe('b')];
      await fixture.record(a, 1);
      assert.deepEqual(await fixture.recordMails(a, [fixture.mail([a, b], 1)]), [b.id]);
      assert.equal(await fixture.count('event'), 2);
      assert.equal(await fixture.count('message'), 1);
      assert.equal(await fixture.count('content'), 1);
    });

    it('knows a mail in one subscription without knowing it in another', async () => {
      const [a, b] = [await fixture.subscribe('a'), await fixture.subscribe('b')];
      await fixture.recordMails(a, [fixture.mail([a], 1, { softIdentity: 'soft' })]);
      const asked = [
        fixture.mail([a, b], 1),
        fixture.mail([a, b], 2, { softIdentity: 'soft' }),
        fixture.mail([a, b], 3),
      ];
      const unrecorded = await fixture.ledger.unrecorded(asked);
      assert.deepEqual(
        unrecorded.map(({ due }) => new Set(due)),
        [new Set([b.id]), new Set([b.id]), new Set([a.id, b.id])],
      );
      assert.deepEqual(
        unrecorded.map(({ uid }) => uid),
        [1, 2, 3],
      );
    });

    it('writes all of a batch or nothing of it: mails, events and the cursor', async () => {
      const to = await fixture.subscribe();
      const broken = fixture.mail([to], 2, { due: [to.id, 999_999] });
      const cursor = { uidValidity: '1', uid: 2 };
      await assert.rejects(
        fixture.recordMails(to, [fixture.mail([to], 1), broken], cursor),
        /^LedgerFault: Mail is due to a subscription that is not in the mail ledger: 999999\.$/,
      );
      assert.equal(await fixture.count('event'), 0);
      assert.equal(await fixture.count('content'), 0);
      assert.equal(await fixture.count('message'), 0);
      assert.equal((await fixture.ledger.cursors([to.id])).get(to.id), null);
    });

    it('moves each subscription to its own place', async () => {
      const [a, b] = [await fixture.subscribe('a'), await fixture.subscribe('b')];
      await fixture.ledger.record({
        hold: fixture.hold(a),
        messages: [],
        cursors: [
          { subscriptionId: a.id, cursor: { uid: 1 } },
          { subscriptionId: b.id, cursor: { uid: 2 } },
        ],
      });
      const cursors = await fixture.ledger.cursors([a.id, b.id]);
      assert.deepEqual([cursors.get(a.id), cursors.get(b.id)], [{ uid: 1 }, { uid: 2 }]);
    });

    it('keeps a mail byte for byte, beside one that is not stored', async () => {
      const to = await fixture.subscribe();
      const raw = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256));
      await fixture.recordMails(to, [
        fixture.mail([to], 1),
        fixture.mail([to], 2, { content: raw }),
        fixture.mail([to], 3, { content: null }),
      ]);
      const [first, second, third] = await fixture.running(to);
      const contents = await fixture.ledger.contents([first!.event, second!.event, third!.event]);
      assert.equal(String(await unpackContent(contents.get(first!.event)!)), 'Subject: hello\r\n\r\nhi');
      assert.ok(bytesOf(contents.get(second!.event)!).equals(raw));
      assert.deepEqual([...contents.keys()].sort(), [first!.event, second!.event].sort());
    });

    it('packs a small mail that comes as it is, among others, and leaves its octets to whoever handed it in', async () => {
      const to = await fixture.subscribe();
      const noise = randomBytes(60_000);
      // As a connection's buffer holds them, one after the other.
      const read = Buffer.concat([Buffer.from('Hello '.repeat(2_000)), noise, Buffer.from('bye')]);
      const raws = [read.subarray(0, 12_000), read.subarray(12_000, 72_000), read.subarray(72_000)];
      const before = Buffer.from(read);
      const packed = Buffer.from('packed before');
      const pieces = [Buffer.alloc(70_000, 1), Buffer.alloc(10, 2)];
      const contents = [
        new UnpackedContent(raws[0]!),
        packed,
        ...raws.slice(1).map((raw) => new UnpackedContent(raw)),
        pieces,
        null,
      ];
      await fixture.recordMails(
        to,
        contents.map((content, i) => fixture.mail([to], i + 1, { content })),
      );
      assert.ok(read.equals(before));
      const claims = await fixture.running(to);
      const stored = await fixture.ledger.contents(claims.map(({ event }) => event));
      const of = (mail: number): PackedContent => stored.get(claims[mail]!.event)!;
      for (const [mail, raw] of [
        [0, raws[0]!],
        [2, raws[1]!],
        [3, raws[2]!],
      ] as const)
        assert.ok((await unpackContent(of(mail))).equals(raw), `mail ${mail}`);
      assert.ok(bytesOf(of(0)).length < 1_000);
      assert.ok(bytesOf(of(1)).equals(packed));
      assert.deepEqual(
        piecesOf(of(4)).map(({ length }) => length),
        [70_000, 10],
      );
      assert.equal(stored.size, 5);
    });

    it('keeps the pieces of a large mail, in their order, for as long as the mail is needed', async () => {
      const [to, later] = [await fixture.subscribe(), await fixture.subscribe('later')];
      const pieces = (sign: string): Buffer[] =>
        [70_000, 1, 3_000_000].map((size, i) => Buffer.alloc(size, `${sign}${i}`));
      const other = Buffer.from('of another mail');
      const mails = [{ content: pieces('a') }, { content: other }, { content: pieces('b') }];
      await fixture.recordMails(
        to,
        mails.map((mail, i) => fixture.mail([to], i + 1, mail)),
      );
      // It comes to somebody else, too, in other pieces: what is there stays.
      const again = Array.from({ length: 5 }, (_, i) => Buffer.alloc(10, `c${i}`));
      await fixture.recordMails(later, [fixture.mail([later], 1, { content: again })]);
      const claims = [...(await fixture.running(to)), ...(await fixture.running(later))];
      const contents = await fixture.ledger.contents(claims.map(({ event }) => event));
      assert.deepEqual(
        claims.map(({ event }) => piecesOf(contents.get(event)!).map(({ length }) => length)),
        [[70_000, 1, 3_000_000], [other.length], [70_000, 1, 3_000_000], [70_000, 1, 3_000_000]],
      );
      for (const [i, stored] of [pieces('a'), [other], pieces('b'), pieces('a')].entries())
        assert.ok(bytesOf(contents.get(claims[i]!.event)!).equals(Buffer.concat(stored)), `mail ${i}`);
      await fixture.settle(claims, success);
      assert.deepEqual(await fixture.under.query('select count(*) as pieces from content_piece'), [
        { pieces: 0 },
      ]);
    });

    it('takes signs that no database likes as they are', async () => {
      const to = await fixture.subscribe();
      const strange = `Ünï "quoted", {braced}, \\back\\slashed, 'single' 😀 \u2028 %_`;
      await fixture.recordMails(to, [fixture.mail([to], 1, { identity: `id:${strange}`, subject: strange })]);
      assert.deepEqual(
        await fixture.recordMails(to, [fixture.mail([to], 1, { identity: `id:${strange}` })]),
        [],
      );
      const { events } = await fixture.ledger.events({}, { limit: 1 });
      assert.equal(events[0]?.subject, strange);
    });

    it('takes text that is no text: a NUL, half a character; and knows it again without what cannot be stored', async () => {
      const broken = 'a\0b\ud800c';
      const stored = 'ab\ufffdc';
      const to = await fixture.subscribe('workflow', { whenDead: { kind: 'move', mailbox: broken } });
      await fixture.recordMails(
        to,
        [fixture.mail([to], 1, { subject: broken, sender: broken, messageId: broken, identity: broken })],
        { at: broken },
      );
      const [known] = await fixture.ledger.unrecorded([fixture.mail([to], 1, { identity: broken })]);
      assert.deepEqual(known?.due, []);
      assert.deepEqual((await fixture.ledger.cursors([to.id])).get(to.id), { at: stored });
      await fixture.ledger.writeSourceNote(fixture.hold(to), { said: broken });
      assert.deepEqual(await fixture.ledger.sourceNote(to.sourceId), { said: stored });
      assert.deepEqual(await fixture.run(to, { kind: 'failure', error: broken }), ['RETRY']);
      await fixture.ledger.reportSource(fixture.hold(to), {
        state: 'error',
        connection: 'closed',
        error: broken,
      });
      const { events } = await fixture.ledger.events({}, { limit: 1 });
      const [event] = events;
      assert.deepEqual(
        [event?.subject, event?.sender, event?.messageId, event?.lastError],
        [stored, stored, stored, stored],
      );
      assert.equal((await fixture.ledger.sources())[0]?.lastError, stored);
    });

    it('takes times in parts of a millisecond, and none at all', async () => {
      const to = await fixture.subscribe('workflow', {
        retryDelaysMs: [1.4],
        keepContentMs: 2.6,
        retentionMs: RETENTION_MS + 0.1,
      });
      await fixture.recordMails(to, [
        fixture.mail([to], 1, { receivedAt: 1_700_000_000_000.6 }),
        fixture.mail([to], 2, { receivedAt: NaN }),
      ]);
      const hold = await held(fixture.ledger, to.sourceId, { leaseMs: LEASE_MS + 0.3 });
      assert.deepEqual(await fixture.ledger.renewHolds([hold], LEASE_MS + 0.3), [hold]);
      await fixture.ledger.postponeErrands([1], 'no', 1.5);
      const { events } = await fixture.ledger.events({}, { limit: 2 });
      assert.deepEqual(
        events.map(({ receivedAt }) => receivedAt),
        [null, 1_700_000_000_001],
      );
    });
  });

  describe('an account-wide identity', () => {
    const mailbox = (name: string, account = 'ann@mail.example') =>
      ({ source: { kind: 'imap', account, mailbox: name } }) as const;
    const wide = (to: Subscription, more: Partial<NewMessage> = {}): NewMessage =>
      fixture.mail([to], 1, { identity: 'email:1', accountWide: true, ...more });
    const send = (to: Subscription, more?: Partial<NewMessage>): Promise<readonly number[]> =>
      fixture.recordMails(to, [wide(to, more)]);
    const known = async (to: Subscription, more?: Partial<NewMessage>): Promise<boolean> =>
      (await fixture.ledger.unrecorded([wide(to, more)]))[0]!.due.length === 0;

    it('is one mail for a node, in whatever mailbox of the account it is seen', async () => {
      const inbox = await fixture.subscribe();
      const archive = await fixture.subscribe('workflow', mailbox('Archive'));
      assert.deepEqual(await send(inbox), [inbox.id]);
      assert.equal(await known(archive), true);
      assert.deepEqual(await send(archive), []);
      assert.deepEqual(await send(archive, { identity: 'email:2' }), [archive.id]);
      assert.deepEqual(await send(inbox, { identity: 'email:2' }), []);
      assert.equal(await fixture.count('event'), 2);
      assert.equal(await fixture.count('message'), 2, 'and nothing is left behind of what was not recorded');
    });

    it('is another mail for another node, another workflow and another account', async () => {
      await send(await fixture.subscribe());
      for (const other of [
        await fixture.subscribe('other', mailbox('Archive')),
        await fixture.subscribe('workflow', { nodeId: 'other', ...mailbox('Archive') }),
        await fixture.subscribe('workflow', mailbox('INBOX', 'bob@mail.example')),
      ]) {
        assert.equal(await known(other), false);
        assert.deepEqual(await send(other), [other.id]);
      }
    });

    it('is looked for nowhere else if it is not account-wide, nor is a soft identity', async () => {
      await send(await fixture.subscribe(), { softIdentity: 'soft' });
      const archive = await fixture.subscribe('workflow', mailbox('Archive'));
      assert.equal(await known(archive, { accountWide: false }), false);
      assert.equal(await known(archive, { identity: 'email:2', softIdentity: 'soft' }), false);
    });

    it('is known also after retention', async () => {
      const inbox = await fixture.subscribe();
      await send(inbox);
      await fixture.run(inbox, success);
      await fixture.elapse(RETENTION_MS);
      await fixture.ledger.sweep(100);
      assert.equal(await fixture.count('event'), 0);
      const archive = await fixture.subscribe('workflow', mailbox('Archive'));
      assert.equal(await known(archive), true);
      assert.deepEqual(await send(archive), []);
    });

    it('is recorded once by two processes that see it in two mailboxes at once', async () => {
      const [inbox, archive] = [
        await fixture.subscribe(),
        await fixture.subscribe('workflow', mailbox('Archive')),
      ];
      const mails = (to: Subscription): NewMessage[] =>
        Array.from({ length: 20 }, (_, i) => wide(to, { identity: `email:${i}` }));
      const cursors = [inbox, archive].map(({ id }) => ({ subscriptionId: id, cursor: { uid: 1 } }));
      await fixture.withAnother(async (another) => {
        await Promise.all(
          Array.from({ length: 8 }, (_, i) => {
            const to = i % 2 ? inbox : archive;
            const ledger = i % 2 ? fixture.ledger : another;
            return ledger.record({ hold: fixture.hold(to), messages: mails(to), cursors });
          }),
        );
      });
      assert.equal(await fixture.count('event'), 20);
    });
  });

  describe('a weak identity', () => {
    const weak = (to: Subscription, uid: number, more: Partial<NewMessage> = {}): NewMessage =>
      fixture.mail([to], uid, { weakIdentity: 'digest', ...more });
    const seemsKnown = async (to: Subscription, seemsLike: string | null): Promise<boolean> => {
      const candidate = { ...fixture.mail([to], 99), seemsLike };
      return (await fixture.ledger.unrecorded([candidate]))[0]!.due.length === 0;
    };

    it('does not keep a mail from being recorded beside another of the same', async () => {
      const to = await fixture.subscribe();
      assert.deepEqual(await fixture.recordMails(to, [weak(to, 1), weak(to, 2)]), [to.id]);
      assert.deepEqual(await fixture.recordMails(to, [weak(to, 3)]), [to.id]);
      assert.equal(await fixture.count('event'), 3);
    });

    it('is known where one asks for what seems the same, for that subscription and mailbox', async () => {
      const [a, b] = [await fixture.subscribe('a'), await fixture.subscribe('b')];
      await fixture.recordMails(a, [weak(a, 1), weak(a, 2)]);
      assert.equal(await seemsKnown(a, 'digest'), true);
      assert.equal(await seemsKnown(a, 'other'), false);
      assert.equal(await seemsKnown(a, null), false);
      assert.equal(await seemsKnown(b, 'digest'), false);
      const there = { source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'Support' } } as const;
      assert.equal(await seemsKnown(await fixture.subscribe('a', there), 'digest'), false);
    });

    it('is known also after retention', async () => {
      const to = await fixture.subscribe();
      await fixture.recordMails(to, [weak(to, 1), weak(to, 2), fixture.mail([to], 3)]);
      await fixture.run(to, success);
      await fixture.elapse(RETENTION_MS);
      await fixture.ledger.sweep(100);
      assert.equal(await fixture.count('message'), 0);
      assert.equal(await seemsKnown(to, 'digest'), true);
      assert.equal(await seemsKnown(to, 'other'), false);
    });
  });

  describe('what is asked for together', () => {
    it('is answered as each of it alone, known in whatever way, however long the list is', async () => {
      const [to, other] = [await fixture.subscribe('a'), await fixture.subscribe('b')];
      const source = { kind: 'imap', account: 'ann@mail.example', mailbox: 'Archive' } as const;
      const archive = await fixture.subscribe('a', { source });
      const known = (uid: number): NewMessage =>
        fixture.mail([to], uid, { softIdentity: `soft ${uid}`, weakIdentity: `weak ${uid}` });
      await fixture.recordMails(to, [known(1)]);
      await fixture.run(to, success);
      await fixture.elapse(RETENTION_MS);
      await fixture.ledger.sweep(100);
      await fixture.recordMails(to, [known(2)]);
      await fixture.recordMails(archive, [
        fixture.mail([archive], 3, { identity: 'email:3', accountWide: true }),
      ]);
      const due = [to.id, other.id];
      const asked = [
        ...[known(1), known(2)].map((mail) => ({ ...mail, due })),
        ...[1, 2].map((uid) => ({ ...fixture.mail([to], 10 + uid, { softIdentity: `soft ${uid}` }), due })),
        ...[1, 2].map((uid) => ({ ...fixture.mail([to], 20 + uid), seemsLike: `weak ${uid}`, due })),
        { ...fixture.mail([to], 3, { identity: 'email:3', accountWide: true }), due },
        { ...fixture.mail([to], 3, { identity: 'email:3' }), due },
        fixture.mail([], 30),
        { ...fixture.mail([to], 31, { identity: 'email:31', accountWide: true }), seemsLike: 'weak 31', due },
        { ...fixture.mail([to], 32, { softIdentity: 'soft 32' }), due },
      ];
      const answered = async (candidates: readonly NewMessage[]): Promise<(readonly number[])[]> =>
        (await fixture.ledger.unrecorded(candidates)).map((one) => one.due);
      const alone: (readonly number[])[] = [];
      for (const candidate of asked) alone.push(...(await answered([candidate])));
      const expected: readonly (readonly number[])[] = [
        ...Array.from({ length: 7 }, () => [other.id]),
        due,
        [],
        ...Array.from({ length: 2 }, () => due),
      ];
      assert.deepEqual(alone, expected);
      for (const times of [1, 9, 50]) {
        const many = Array.from({ length: times }).flatMap(() => asked);
        assert.deepEqual(
          await answered(many),
          Array.from({ length: times }).flatMap(() => expected),
        );
      }
    });
  });

  describe('reportSource', () => {
    it('keeps the last success and the last error beside the state', async () => {
      const hold = fixture.hold(await fixture.subscribe());
      await fixture.ledger.reportSource(hold, { state: 'idle', connection: 'idling', synced: true });
      await fixture.ledger.reportSource(hold, {
        state: 'retry_scheduled',
        connection: 'backing_off',
        error: 'no answer',
      });
      await fixture.ledger.reportSource(hold, { state: 'gap_checking', connection: 'connecting' });
      const [source] = await fixture.ledger.sources();
      assert.ok(source?.lastSuccessAt && source.lastErrorAt && source.lastErrorAt >= source.lastSuccessAt);
      assert.deepEqual(
        [source.state, source.connection, source.lastError],
        ['gap_checking', 'connecting', 'no answer'],
      );
    });

    it('keeps since when it is read or cannot be, and when it is tried again', async () => {
      const hold = fixture.hold(await fixture.subscribe());
      const told = async (report: SourceReport): Promise<(number | null)[]> => {
        await fixture.ledger.reportSource(hold, report);
        const { since, failingSince, nextTryAt } = (await fixture.ledger.sources())[0]!;
        return [since, failingSince, nextTryAt];
      };
      const read = { state: 'idle', connection: 'idling', synced: true } as const;
      const failed = { state: 'retry_scheduled', connection: 'backing_off', error: 'no answer' } as const;
      const again = { state: 'gap_checking', connection: 'connecting' } as const;
      assert.deepEqual(await told(again), [null, null, null], 'it was not tried yet');
      const [since, ...well] = await told(read);
      assert.ok(since);
      assert.deepEqual(well, [null, null]);
      await fixture.elapse(HOUR_MS);
      assert.deepEqual(await told(read), [since - HOUR_MS, null, null], 'it has been read since then');
      assert.deepEqual(await told({ ...read, error: 'one is odd' }), [since - HOUR_MS, null, null]);
      const [failing, failingSince, nextTryAt] = await told({ ...failed, retryInMs: 30_000 });
      assert.ok(failing && failing > since - HOUR_MS && nextTryAt);
      assert.equal(failing, failingSince);
      assert.ok(nextTryAt >= failing + 30_000);
      await fixture.elapse(HOUR_MS);
      const first = failing - HOUR_MS;
      assert.deepEqual(await told(again), [first, first, null], 'it is being tried');
      assert.deepEqual((await told({ ...failed, retryInMs: 60_000 })).slice(0, 2), [first, first]);
      const [anew, ...rest] = await told(read);
      assert.ok(anew && anew > first);
      assert.deepEqual(rest, [null, null]);
      assert.deepEqual(await told({ state: 'idle', connection: 'closed' }), [null, null, null]);
    });

    it('tells who reads it, until nobody does', async () => {
      const hold = fixture.hold(await fixture.subscribe());
      const holder = async (): Promise<string | null> => (await fixture.ledger.sources())[0]!.holder;
      assert.equal(typeof (await holder()), 'string');
      await fixture.elapse(DAY_MS);
      assert.equal(await holder(), null, 'it has not said so for long');
      await fixture.ledger.renewHolds([hold], LEASE_MS);
      assert.equal(typeof (await holder()), 'string');
      await fixture.ledger.releaseHolds([hold]);
      assert.equal(await holder(), null);
    });

    it('tells when the newest mail came, whatever is recorded after it', async () => {
      const to = await fixture.subscribe();
      const last = async (receivedAt: number | null, uid: number): Promise<number | null> => {
        await fixture.recordMails(to, [fixture.mail([to], uid, { receivedAt })]);
        return (await fixture.ledger.sources())[0]!.lastMailAt;
      };
      assert.equal(await last(1_700_000_000_000, 1), 1_700_000_000_000);
      assert.equal(await last(1_600_000_000_000, 2), 1_700_000_000_000, 'an older one');
      const now = await last(null, 3);
      assert.ok(now !== null && Math.abs(now - Date.now()) < DAY_MS, 'one that does not say when it came');
      const ahead = await last(Date.now() + 100 * DAY_MS, 4);
      assert.ok(ahead !== null && ahead - Date.now() < DAY_MS, 'one of a server whose clock is ahead');
      assert.equal(await last(1_800_000_000_000 - 10 ** 11, 4), ahead, 'one that is known');
    });

    it('tells of no mail that is to come, whatever is stored', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      await fixture.under.query(`update source set last_mail_at = ${Date.now() + 100 * DAY_MS}`);
      const last = async (): Promise<number> => (await fixture.ledger.sources())[0]!.lastMailAt! - Date.now();
      assert.ok(Math.abs(await last()) < HOUR_MS);
      await fixture.record(to, 2);
      const [stored] = await fixture.under.query<{ at: number }>('select last_mail_at as at from source');
      assert.ok(Math.abs(stored!.at - Date.now()) < HOUR_MS, 'the next mail puts it right');
    });

    it('keeps how far older mail was read, until there is none to read', async () => {
      const hold = fixture.hold(await fixture.subscribe());
      const report = async (backfill?: Backfill | null): Promise<Backfill | null> => {
        const state = { state: 'syncing', connection: 'connecting' } as const;
        await fixture.ledger.reportSource(hold, backfill === undefined ? state : { ...state, backfill });
        return (await fixture.ledger.sources())[0]!.backfill;
      };
      assert.equal(await report(), null);
      assert.deepEqual(await report({ read: 50, left: 1_950 }), { read: 50, left: 1_950 });
      assert.deepEqual(await report(), { read: 50, left: 1_950 });
      assert.deepEqual(await report({ read: 2_000, left: 0 }), { read: 2_000, left: 0 });
      assert.equal(await report(null), null);
    });

    it('keeps what the last recovery found and when, also that it found nothing', async () => {
      const hold = fixture.hold(await fixture.subscribe());
      const report = async (recovered?: number): Promise<[number | null, number | null]> => {
        const state = { state: 'idle', connection: 'polling' } as const;
        await fixture.ledger.reportSource(hold, recovered === undefined ? state : { ...state, recovered });
        const [source] = await fixture.ledger.sources();
        return [source!.recovered, source!.recoveredAt];
      };
      assert.deepEqual(await report(), [null, null]);
      const [found, first] = await report(12);
      assert.equal(found, 12);
      assert.ok(first !== null && Math.abs(first - Date.now()) < DAY_MS);
      await fixture.elapse(DAY_MS);
      assert.deepEqual(await report(), [12, first - DAY_MS]);
      const [nothing, second] = await report(0);
      assert.equal(nothing, 0);
      assert.ok(second !== null && second >= first);
    });

    it('keeps until when notifications come, until they come no more', async () => {
      const hold = fixture.hold(await fixture.subscribe());
      const report = async (notifiedUntil?: number | null): Promise<number | null> => {
        const state = { state: 'idle', connection: 'polling' } as const;
        await fixture.ledger.reportSource(
          hold,
          notifiedUntil === undefined ? state : { ...state, notifiedUntil },
        );
        return (await fixture.ledger.sources())[0]!.notifiedUntil;
      };
      assert.equal(await report(), null);
      assert.equal(await report(1_900_000_000_000), 1_900_000_000_000);
      assert.equal(await report(), 1_900_000_000_000);
      assert.equal(await report(null), null);
      assert.equal(await report(), null);
    });

    it('is of a Gmail account as of any other source', async () => {
      const source = { kind: 'gmail', account: 'ann@gmail.com', mailbox: GMAIL_MAILBOX } as const;
      const gmail = await fixture.subscribe('workflow', { source });
      const imap = await fixture.subscribe('workflow', { source: { ...source, kind: 'imap' } });
      assert.notEqual(gmail.sourceId, imap.sourceId);
      await fixture.ledger.reportSource(fixture.hold(gmail), { state: 'idle', connection: 'polling' });
      const states = (await fixture.ledger.sources()).map(({ kind, account, state }) => [
        kind,
        account,
        state,
      ]);
      assert.deepEqual(states.sort(), [
        ['gmail', 'ann@gmail.com', 'idle'],
        ['imap', 'ann@gmail.com', 'pending'],
      ]);
      const sources = (await fixture.ledger.subscriptionsOf('workflow', 'node')).map(({ source }) => source);
      assert.deepEqual(new Set(sources.map(({ kind }) => kind)), new Set(['gmail', 'imap']));
    });
  });
}

const bytesOf = (content: PackedContent): Buffer => Buffer.concat(piecesOf(content));
