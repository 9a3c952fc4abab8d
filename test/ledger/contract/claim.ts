// The contract's claims: a pointer is won by one run, once.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { CLAIMED_BYTES } from '../../../engine/ledger/content';
import { failure, type Fixture, LEASE_MS } from './fixture';

export function claimContract(fixture: Fixture): void {
  describe('claim', () => {
    it('is won by one run only, with all that is known of the mail', async () => {
      const to = await fixture.subscribe();
      await fixture.recordMails(to, [fixture.mail([to], 1, { softIdentity: 'soft' })]);
      const pointer = await fixture.offerOne(to);
      const [won] = await fixture.claim([pointer], '7');
      assert.match(won!.idempotencyKey, /^[0-9a-f]{40}$/);
      assert.deepEqual(won, {
        ...pointer,
        subscriptionId: to.id,
        idempotencyKey: won!.idempotencyKey,
        account: 'ann@mail.example',
        mailbox: 'INBOX',
        identity: 'uid:1:1:INBOX',
        softIdentity: 'soft',
        messageId: '<1@test>',
        sender: 'bob@mail.example',
        subject: 'Mail 1',
        uid: 1,
        uidValidity: '1',
        receivedAt: 1_700_000_000_001,
        size: 22,
        content: fixture.content,
      });
      assert.deepEqual(await fixture.claim([pointer], '8'), []);
      const [event] = await fixture.events();
      assert.deepEqual([event?.state, event?.execution_id], ['RUNNING', '7']);
    });

    it('brings contents that are small and in one piece, and no others; so does one by hand', async () => {
      const to = await fixture.subscribe();
      const [small, large] = [Buffer.alloc(CLAIMED_BYTES, 1), Buffer.alloc(CLAIMED_BYTES + 1, 2)];
      const contents = [small, large, [fixture.content, fixture.content], null];
      await fixture.recordMails(
        to,
        contents.map((content, index) => fixture.mail([to], index + 1, { content })),
      );
      const pointers = await fixture.pointers(to);
      const claimed = await fixture.claim(pointers);
      assert.deepEqual(
        claimed.map(({ content }) => content),
        [small, null, null, null],
      );
      await fixture.ledger.settle(claimed, failure);
      const taken = await fixture.ledger.takeByHand([pointers[0]!.event, pointers[1]!.event], '8', LEASE_MS);
      assert.deepEqual(
        taken.map(({ content }) => content),
        [small, null],
      );
    });

    it('of several pointers wins those that are still open, in their order', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1, 2, 3, 4);
      const [a, b, c, d] = await fixture.pointers(to, { mailsPerRun: 4 });
      await fixture.claim([b!], '1');
      const won = await fixture.claim([d!, { ...c!, attempt: 2 }, b!, a!, a!], '2');
      assert.deepEqual(
        won.map(({ event, uid }) => [event, uid]),
        [
          [d!.event, 4],
          [a!.event, 1],
        ],
      );
      assert.deepEqual(await fixture.states(), ['RUNNING', 'RUNNING', 'QUEUED', 'RUNNING']);
    });

    it('gives each subscription its own idempotency key for one mail', async () => {
      const [a, b] = [await fixture.subscribe('a'), await fixture.subscribe('b')];
      await fixture.recordMails(a, [fixture.mail([a, b], 1), fixture.mail([a, b], 2)]);
      const won = await fixture.claim([...(await fixture.pointers(a)), ...(await fixture.pointers(b))]);
      assert.equal(new Set(won.map(({ idempotencyKey }) => idempotencyKey)).size, 4);
    });

    it('comes late without harm: it counts while nobody offered the event again, and not after', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1, 2);
      const [first, second] = await fixture.pointers(to);
      await fixture.elapse(LEASE_MS);
      assert.equal((await fixture.claim([first!])).length, 1);
      assert.deepEqual(await fixture.pointers(to), [{ event: second!.event, attempt: second!.attempt + 1 }]);
      assert.deepEqual(await fixture.claim([second!]), []);
    });

    it('says nothing of an event that is not there', async () => {
      assert.deepEqual(await fixture.claim([{ event: randomUUID(), attempt: 1 }]), []);
      assert.deepEqual(await fixture.claim([{ event: 'no id at all', attempt: 1 }]), []);
      assert.deepEqual(await fixture.claim([]), []);
      assert.deepEqual(await fixture.ledger.contents(['no id at all']), new Map());
    });

    it('and its settlement take as many statements for a hundred mails as for one', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [0] });
      const lives = async (): Promise<number> => {
        const pointers = (await fixture.offer(to, { mailsPerRun: 100 })).runs.flatMap((run) => run.pointers);
        const sent = await fixture.statementsOf(async () => {
          const won = await fixture.claim(pointers);
          await fixture.ledger.contents(won.map(({ event }) => event));
          await fixture.ledger.renew(pointers, 'RUNNING', LEASE_MS);
          await fixture.settle(pointers.slice(pointers.length / 2), { kind: 'failure', error: 'no' });
          await fixture.settle(pointers.slice(0, pointers.length / 2), { kind: 'success' });
        });
        return sent;
      };
      await fixture.record(to, 1, 2);
      const few = await lives();
      await fixture.record(to, ...Array.from({ length: 100 }, (_, i) => i + 10));
      const many = await lives();
      assert.equal(many, few);
    });
  });
}
