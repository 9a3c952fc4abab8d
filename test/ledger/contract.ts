// The contract that every ledger adapter keeps. An adapter's test opens it on a real database and runs this.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { packContent, unpackContent } from '../../engine/ledger/content';
import type { Ledger, NewMessage, Pointer, Subscription } from '../../engine/ledger/ledger';

export interface LedgerUnderTest {
  readonly ledger: Ledger;
  /** Lets time pass for everything stored, without waiting for it. */
  elapse(ms: number): Promise<void>;
  /** The stored events, the oldest first. */
  events(): Promise<StoredEvent[]>;
  /** How many mails' content is stored. */
  contents(): Promise<number>;
  /** Writes columns of every event as they are. Rejects where a constraint forbids it. */
  forceEvents(columns: Readonly<Record<string, string | number | null>>): Promise<void>;
  /** Opens the same database a second time, as another process would. */
  openAnother(): Promise<Ledger>;
  dispose(): Promise<void>;
}

export interface StoredEvent {
  readonly id: string;
  readonly state: string;
  readonly attempt: number;
  readonly failures: number;
  readonly executionId: string | null;
  readonly lastError: string | null;
}

const LEASE_MS = 30_000;
const failure = { kind: 'failure', error: 'it broke' } as const;
const success = { kind: 'success' } as const;

export function ledgerContract(name: string, open: () => Promise<LedgerUnderTest>): void {
  describe(`the ledger on ${name}`, () => {
    let under: LedgerUnderTest;
    let ledger: Ledger;
    let content: Buffer;

    beforeEach(async () => {
      under = await open();
      ledger = under.ledger;
      content = await packContent(Buffer.from('Subject: hello\r\n\r\nhi'));
    });
    afterEach(() => under.dispose());

    const subscribe = (
      workflowId = 'workflow',
      retryDelaysMs = [30_000, 60_000],
      mailbox = 'INBOX',
    ): Promise<Subscription> =>
      ledger.subscribe({
        workflowId,
        nodeId: 'node',
        source: { kind: 'imap', account: 'ann@mail.example', mailbox },
        retryDelaysMs,
      });

    const mail = (due: readonly Subscription[], uid: number, more: Partial<NewMessage> = {}): NewMessage => ({
      identity: `uid:1:${uid}:INBOX`,
      softIdentity: null,
      messageId: `<${uid}@test>`,
      uid,
      uidValidity: '1',
      receivedAt: 1_700_000_000_000 + uid,
      size: 22,
      content,
      truncated: false,
      due: due.map(({ id }) => id),
      ...more,
    });

    const record = (to: Subscription, ...uids: number[]): Promise<readonly number[]> =>
      ledger.record({ sourceId: to.sourceId, messages: uids.map((uid) => mail([to], uid)), cursors: [] });

    const offer = async (to: Subscription, mostInFlight = 100): Promise<readonly Pointer[]> =>
      (await ledger.offer({ subscriptionIds: [to.id], mostInFlight, leaseMs: LEASE_MS })).pointers;

    const claim = (pointer: Pointer, executionId = '1'): ReturnType<Ledger['claim']> =>
      ledger.claim(pointer, executionId, LEASE_MS);

    const offerOne = async (to: Subscription): Promise<Pointer> => {
      const pointers = await offer(to);
      assert.equal(pointers.length, 1);
      return pointers[0]!;
    };

    const states = async (): Promise<string[]> => (await under.events()).map((event) => event.state);

    describe('subscribe', () => {
      it('makes a subscription once, and finds it again with its cursor', async () => {
        const first = await subscribe();
        assert.equal(first.cursor, null);
        await ledger.record({
          sourceId: first.sourceId,
          messages: [],
          cursors: [{ subscriptionId: first.id, cursor: { uidValidity: '7', uid: 12 } }],
        });
        assert.deepEqual(await subscribe(), { ...first, cursor: { uidValidity: '7', uid: 12 } });
        assert.deepEqual((await ledger.cursors([first.id])).get(first.id), { uidValidity: '7', uid: 12 });
      });

      it("names the node's older subscriptions as long as they have events to run", async () => {
        const before = await subscribe();
        await record(before, 1);
        const after = await subscribe('workflow', [], 'Support');
        assert.deepEqual([...after.openIds].sort(), [before.id, after.id].sort());
        const pointer = await offerOne(before);
        await claim(pointer);
        await ledger.settle(pointer, success);
        assert.deepEqual((await subscribe('workflow', [], 'Support')).openIds, [after.id]);
      });

      it('gives two workflows on one mailbox one source', async () => {
        const [a, b] = [await subscribe('a'), await subscribe('b')];
        assert.notEqual(a.id, b.id);
        assert.equal(a.sourceId, b.sourceId);
      });
    });

    describe('record', () => {
      it('makes one event for each subscription a mail is due to', async () => {
        const [a, b] = [await subscribe('a'), await subscribe('b')];
        const news = await ledger.record({ sourceId: a.sourceId, messages: [mail([a, b], 1)], cursors: [] });
        assert.deepEqual([...news].sort(), [a.id, b.id].sort());
        assert.deepEqual(await states(), ['PENDING', 'PENDING']);
        assert.equal(await under.contents(), 1);
      });

      it('makes no second event for a mail it knows, by identity', async () => {
        const to = await subscribe();
        await record(to, 1);
        assert.deepEqual(await record(to, 1), []);
        assert.equal((await under.events()).length, 1);
      });

      it('makes no second event for a mail that came back under another number, by soft identity', async () => {
        const to = await subscribe();
        const send = (uid: number, softIdentity: string): Promise<readonly number[]> =>
          ledger.record({
            sourceId: to.sourceId,
            messages: [mail([to], uid, { softIdentity })],
            cursors: [],
          });
        await send(1, 'same');
        assert.deepEqual(await send(2, 'same'), []);
        assert.deepEqual(await send(3, 'other'), [to.id]);
        assert.equal(await under.contents(), 2);
      });

      it('knows a mail in one subscription without knowing it in another', async () => {
        const [a, b] = [await subscribe('a'), await subscribe('b')];
        await record(a, 1);
        const asked = [mail([a, b], 1), mail([a, b], 2)];
        assert.deepEqual(
          (await ledger.unrecorded(asked)).map(({ due }) => [...due].sort()),
          [[b.id], [a.id, b.id].sort()],
        );
      });

      it('writes all of a batch or nothing of it: mails, events and the cursor', async () => {
        const to = await subscribe();
        const broken = mail([to], 2, { due: [to.id, 999_999] });
        const cursor = { uidValidity: '1', uid: 2 };
        await assert.rejects(
          ledger.record({
            sourceId: to.sourceId,
            messages: [mail([to], 1), broken],
            cursors: [{ subscriptionId: to.id, cursor }],
          }),
        );
        assert.deepEqual(await under.events(), []);
        assert.equal(await under.contents(), 0);
        assert.equal((await ledger.cursors([to.id])).get(to.id), null);
      });

      it('keeps a mail byte for byte', async () => {
        const to = await subscribe();
        const raw = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256));
        const packed = mail([to], 1, { content: await packContent(raw) });
        await ledger.record({ sourceId: to.sourceId, messages: [packed], cursors: [] });
        const won = await claim(await offerOne(to));
        assert.ok(won?.content);
        assert.ok((await unpackContent(won.content)).equals(raw));
      });
    });

    describe('offer', () => {
      it('offers the oldest first, and never more than may be in flight', async () => {
        const to = await subscribe();
        await record(to, 1, 2, 3, 4, 5);
        const first = await offer(to, 2);
        assert.equal(first.length, 2);
        assert.deepEqual(await offer(to, 2), []);
        await claim(first[0]!);
        assert.deepEqual(await offer(to, 2), [], 'a running event still takes its place');
        await ledger.settle(first[0]!, success);
        assert.equal((await offer(to, 2)).length, 1);
        const stored = await under.events();
        assert.deepEqual(
          stored.map(({ state }) => state),
          ['DONE', 'QUEUED', 'QUEUED', 'PENDING', 'PENDING'],
        );
      });

      it('offers an event again under a new attempt when nobody started it in time', async () => {
        const to = await subscribe();
        await record(to, 1);
        const first = await offerOne(to);
        assert.deepEqual(await offer(to), []);
        await under.elapse(LEASE_MS);
        assert.deepEqual(await offerOne(to), { event: first.event, attempt: first.attempt + 1 });
      });

      it('says when it is worth looking again', async () => {
        const to = await subscribe();
        const ask = (mostInFlight: number): ReturnType<Ledger['offer']> =>
          ledger.offer({ subscriptionIds: [to.id], mostInFlight, leaseMs: LEASE_MS });
        assert.equal((await ask(5)).nextInMs, null);
        await record(to, 1, 2);
        const { nextInMs, pointers } = await ask(1);
        assert.equal(pointers.length, 1);
        assert.ok(
          nextInMs !== null && nextInMs > 0 && nextInMs <= LEASE_MS,
          'full: not before a lease lapses',
        );
        assert.equal((await ask(3)).pointers.length, 1);
      });

      it("does not offer another subscription's events", async () => {
        const [a, b] = [await subscribe('a'), await subscribe('b')];
        await record(a, 1);
        assert.deepEqual(await offer(b), []);
      });
    });

    describe('claim', () => {
      it('is won by one run only', async () => {
        const to = await subscribe();
        await record(to, 1);
        const pointer = await offerOne(to);
        const won = await claim(pointer, '7');
        assert.ok(won);
        assert.deepEqual([won.uid, won.receivedAt], [1, 1_700_000_000_001]);
        assert.match(won.idempotencyKey, /^[0-9a-f]{40}$/);
        assert.equal(await claim(pointer, '8'), null);
        assert.equal((await under.events())[0]?.executionId, '7');
      });

      it('is won by one of two processes only', async () => {
        const another = await under.openAnother();
        try {
          const to = await subscribe();
          await record(to, 1, 2, 3, 4);
          for (const pointer of await offer(to)) {
            const wins = await Promise.all([claim(pointer, 'a'), another.claim(pointer, 'b', LEASE_MS)]);
            assert.equal(wins.filter(Boolean).length, 1);
          }
        } finally {
          await another.close();
        }
      });

      it('comes late without harm: it counts while nobody offered the event again, and not after', async () => {
        const to = await subscribe();
        await record(to, 1, 2);
        const [first, second] = (await offer(to)) as [Pointer, Pointer];
        await under.elapse(LEASE_MS);
        assert.ok(await claim(first));
        const again = await offer(to);
        assert.deepEqual(again, [{ event: second.event, attempt: second.attempt + 1 }]);
        assert.equal(await claim(second), null);
      });

      it('says nothing of an event that is not there', async () => {
        assert.equal(await claim({ event: randomUUID(), attempt: 1 }), null);
      });
    });

    describe('settle', () => {
      it('makes a successful run DONE and lets its content go', async () => {
        const to = await subscribe();
        await record(to, 1);
        const pointer = await offerOne(to);
        await claim(pointer);
        assert.equal(await ledger.settle(pointer, success), 'DONE');
        assert.equal(await under.contents(), 0);
        assert.deepEqual(await offer(to), []);
      });

      it('keeps the content until the last subscription is done with it', async () => {
        const [a, b] = [await subscribe('a'), await subscribe('b')];
        await ledger.record({ sourceId: a.sourceId, messages: [mail([a, b], 1)], cursors: [] });
        for (const [to, left] of [
          [a, 1],
          [b, 0],
        ] as const) {
          const pointer = await offerOne(to);
          await claim(pointer);
          await ledger.settle(pointer, success);
          assert.equal(await under.contents(), left);
        }
      });

      it('retries a failed run after each delay, and then leaves the event DEAD with its content', async () => {
        const to = await subscribe('workflow', [30_000, 60_000]);
        await record(to, 1);
        for (const [attempt, delay] of [
          [1, 30_000],
          [2, 60_000],
        ] as const) {
          const pointer = await offerOne(to);
          assert.equal(pointer.attempt, attempt);
          await claim(pointer);
          assert.equal(await ledger.settle(pointer, failure), 'RETRY');
          await under.elapse(delay - 5_000);
          assert.deepEqual(await offer(to), [], 'not before its time');
          await under.elapse(5_000);
        }
        const last = await offerOne(to);
        await claim(last);
        assert.equal(await ledger.settle(last, failure), 'DEAD');
        const [event] = await under.events();
        assert.deepEqual([event?.state, event?.attempt, event?.failures], ['DEAD', 3, 3]);
        assert.equal(event?.lastError, 'it broke');
        assert.equal(await under.contents(), 1);
      });

      it('is refused from whoever does not hold the event', async () => {
        const to = await subscribe();
        await record(to, 1);
        const pointer = await offerOne(to);
        assert.equal(await ledger.settle(pointer, success), null, 'before it was claimed');
        await claim(pointer);
        assert.equal(await ledger.settle({ ...pointer, attempt: 2 }, success), null, 'under another attempt');
        assert.equal(await ledger.settle(pointer, success), 'DONE');
        assert.equal(await ledger.settle(pointer, failure), null, 'a second time');
        assert.deepEqual(await states(), ['DONE']);
      });

      it('a pointer that was lost on the way uses up no retry', async () => {
        const to = await subscribe('workflow', []);
        await record(to, 1);
        for (let lost = 0; lost < 5; lost++) {
          await offerOne(to);
          await under.elapse(LEASE_MS);
        }
        const pointer = await offerOne(to);
        await claim(pointer);
        assert.equal(await ledger.settle(pointer, success), 'DONE');
        assert.equal((await under.events())[0]?.failures, 0);
      });
    });

    describe('leases', () => {
      it('a run whose lease ran out is a failed run, and its old holder can no longer settle', async () => {
        const to = await subscribe();
        await record(to, 1);
        const pointer = await offerOne(to);
        await claim(pointer);
        assert.equal(await ledger.lapse([to.id]), 0);
        await under.elapse(LEASE_MS);
        assert.equal(await ledger.lapse([to.id]), 1);
        assert.deepEqual(await states(), ['RETRY']);
        assert.equal(await ledger.settle(pointer, success), null);
        await under.elapse(30_000);
        assert.equal((await offerOne(to)).attempt, 2);
      });

      it('a lapse on the last try is DEAD: a mail that kills the process cannot loop', async () => {
        const to = await subscribe('workflow', []);
        await record(to, 1);
        await claim(await offerOne(to));
        await under.elapse(LEASE_MS);
        await ledger.lapse([to.id]);
        assert.deepEqual(await states(), ['DEAD']);
      });

      it('a late settle counts while nobody has found the lapse', async () => {
        const to = await subscribe();
        await record(to, 1);
        const pointer = await offerOne(to);
        await claim(pointer);
        await under.elapse(LEASE_MS);
        assert.equal(await ledger.settle(pointer, success), 'DONE');
      });

      it('renewing keeps what is still held, and tells what is not', async () => {
        const to = await subscribe();
        await record(to, 1, 2);
        const [running, queued] = (await offer(to)) as [Pointer, Pointer];
        await claim(running);
        assert.deepEqual(await ledger.renew([running, queued], 'RUNNING', LEASE_MS * 2), [running]);
        assert.deepEqual(await ledger.renew([{ ...queued, attempt: 9 }], 'QUEUED', LEASE_MS), []);
        await under.elapse(LEASE_MS);
        assert.equal(await ledger.lapse([to.id]), 0);
        assert.equal((await offer(to)).length, 1, 'the queued one was not renewed');
      });
    });

    describe('constraints', () => {
      const legal = {
        due_at: null,
        lease_until: null,
        execution_id: null,
        settled_at: null,
        attempt: 1,
        failures: 1,
      };
      const illegal: Record<string, Record<string, string | number | null>> = {
        'an unknown state': { state: 'LOST', due_at: 1 },
        'PENDING with a lease': { state: 'PENDING', due_at: 1, lease_until: 1 },
        'PENDING that is never due': { state: 'PENDING' },
        'QUEUED without a lease': { state: 'QUEUED' },
        'QUEUED that was never offered': { state: 'QUEUED', lease_until: 1, attempt: 0, failures: 0 },
        'RUNNING without an execution': { state: 'RUNNING', lease_until: 1 },
        'RUNNING without a lease': { state: 'RUNNING', execution_id: '1' },
        'RETRY without a time': { state: 'RETRY' },
        'RETRY without a failed run': { state: 'RETRY', due_at: 1, failures: 0 },
        'DONE without its time': { state: 'DONE' },
        'DONE that is due': { state: 'DONE', settled_at: 1, due_at: 1 },
        'DEAD with a lease': { state: 'DEAD', settled_at: 1, lease_until: 1 },
        'more failures than attempts': { state: 'DEAD', settled_at: 1, failures: 2 },
      };
      for (const [what, columns] of Object.entries(illegal)) {
        it(`refuse ${what}`, async () => {
          await record(await subscribe(), 1);
          await assert.rejects(under.forceEvents({ ...legal, ...columns }), /constraint/i);
        });
      }

      it('allow each state in its own form', async () => {
        await record(await subscribe(), 1);
        for (const columns of [
          { state: 'PENDING', due_at: 1 },
          { state: 'QUEUED', lease_until: 1 },
          { state: 'RUNNING', lease_until: 1, execution_id: '1' },
          { state: 'RETRY', due_at: 1, execution_id: '1' },
          ...['DONE', 'DEAD', 'GONE', 'UNKNOWN'].map((state) => ({ state, settled_at: 1 })),
        ]) {
          await under.forceEvents({ ...legal, ...columns });
        }
      });
    });
  });
}
