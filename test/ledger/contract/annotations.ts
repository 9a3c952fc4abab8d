// The contract of annotations: what workflows find out about mails stands with them, is told, and goes with them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Annotation,
  MOST_ANNOTATIONS,
  type NewAnnotation,
  type Note,
} from '../../../engine/ledger/annotations';
import { LedgerFault } from '../../../engine/ledger/fault';
import type { Ledger } from '../../../engine/ledger/ledger';
import { type Fixture, RETENTION_MS, success } from './fixture';
import { Told } from './told';

const note: NewAnnotation = {
  ...{ name: 'model', category: 'order', priority: 'high', summary: 'Wants "ä" <b>\\' },
  data: { score: 0.5, tags: ['a', null], nested: { '"': '</script>' } },
};

const notes = (events: readonly string[], name: string, annotation: NewAnnotation | null): Note[] =>
  events.map((event) => ({ event, name, annotation }));

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
      const there = await ledger.annotate(notes([one!, 'no id at all', two!], 'model', note));
      assert.deepEqual(there, [true, false, true]);
      await ledger.annotate(notes([one!], 'a model', { ...note, name: 'ignored', data: null }));
      const [first, second] = await of(one!);
      assert.deepEqual(second, { ...note, at: second!.at });
      assert.ok(Math.abs(second.at - Date.now()) < 60_000);
      assert.deepEqual(first, { ...note, name: 'a model', data: null, at: first!.at });
      const { events } = await ledger.events({}, { limit: 10 });
      assert.deepEqual(
        events.map(({ annotations }) => annotations.map(({ name }) => name)),
        [['model'], ['a model', 'model']],
      );
      assert.deepEqual(await ledger.annotate([]), []);
    });

    it('are replaced by another of their name, or taken away, and each time told', async () => {
      const [one, two] = await recorded(1, 2);
      const { ledger } = fixture;
      const told = await Told.from(fixture);
      await ledger.annotate(notes([one!, two!], 'model', note));
      const bare = { ...note, category: null, priority: null, summary: null, data: [1] };
      await ledger.annotate(notes([two!], 'model', bare));
      assert.deepEqual(await ledger.annotate(notes([one!, 'none'], 'model', null)), [true, false]);
      assert.deepEqual(await ledger.annotate(notes([one!], 'model', null)), [true]);
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

    it('of many mails are noted together: the last of a name counts, and only that is told', async () => {
      const uids = Array.from({ length: 60 }, (_, n) => n + 1);
      const all = await recorded(...uids);
      const { ledger } = fixture;
      await ledger.annotate(notes(all.slice(0, 2), 'old', note));
      const told = await Told.from(fixture);
      const own = (n: number): NewAnnotation => ({ ...note, category: `c${n}`, data: { n } });
      const asked = [
        ...all.flatMap((event, n) => notes([event], 'model', own(n))),
        ...notes([all[0]!, 'none'], 'old', null),
        // Each of these is taken back by what comes after it.
        ...notes([all[3]!], 'model', null),
        ...notes([all[3]!], 'model', own(300)),
        ...notes([all[4]!], 'model', own(400)),
        ...notes([all[1]!], 'old', own(100)),
        ...notes([all[1]!], 'old', null),
      ];
      const sent = await fixture.statementsOf(async () => {
        const there = await ledger.annotate(asked);
        assert.deepEqual(
          there,
          asked.map(({ event }) => event !== 'none'),
        );
      });
      assert.ok(sent <= 6, `${sent} statements`);
      const news = (await told.news()).map(({ event, details }) => [
        all.indexOf(event!),
        details['name'],
        details['category'],
        details['removed'] ?? false,
      ]);
      assert.deepEqual(news, [
        [0, 'old', null, true],
        [1, 'old', null, true],
        ...all.map((_, n) => [n, 'model', `c${{ 3: 300, 4: 400 }[n] ?? n}`, false]),
      ]);
      for (const n of [0, 1, 3, 59]) {
        const stored = await of(all[n]!);
        assert.deepEqual(
          stored.map(({ name, data }) => [name, data]),
          [['model', { n: n === 3 ? 300 : n }]],
        );
      }
    });

    it('are all noted, or none: one that is too long is refused before any is', async () => {
      const [one, two] = await recorded(1, 2);
      const told = await Told.from(fixture);
      await assert.rejects(
        fixture.ledger.annotate([
          ...notes([one!], 'model', note),
          ...notes([two!], 'model', { ...note, category: 'x'.repeat(65) }),
        ]),
        LedgerFault,
      );
      assert.deepEqual(await of(one!), []);
      assert.deepEqual(await told.news(), []);
    });

    it('of the same mails by two at once wait for each other, and neither is refused', async () => {
      const all = await recorded(...Array.from({ length: 40 }, (_, n) => n + 1));
      const by = async (ledger: Ledger, events: readonly string[]): Promise<void> => {
        for (let n = 0; n < 10; n++) await ledger.annotate(notes(events, 'model', { ...note, data: n }));
      };
      await fixture.withAnother((another) =>
        Promise.all([by(fixture.ledger, all), by(another, [...all].reverse())]),
      );
      for (const event of all) assert.equal((await of(event))[0]!.data, 9);
    });

    const refused = async (event: string, name: string, more: object, words: RegExp): Promise<void> => {
      await assert.rejects(fixture.ledger.annotate(notes([event], name, { ...note, ...more })), (error) => {
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
      await ledger.annotate(notes([one!], 'mo\udc00del', odd));
      const [stored] = await of(one!);
      assert.deepEqual(stored, {
        ...{ name: 'mo\ufffddel', category: 'a\ufffdb', priority: 'high', summary: '\ufffd!' },
        data: { '\ufffd': ['\ufffd'] },
        at: stored!.at,
      });
      await ledger.annotate(notes([one!], 'mo\udc00del', null));
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
      const long = { ...most, summary: 'ä'.repeat(2_000), data: 'x'.repeat(8_190) };
      await ledger.annotate(notes([one!], most.name, long));
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
      await assert.rejects(ledger.annotate(notes([one!], 'n\0', null)), LedgerFault);
      assert.deepEqual(await of(one!), []);
      await ledger.annotate(notes([one!], 'deep', { ...note, data: deep(100) }));
      assert.deepEqual((await of(one!))[0]!.data, deep(100));
      assert.deepEqual(
        await ledger.annotate(notes([`${one!}\0`], 'n', note)),
        [false],
        'no event has such an id',
      );
      const proto = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}') as unknown;
      await ledger.annotate(notes([one!], 'proto', { ...note, data: proto }));
      assert.equal(JSON.stringify((await of(one!))[1]!.data), JSON.stringify(proto));
    });

    it('are so many at most of one email, also where several come at once', async () => {
      const [one, two] = await recorded(1, 2);
      const { ledger } = fixture;
      for (let n = 1; n < MOST_ANNOTATIONS; n++) await ledger.annotate(notes([one!], `n${n}`, note));
      const told = await Told.from(fixture);
      const names = ['a', 'b', 'c', 'd'];
      const ends = await Promise.allSettled(
        names.map((name) => ledger.annotate(notes([two!, one!], name, note))),
      );
      assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const end of ends)
        if (end.status === 'rejected')
          assert.match((end.reason as Error).message, /An email keeps 50 annotations, each under a name/);
      assert.deepEqual([(await of(one!)).length, (await of(two!)).length], [50, 1]);
      assert.equal((await told.news()).length, 2, 'nothing is told of what was refused');
      await refused(one!, 'one more', {}, /Use a name again, or remove one/);
      await ledger.annotate(notes([one!], 'n1', { ...note, category: 'again' }));
      await ledger.annotate(notes([one!], 'n2', null));
      assert.deepEqual(await ledger.annotate(notes([one!, two!], 'one more', note)), [true, true]);
    });

    it('go with their event, untold', async () => {
      const [one] = await recorded(1);
      await fixture.run(await fixture.subscribe(), success);
      await fixture.ledger.annotate(notes([one!], 'model', note));
      await fixture.elapse(RETENTION_MS + 1_000);
      const told = await Told.from(fixture);
      await fixture.ledger.sweep(100);
      assert.deepEqual([await fixture.count('event'), await fixture.count('annotation')], [0, 0]);
      assert.deepEqual(await told.news(), []);
      assert.deepEqual(await fixture.ledger.annotate(notes([one!], 'model', note)), [false]);
    });
  });
}
