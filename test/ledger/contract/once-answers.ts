// The contract of what guarded steps answered: it stands with the key from the moment in which that is finished, until no
// retry needs it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KeyRequest, StepAnswer } from '../../../engine/ledger/once-keys';
import type { Pointer } from '../../../engine/ledger/pointer';
import { DAY_MS, failure, type Fixture, LEASE_MS, RETENTION_MS, success } from './fixture';

const PLENTY = 1e9;

export function onceAnswersContract(fixture: Fixture): void {
  const take = (holder: string, keys: readonly string[], more: Partial<KeyRequest> = {}): Promise<unknown> =>
    fixture.ledger.takeKeys({
      ...{ keys, holder, leaseMs: LEASE_MS, finish: 'onSuccess', keepMs: null },
      ...more,
    });

  const answer = (key: string, text: string, event: string | null = null): StepAnswer => ({
    ...{ key, event, packed: Buffer.from(text) },
  });

  /** As texts, by key. */
  const answers = async (keys: readonly string[], mostBytes = PLENTY): Promise<Record<string, string>> => {
    const found = await fixture.ledger.keyAnswers(keys, mostBytes);
    const texts = [...found].map(([key, packed]): [string, string] => [key, packed.toString()]);
    return Object.fromEntries(texts.sort());
  };

  /** A run of one mail that has finished the key `k` with an answer. */
  const answered = async (settings = {}): Promise<Pointer> => {
    const to = await fixture.subscribe('workflow', { retryDelaysMs: [], ...settings });
    await fixture.record(to, 1);
    const [pointer] = await fixture.running(to);
    await take('a', ['k']);
    await fixture.ledger.finishKeys('a', ['k'], [answer('k', 'done', pointer!.event)]);
    return pointer!;
  };

  describe('the answer of a guarded step', () => {
    it('is there as soon as its key is finished, byte by byte, whatever becomes of the run', async () => {
      const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      await take('a', ['k1', 'k2', 'k3', 'k4']);
      assert.deepEqual(await answers(['k1', 'k2']), {});
      await fixture.ledger.finishKeys(
        'a',
        ['k1', 'k2', 'k3'],
        [answer('k1', 'one'), { key: 'k2', event: null, packed: every }, answer('k4', 'not finished')],
      );
      await fixture.ledger.endKeys('a', 'failure');
      const found = await fixture.ledger.keyAnswers(['k1', 'k2', 'k3', 'k4', 'never'], PLENTY);
      assert.deepEqual([...found.keys()].sort(), ['k1', 'k2']);
      assert.ok(Buffer.isBuffer(found.get('k2')));
      assert.deepEqual(found.get('k2'), every);
      assert.deepEqual(await answers([]), {});
    });

    it('counts once towards what is asked for at most, however often its key is named', async () => {
      await take('a', ['k1', 'k2']);
      await fixture.ledger.finishKeys('a', ['k1', 'k2'], [answer('k1', 'one'), answer('k2', 'two')]);
      assert.deepEqual(await answers(['k1', 'k2', 'k1'], 4), { k1: 'one', k2: 'two' });
    });

    it('is stored only by who holds the key', async () => {
      await take('a', ['k1']);
      await take('b', ['k2']);
      await fixture.ledger.finishKeys('a', ['k1', 'k2'], [answer('k1', 'mine'), answer('k2', 'not mine')]);
      await fixture.ledger.finishKeys('a', ['k1'], [answer('k1', 'too late')]);
      assert.deepEqual(await answers(['k1', 'k2']), { k1: 'mine' });
    });

    it('is not needed when the run ended well that has it, or one that was given it', async () => {
      await take('a', ['k1', 'k2']);
      await take('b', ['k3']);
      await fixture.ledger.finishKeys('a', ['k1', 'k2'], [answer('k1', 'one'), answer('k2', 'two')]);
      await fixture.ledger.finishKeys('b', ['k3'], [answer('k3', 'three')]);
      await fixture.ledger.endKeys('a', 'failure');
      await fixture.ledger.endKeys('b', 'success');
      assert.deepEqual(await answers(['k1', 'k2', 'k3']), { k1: 'one', k2: 'two' });
      await take('c', ['k1']);
      await fixture.ledger.endKeys('c', 'failure', ['k1']);
      assert.deepEqual(await answers(['k1', 'k2']), { k1: 'one', k2: 'two' });
      await fixture.ledger.endKeys('d', 'success', ['k1']);
      assert.deepEqual(await answers(['k1', 'k2']), { k2: 'two' });
    });

    it('stays with its event until that is DONE, also when the run that has it ended well: a sub-workflow', async () => {
      const pointer = await answered();
      await fixture.ledger.endKeys('a', 'success');
      await fixture.ledger.endKeys('b', 'success', ['k']);
      assert.deepEqual(await answers(['k']), { k: 'done' });
      await fixture.settle([pointer], failure);
      assert.deepEqual(await fixture.states(), ['DEAD']);
      assert.deepEqual(await answers(['k']), { k: 'done' }, 'a person may replay it');
      await fixture.ledger.replay({ ids: [pointer.event] });
      const [again] = await fixture.running(await fixture.subscribe('workflow', { retryDelaysMs: [] }));
      assert.deepEqual(await answers(['k']), { k: 'done' });
      await fixture.settle([again!], success);
      assert.deepEqual(await answers(['k']), {});
      assert.deepEqual(
        [...(await fixture.ledger.takeKeys({ ...FREE, keys: ['k'] })).values()],
        ['finished'],
        'the key is as it was',
      );
    });

    it('goes when its event is marked done, or its mail forgotten: with all events of that mail', async () => {
      const pointer = await answered();
      await fixture.settle([pointer], failure);
      await fixture.ledger.markDone({ ids: [pointer.event] });
      assert.equal(await fixture.count('once_answer'), 0);

      const [one, other] = [
        await fixture.subscribe('one', { retryDelaysMs: [] }),
        await fixture.subscribe('other', { retryDelaysMs: [] }),
      ];
      await fixture.recordMails(one, [fixture.mail([one, other], 2)]);
      const [[first], [second]] = [await fixture.running(one), await fixture.running(other)];
      await take('b', ['k1', 'k2']);
      await fixture.ledger.finishKeys(
        'b',
        ['k1', 'k2'],
        [answer('k1', 'one', first!.event), answer('k2', 'two', second!.event)],
      );
      await fixture.settle([first!], failure);
      assert.equal((await fixture.ledger.forget({ ids: [first!.event] })).count, 0, 'one still runs');
      assert.deepEqual(await answers(['k1', 'k2']), { k1: 'one', k2: 'two' });
      await fixture.settle([second!], failure);
      assert.equal((await fixture.ledger.forget({ ids: [first!.event] })).count, 1);
      assert.deepEqual(await answers(['k1', 'k2']), {});
    });

    it('is not stored for an event that is not there, or has ended: then its key is finished without one', async () => {
      const pointer = await answered();
      await take('b', ['k1', 'k2', 'k3']);
      await fixture.settle([pointer], failure);
      await fixture.ledger.forget({ ids: [pointer.event] });
      await fixture.ledger.finishKeys(
        'b',
        ['k1', 'k2', 'k3'],
        [answer('k1', 'late', pointer.event), answer('k2', 'whose', 'no event'), answer('k3', 'nobodys')],
      );
      assert.deepEqual(await answers(['k1', 'k2', 'k3']), { k3: 'nobodys' });
      assert.deepEqual(
        [...(await fixture.ledger.takeKeys({ ...FREE, keys: ['k1', 'k2'] })).values()],
        ['finished', 'finished'],
      );
    });

    it('is never kept longer than its key, nor found by who takes that anew', async () => {
      for (const name of ['k1', 'k2']) {
        await take('a', [name], { keepMs: DAY_MS });
        await fixture.ledger.finishKeys('a', [name], [answer(name, 'old')]);
      }
      await fixture.elapse(DAY_MS);
      await take('b', ['k1'], { keepMs: DAY_MS });
      assert.deepEqual(await answers(['k1']), {});
      await fixture.ledger.finishKeys('b', ['k1']);
      assert.deepEqual(await answers(['k1']), {}, 'its own step has answered nothing');
      await fixture.ledger.sweep(100);
      assert.equal(await fixture.count('once_answer'), 0);
      assert.equal(await fixture.count('once_key'), 1);
    });

    it('of a holder before is none, also where a version before this has taken the key anew', async () => {
      await take('a', ['k'], { keepMs: 1_000 });
      await fixture.ledger.finishKeys('a', ['k'], [answer('k', 'old')]);
      await fixture.under.query(`update once_key set holder = 'code of before'`);
      assert.deepEqual(await answers(['k']), {});
    });

    it('goes with an event that retention deletes', async () => {
      const pointer = await answered();
      await fixture.settle([pointer], failure);
      await fixture.elapse(RETENTION_MS + 1_000);
      await fixture.ledger.sweep(100);
      assert.deepEqual([await fixture.count('event'), await fixture.count('once_answer')], [0, 0]);
    });

    it('comes bit by bit to who asks for many: up to so many bytes, and one at least', async () => {
      const keys = ['k1', 'k2', 'k3', 'k4'];
      await take('a', keys);
      await fixture.ledger.finishKeys(
        'a',
        keys,
        keys.map((key) => answer(key, 'x'.repeat(100))),
      );
      assert.deepEqual(Object.keys(await answers(keys, 1)), ['k1']);
      assert.deepEqual(Object.keys(await answers(keys.slice(1), 250)), ['k2', 'k3', 'k4']);
      assert.deepEqual(Object.keys(await answers(keys, 200)), ['k1', 'k2']);
    });

    it('takes as many statements for five hundred as for one', async () => {
      const pointer = await answered();
      const store = async (holder: string, keys: readonly string[]): Promise<number> => {
        await take(holder, keys);
        return fixture.statementsOf(async () => {
          const all = keys.map((key) => answer(key, 'x', pointer.event));
          await fixture.ledger.finishKeys(holder, keys, all);
          assert.equal((await fixture.ledger.keyAnswers(keys, PLENTY)).size, keys.length);
        });
      };
      const one = await store('one', ['k1']);
      const many = await store(
        'many',
        Array.from({ length: 500 }, (_, i) => `many ${i}`),
      );
      assert.equal(many, one);
    });
  });
}

const FREE = { holder: 'z', leaseMs: LEASE_MS, finish: 'onSuccess', keepMs: null } as const;
