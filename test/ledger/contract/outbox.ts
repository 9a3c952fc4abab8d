// The contract of the outbox: one entry for one key; taken by one at a time; what became of it said by who has it; and what is
// in doubt never sent again by itself.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChangeType } from '../../../engine/ledger/changes';
import type { Ledger } from '../../../engine/ledger/ledger';
import {
  type DueEntry,
  type Entry,
  type EntryAct,
  type EntryOutcome,
  type EntryRef,
  type EntryState,
  MOST_ENTRY_TEXT,
  type NewEntry,
  type TakeEntries,
} from '../../../engine/ledger/outbox';
import { DAY_MS, type Fixture } from './fixture';

const LEASE_MS = 60_000;
const PLENTY: Pick<TakeEntries, 'limit' | 'leaseMs' | 'mostAtOnce' | 'mostAMinute'> = {
  limit: 1_000,
  leaseMs: LEASE_MS,
  mostAtOnce: 1_000,
  mostAMinute: null,
};
const SENT: EntryOutcome = { became: 'SENT', answer: '250 queued' };

export const newEntry = (key: string, more: Partial<NewEntry> = {}): NewEntry => ({
  key,
  kind: 'mail',
  lane: 'smtp:a',
  request: { form: 1, to: ['ann@example.com'] },
  content: Buffer.from(`content of ${key}`),
  recipient: 'Ann@example.com',
  subject: `About ${key}`,
  messageId: `<${key}@example.com>`,
  repeats: false,
  origin: { workflowId: 'w', nodeId: 'n', nodeName: 'Durable Send', event: null },
  keepMs: DAY_MS,
  ...more,
});

export function outboxContract(fixture: Fixture): void {
  const ledger = (): Ledger => fixture.ledger;

  const queue = async (keys: readonly string[], more: Partial<NewEntry> = {}): Promise<readonly Entry[]> =>
    ledger().enqueue(keys.map((key) => newEntry(key, more)));

  const take = (more: Partial<TakeEntries> = {}): Promise<readonly DueEntry[]> =>
    ledger().takeEntries({ ...PLENTY, of: { lane: 'smtp:a' }, ...more });

  const settle = (refs: readonly EntryRef[], outcome: EntryOutcome): Promise<readonly EntryRef[]> =>
    ledger().settleEntries(refs.map(({ id, fence }) => ({ id, fence, outcome })));

  const entry = async (key: string): Promise<Entry> => (await ledger().entriesOf({ keys: [key] }))[0]!;
  const state = async (key: string): Promise<EntryState> => (await entry(key)).state;

  /** Their leases ran out. */
  const lapse = (): Promise<unknown> =>
    fixture.under.query(`update outgoing set lease_until = 1 where lease_until is not null`);
  const makeDue = (): Promise<unknown> =>
    fixture.under.query(`update outgoing set due_at = 1 where due_at is not null`);

  const told = async (after: string): Promise<ChangeType[]> => {
    const page = await ledger().changes(after, 1_000);
    assert.ok(page !== 'reset');
    return page.changes.map(({ type }) => type).filter((type) => /^(outbox|template|endpoint)/.test(type));
  };
  const newest = async (): Promise<string> => (await ledger().changePositions()).newest;

  describe('the outbox', () => {
    it('keeps one entry for one key, and tells who asks again what became of it', async () => {
      const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      const [first, second] = await ledger().enqueue([
        newEntry('a', {
          content: every,
          subject: null,
          origin: { workflowId: null, nodeId: null, nodeName: null, event: 'e' },
        }),
        newEntry('b'),
      ]);
      assert.deepEqual([first!.state, second!.state, first!.tries], ['QUEUED', 'QUEUED', 0]);
      assert.equal(first!.hasContent, true);
      assert.deepEqual(second!.request, { form: 1, to: ['ann@example.com'] });
      const again = await ledger().enqueue([
        newEntry('b', { subject: 'Another' }),
        newEntry('c'),
        newEntry('c', { content: Buffer.from('other') }),
        newEntry('a', { content: Buffer.from('other') }),
      ]);
      assert.deepEqual([again[0]!.id, again[3]!.id], [second!.id, first!.id]);
      assert.equal(again[1]!.id, again[2]!.id);
      assert.equal(again[0]!.subject, 'About b');
      const taken = await take();
      assert.deepEqual(
        taken.map(({ key }) => key),
        ['a', 'b', 'c'],
      );
      assert.ok(Buffer.isBuffer(taken[0]!.content));
      assert.deepEqual(taken[0]!.content, every);
      assert.equal(taken[2]!.content.toString(), 'content of c');
      assert.deepEqual(taken[0]!.origin, { workflowId: null, nodeId: null, nodeName: null, event: 'e' });
      assert.deepEqual(
        taken.map(({ fence, tries, state }) => [fence, tries, state]),
        [
          [1, 1, 'SENDING'],
          [1, 1, 'SENDING'],
          [1, 1, 'SENDING'],
        ],
      );
      assert.deepEqual(await ledger().enqueue([]), []);
    });

    it('takes no more content at once than there is room for, but one in any case', async () => {
      await queue(['a', 'b', 'c'], { content: Buffer.alloc(1_000) });
      const keys = async (mostBytes: number): Promise<readonly string[]> =>
        (await take({ mostBytes })).map(({ key }) => key);
      assert.deepEqual(await keys(1), ['a']);
      assert.deepEqual(await keys(2_500), ['b', 'c']);
    });

    it('is queued once by several who ask at once', async () => {
      const other = await fixture.under.openAnother();
      try {
        const keys = Array.from({ length: 40 }, (_, at) => `k${at}`);
        const asked = await Promise.all(
          [ledger(), other, ledger(), other].map((one, at) =>
            one.enqueue((at % 2 ? keys.toReversed() : keys).map((key) => newEntry(key))),
          ),
        );
        const ids = new Set(asked.flat().map(({ id }) => id));
        assert.equal(ids.size, keys.length);
        const taken = await Promise.all(
          [ledger(), other].map((one) => one.takeEntries({ ...PLENTY, of: { lane: 'smtp:a' }, limit: 30 })),
        );
        assert.equal(new Set(taken.flat().map(({ id }) => id)).size, taken.flat().length);
      } finally {
        await other.close();
      }
    });

    it('is settled by who has it, and by nobody else', async () => {
      await queue(['a', 'b', 'c', 'd']);
      const [a, b, c, d] = await take();
      assert.deepEqual(
        await settle(
          [
            { ...a!, fence: 9 },
            { id: 'none', fence: 1 },
          ],
          SENT,
        ),
        [],
      );
      assert.deepEqual(await settle([a!], SENT), [{ id: a!.id, fence: 1 }]);
      await settle([b!], { became: 'FAILED', error: 'No such user', answer: '550 no' });
      await settle([c!], { became: 'QUEUED', error: 'busy', delayMs: 60_000 });
      await settle([d!], { became: 'UNKNOWN', error: 'cut off', lookAfterMs: null });
      assert.deepEqual(await settle([a!, b!, c!, d!], SENT), [], 'once');
      const [sent, failed, again, doubt] = await Promise.all(['a', 'b', 'c', 'd'].map(entry));
      assert.deepEqual([sent!.state, sent!.lastAnswer, sent!.lastError], ['SENT', '250 queued', null]);
      assert.deepEqual(
        [failed!.state, failed!.lastError, failed!.lastAnswer],
        ['FAILED', 'No such user', '550 no'],
      );
      assert.deepEqual([again!.state, again!.tries, again!.lastError], ['QUEUED', 1, 'busy']);
      assert.ok(again!.dueAt! > Date.now() + 30_000);
      assert.deepEqual([doubt!.state, doubt!.dueAt, doubt!.settledAt], ['UNKNOWN', null, null]);
      assert.ok(sent!.settledAt !== null && failed!.settledAt !== null);
      assert.deepEqual(await take(), []);
    });

    it('keeps a kilobyte of an answer and its status, and no half of a character', async () => {
      await queue(['a', 'b']);
      const [a, b] = await take();
      const whole = `HTTP 200: ${'x'.repeat(1_024)}`;
      await settle([a!], { became: 'SENT', answer: whole });
      await settle([b!], { became: 'FAILED', error: `x${'😀'.repeat(1_000)}` });
      assert.equal((await entry('a')).lastAnswer, whole);
      assert.match((await entry('b')).lastError!, /^x(?:😀){300,}$/u);
    });

    it('is queued again where its process is gone before it handed anything over, and in doubt after it', async () => {
      await queue(['not', 'handed']);
      await queue(['repeats'], { repeats: true });
      const [not, handed, repeats] = await take();
      assert.equal(await ledger().handOver(handed!), true);
      assert.equal(await ledger().handOver(repeats!), true);
      assert.deepEqual(await ledger().renewEntries([not!, { ...handed!, fence: 7 }], LEASE_MS), [
        { id: not!.id, fence: 1 },
      ]);
      assert.deepEqual(await take(), []);
      await lapse();
      assert.deepEqual(await ledger().dueLanes(10), [{ lane: 'smtp:a', kind: 'mail' }]);
      const again = await take();
      assert.deepEqual(again.map(({ key, state, fence, tries }) => [key, state, fence, tries]).sort(), [
        ['handed', 'UNKNOWN', 2, 1],
        ['not', 'SENDING', 2, 2],
        ['repeats', 'SENDING', 2, 2],
      ]);
      assert.equal(await ledger().handOver(not!), false, "it is another's by now");
      assert.deepEqual(await ledger().renewEntries([not!], LEASE_MS), []);
      assert.deepEqual(await settle([not!, handed!, repeats!], SENT), []);
    });

    it('is still theirs where the lease ran out and nobody has taken it', async () => {
      await queue(['a']);
      const [a] = await take();
      await lapse();
      assert.equal(await ledger().handOver(a!), true);
      assert.deepEqual(await settle([a!], SENT), [{ id: a!.id, fence: 1 }]);
    });

    it('is SENT where its receiver has taken it after its lease was lost, and nobody has begun it since', async () => {
      const arrived = async (ref: EntryRef, key: string): Promise<unknown[]> => {
        const isSent = await ledger().noteArrived(ref, '250 queued as 7');
        const { state, lastAnswer, lastError, settledAt, dueAt } = await entry(key);
        return [isSent, state, lastAnswer, lastError, settledAt !== null, dueAt];
      };
      const sent = [true, 'SENT', '250 queued as 7', null, true, null];
      await queue(['looked', 'aside', 'again', 'bounced']);
      const refs = await take();
      const of = (key: string): DueEntry => refs.find((one) => one.key === key)!;
      for (const ref of refs) await ledger().handOver(ref);
      await lapse();
      const looking = await take();
      assert.deepEqual(await arrived(of('looked'), 'looked'), sent, 'while somebody looks for it');
      assert.equal((await settle(looking, { became: 'UNKNOWN', error: '?', lookAfterMs: null })).length, 3);
      assert.deepEqual(await arrived(of('aside'), 'aside'), sent);
      assert.equal((await arrived(of('aside'), 'aside'))[0], false, 'once');
      await cameBack('<bounced@example.com>', 'no');
      assert.equal((await arrived(of('bounced'), 'bounced'))[1], 'BOUNCED');
      await ledger().actOnEntries([of('again').id], 'retry', 'ann');
      const [again] = await take();
      assert.equal((await arrived(of('again'), 'again'))[1], 'SENDING');
      await settle([again!], { became: 'UNKNOWN', error: '?', lookAfterMs: null });
      assert.deepEqual((await arrived(of('again'), 'again')).slice(0, 2), [false, 'UNKNOWN']);
    });

    it('tells that one is in doubt when nobody looks for it any more, once', async () => {
      const before = await newest();
      await queue(['looked', 'found', 'at once'], {
        origin: { workflowId: 'w', nodeId: 'n', nodeName: 'Send', event: 'e' },
      });
      const refs = await take();
      const aside = { became: 'UNKNOWN', error: '?', lookAfterMs: null } as const;
      await settle(refs.slice(0, 2), { ...aside, lookAfterMs: 0 });
      await settle(refs.slice(2), aside);
      const looking = await take();
      await settle(looking.slice(1), SENT);
      await settle(looking.slice(0, 1), aside);
      const page = await ledger().changes(before, 100);
      assert.ok(page !== 'reset');
      assert.deepEqual(
        page.changes.map(({ type, details }) => [type, refs.findIndex(({ id }) => id === details['entry'])]),
        [
          ...[0, 1, 2].map((at) => ['outbox.queued', at]),
          ['outbox.updated', 0],
          ['outbox.updated', 1],
          ['outbox.unknown', 2],
          ['outbox.sent', 1],
          ['outbox.unknown', 0],
        ],
      );
      const [last, atOnce] = [page.changes.at(-1)!, page.changes[5]!];
      assert.deepEqual({ ...last.details, entry: null }, { ...atOnce.details, entry: null });
      assert.deepEqual([last.event, last.workflowId], [atOnce.event, atOnce.workflowId]);
      const only = await ledger().changes(before, 100, { types: ['outbox.unknown'] });
      assert.equal(only !== 'reset' && only.changes.length, 2);
    });

    it('is looked for while it is in doubt, and sent again only where it was found not to be there', async () => {
      await queue(['a', 'b', 'c']);
      const sending = await take();
      await settle(sending, { became: 'UNKNOWN', error: 'cut off', lookAfterMs: 0 });
      const first = await take();
      assert.deepEqual(
        first.map(({ state, tries }) => [state, tries]),
        [
          ['UNKNOWN', 1],
          ['UNKNOWN', 1],
          ['UNKNOWN', 1],
        ],
      );
      assert.equal(await ledger().handOver(first[0]!), false, 'it is looked for, not sent');
      assert.equal(await state('a'), 'UNKNOWN');
      const { dueAt, mayHaveArrived } = await entry('a');
      assert.ok(dueAt! > Date.now(), 'it is not set aside while somebody looks for it');
      assert.equal(mayHaveArrived, true);
      await settle([first[0]!], SENT);
      await settle([first[1]!], {
        became: 'QUEUED',
        error: 'no credential here',
        delayMs: 0,
        isReturned: true,
      });
      assert.equal(await state('b'), 'UNKNOWN', 'what nobody could look for stays in doubt');
      await settle([first[2]!], { became: 'QUEUED', error: 'it is not there', delayMs: 0 });
      assert.equal(await state('a'), 'SENT');
      const second = await take();
      assert.deepEqual(second.map(({ key, state }) => [key, state]).sort(), [
        ['b', 'UNKNOWN'],
        ['c', 'SENDING'],
      ]);
      await lapse();
      assert.deepEqual((await take()).map(({ key, state }) => [key, state]).sort(), [
        ['b', 'UNKNOWN'],
        ['c', 'SENDING'],
      ]);
    });

    it('counts apart how often it was refused for now, until a person tries it again', async () => {
      const refused = { became: 'QUEUED', error: 'not now', delayMs: 0, isRefusal: true } as const;
      await queue(['a']);
      const counted = async (): Promise<number[]> => {
        const [a] = await take();
        await settle([a!], a!.tries === 2 ? { became: 'QUEUED', error: 'not reached', delayMs: 0 } : refused);
        return [a!.tries, a!.refusals];
      };
      assert.deepEqual(
        [await counted(), await counted(), await counted()],
        [
          [1, 0],
          [2, 1],
          [3, 1],
        ],
      );
      const [a] = await take();
      assert.deepEqual([a!.tries, a!.refusals], [4, 2]);
      await settle([a!], { became: 'FAILED', error: 'no' });
      await ledger().actOnEntries([a!.id], 'retry', 'Ann');
      assert.deepEqual(
        (await take()).map(({ tries, refusals }) => [tries, refusals]),
        [[1, 0]],
      );
    });

    it('knows that one may have arrived, through later tries and a person, until it is not there or comes back', async () => {
      const busy = { became: 'QUEUED', error: 'not now', delayMs: 0 } as const;
      await queue(['a', 'b', 'c']);
      await queue(['repeats'], { repeats: true });
      const known = (taken: readonly DueEntry[]): unknown[] =>
        taken.map(({ key, state, mayHaveArrived }) => [key, state, mayHaveArrived]).sort();
      const first = await take();
      assert.ok(first.every(({ mayHaveArrived }) => !mayHaveArrived));
      for (const each of first) assert.ok(await ledger().handOver(each));
      const [a, b, c, repeats] = ['a', 'b', 'c', 'repeats'].map((key) =>
        first.find((one) => one.key === key)!,
      );
      await settle([a!, repeats!], { ...busy, mayHaveArrived: true });
      await settle([b!], { became: 'UNKNOWN', error: 'cut off', answer: '250?', lookAfterMs: null });
      assert.equal((await entry('b')).lastAnswer, '250?');
      // And of the third nothing more is heard.
      await lapse();
      const second = await take();
      assert.deepEqual(known(second), [
        ['a', 'SENDING', true],
        ['c', 'UNKNOWN', true],
        ['repeats', 'SENDING', false],
      ]);
      await settle(second, busy);
      await ledger().actOnEntries([b!.id], 'retry', 'Ann');
      const third = await take();
      assert.deepEqual(known(third), [
        ['a', 'SENDING', true],
        ['b', 'SENDING', true],
        ['c', 'SENDING', true],
        ['repeats', 'SENDING', false],
      ]);
      await ledger().handOver(third.find(({ id }) => id === b!.id)!);
      await ledger().noteBounces([{ messageId: '<b@example.com>', reason: 'gone' }]);
      await ledger().actOnEntries([b!.id], 'retry', 'Ann');
      await settle(
        third.filter(({ id }) => id === a!.id),
        { ...busy, isReturned: true },
      );
      await settle(
        third.filter(({ id }) => id === c!.id),
        { ...busy, mayHaveArrived: false },
      );
      assert.deepEqual(known(await take()), [
        ['a', 'SENDING', true],
        ['b', 'SENDING', false],
        ['c', 'SENDING', false],
      ]);
    });

    it('counts no try that was given back', async () => {
      await queue(['a']);
      const [a] = await take();
      await settle([a!], { became: 'QUEUED', error: 'the process ends', delayMs: 0, isReturned: true });
      assert.equal((await entry('a')).tries, 0);
      assert.equal((await take())[0]!.tries, 1);
    });

    it('begins no more of a lane at once, nor within a minute, than it may', async () => {
      await queue(['a', 'b', 'c', 'd', 'e']);
      await queue(['other'], { lane: 'smtp:b' });
      const first = await take({ mostAtOnce: 2 });
      assert.equal(first.length, 2);
      assert.deepEqual(await take({ mostAtOnce: 2 }), []);
      await settle(first, SENT);
      assert.equal((await take({ mostAtOnce: 9, mostAMinute: 1 })).length, 1);
      assert.deepEqual(await take({ mostAtOnce: 9, mostAMinute: 1 }), []);
      assert.equal((await take({ mostAtOnce: 9, mostAMinute: 2 })).length, 1);
      assert.equal((await take({ of: { lane: 'smtp:b' }, mostAtOnce: 1, mostAMinute: 1 })).length, 1);
      await fixture.under.query(`update outgoing_begun set at = at - 61000`);
      assert.equal((await take({ mostAtOnce: 9, mostAMinute: 1 })).length, 1);
    });

    it('leaves a lane that rests alone, and no other', async () => {
      await queue(['a']);
      await queue(['b'], { lane: 'host:b', kind: 'webhook' });
      await ledger().restLane('smtp:a', 60_000);
      await ledger().restLane('smtp:a', 10);
      assert.deepEqual(await ledger().dueLanes(10), [{ lane: 'host:b', kind: 'webhook' }]);
      assert.deepEqual(await take(), []);
      assert.equal((await take({ of: { lane: 'host:b' } })).length, 1);
      const next = (await ledger().nextDue())!;
      assert.ok(next > 30_000 && next <= 60_000, String(next));
    });

    it('says of what waits that its lane rests, until a person wants one of it now', async () => {
      const [a] = await queue(['a', 'b']);
      await queue(['other'], { lane: 'host:b' });
      for (const lane of ['smtp:a', 'host:b']) await ledger().restLane(lane, 60_000);
      const rests = async (): Promise<boolean[]> =>
        Promise.all(
          ['a', 'b', 'other'].map(async (key) => (await entry(key)).restsUntil! > Date.now() + 30_000),
        );
      assert.deepEqual(await rests(), [true, true, true]);
      assert.deepEqual(await ledger().actOnEntries([a!.id], 'retry', 'me'), [a!.id]);
      assert.deepEqual(await rests(), [false, false, true]);
      assert.equal((await entry('a')).restsUntil, null);
      assert.deepEqual(await ledger().dueLanes(10), [{ lane: 'smtp:a', kind: 'mail' }]);
      const taken = await take();
      assert.equal(taken.length, 2);
      await ledger().restLane('smtp:a', 60_000);
      await settle(taken, SENT);
      assert.equal((await entry('a')).restsUntil, null, 'it waits for nothing');
    });

    it('says when there is something to do next', async () => {
      assert.equal(await ledger().nextDue(), null);
      assert.deepEqual(await ledger().dueLanes(10), []);
      await queue(['a', 'b']);
      assert.equal(await ledger().nextDue(), 0);
      const isOfLane = (of: object | null): void =>
        assert.deepEqual(of, { lane: 'smtp:a', kind: 'mail', request: { form: 1, to: ['ann@example.com'] } });
      isOfLane(await ledger().firstOf('smtp:a'));
      assert.equal(await ledger().firstOf('smtp:b'), null);
      const taken = await take();
      isOfLane(await ledger().firstOf('smtp:a'));
      const lease = (await ledger().nextDue())!;
      assert.ok(lease > 30_000 && lease <= LEASE_MS);
      await settle(taken, { became: 'QUEUED', error: 'busy', delayMs: 5_000 });
      const next = (await ledger().nextDue())!;
      assert.ok(next > 1_000 && next <= 5_000, String(next));
      assert.deepEqual(await ledger().dueLanes(10), []);
      await makeDue();
      assert.equal((await ledger().dueLanes(10)).length, 1);
    });

    it('is taken by its id, by who has just queued it', async () => {
      const [a, b] = await queue(['a', 'b']);
      const taken = await take({ of: { ids: [b!.id] } });
      assert.deepEqual(
        taken.map(({ key }) => key),
        ['b'],
      );
      assert.deepEqual(await take({ of: { ids: [b!.id] } }), []);
      assert.deepEqual(
        (await take({ of: { ids: [a!.id, b!.id] } })).map(({ key }) => key),
        ['a'],
      );
    });

    it('is seen: the newest first, by what is asked, and counted', async () => {
      await queue(['a', 'b', 'c', 'd']);
      await queue(['hook'], {
        kind: 'webhook',
        lane: 'host:x',
        recipient: 'https://x.example/Path',
        subject: null,
        messageId: null,
      });
      const [a, b] = await take({ limit: 2 });
      await settle([a!], SENT);
      await settle([b!], { became: 'FAILED', error: 'no' });
      const keys = async (filter = {}, limit = 10): Promise<string[]> =>
        (await ledger().entries(filter, { limit })).entries.map(({ key }) => key);
      assert.deepEqual(await keys(), ['hook', 'd', 'c', 'b', 'a']);
      assert.deepEqual(await keys({ states: ['FAILED', 'QUEUED'] }), ['hook', 'd', 'c', 'b']);
      assert.deepEqual(await keys({ states: ['SENT', 'FAILED'] }), ['b', 'a']);
      assert.deepEqual(await keys({ kind: 'webhook' }), ['hook']);
      assert.deepEqual(await keys({ lane: 'host:x', workflowId: 'w' }), ['hook']);
      assert.deepEqual(await keys({ recipient: 'ANN@EXAMPLE', subject: 'about B' }), ['b']);
      assert.deepEqual(await keys({ recipient: '/path' }), ['hook']);
      assert.deepEqual(await keys({ messageId: '<c@example.com>' }), ['c']);
      assert.deepEqual(await keys({ workflowId: 'none' }), []);
      assert.deepEqual(await keys({ from: Date.now() + DAY_MS }), []);
      const page = await ledger().entries({}, { limit: 2 });
      assert.deepEqual(
        (await ledger().entries({}, { limit: 2, after: page.next })).entries.map(({ key }) => key),
        ['c', 'b'],
      );
      assert.equal(await ledger().entriesFound({ states: ['QUEUED'] }, 2), 2);
      assert.equal(await ledger().entriesFound({ states: ['QUEUED'] }, 100), 3);
      await assert.rejects(() => ledger().entries({ subject: 'a\0b' }, { limit: 1 }), /NUL/);
      await ledger().takeEntries({ ...PLENTY, of: { lane: 'host:x' } });
      const taken = await take({ limit: 1 });
      await settle(taken, { became: 'QUEUED', error: 'busy', delayMs: 60_000 });
      assert.deepEqual(await ledger().countEntries(), {
        ...{ waiting: 1, delayed: 1, active: 1, completed: 1, failed: 1 },
        ...{ unknown: 0, bounced: 0, cancelled: 0 },
      });
      assert.ok((await ledger().oldestQueuedAt())! <= Date.now());
    });

    it('does what people want with what it fits, and leaves the rest', async () => {
      await queue(['sent', 'failed', 'unknown', 'later', 'cancelled', 'sending']);
      const taken = await take();
      const of = (key: string): DueEntry => taken.find((one) => one.key === key)!;
      const ids = new Map(taken.map(({ key, id }) => [key, id]));
      await settle([of('sent')], SENT);
      await settle([of('failed')], { became: 'FAILED', error: 'no' });
      await settle([of('unknown')], { became: 'UNKNOWN', error: 'cut', lookAfterMs: null });
      await settle([of('later'), of('cancelled')], { became: 'QUEUED', error: 'busy', delayMs: 600_000 });
      const all = [...ids.values(), 'none'];
      const changed = async (
        act: 'retry' | 'cancel' | 'markSent' | 'forget',
        of = all,
      ): Promise<string[]> => {
        const done = await ledger().actOnEntries(of, act, 'ann');
        return [...ids].filter(([, id]) => done.includes(id)).map(([key]) => key);
      };
      assert.deepEqual(await changed('cancel', [ids.get('cancelled')!]), ['cancelled']);
      assert.equal((await entry('cancelled')).dueAt, null);
      assert.deepEqual(await changed('markSent'), ['unknown']);
      assert.equal(await state('unknown'), 'SENT');
      assert.deepEqual(await changed('retry'), ['failed', 'later', 'cancelled']);
      const again = await take();
      assert.deepEqual(again.map(({ key, tries }) => [key, tries]).sort(), [
        ['cancelled', 1],
        ['failed', 1],
        ['later', 2],
      ]);
      assert.deepEqual(await changed('forget'), ['sent', 'unknown']);
      const { recipient, subject, request, hasContent, lastAnswer } = await entry('sent');
      assert.deepEqual(
        { recipient, subject, request, hasContent, lastAnswer },
        {
          ...{ recipient: null, subject: null, request: {}, hasContent: false, lastAnswer: null },
        },
      );
      assert.deepEqual(await changed('forget'), []);
      assert.deepEqual(await settle([of('sending')], SENT), [{ id: ids.get('sending')!, fence: 1 }]);
    });

    it('leaves what is in another state by now than the one in which it was chosen', async () => {
      await queue(['failed', 'unknown', 'later']);
      const [failed, unknown, later] = await take();
      await settle([failed!], { became: 'FAILED', error: 'no' });
      await settle([unknown!], { became: 'UNKNOWN', error: 'cut', lookAfterMs: null });
      await settle([later!], { became: 'QUEUED', error: 'busy', delayMs: 600_000 });
      const ids = [failed!.id, unknown!.id, later!.id];
      const act = (...of: [act: EntryAct, states: readonly EntryState[]]): Promise<readonly string[]> =>
        ledger().actOnEntries(ids, of[0], 'ann', of[1]);
      assert.deepEqual(await act('retry', ['SENT', 'BOUNCED']), []);
      assert.deepEqual(await act('retry', []), []);
      assert.deepEqual(await act('markSent', ['FAILED', 'QUEUED']), []);
      assert.deepEqual(await act('forget', ['UNKNOWN']), [unknown!.id]);
      assert.deepEqual(await act('retry', ['FAILED']), [failed!.id]);
      assert.deepEqual(await act('cancel', ['UNKNOWN']), [unknown!.id]);
      assert.deepEqual(await Promise.all(['failed', 'unknown', 'later'].map(state)), [
        'QUEUED',
        'CANCELLED',
        'QUEUED',
      ]);
      assert.ok((await entry('later')).dueAt! > Date.now() + 300_000, 'it was not hurried');
    });

    it('cannot send again what was forgotten', async () => {
      await queue(['a']);
      await settle(await take(), { became: 'FAILED', error: 'no' });
      const { id } = await entry('a');
      await ledger().actOnEntries([id], 'forget', 'ann');
      assert.deepEqual(await ledger().actOnEntries([id], 'retry', 'ann'), []);
    });

    const cameBack = (messageId: string, reason: string): Promise<readonly string[]> =>
      ledger().noteBounces([{ messageId, reason }]);

    it('finds what came back by its Message-ID', async () => {
      await queue(['sent', 'unknown', 'queued']);
      const [sent, unknown] = await take({ limit: 2 });
      await settle([sent!], SENT);
      await settle([unknown!], { became: 'UNKNOWN', error: 'cut', lookAfterMs: 0 });
      assert.deepEqual(await cameBack('<sent@example.com>', 'No such user'), [sent!.id]);
      assert.deepEqual(await cameBack('<sent@example.com>', 'No such user'), []);
      assert.deepEqual(await cameBack('<unknown@example.com>', 'Full'), [unknown!.id]);
      assert.deepEqual(await cameBack('<queued@example.com>', 'Full'), []);
      assert.deepEqual(await cameBack('<none@example.com>', 'Full'), []);
      const { state, lastError } = await entry('sent');
      assert.deepEqual([state, lastError], ['BOUNCED', 'No such user']);
    });

    it('finds several that came back at once, each for its reasons', async () => {
      await queue(['a', 'b', 'c']);
      const [a, b, c] = await take();
      await settle([a!, b!, c!], SENT);
      const bounces = [
        ['<b@example.com>', 'Full'],
        ['<a@example.com>', 'No such user'],
        ['<b@example.com>', 'Later'],
        ['<b@example.com>', 'Full'],
      ] as const;
      const noted = await ledger().noteBounces(bounces.map(([messageId, reason]) => ({ messageId, reason })));
      assert.deepEqual([...noted].sort(), [a!.id, b!.id].sort());
      const states = await Promise.all(['a', 'b', 'c'].map(entry));
      assert.deepEqual(
        states.map(({ state, lastError }) => [state, lastError]),
        [
          ['BOUNCED', 'No such user'],
          ['BOUNCED', 'Full Later'],
          ['SENT', null],
        ],
      );
      assert.deepEqual(await ledger().noteBounces([]), []);
    });

    it('keeps why it came back from each of several, and tells of each once', async () => {
      await queue(['a']);
      await settle(await take(), SENT);
      const { id } = await entry('a');
      await cameBack('<a@example.com>', 'No such user');
      const { settledAt } = await entry('a');
      const before = await newest();
      assert.deepEqual(await cameBack('<a@example.com>', 'Full'), [id]);
      assert.deepEqual(await cameBack('<a@example.com>', 'Full'), []);
      assert.deepEqual(await cameBack('<a@example.com>', 'No such user'), []);
      const { lastError, ...now } = await entry('a');
      assert.deepEqual([now.state, now.settledAt, lastError], ['BOUNCED', settledAt, 'No such user Full']);
      const page = await ledger().changes(before, 100);
      assert.ok(page !== 'reset');
      assert.deepEqual(
        page.changes.map(({ type, details }) => [type, details['entry'], details['state'], details['by']]),
        [['outbox.updated', id, 'BOUNCED', undefined]],
      );
      assert.deepEqual(await cameBack('<a@example.com>', 'x'.repeat(2_000)), [id]);
      assert.equal((await entry('a')).lastError!.length, MOST_ENTRY_TEXT);
      assert.deepEqual(await cameBack('<a@example.com>', 'Another'), [], 'there is no room for more');
      await ledger().actOnEntries([id], 'forget', 'ann');
      assert.deepEqual(await cameBack('<a@example.com>', 'Later'), [], 'it is forgotten');
    });

    it('takes a report of an earlier sending for none of a later one', async () => {
      const minute = 60_000;
      await queue(['a']);
      const bounced = (at: number | null): Promise<readonly string[]> =>
        ledger().noteBounces([{ messageId: '<a@example.com>', reason: 'no', at }]);
      await settle(await take(), SENT);
      const { id, begunAt } = await entry('a');
      // Of a report's time only seconds are known, and clocks differ.
      const first = begunAt! - 1_000;
      assert.deepEqual(await bounced(first), [id]);
      await ledger().actOnEntries([id], 'retry', 'ann');
      await settle(await take(), SENT);
      await fixture.under.query(
        `update outgoing set queued_at = queued_at - ${10 * minute} where id = '${id}'`,
      );
      assert.deepEqual(await bounced(first - 5 * minute), []);
      assert.equal(await state('a'), 'SENT');
      assert.deepEqual(await bounced(first - 30 * minute), [id], 'a clock that is wrong');
      assert.deepEqual(
        await ledger().noteBounces([
          { messageId: '<a@example.com>', reason: 'old', at: first - 5 * minute },
          { messageId: '<a@example.com>', reason: 'undated', at: null },
        ]),
        [id],
      );
      assert.equal((await entry('a')).lastError, 'no undated');
    });

    it('takes what came back before its sender has heard that it was taken, and the sender settles nothing of it', async () => {
      await queue(['begun', 'handed']);
      const handed = (await take()).at(-1);
      assert.equal(await ledger().handOver(handed!), true);
      assert.deepEqual(await cameBack('<begun@example.com>', 'no'), []);
      assert.deepEqual(await cameBack('<handed@example.com>', 'no'), [handed!.id]);
      assert.deepEqual(await settle([handed!], SENT), []);
      assert.equal((await entry('handed')).state, 'BOUNCED');
      assert.equal((await entry('begun')).state, 'SENDING');
    });

    it('tells what becomes of an entry as it does, and who did it, and nothing of what it says', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      const [mail] = (await ledger().events({}, { limit: 1 })).events;
      const before = await newest();
      await queue(['a'], { origin: { workflowId: 'w', nodeId: 'n', nodeName: 'Send', event: mail!.id } });
      await queue(['b']);
      const [a, b] = await take();
      await settle([a!], { became: 'QUEUED', error: 'busy', delayMs: 60_000 });
      await settle([b!], { became: 'UNKNOWN', error: 'cut', lookAfterMs: null });
      await ledger().actOnEntries([a!.id], 'retry', 'ann');
      await settle(await take(), SENT);
      await cameBack('<a@example.com>', 'no');
      await ledger().actOnEntries([b!.id], 'cancel', 'ann');
      assert.deepEqual(await told(before), [
        ...([
          'outbox.queued',
          'outbox.queued',
          'outbox.updated',
          'outbox.unknown',
          'outbox.updated',
        ] as const),
        ...(['outbox.sent', 'outbox.bounced', 'outbox.updated'] as const),
      ]);
      const page = await ledger().changes(before, 100);
      assert.ok(page !== 'reset');
      const text = JSON.stringify(page.changes);
      assert.doesNotMatch(text, /example\.com|About/);
      const [first, , again] = page.changes;
      assert.deepEqual([first!.event, first!.workflowId], [mail!.id, 'w']);
      assert.deepEqual([page.changes[1]!.event, page.changes[1]!.workflowId], [null, null]);
      assert.deepEqual(
        [again!.details['entry'], again!.details['state'], again!.details['tries'], again!.details['node']],
        [a!.id, 'QUEUED', 1, 'n'],
      );
      assert.deepEqual(
        [page.changes.at(-1)!.details['what'], page.changes.at(-1)!.details['by']],
        ['cancel', 'ann'],
      );
      const by = page.changes.map(({ details }) => details['by']);
      assert.deepEqual(
        by,
        [...Array<undefined>(4), 'ann', undefined, undefined, 'ann'],
        'with what they did, and no longer',
      );
    });

    it('lets go of what was settled when its time is over, and of nothing that waits', async () => {
      await queue(['sent', 'queued', 'unknown'], { keepMs: 0 });
      await queue(['kept']);
      const [sent, , unknown, kept] = await take();
      await settle([sent!, kept!], SENT);
      await settle([unknown!], { became: 'UNKNOWN', error: 'cut', lookAfterMs: null });
      await lapse();
      await ledger().sweep(100);
      await take();
      const { entries } = await ledger().entries({}, { limit: 10 });
      assert.deepEqual(
        entries.map(({ key }) => key),
        ['kept', 'unknown', 'queued'],
      );
      const [{ n }] = (await fixture.under.query<{ n: number }>(
        `select count(*) as n from outgoing_content`,
      )) as [{ n: number }];
      assert.equal(n, 3);
    });

    it('takes what was stored before the clock was set back', async () => {
      await queue(['a', 'b']);
      const [a] = await take({ limit: 1 });
      await fixture.under.query(`update outgoing set due_at = due_at + 3000000000 where due_at is not null`);
      await fixture.under.query(
        `update outgoing set lease_until = lease_until + 3000000000 where lease_until is not null`,
      );
      assert.equal((await ledger().dueLanes(10)).length, 1);
      assert.deepEqual((await take()).map(({ key }) => key).sort(), ['a', 'b']);
      assert.equal(await ledger().handOver(a!), false);
    });

    it('lets nothing, and no lane, wait for the time by which the clock was set back', async () => {
      const hour = 3_600_000;
      const setBack = async (): Promise<void> => {
        for (const column of ['due_at', 'queued_at', 'begun_at'])
          await fixture.under.query(
            `update outgoing set ${column} = ${column} + ${hour} where ${column} is not null`,
          );
        await fixture.under.query(
          `update outgoing_lane set rests_until = rests_until + ${hour}, rested_at = rested_at + ${hour}`,
        );
      };
      await queue(['tried', 'looked for']);
      const taken = await take();
      const outcomes: EntryOutcome[] = [
        { became: 'QUEUED', error: 'not now', delayMs: 2_000 },
        { became: 'UNKNOWN', error: 'cut off', lookAfterMs: 10_000 },
      ];
      for (const [at, outcome] of outcomes.entries()) await settle([taken[at]!], outcome);
      await queue(['never tried']);
      await ledger().restLane('smtp:a', 2_000);
      await setBack();
      // Without another look, too.
      assert.ok((await ledger().nextDue())! <= 0);
      assert.deepEqual(
        (await ledger().dueLanes(10)).map(({ lane }) => lane),
        ['smtp:a'],
      );
      const again = await take();
      assert.deepEqual(again.map(({ key }) => key).sort(), ['looked for', 'never tried', 'tried']);
      await settle(again, { became: 'QUEUED', error: 'not now', delayMs: 20_000 });
      assert.deepEqual(await take(), [], 'they wait as they should, by the clock as it is now');
      const next = (await ledger().nextDue())!;
      assert.ok(next > 10_000 && next <= 20_000, String(next));
      await ledger().restLane('smtp:a', 30_000);
      const later = (await ledger().nextDue())!;
      assert.ok(later > 20_000 && later <= 30_000, 'so does the lane');
    });

    it('lets no row stand that says two things', async () => {
      await queue(['a']);
      for (const set of [
        `state = 'SENDING'`,
        `state = 'SENT'`,
        `due_at = null`,
        `lease_until = 1`,
        `settled_at = 1`,
        `handed = true`,
        `state = 'OTHER'`,
        `fence = -1`,
      ])
        await assert.rejects(() => fixture.under.query(`update outgoing set ${set}`), set);
    });
  });

  describe('the outbox, by chance', () => {
    it('never sends twice what may have arrived, and loses nothing', async () => {
      let seed = 20261128;
      const random = (below: number): number => {
        seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
        return (seed >> 8) % below;
      };
      await queue(Array.from({ length: 12 }, (_, at) => `once${at}`));
      await queue(
        Array.from({ length: 6 }, (_, at) => `again${at}`),
        { repeats: true },
      );
      /** Handed over, by key: how often it may have arrived. */
      const arrived = new Map<string, number>();
      const handed = new Set<DueEntry>();
      let held: DueEntry[] = [];
      const drop = (one: DueEntry): void => void (held = held.filter((other) => other !== one));
      for (let step = 0; step < 300; step++) {
        const one = held[random(held.length || 1)];
        switch (random(7)) {
          case 0:
            held.push(...(await take({ limit: 1 + random(4) })));
            break;
          case 1:
            if (one && !handed.has(one) && (await ledger().handOver(one))) {
              handed.add(one);
              arrived.set(one.key, (arrived.get(one.key) ?? 0) + 1);
            }
            break;
          case 2:
            if (one && arrived.has(one.key)) {
              await settle(
                [one],
                one.state === 'SENDING' ? SENT : { became: 'UNKNOWN', error: '?', lookAfterMs: 0 },
              );
              drop(one);
            }
            break;
          case 3:
            if (one && !arrived.has(one.key) && one.state === 'SENDING') {
              await settle([one], { became: 'QUEUED', error: 'busy', delayMs: 0 });
              drop(one);
            }
            break;
          case 4:
            if (random(4) === 0) await lapse();
            break;
          case 5:
            if (one?.state === 'UNKNOWN') {
              await settle(
                [one],
                arrived.has(one.key) ? SENT : { became: 'UNKNOWN', error: '?', lookAfterMs: 0 },
              );
              drop(one);
            }
            break;
          default:
            // Late: what it says does not count where another has it.
            if (one) await ledger().renewEntries([one], LEASE_MS);
        }
        for (const [key, times] of arrived)
          if (key.startsWith('once')) assert.equal(times, 1, `${key}, step ${step}`);
      }
      const { entries } = await ledger().entries({}, { limit: 100 });
      assert.equal(entries.length, 18);
      for (const { key, state } of entries) if (state === 'SENT') assert.ok(arrived.has(key), key);
    });
  });

  describe('templates', () => {
    it('are saved, changed, listed and removed, and told of', async () => {
      const before = await newest();
      const saved = await ledger().saveTemplate(
        'Welcome',
        { subject: 'Hi {{name}}', text: 'Hello', html: null },
        'ann',
      );
      assert.deepEqual([saved.name, saved.changedBy, saved.html], ['Welcome', 'ann', null]);
      await ledger().saveTemplate('Welcome', { subject: 'Hi', text: null, html: '<p>' }, 'bob');
      await ledger().saveTemplate('Bye', { subject: '', text: 'Bye', html: null }, 'ann');
      assert.deepEqual(
        (await ledger().templates()).map(({ name }) => name),
        ['Bye', 'Welcome'],
      );
      const { subject, text, html, changedBy } = (await ledger().template('Welcome'))!;
      assert.deepEqual([subject, text, html, changedBy], ['Hi', null, '<p>', 'bob']);
      assert.equal(await ledger().removeTemplate('Welcome', 'ann'), true);
      assert.equal(await ledger().removeTemplate('Welcome', 'ann'), false);
      assert.equal(await ledger().template('Welcome'), null);
      assert.deepEqual(await told(before), Array(4).fill('template.changed'));
    });

    it('are refused in words where they cannot be kept', async () => {
      const texts = { subject: 's', text: 't', html: null };
      await assert.rejects(() => ledger().saveTemplate(' ', texts, 'ann'), /needs a name/);
      await assert.rejects(
        () => ledger().saveTemplate('a', { ...texts, text: null }, 'ann'),
        /neither text nor HTML/,
      );
      await assert.rejects(() => ledger().saveTemplate('a\0', texts, 'ann'), /NUL/);
      await assert.rejects(
        () => ledger().saveTemplate('a', { ...texts, text: 'x'.repeat(500_001) }, 'ann'),
        /500000/,
      );
    });
  });

  describe('endpoints', () => {
    const endpoint = {
      name: 'Helpdesk',
      url: 'https://desk.example/hook',
      request: { form: 1 },
      wish: { types: ['email.dead'] as ChangeType[], workflowId: null, sourceId: null },
    };

    it('stand where they are, and move in the transaction that queues what they are told', async () => {
      const now = await newest();
      const made = await ledger().saveEndpoint(endpoint, 'ann');
      assert.equal(made.position, now);
      assert.deepEqual(
        [made.url, made.wish, made.createdBy, made.asideSince],
        [endpoint.url, endpoint.wish, 'ann', null],
      );
      await queue(['x']);
      const to = await newest();
      assert.equal(
        await ledger().tellEndpoint(made.id, { from: made.position, to }, [
          newEntry('told', { lane: 'host:d' }),
        ]),
        true,
      );
      assert.equal(
        await ledger().tellEndpoint(made.id, { from: made.position, to }, [newEntry('twice')]),
        false,
      );
      assert.deepEqual(await ledger().entriesOf({ keys: ['twice'] }), []);
      assert.equal((await ledger().entriesOf({ keys: ['told'] })).length, 1);
      await fixture.under.query(`update endpoint set saved_at = 1`);
      const changed = await ledger().saveEndpoint({ ...endpoint, url: 'https://other.example/' }, 'bob');
      assert.deepEqual([changed.id, changed.position, changed.createdBy], [made.id, to, 'ann']);
      assert.deepEqual([made.savedAt, changed.savedAt >= made.savedAt], [made.createdAt, true]);
      assert.deepEqual(
        (await ledger().endpoints()).map(({ name, url }) => [name, url]),
        [['Helpdesk', 'https://other.example/']],
      );
    });

    const tell = async (keys: readonly string[]): Promise<void> => {
      const { id, position } = (await ledger().endpoints())[0]!;
      const told = keys.map((key) => newEntry(key, { lane: 'host:d', repeats: true }));
      assert.ok(await ledger().tellEndpoint(id, { from: position, to: position }, told));
    };

    it('stand with what is taken for them as they are by then, not as they were when it was queued', async () => {
      const made = await ledger().saveEndpoint(endpoint, 'ann');
      await tell(['a', 'b', 'c']);
      await queue(['of a workflow'], { lane: 'host:d' });
      const next = async (): Promise<DueEntry> => (await take({ of: { lane: 'host:d' }, limit: 1 }))[0]!;
      assert.deepEqual((await next()).endpoint, made);
      const moved = await ledger().saveEndpoint({ ...endpoint, url: 'https://other.example/' }, 'bob');
      assert.equal(await ledger().setAside(made.id, 'gone', endpoint.url), false);
      assert.deepEqual((await next()).endpoint, moved);
      assert.equal(await ledger().setAside(made.id, 'gone', moved.url), true);
      assert.equal((await next()).endpoint?.asideReason, 'gone');
      assert.ok(!('endpoint' in (await next())));
    });

    it('that are removed leave nothing behind that waits', async () => {
      await ledger().saveEndpoint(endpoint, 'ann');
      await tell(['sent', 'tried', 'a', 'b']);
      await queue(['of a workflow'], { lane: 'host:d' });
      const [sent, tried] = await take({ of: { lane: 'host:d' }, limit: 2 });
      await settle([sent!], SENT);
      const before = await newest();
      assert.equal(await ledger().removeEndpoint('Helpdesk', 'ann'), true);
      assert.deepEqual(await told(before), ['endpoint.changed', 'outbox.updated', 'outbox.updated']);
      for (const key of ['a', 'b']) {
        const { state, lastError } = await entry(key);
        assert.deepEqual([state, lastError], ['CANCELLED', 'Its endpoint was removed before it was sent.']);
      }
      assert.deepEqual([await state('sent'), await state('of a workflow')], ['SENT', 'QUEUED']);
      await settle([tried!], { became: 'QUEUED', error: '500', delayMs: 0 });
      const again = await take({ of: { ids: [tried!.id] } });
      assert.deepEqual(
        again.map((one) => one.endpoint),
        [null],
      );
    });

    it('are known of what told them also where that was forgotten', async () => {
      const made = await ledger().saveEndpoint(endpoint, 'ann');
      await tell(['told']);
      await queue(['of a workflow'], { lane: 'host:d' });
      for (const ref of await take({ of: { lane: 'host:d' }, limit: 2 })) await settle([ref], SENT);
      const ids = await Promise.all(['told', 'of a workflow'].map(async (key) => (await entry(key)).id));
      await ledger().actOnEntries(ids, 'forget', 'ann');
      assert.deepEqual((await entry('told')).request, { endpoint: made.id });
      assert.deepEqual((await entry('of a workflow')).request, {});
    });

    it('fare as their own entries do, of what was queued since a time', async () => {
      const made = await ledger().saveEndpoint(endpoint, 'ann');
      await ledger().saveEndpoint({ ...endpoint, name: 'Z' }, 'ann');
      const health = (from = 0, until = Number.MAX_SAFE_INTEGER) =>
        ledger().endpointHealth(made.id, { from, until });
      assert.deepEqual(await health(), { lastSentAt: null, hasFailedThen: false, lastFailure: null });
      await tell(['sent', 'failed', 'again', 'not tried']);
      await queue(['of a workflow'], { lane: 'host:d' });
      const refs = await take({ of: { lane: 'host:d' }, limit: 3 });
      await settle([refs[0]!], SENT);
      await settle([refs[1]!], { became: 'FAILED', error: '500' });
      await settle([refs[2]!], { became: 'QUEUED', error: '503', delayMs: 60_000 });
      const mark = (key: string, at: number): Promise<unknown> =>
        fixture.under.query(
          `update outgoing set queued_at = ${at}, begun_at = ${at + 1} where key = '${key}'`,
        );
      await mark('sent', 10);
      await mark('failed', 20);
      await mark('again', 30);
      const at = (time: number, error: string) => ({ at: time, error });
      assert.deepEqual(await health(), { lastSentAt: 11, hasFailedThen: true, lastFailure: at(31, '503') });
      assert.deepEqual(await health(11, 20), { ...(await health()), hasFailedThen: false });
      assert.deepEqual(await health(31), { lastSentAt: 11, hasFailedThen: false, lastFailure: null });
      await mark('failed', 40);
      assert.deepEqual((await health()).lastFailure, at(41, '500'));
    });

    it('are set aside, and taken back from then on', async () => {
      const before = await newest();
      const { id, position } = await ledger().saveEndpoint(endpoint, 'ann');
      assert.equal(await ledger().setAside(id, 'It failed for three days'), true);
      assert.equal(
        await ledger().tellEndpoint(id, { from: position, to: await newest() }, [newEntry('k')]),
        false,
      );
      const [aside] = await ledger().endpoints();
      assert.ok(aside!.asideSince !== null);
      assert.equal(aside!.asideReason, 'It failed for three days');
      assert.equal(await ledger().takeBack(id), true);
      assert.equal(await ledger().takeBack(id), false);
      const [back] = await ledger().endpoints();
      assert.notEqual(back!.position, position);
      assert.deepEqual([back!.asideSince, back!.missedAt === null], [null, false]);
      assert.equal(await ledger().removeEndpoint('Helpdesk', 'ann'), true);
      assert.equal(await ledger().removeEndpoint('Helpdesk', 'ann'), false);
      assert.equal(await ledger().setAside(id, 'x'), false);
      assert.deepEqual(await told(before), Array(4).fill('endpoint.changed'));
    });
  });
}
