// Mail Ledger: what a workflow notes about an email, about which one, and mailboxes that are to be looked at now.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import type { Note } from '../../engine/ledger/annotations';
import { newEventId } from '../../engine/ledger/common/event-id';
import { LedgerFault } from '../../engine/ledger/fault';
import type { SourceHealth } from '../../engine/ledger/inspection';
import type { ConnectionState, SourceState } from '../../engine/ledger/states';
import { lookKey, noticeKey } from '../../engine/source/notices';
import type { MailLedgerStore } from '../../nodes/MailLedger/actions';
import { runMailLedger } from '../../nodes/MailLedger/operations';

const [E1, E2] = [newEventId(), newEventId()] as const;

const source = (
  id: number,
  state: SourceState = 'idle',
  connection: ConnectionState = 'idling',
  served = true,
): SourceHealth => ({
  ...{ id, kind: 'imap', account: 'ann@example.com', mailbox: `Box ${id}`, state, connection, served },
  ...{ since: null, failingSince: null, nextTryAt: null, holder: null, unreadSince: null, lastMailAt: null },
  ...{ lastSuccessAt: null, lastErrorAt: null, lastError: null, backfill: null, recovered: null },
  ...{ recoveredAt: null, notifiedUntil: null, actionsWaiting: 0, actionError: null, workflowIds: ['w'] },
});

const SOURCES = [
  source(1),
  source(2, 'retry_scheduled', 'backing_off'),
  source(3, 'error', 'polling'),
  source(4, 'retry_scheduled', 'closed', false),
];

class Scene {
  readonly noted: Note[] = [];
  /** How many notes each call of the ledger had. */
  readonly calls: number[] = [];
  readonly woken: number[] = [];
  /** The emails of the run. */
  held: string[] = [];
  /** What the items are, and, by n8n's item linking, come from. */
  items: IDataObject[] = [{}];
  traced: IDataObject = {};
  isKnown: (event: string) => boolean = () => true;
  /** @throws what the ledger refuses */
  refuse: (note: Note) => void = () => undefined;
  goesOn = false;

  async ask(
    parameters: Readonly<Record<string, unknown>>,
    ofItem: (item: number) => Readonly<Record<string, unknown>> = () => ({}),
  ): Promise<IDataObject[]> {
    const context = {
      getNode: () => ({ name: 'Mail Ledger' }),
      getExecutionId: () => '7',
      getInputData: () => this.items.map((json) => ({ json })),
      getParentNodes: () => [{ name: 'Mail', type: 'n8n-nodes-durable-mail.durableImapTrigger' }],
      getWorkflowDataProxy: () => ({ $: () => ({ item: { json: this.traced } }) }),
      continueOnFail: () => this.goesOn,
      getNodeParameter: (name: string, item: number, fallback: unknown) => {
        const set = { resource: 'event', operation: 'annotate', annotationName: 'triage' };
        return { ...set, ...parameters, ...ofItem(item) }[name] ?? fallback;
      },
    } as unknown as IExecuteFunctions;
    const store = {
      ledger: {
        annotate: async (notes: readonly Note[]) => {
          this.calls.push(notes.length);
          for (const note of notes) this.refuse(note);
          this.noted.push(...notes);
          return notes.map(({ event }) => this.isKnown(event));
        },
        sources: async () => SOURCES,
      },
      wake: { notify: (ids: readonly number[]) => void this.woken.push(...ids) },
      runs: { mailEvents: (execution: string) => (execution === '7' ? this.held : []) },
    } as unknown as MailLedgerStore;
    const output = await runMailLedger(context, async () => store);
    assert.deepEqual(
      output.map(({ pairedItem }) => (pairedItem as { item: number }).item).sort((a, b) => a - b),
      output.map(({ pairedItem }) => (pairedItem as { item: number }).item),
    );
    return output.map(({ json }) => json);
  }
}

const circular = (): object => {
  const one: Record<string, unknown> = {};
  one['within'] = { one };
  return one;
};

/** Few objects, which as JSON would be more than there is room for anywhere. */
const twins = (levels: number): object =>
  levels === 0 ? {} : ((one: object) => ({ one, other: one }))(twins(levels - 1));

describe('an annotation', () => {
  it('has what is set, under its name, and is told as it is noted', async () => {
    const scene = new Scene();
    scene.held = [E1];
    const words = { category: ' invoice ', priority: 'high', summary: 'Pay by May', data: '{"total": 12}' };
    const noted = { name: 'triage', category: 'invoice', priority: 'high', summary: 'Pay by May' };
    assert.deepEqual(await scene.ask(words), [{ count: 1, eventIds: [E1], ...noted, data: { total: 12 } }]);
    await scene.ask({ data: { total: 13 }, summary: `${'x'.repeat(1_999)}😀` });
    assert.equal(scene.noted.pop()!.annotation!.summary, 'x'.repeat(1_999), 'no half of a sign');
    await scene.ask({ data: { total: 13 }, summary: 'x'.repeat(3_000) });
    await scene.ask({ operation: 'removeAnnotation' });
    const of = { event: E1, name: 'triage' };
    const long = { name: 'triage', category: null, priority: null };
    assert.deepEqual(scene.noted, [
      { ...of, annotation: { ...noted, data: { total: 12 } } },
      { ...of, annotation: { ...long, summary: 'x'.repeat(2_000), data: { total: 13 } } },
      { ...of, annotation: null },
    ]);
  });

  it("is of the run's only email, of the one that the item names or comes from, or of those that are named", async () => {
    const scene = new Scene();
    const of = async (parameters = {}): Promise<readonly string[]> => {
      await scene.ask(parameters);
      return scene.noted.splice(0).map(({ event }) => event);
    };
    scene.held = [E1];
    assert.deepEqual(await of(), [E1]);
    scene.held = [E1, E2];
    scene.traced = { delivery: { eventId: E1 } };
    assert.deepEqual(await of(), [E1], 'by item linking');
    scene.items = [{ delivery: { eventId: E2 } }];
    assert.deepEqual(await of(), [E2], 'as the item says');
    assert.deepEqual(await of({ annotated: 'ids', eventIds: `${E1}, ${E2}` }), [E1, E2]);
  });

  it('is not guessed: where nobody can tell which email it is about, that is said', async () => {
    const scene = new Scene();
    await assert.rejects(scene.ask({}), /This item comes from no Durable Mail trigger/);
    scene.held = [E1, E2];
    await assert.rejects(scene.ask({}), /cannot be told which of the 2 emails of this run/);
    scene.isKnown = () => false;
    await assert.rejects(
      scene.ask({ annotated: 'ids', eventIds: E1 }),
      /Event .* is not in this mail ledger/,
    );
  });

  it('of an email in a manual test notes nothing, and lets the test go on', async () => {
    const scene = new Scene();
    scene.items = [{ delivery: { eventId: 'manual-test' } }];
    const [{ count, message }] = (await scene.ask({ category: 'a' })) as [IDataObject];
    assert.equal(count, 0);
    assert.match(message as string, /manual test/);
    assert.deepEqual(scene.noted, []);
  });

  it('that is no JSON or too long to be kept is refused, with what to change', async () => {
    const scene = new Scene();
    scene.held = [E1];
    await assert.rejects(scene.ask({ data: 'no' }), /"Data" is no JSON/);
    await assert.rejects(
      scene.ask({ data: { long: 'x'.repeat(9_000) } }),
      /"Data" is 9011 octets of JSON; 8192/,
    );
    for (const [data, words] of [
      [`${'['.repeat(101)}${']'.repeat(101)}`, /"Data" has more than 100 levels, one within another/],
      [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, /"Data" has more than 100 levels/],
      [circular(), /"Data" has a part that it is in itself/],
      [twins(60), /"Data" is more JSON than can be kept/],
      [{ n: 7n }, /"Data" has something that JSON does not hold: bigint/],
      [{ f: () => 1 }, /"Data" has something that JSON does not hold: function/],
      [Symbol('s'), /"Data" has something that JSON does not hold: symbol/],
      [[undefined], /"Data" has something that JSON does not hold: undefined/],
      [new Array(1e9), /"Data" has something that JSON does not hold: undefined/],
      [{ at: new Map([[1, 2]]) }, /does not hold: Map/],
      [[new Error('x')], /does not hold: Error/],
      [new Uint8Array(3), /does not hold: Uint8Array/],
      [new Number(1), /does not hold: Number/],
      [{ n: Infinity }, /"Data" has something that JSON does not hold: Infinity/],
      [{ toJSON: () => assert.fail() }, /"Data" has a part that cannot be made JSON/],
      ['{"a": "\\u0000"}', /"Data" has a sign that no text of a mail has: NUL/],
    ] as const)
      await assert.rejects(scene.ask({ data }), words);
    await assert.rejects(scene.ask({ annotationName: 'a\0' }), /"Name" has a sign/);
    await assert.rejects(scene.ask({ category: 'a\0b' }), /"Category" has a sign/);
    await assert.rejects(scene.ask({ priority: '\0b' }), /"Priority" has a sign/);
    await assert.rejects(scene.ask({ annotationName: ' ' }), /"Name" is empty/);
    await assert.rejects(
      scene.ask({ category: 'x'.repeat(65) }),
      /"Category" has 65 characters; 64 are the most/,
    );
    await assert.rejects(scene.ask({ priority: 'x'.repeat(33) }), /"Priority" has 33 characters/);
    assert.deepEqual(scene.noted, []);
  });
});

describe('what is told of an annotation', () => {
  it('is what was noted: as JSON holds it, and of a summary what can be kept', async () => {
    const scene = new Scene();
    scene.held = [E1];
    const data = { at: new Date(0), none: undefined, half: '\ud800', list: [new Date(NaN)] };
    const [told] = await scene.ask({ data, summary: ' a\0\ud800b ' });
    const noted = { at: '1970-01-01T00:00:00.000Z', half: '\ufffd', list: [null] };
    assert.deepEqual([told!['data'], told!['summary']], [noted, 'a\ufffdb']);
    assert.deepEqual(scene.noted[0]!.annotation!.data, noted);
  });

  it('is which of the events that were named are not there', async () => {
    const scene = new Scene();
    scene.isKnown = (event) => event === E1;
    const named = { annotated: 'ids', eventIds: `${E1}, ${E2}` };
    for (const operation of ['annotate', 'removeAnnotation']) {
      const [told] = (await scene.ask({ ...named, operation })) as [IDataObject];
      assert.deepEqual([told['count'], told['eventIds'], told['missing']], [1, [E1], [E2]]);
      assert.match(told['message'] as string, /1 of these 2 events are not in this mail ledger/);
    }
    scene.isKnown = () => true;
    const [all] = (await scene.ask(named)) as [IDataObject];
    assert.deepEqual([all['count'], all['missing'], all['message']], [2, undefined, undefined]);
  });
});

describe('annotations of many items', () => {
  const many = (count: number): Scene => {
    const scene = new Scene();
    scene.items = Array.from({ length: count }, (_, n) => ({
      n,
      delivery: { eventId: `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` },
    }));
    return scene;
  };
  const numberOf = ({ event }: Note): number => Number(event.slice(-12));
  const category = (item: number): { readonly category: string } => ({ category: `c${item}` });

  it('are noted together, some hundreds at a time, and each item is answered with its own', async () => {
    const scene = many(450);
    const answers = await scene.ask({}, category);
    assert.deepEqual(scene.calls, [200, 200, 50]);
    assert.deepEqual(
      answers.map(({ eventIds, category: told }) => [eventIds, told]),
      scene.items.map(({ delivery }, n) => [[(delivery as { eventId: string }).eventId], `c${n}`]),
    );
    assert.deepEqual(
      scene.noted.map((note) => [numberOf(note), note.annotation!.category]),
      scene.items.map((_, n) => [n, `c${n}`]),
    );
  });

  it('are not held up by an item that fails, where the node goes on', async () => {
    const scene = many(6);
    scene.goesOn = true;
    scene.isKnown = (event) => numberOf({ event } as Note) !== 1;
    const answers = await scene.ask({}, (item) => (item === 3 ? { data: 'no' } : category(item)));
    assert.deepEqual(scene.calls, [5]);
    assert.deepEqual(
      answers.map(({ error, count }) => [error !== undefined, count]),
      [0, 1, 2, 3, 4, 5].map((n) => (n === 1 || n === 3 ? [true, undefined] : [false, 1])),
    );
    assert.match(answers[1]!['error'] as string, /Event 0{8}-.*1 is not in this mail ledger/);
    assert.match(answers[3]!['error'] as string, /"Data" is no JSON/);
  });

  it('are each noted alone where the ledger refuses one of them', async () => {
    const scene = many(4);
    scene.goesOn = true;
    scene.refuse = (note) => {
      if (numberOf(note) === 2) throw new LedgerFault('asked', 'No more of these.');
    };
    const answers = await scene.ask({}, category);
    assert.deepEqual(scene.calls, [4, 1, 1, 1, 1]);
    assert.deepEqual(
      answers.map(({ error }) => error),
      [undefined, undefined, 'No more of these.', undefined],
    );
    assert.deepEqual(scene.noted.map(numberOf), [0, 1, 3]);
  });

  it('are asked for once where the ledger cannot do its part', async () => {
    const scene = many(3);
    scene.goesOn = true;
    scene.refuse = () => {
      throw new LedgerFault('unreachable', 'It is away.');
    };
    const answers = await scene.ask({}, category);
    assert.deepEqual(scene.calls, [3]);
    assert.ok(answers.every(({ error }) => error === 'It is away.'));
  });

  it('are noted as far as the item that ends the run, and in their turn among other operations', async () => {
    const scene = many(4);
    const failing = scene.ask({}, (item) => (item === 2 ? { data: 'no' } : category(item)));
    await assert.rejects(failing, /"Data" is no JSON/);
    assert.deepEqual(scene.noted.splice(0).map(numberOf), [0, 1]);
    scene.calls.length = 0;
    await scene.ask({}, (item) =>
      item === 1 ? { resource: 'source', operation: 'getAll' } : category(item),
    );
    assert.deepEqual(scene.calls, [1, 2]);
  });
});

describe('a mailbox', () => {
  const asked = (answers: readonly IDataObject[]): unknown[] =>
    answers.map(({ sourceId, asked: isAsked }) => [sourceId, isAsked]);

  it('is looked at now, by its ID or all that are watched; who watches none says so', async () => {
    const scene = new Scene();
    const look = { resource: 'source', operation: 'lookNow' };
    assert.deepEqual(asked(await scene.ask(look)), [
      [1, true],
      [2, true],
      [3, true],
    ]);
    assert.deepEqual(scene.woken, [1, 2, 3].map(lookKey));
    const answers = await scene.ask({ ...look, sources: 'ids', sourceIds: '4, 1' });
    assert.deepEqual(asked(answers), [
      [4, false],
      [1, true],
    ]);
    assert.match(answers[0]!['message'] as string, /Nobody watches this mailbox/);
    assert.deepEqual(scene.woken.slice(3), [lookKey(1)]);
    const unknown = scene.ask({ ...look, sources: 'ids', sourceIds: '9' });
    await assert.rejects(unknown, /"9" is not a source of this mail ledger/);
  });

  it('that cannot be read is tried again now', async () => {
    const scene = new Scene();
    const answers = await scene.ask({ resource: 'source', operation: 'tryAgainNow' });
    assert.deepEqual(asked(answers), [
      [2, true],
      [3, true],
    ]);
    assert.deepEqual(scene.woken, [lookKey(2), lookKey(3)]);
  });

  it('is called by a number that nothing else has', () => {
    const ids = [1, 2, 1_000_000];
    const keys = [...ids, ...ids.map(noticeKey), ...ids.map(lookKey)];
    assert.equal(new Set(keys).size, keys.length);
    assert.ok(
      keys.every((key) => String(key) === String(Number(String(key)))),
      'as text they are the same',
    );
  });
});
