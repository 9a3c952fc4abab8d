// The contract on readings: what a trigger takes is handed out to whoever collects for it, as it was given.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SourceKey } from '../../../engine/ledger/sources';
import type {
  NewSubscription,
  Reading,
  Subscription,
  SubscriptionSettings,
} from '../../../engine/ledger/subscriptions';
import type { ReadSubscription } from '../../../engine/ledger/readings';
import type { PresentTrigger } from '../../../engine/ledger/serving';
import { type Fixture, RETENTION_MS } from './fixture';

const account = { kind: 'imap', account: 'ann@mail.example' };
const inbox: SourceKey = { ...account, mailbox: 'INBOX' };
const orders: SourceKey = { ...account, mailbox: 'Orders' };

/** What people write, signs that no database likes, and what this version knows nothing of. */
const reading = {
  ...{ v: 99, text: `Größe 'x' "y" \\ \u0000 \ud800 $1 ? %s`, later: { list: [1, null, true, 'a'] } },
} as Reading;
const another = { v: 1, start: { kind: 'new' } } as Reading;

export function readingsContract(fixture: Fixture): void {
  const subscribe = (source: SourceKey, more: Partial<NewSubscription> = {}): Promise<Subscription> =>
    fixture.subscribe(more.workflowId ?? 'workflow', { source, reading, ...more });

  const read = (): Promise<ReadSubscription[]> => fixture.ledger.readings(account);

  const readingOf = async ({ id }: Subscription): Promise<Reading | undefined> =>
    (await read()).find((one) => one.id === id)?.reading;

  describe('a reading', () => {
    it('is handed out as it was given, with all that it takes to collect for its trigger', async () => {
      const settings: SubscriptionSettings = {
        ...{ retryDelaysMs: [1, 2], guarantee: 'atMostOnce', keepContentMs: 3, retentionMs: RETENTION_MS },
        ...{ afterSuccess: { kind: 'move', mailbox: 'Done', takesAway: true }, whenDead: null },
      };
      const one = await subscribe(inbox, { nodeName: 'Mail', ...settings });
      const expected = {
        ...{ id: one.id, sourceId: one.sourceId, source: inbox, placed: false, lastSuccessAt: null },
        ...{ workflowId: 'workflow', nodeId: 'node', nodeName: 'Mail', createdAt: one.createdAt },
        ...{ served: true, settings, reading },
      };
      assert.deepEqual(await read(), [expected]);
      await fixture.recordMails(one, [], { uid: 1 });
      await fixture.ledger.unserve([{ workflowId: 'workflow', nodeId: 'node' }]);
      assert.deepEqual(await read(), [{ ...expected, placed: true, served: false }]);
      await fixture.withAnother(async (ledger) => {
        assert.deepEqual((await ledger.readings(account))[0]?.reading, reading, 'to another process, too');
      });
    });

    it('is that of the account only, of all its triggers', async () => {
      const one = await subscribe(inbox);
      const two = await subscribe(inbox, { workflowId: 'another', reading: another });
      await subscribe({ ...inbox, account: 'bob@mail.example' });
      await subscribe({ ...inbox, kind: 'gmail' });
      assert.deepEqual(
        (await read()).map(({ id, workflowId, reading: { v } }) => [id, workflowId, v]),
        [
          [one.id, 'workflow', 99],
          [two.id, 'another', 1],
        ],
      );
    });

    it('is what was published last', async () => {
      const one = await subscribe(inbox);
      assert.equal((await subscribe(inbox, { reading: another })).id, one.id);
      assert.deepEqual(await readingOf(one), another);
    });

    it('is not there where an older version has subscribed, until its trigger does so again', async () => {
      const one = await fixture.subscribe('workflow', { source: inbox });
      assert.deepEqual(await read(), []);
      await subscribe(inbox);
      assert.deepEqual(await readingOf(one), reading);
    });

    it('goes with the source that its trigger was moved away from', async () => {
      const left = await subscribe(inbox);
      const other = await subscribe(inbox, { workflowId: 'another' });
      const now = await subscribe(orders);
      await fixture.ledger.listensWith({ workflowId: 'workflow', nodeId: 'node' }, [now.id]);
      assert.deepEqual([await readingOf(left), await readingOf(now)], [undefined, reading]);
      assert.deepEqual(await readingOf(other), reading, 'of another trigger');
      await subscribe(inbox);
      assert.deepEqual(await readingOf(left), reading, 'it is back');
    });

    it('is the one of the trigger that took over what another left, and not of what it serves beside its own', async () => {
      const present = (...ids: string[]): PresentTrigger[] => ids.map((id) => ({ id, name: id }));
      const own = await subscribe(inbox, { nodeId: 'own', present: present('own', 'gone') });
      const left = await subscribe(inbox, { nodeId: 'gone', present: present('own', 'gone') });
      await subscribe(inbox, { nodeId: 'own', present: present('own'), reading: another });
      assert.deepEqual([await readingOf(own), await readingOf(left)], [another, undefined]);
      const taken = await subscribe(inbox, { nodeId: 'new', present: present('new') });
      assert.deepEqual(await readingOf(taken), reading);
    });

    it('is an object', async () => {
      const { id } = await subscribe(inbox);
      for (const wrong of ['[]', '1', 'null', 'no json'])
        await assert.rejects(
          fixture.under.query(`update subscription set reading = '${wrong}' where id = ${id}`),
          wrong,
        );
    });
  });
}
