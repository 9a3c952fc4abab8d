// The contract of annotations: what workflows find out about mails stands with them, is told, and goes with them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Annotation, MOST_ANNOTATIONS, type NewAnnotation } from '../../../engine/ledger/annotations';
import { LedgerFault } from '../../../engine/ledger/fault';
import { type Fixture, RETENTION_MS, success } from './fixture';
import { Told } from './told';

const note: NewAnnotation = {
  ...{ name: 'model', category: 'order', priority: 'high', summary: 'Wants "ä" <b>\\' },
  data: { score: 0.5, tags: ['a', null], nested: { '"': '</script>' } },
};

export function annotationsContract(fixture: Fixture): void {
  describe('annotations', () => {
    const of = async (event: string): Promise<readonly Annotation[]> =>
      (await fixture.ledger.event(event))!.annotations;

    const recorded = async (...uids: number[]): Promise<string[]> => {
      const to = await fixture.subscribe('workflow', { retentionMs: RETENTION_MS });
      await fixture.record(to, ...uids);
      return (await fixture.events()).map(({ id }) => id);
    };

    it('are shown with their event, by name, each as it was given', async () => {
      const [one, two] = await recorded(1, 2);
      const { ledger } = fixture;
      assert.equal(await ledger.annotate([one!, two!, 'no id at all'], 'model', note), 2);
      assert.equal(
        await ledger.annotate([one!, one!], 'a model', { ...note, name: 'ignored', data: null }),
        1,
      );
      const [first, second] = await of(one!);
      assert.deepEqual(second, { ...note, at: second!.at });
      assert.ok(Math.abs(second.at - Date.now()) < 60_000);
      assert.deepEqual(first, { ...note, name: 'a model', data: null, at: first!.at });
      const { events } = await ledger.events({}, { limit: 10 });
      assert.deepEqual(
        events.map(({ annotations }) => annotations.map(({ name }) => name)),
        [['model'], ['a model', 'model']],
      );
      assert.equal(await ledger.annotate([], 'model', note), 0);
    });

    it('are replaced by another of their name, or taken away, and each time told', async () => {
      const [one, two] = await recorded(1, 2);
      const { ledger } = fixture;
      const told = await Told.from(fixture);
      await ledger.annotate([one!, two!], 'model', note);
      await ledger.annotate([two!], 'model', {
        ...note,
        category: null,
        priority: null,
        summary: null,
        data: [1],
      });
      await ledger.annotate([one!, 'none'], 'model', null);
      await ledger.annotate([one!], 'model', null);
      const news = await told.news();
      assert.deepEqual(
        news.map(({ type, event, workflowId, details }) => [type, event, workflowId, details]),
        (
          [
            [one, { name: 'model', category: 'order', priority: 'high' }],
            [two, { name: 'model', category: 'order', priority: 'high' }],
            [two, { name: 'model', category: null, priority: null }],
            [one, { name: 'model', category: null, priority: null, removed: true }],
          ] as const
        ).map(([event, details]) => ['email.classified', event, 'workflow', details]),
      );
      assert.doesNotMatch(JSON.stringify(news), /Wants|score/);
      assert.deepEqual(await of(one!), []);
      const [left] = await of(two!);
      assert.deepEqual([left?.category, left?.data], [null, [1]]);
    });

    const refused = async (event: string, name: string, more: object, words: RegExp): Promise<void> => {
      await assert.rejects(fixture.ledger.annotate([event], name, { ...note, ...more }), (error) => {
        assert.ok(error instanceof LedgerFault, String(error));
        assert.equal(error.kind, 'asked');
        assert.match(error.message, words);
        return true;
      });
    };

    it('are stored as any ledger can, and refused in words where they are too long', async () => {
      const [one] = await recorded(1);
      const { ledger } = fixture;
      const odd = { ...note, category: 'a\ud800b', summary: '\ud800!', data: { '\udc00': ['\ud800'] } };
      await ledger.annotate([one!], 'mo\udc00del', odd);
      const [stored] = await of(one!);
      assert.deepEqual(stored, {
        ...{ name: 'mo\ufffddel', category: 'a\ufffdb', priority: 'high', summary: '\ufffd!' },
        data: { '\ufffd': ['\ufffd'] },
        at: stored!.at,
      });
      await ledger.annotate([one!], 'mo\udc00del', null);
      assert.deepEqual(await of(one!), []);
      for (const [name, more, words] of [
        ['x'.repeat(65), {}, /name has 65 characters: up to 64/],
        ['', {}, /needs a name/],
        ['n', { category: 'x'.repeat(65) }, /category has 65/],
        ['n', { priority: 'x'.repeat(33) }, /priority has 33/],
        ['n', { summary: 'x'.repeat(2_001) }, /summary has 2001/],
        ['n', { data: 'ä'.repeat(4_096) }, /"data" is 8194 octets of JSON; 8192 are the most/],
      ] as const)
        await refused(one!, name, more, words);
      const most = { name: 'ä'.repeat(64), category: '😀'.repeat(32), priority: 'x'.repeat(32) };
      await ledger.annotate([one!], most.name, {
        ...most,
        summary: 'ä'.repeat(2_000),
        data: 'x'.repeat(8_190),
      });
      assert.equal((await of(one!)).length, 1);
    });

    it('are refused in words where no ledger could keep them, and nothing of them is noted', async () => {
      const [one] = await recorded(1);
      const { ledger } = fixture;
      const deep = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
      for (const [name, more, words] of [
        ['mo\0del', {}, /"name" has a sign that no text of a mail has: NUL/],
        ['n', { category: 'a\0' }, /"category" has a sign/],
        ['n', { priority: '\0' }, /"priority" has a sign/],
        ['n', { summary: 'a\0b' }, /"summary" has a sign/],
        ['n', { data: { text: ['\0'] } }, /"data" has a sign/],
        ['n', { data: { 'k\0': 1 } }, /"data" has a sign/],
        ['n', { data: deep(101) }, /"data" has more than 100 levels/],
        ['n', { data: deep(4_000) }, /"data" has more than 100 levels/],
        ['n', { data: 1n }, /"data" has something that JSON does not hold: bigint/],
        ['n', { data: [1, undefined] }, /"data" has something that JSON does not hold: undefined/],
        ['n', { data: { n: NaN } }, /"data" has something that JSON does not hold: NaN/],
      ] as const)
        await refused(one!, name, more, words);
      await assert.rejects(ledger.annotate([one!], 'n\0', null), LedgerFault);
      assert.deepEqual(await of(one!), []);
      await ledger.annotate([one!], 'deep', { ...note, data: deep(100) });
      assert.deepEqual((await of(one!))[0]!.data, deep(100));
      assert.equal(await ledger.annotate([`${one!}\0`], 'n', note), 0, 'no event has such an id');
      const proto = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}') as unknown;
      await ledger.annotate([one!], 'proto', { ...note, data: proto });
      assert.equal(JSON.stringify((await of(one!))[1]!.data), JSON.stringify(proto));
    });

    it('are so many at most of one email, also where several come at once', async () => {
      const [one, two] = await recorded(1, 2);
      const { ledger } = fixture;
      for (let n = 1; n < MOST_ANNOTATIONS; n++) await ledger.annotate([one!], `n${n}`, note);
      const told = await Told.from(fixture);
      const names = ['a', 'b', 'c', 'd'];
      const ends = await Promise.allSettled(names.map((name) => ledger.annotate([two!, one!], name, note)));
      assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const end of ends)
        if (end.status === 'rejected')
          assert.match((end.reason as Error).message, /An email keeps 50 annotations, each under a name/);
      assert.deepEqual([(await of(one!)).length, (await of(two!)).length], [50, 1]);
      assert.equal((await told.news()).length, 2, 'nothing is told of what was refused');
      await refused(one!, 'one more', {}, /Use a name again, or remove one/);
      await ledger.annotate([one!], 'n1', { ...note, category: 'again' });
      await ledger.annotate([one!], 'n2', null);
      assert.equal(await ledger.annotate([one!, two!], 'one more', note), 2);
    });

    it('go with their event, untold', async () => {
      const [one] = await recorded(1);
      await fixture.run(await fixture.subscribe(), success);
      await fixture.ledger.annotate([one!], 'model', note);
      await fixture.elapse(RETENTION_MS + 1_000);
      const told = await Told.from(fixture);
      await fixture.ledger.sweep(100);
      assert.deepEqual([await fixture.count('event'), await fixture.count('annotation')], [0, 0]);
      assert.deepEqual(await told.news(), []);
      assert.equal(await fixture.ledger.annotate([one!], 'model', note), 0);
    });
  });
}
