// The contract under pressure: several processes on one database, and large batches.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pointer } from '../../../engine/ledger/pointer';
import { type Fixture, LEASE_MS, success } from './fixture';

export function concurrencyContract(fixture: Fixture): void {
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
  const name = ({ event, attempt }: Pointer): string => `${event}:${attempt}`;

  describe('a ledger that was closed', () => {
    it('says so to whoever asks it: a mistake of ours, and no fault of the database', async () => {
      const another = await fixture.under.openAnother();
      await Promise.all([another.close(), another.close()]);
      await another.close();
      for (const asked of [another.sources(), another.ledgerId(), another.renewKeys(['h'], 1)]) {
        await assert.rejects(asked, /^Error: The mail ledger .* was closed\.$/);
      }
      assert.equal((await fixture.ledger.sources()).length, 0, 'another one goes on');
    });
  });

  describe('two processes', () => {
    it('that offer at once never hand out one event twice, nor more runs than there may be', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, ...numbers(60));
      await fixture.withAnother(async (another) => {
        const request = { subscriptionIds: [to.id], mostRuns: 10, mailsPerRun: 2, leaseMs: LEASE_MS };
        const seen: string[] = [];
        for (let round = 0; round < 3; round++) {
          const offers = await Promise.all(
            [fixture.ledger, another, fixture.ledger, another].map((ledger) => ledger.offer(request)),
          );
          const runs = offers.flatMap((offer) => offer.runs);
          assert.equal(runs.length, 10);
          const pointers = runs.flatMap((run) => run.pointers);
          seen.push(...pointers.map(({ event }) => event));
          await fixture.claim(pointers);
          await fixture.settle(pointers, success);
        }
        assert.equal(seen.length, 60);
        assert.equal(new Set(seen).size, 60);
      });
    });

    it('that claim at once win each pointer once', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, ...numbers(40));
      const pointers = await fixture.pointers(to);
      await fixture.withAnother(async (another) => {
        const wins = await Promise.all([
          fixture.claim(pointers, 'a'),
          another.claim([...pointers].reverse(), 'b', LEASE_MS),
          ...pointers.map((pointer) => another.claim([pointer], 'c', LEASE_MS)),
        ]);
        const names = wins.flat().map(name);
        assert.equal(names.length, 40);
        assert.equal(new Set(names).size, 40);
      });
    });

    it('that record the same mails at once make one event of each', async () => {
      const [a, b] = [await fixture.subscribe('a'), await fixture.subscribe('b')];
      const mails = numbers(30).map((uid) => fixture.mail([a, b], uid, { softIdentity: `soft ${uid}` }));
      await fixture.withAnother(async (another) => {
        await Promise.all([
          fixture.recordMails(a, mails),
          another.record({ hold: fixture.hold(a), messages: [...mails].reverse(), cursors: [] }),
          fixture.recordMails(a, mails.slice(10)),
        ]);
      });
      assert.equal(await fixture.count('event'), 60);
      assert.equal(await fixture.count('message'), 30);
      assert.equal(await fixture.count('content'), 30);
    });

    it('that settle the last events of one mail at once let its content go', async () => {
      const [a, b] = [await fixture.subscribe('a'), await fixture.subscribe('b')];
      await fixture.recordMails(
        a,
        numbers(20).map((uid) => fixture.mail([a, b], uid)),
      );
      const [ofA, ofB] = [await fixture.running(a), await fixture.running(b)];
      await fixture.withAnother(async (another) => {
        const settled = await Promise.all([
          ...ofA.map((pointer) => fixture.ledger.settle([pointer], success)),
          ...ofB.map((pointer) => another.settle([pointer], success)),
        ]);
        assert.equal(settled.flat().length, 40);
      });
      assert.equal(await fixture.count('content'), 0);
    });

    it('that ask at once are told of each ended event once', async () => {
      const to = await fixture.subscribe('workflow', { guarantee: 'atMostOnce' });
      await fixture.record(to, ...numbers(20));
      await fixture.run(to, { kind: 'failure', error: 'it broke' });
      await fixture.withAnother(async (another) => {
        const ended = await Promise.all(
          [fixture.ledger, another, fixture.ledger, another].map((ledger) => ledger.takeEnded([to.id], 7)),
        );
        const rest = await fixture.ledger.takeEnded([to.id], 100);
        const events = [...ended.flat(), ...rest].map(({ event }) => event);
        assert.equal(events.length, 20);
        assert.equal(new Set(events).size, 20);
      });
    });

    it('that subscribe at once make one subscription', async () => {
      await fixture.withAnother(async (another) => {
        const subscription = {
          workflowId: 'w',
          nodeId: 'n',
          source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'INBOX' },
          retryDelaysMs: [],
          guarantee: 'atLeastOnce',
          keepContentMs: 0,
          retentionMs: 1,
          afterSuccess: null,
          whenDead: null,
        } as const;
        const made = await Promise.all(
          [fixture.ledger, another, fixture.ledger, another].map((ledger) => ledger.subscribe(subscription)),
        );
        assert.equal(new Set(made.map(({ id }) => id)).size, 1);
        assert.equal(new Set(made.map(({ sourceId }) => sourceId)).size, 1);
      });
    });
  });

  describe('a large batch', () => {
    it('of 500 mails for 20 subscriptions takes no more statements than one of 50 for 2', async () => {
      const to = await Promise.all(numbers(20).map((n) => fixture.subscribe(`workflow ${n}`)));
      const send = (uids: readonly number[], due: typeof to): Promise<number> =>
        fixture.statementsOf(async () => {
          const mails = uids.map((uid) => fixture.mail(due, uid, { softIdentity: `soft ${uid}` }));
          assert.equal((await fixture.ledger.unrecorded(mails)).length, uids.length);
          const cursors = due.map(({ id }) => ({ subscriptionId: id, cursor: { uid: uids.length } }));
          const news = await fixture.ledger.record({ hold: fixture.hold(due[0]!), messages: mails, cursors });
          assert.equal(news.length, due.length);
        });
      const few = await send(numbers(50), to.slice(0, 2));
      const many = await send(
        numbers(500).map((n) => n + 1_000),
        to,
      );
      assert.equal(many, few);
      assert.ok(many <= 12, String(many));
      assert.equal(await fixture.count('event'), 10_100);
      assert.equal(await fixture.count('message'), 550);
      assert.equal(await fixture.count('content'), 550);
      const cursors = await fixture.ledger.cursors(to.map(({ id }) => id));
      assert.deepEqual(new Set([...cursors.values()].map((cursor) => cursor?.['uid'])), new Set([500]));
    });
  });
}
