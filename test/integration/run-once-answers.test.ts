// What Run Once remembers, in n8n's own engine: which steps' items are the answer, for which key, and what a retry is given.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import type {
  IConnections,
  IDataObject,
  IExecuteFunctions,
  INode,
  INodeExecutionData,
  INodeType,
  IRun,
} from 'n8n-workflow';
import type { Ledger } from '../../engine/ledger/ledger';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { properties } from '../../nodes/RunOnce/properties';
import { runOnce } from '../../nodes/RunOnce/run-once';
import { N8nCore } from '../support/n8n-core';

/** From one step to the next: `A` or `A:1` (its second output), and `B` or `B:1` (its second input). */
type Edge = readonly [from: string, to: string];

type Does = (items: INodeExecutionData[], call: number) => INodeExecutionData[][];

const step = (name: string, type = 'step', more: Partial<INode> = {}): INode => ({
  ...{ id: name, name, type, typeVersion: 1, position: [0, 0], parameters: {} },
  ...more,
});

const once = (name = 'Once', parameters: IDataObject = {}): INode =>
  step(name, 'once', { parameters: { key: `={{ $json.id }}`, ...parameters } });

function connected(edges: readonly Edge[]): IConnections {
  const connections: IConnections = {};
  for (const [from, to] of edges) {
    const [source, output = '0'] = from.split(':');
    const [node, index = '0'] = to.split(':');
    const { main } = (connections[source!] ??= { main: [] });
    while (main!.length <= Number(output)) main!.push([]);
    main![Number(output)]!.push({ node: node!, type: 'main', index: Number(index) });
  }
  return connections;
}

const ids = (...list: unknown[]): INodeExecutionData[] => list.map((id) => ({ json: { id } as IDataObject }));

const REMEMBERED_NOTHING = { runOnce: { remembered: false } };

describe('Run Once remembers', { timeout: 180_000 }, () => {
  let folder: string;
  let core: N8nCore;
  let ledger: Ledger;
  const userFolder = process.env['N8N_USER_FOLDER'];
  const does = new Map<string, Does>();
  const calls = new Map<string, number>();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-answers-'));
    process.env['N8N_USER_FOLDER'] = folder;
    core = new N8nCore();
  });
  beforeEach(async (test) => {
    does.clear();
    calls.clear();
    mails = [];
    ledger = await openSqliteLedger(join(folder, `${test.name.replaceAll(/\W/g, '-')}.sqlite`));
  });
  after(async () => {
    if (userFolder === undefined) delete process.env['N8N_USER_FOLDER'];
    else process.env['N8N_USER_FOLDER'] = userFolder;
    await rm(folder, { recursive: true, force: true });
  });

  /** The keys of the mails of each run. */
  let mails: string[];

  const runs = {
    hold: () => undefined,
    release: () => undefined,
    mailKeys: () => mails,
    mailEvents: () => [],
  };

  const outputs = ['main', 'main', 'main'] as never;
  const stepType: INodeType = {
    description: { properties: [], inputs: ['main', 'main'], outputs, defaults: {} } as never,
    async execute(this: IExecuteFunctions) {
      const { name } = this.getNode();
      const call = calls.get(name) ?? 0;
      calls.set(name, call + 1);
      const items = this.getInputData();
      const linked = (item: INodeExecutionData, index: number): INodeExecutionData => ({
        json: item.json,
        pairedItem: { item: index },
      });
      return (does.get(name) ?? (() => [items.map(linked)]))(items, call);
    },
  };
  const onceType: INodeType = {
    description: { properties, inputs: ['main'], outputs: ['main', 'main'], defaults: {} } as never,
    execute(this: IExecuteFunctions) {
      return runOnce(this, async () => ({ ledger, runs }));
    },
  };

  /** A run of this workflow, whose first step hands out the items. */
  const run = (
    nodes: readonly INode[],
    edges: readonly Edge[],
    items: INodeExecutionData[],
    executionOrder: 'v0' | 'v1' = 'v1',
  ): Promise<IRun> =>
    core.run({
      nodes: [step('Start'), ...nodes],
      connections: connected([...edges, ['Start', nodes[0]!.name]]),
      types: {
        ...{ step: stepType, once: onceType },
        loop: core.nodeOfN8n('SplitInBatches/v3/SplitInBatchesV3.node'),
        merge: core.nodeOfN8n('Merge/v3/MergeV3.node'),
      },
      items,
      executionOrder,
    });

  /** What the step's calls handed on in a run. */
  const handed = ({ data }: IRun, name: string, output = 0): IDataObject[] =>
    (data.resultData.runData[name] ?? []).flatMap((task) =>
      (task.data?.['main']?.[output] ?? []).map(({ json }) => json),
    );

  /** A step that fails in its first call, so that the run does. */
  const failsFirst: Does = (items, call) => {
    if (call === 0) throw new Error('It failed');
    return [items];
  };

  /** What a step makes of each item, and a number that it never makes again. */
  const numbered = (): Does => {
    let number = 0;
    return (items) => [
      items.map(({ json }, item) => ({ json: { of: json['id'], n: ++number }, pairedItem: { item } })),
    ];
  };

  /** The same workflow twice: a run that fails at the step Fails, and its retry. @returns the retry */
  const retried = async (
    nodes: readonly INode[],
    edges: readonly Edge[],
    items: INodeExecutionData[],
    order?: 'v0' | 'v1',
  ): Promise<{ first: IRun; retry: IRun }> => {
    does.set('Fails', failsFirst);
    const first = await run(nodes, edges, items, order);
    assert.equal(first.status, 'error', JSON.stringify(first.data.resultData.error?.message));
    const retry = await run(nodes, edges, items, order);
    assert.equal(retry.status, 'success', JSON.stringify(retry.data.resultData.error?.message));
    return { first, retry };
  };

  const ONE_STEP: readonly Edge[] = [
    ['Once', 'A'],
    ['A', 'Fails'],
    ['Once:1', 'Fails'],
  ];

  it('what one step has handed on, for the step after it, exactly', async () => {
    const odd = { text: 'ä\ud83d\ude00\u0000"', nothing: null, list: [1, [{}]], __proto: 1, ключ: -0.5 };
    does.set('A', () => [
      [
        { json: odd, pairedItem: 0 },
        { json: {}, pairedItem: 0 },
      ],
    ]);
    const { first, retry } = await retried([once(), step('A'), step('Fails')], ONE_STEP, ids('x'));
    assert.deepEqual(handed(retry, 'Once', 1), [odd, {}]);
    assert.deepEqual(handed(retry, 'Once', 1), handed(first, 'A'));
    assert.equal(calls.get('A'), 1);
    const paired = retry.data.resultData.runData['Once']![0]!.data!['main']![1]!;
    assert.deepEqual(
      paired.map(({ pairedItem }) => pairedItem),
      [{ item: 0 }, { item: 0 }],
    );
  });

  it('nothing more once a run with it has ended well: a later one goes on with what came to Run Once, and says so', async () => {
    const nodes = [once(), step('A'), step('Fails')];
    await retried(nodes, ONE_STEP, ids('x'));
    const later = await run(nodes, ONE_STEP, ids('x'));
    assert.deepEqual(handed(later, 'Once', 1), [{ id: 'x', ...REMEMBERED_NOTHING }]);
    assert.equal(calls.get('A'), 1);
  });

  it('that a step handed on nothing: nothing comes after it in the retry, either', async () => {
    does.set('A', () => [[]]);
    const { retry } = await retried(
      [once(), step('A'), step('B'), step('Fails', 'step', { position: [0, 100] })],
      [
        ['Start', 'Fails'],
        ['Once', 'A'],
        ['A', 'B'],
        ['Once:1', 'B'],
      ],
      ids('x'),
    );
    assert.deepEqual([handed(retry, 'Once', 0), handed(retry, 'Once', 1)], [[], []]);
    assert.deepEqual([calls.get('A'), calls.get('B')], [1, undefined]);
  });

  it('what arrives from the last of several steps, and all of them are done again if one fails', async () => {
    does.set('B', numbered());
    const nodes = [once(), step('A'), step('B'), step('Fails')];
    const edges: Edge[] = [
      ['Once', 'A'],
      ['A', 'B'],
      ['B', 'Fails'],
      ['Once:1', 'Fails'],
    ];
    const { retry } = await retried(nodes, edges, ids('x'));
    assert.deepEqual(handed(retry, 'Once', 1), [{ of: 'x', n: 1 }]);
    assert.deepEqual([calls.get('A'), calls.get('B')], [1, 1]);
    calls.clear();
    does.set('B', failsFirst);
    does.delete('Fails');
    assert.equal((await run(nodes, edges, ids('y'))).status, 'error');
    assert.deepEqual(handed(await run(nodes, edges, ids('y')), 'Once'), [{ id: 'y' }]);
    assert.deepEqual([calls.get('A'), calls.get('B')], [2, 2], 'the first of them, too');
  });

  it('each item its own, whatever their order, and of which there are several', async () => {
    let number = 0;
    does.set('A', (items) => [
      items
        .flatMap(({ json }, item) =>
          Array.from({ length: Number(json['id']) }, () => ({
            json: { of: json['id'], n: ++number },
            pairedItem: { item },
          })),
        )
        .reverse(),
    ]);
    const nodes = [once(), step('A'), step('Fails', 'step', { position: [0, 100] })];
    const { retry } = await retried(nodes, ONE_STEP, ids(2, 0, 1));
    const all = [
      { of: 1, n: 3 },
      { of: 2, n: 2 },
      { of: 2, n: 1 },
    ];
    assert.deepEqual(handed(retry, 'Once', 1), all, 'in the order in which they were handed on');
    calls.clear();
    does.set('Fails', failsFirst);
    const again = ids('4', '5');
    does.set('A', (items) => [items.map(({ json }, item) => ({ json, pairedItem: { item } })).reverse()]);
    await run(nodes, ONE_STEP, again);
    const others = await run(nodes, ONE_STEP, [...ids('new'), ...again]);
    assert.deepEqual(
      handed(others, 'Once', 1).map(({ id }) => id),
      ['5', '4'],
      'also among others',
    );
  });

  it('in the order in which it came to the next Run Once, which tells the items of a mail apart by that', async () => {
    mails = ['m'];
    const one = (name: string): INode => once(name, { key: '' });
    const down = (y: number): Partial<INode> => ({ position: [0, y] });
    does.set('If', (items) =>
      ['y', 'x'].map((id) =>
        items.flatMap(({ json }, item) => (json['id'] === id ? { json, pairedItem: { item } } : [])),
      ),
    );
    const rest: readonly Edge[] = [
      ['Once 1', 'If'],
      ['Once 1:1', 'Once 2'],
      ['Once 2', 'B'],
      ['B', 'End'],
      ['Once 2:1', 'End'],
    ];
    const ways: readonly (readonly Edge[])[] = [
      [
        ['If', 'X'],
        ['If:1', 'Y'],
        ['X', 'Once 2'],
        ['Y', 'Once 2'],
      ],
      [
        ['If', 'Once 2'],
        ['If:1', 'Once 2'],
      ],
      [
        ['If', 'Y'],
        ['If:1', 'Once 2'],
        ['Y', 'Once 2'],
      ],
    ];
    const nodes = [
      ...[one('Once 1'), step('If'), step('X', 'step', down(-100)), step('Y', 'step', down(100))],
      ...[one('Once 2'), step('B'), step('End')],
    ];
    for (const [number, edges] of ways.entries()) {
      for (const order of ['v1', 'v0'] as const) {
        mails = [`m ${number} ${order}`];
        calls.clear();
        const done: unknown[] = [];
        does.set('B', (items, call) => {
          if (call === 1) throw new Error('for the second of them');
          done.push(...items.map(({ json }) => json['id']));
          return [items.map(({ json }, item) => ({ json: { b: json['id'] }, pairedItem: { item } }))];
        });
        const all = [...edges, ...rest];
        assert.equal((await run(nodes, all, ids('x', 'y'), order)).status, 'error', mails[0]);
        const retry = await run(nodes, all, ids('x', 'y'), order);
        assert.deepEqual([retry.status, calls.get('If')], ['success', 1], mails[0]);
        assert.deepEqual(done.sort(), ['x', 'y'], `${mails[0]}: each is done once`);
      }
    }
  });

  it('nothing of several items whose link is lost; and all of it where the call had one key', async () => {
    const merged: Does = (items) => [[{ json: { all: items.length } }, { json: { more: true } }]];
    does.set('A', merged);
    const nodes = [once(), step('A'), step('Fails')];
    const { retry } = await retried(nodes, ONE_STEP, ids('x', 'y', 'z'));
    assert.deepEqual(
      handed(retry, 'Once', 1),
      ['x', 'y', 'z'].map((id) => ({ id, ...REMEMBERED_NOTHING })),
    );
    calls.clear();
    const { retry: alone } = await retried(nodes, ONE_STEP, ids('w'));
    assert.deepEqual(handed(alone, 'Once', 1), [{ all: 1 }, { more: true }]);
  });

  it('nothing of items that came together into one, and the others', async () => {
    does.set('A', (items) => [
      [
        { json: { sum: 2 }, pairedItem: [{ item: 0 }, { item: 1 }] },
        { json: { of: items[2]!.json['id'] }, pairedItem: { item: 2 } },
      ],
    ]);
    const { retry } = await retried([once(), step('A'), step('Fails')], ONE_STEP, ids('x', 'y', 'z'));
    assert.deepEqual(handed(retry, 'Once', 1), [
      { id: 'x', ...REMEMBERED_NOTHING },
      { id: 'y', ...REMEMBERED_NOTHING },
      { of: 'z' },
    ]);
  });

  it('that of the first of two equal keys: the second leaves as it did', async () => {
    does.set('A', numbered());
    const nodes = [once(), step('A'), step('Fails', 'step', { position: [0, 100] })];
    const { first, retry } = await retried(nodes, ONE_STEP, ids('x', 'x'));
    assert.deepEqual(handed(first, 'Once', 1), [{ id: 'x', ...REMEMBERED_NOTHING }]);
    assert.deepEqual(handed(retry, 'Once', 1), [
      { of: 'x', n: 1 },
      { id: 'x', ...REMEMBERED_NOTHING },
    ]);
  });

  it('nothing for another node with the same key: that may be of a mail of somebody else', async () => {
    const everywhere = { scope: 'everywhere' };
    does.set('Fails', failsFirst);
    await run([once('Once', everywhere), step('A'), step('Fails')], ONE_STEP, ids('x'));
    const other = { ...once('Once', everywhere), id: 'another' };
    const found = await run([other, step('A'), step('Fails')], ONE_STEP, ids('x'));
    assert.deepEqual(handed(found, 'Once', 1), [{ id: 'x', ...REMEMBERED_NOTHING }]);
    assert.equal(calls.get('A'), 1);
  });

  it('in a loop, each round its own', async () => {
    does.set('A', numbered());
    const nodes = [
      step('Loop', 'loop', { typeVersion: 3, parameters: { batchSize: 1, options: {} } }),
      ...[once(), step('A'), step('Fails')],
    ];
    const edges: Edge[] = [
      ['Loop', 'Fails'],
      ['Loop:1', 'Once'],
      ['Once', 'A'],
      ['A', 'Loop'],
      ['Once:1', 'Loop'],
    ];
    const { retry } = await retried(nodes, edges, ids('x', 'y', 'z'));
    const all = ['x', 'y', 'z'].map((of, n) => ({ of, n: n + 1 }));
    assert.deepEqual(handed(retry, 'Once', 1), all);
    assert.deepEqual(handed(retry, 'Loop', 0), all);
    assert.equal(calls.get('A'), 3);
  });

  it('what a loop between First time and Already done came to, once all its rounds are done', async () => {
    does.set('A', (items, call) => {
      if (call === 1) throw new Error('in the second round');
      return [items.map(({ json }, item) => ({ json: { of: json['id'], call }, pairedItem: { item } }))];
    });
    const nodes = [
      once('Once', { key: 'all of it' }),
      step('Three'),
      step('Loop', 'loop', { typeVersion: 3, parameters: { batchSize: 1, options: {} } }),
      ...[step('A'), step('Fails')],
    ];
    does.set('Three', () => [ids(1, 2, 3).map((item) => ({ ...item, pairedItem: 0 }))]);
    const edges: Edge[] = [
      ['Once', 'Three'],
      ['Three', 'Loop'],
      ['Loop:1', 'A'],
      ['A', 'Loop'],
      ['Loop', 'Fails'],
      ['Once:1', 'Fails'],
    ];
    assert.equal((await run(nodes, edges, ids('x'))).status, 'error');
    const { retry } = await retried(nodes, edges, ids('x'));
    assert.equal(calls.get('Three'), 2, 'one round had failed: all of it is done again');
    assert.deepEqual(
      handed(retry, 'Once', 1).map(({ of }) => of),
      [1, 2, 3],
    );
  });

  it('what arrives over several ways, all of it at once, when the last of them is done', async () => {
    const nodes = [once(), step('Which'), step('A'), step('B'), step('Fails')];
    does.set('Which', (items) =>
      [0, 1].map((rest) =>
        items.flatMap((item, at) => (at % 2 === rest ? { ...item, pairedItem: { item: at } } : [])),
      ),
    );
    does.set('A', (items) => [
      items.map(({ json }, item) => ({ json: { a: json['id'] }, pairedItem: { item } })),
    ]);
    does.set('B', (items) => [
      items.map(({ json }, item) => ({ json: { b: json['id'] }, pairedItem: { item } })),
    ]);
    const edges: Edge[] = [
      ['Once', 'Which'],
      ['Which', 'A'],
      ['Which:1', 'B'],
      ['A', 'Join'],
      ['B', 'Join:1'],
      ['Join', 'Fails'],
      ['Once:1', 'Fails'],
    ];
    const join = step('Join', 'merge', { typeVersion: 3, parameters: { mode: 'append' } });
    for (const order of ['v1', 'v0'] as const) {
      calls.clear();
      const items = ids(`${order} x`, `${order} y`, `${order} z`);
      const { retry } = await retried([...nodes, join], edges, items, order);
      assert.deepEqual(
        handed(retry, 'Once', 1),
        [{ a: `${order} x` }, { a: `${order} z` }, { b: `${order} y` }],
        `${order}: as the step Join has handed it on`,
      );
      assert.deepEqual([calls.get('A'), calls.get('B')], [1, 1]);
    }
  });

  it('each its own, also where the steps join them with what comes from elsewhere', async () => {
    does.set('A', numbered());
    const nodes = [
      ...[once(), step('A'), step('Fails', 'step', { position: [0, 200] })],
      step('Else', 'step', { position: [0, -100] }),
      step('Join', 'merge', {
        typeVersion: 3,
        parameters: { mode: 'combine', combineBy: 'combineByPosition', options: {} },
      }),
    ];
    does.set('Else', (items) => [
      items.map(({ json }, item) => ({ json: { else: json['id'] }, pairedItem: { item } })),
    ]);
    const edges: Edge[] = [
      ['Start', 'Else'],
      ['Else', 'Join:1'],
      ['Once', 'A'],
      ['A', 'Join'],
      ['Join', 'Fails'],
      ['Once:1', 'Fails'],
    ];
    const { retry } = await retried(nodes, edges, ids('x', 'y'));
    assert.deepEqual(handed(retry, 'Once', 1), [
      { of: 'x', n: 1, else: 'x' },
      { of: 'y', n: 2, else: 'y' },
    ]);
  });

  it('what comes from the steps at First time, where the two ways never meet', async () => {
    does.set('A', numbered());
    const { retry } = await retried(
      [once(), step('A'), step('Fails'), step('Else')],
      [
        ['Once', 'A'],
        ['A', 'Fails'],
        ['Once:1', 'Else'],
      ],
      ids('x'),
    );
    assert.deepEqual(handed(retry, 'Else'), [{ of: 'x', n: 1 }]);
  });

  it('nothing where nothing is connected to Already done: nobody would be given it', async () => {
    const nodes = [once(), step('A'), step('Fails')];
    does.set('Fails', failsFirst);
    await run(nodes, ONE_STEP.slice(0, 2), ids('x'));
    const retry = await run(nodes, ONE_STEP.slice(0, 2), ids('x'));
    assert.deepEqual(handed(retry, 'Once', 1), [{ id: 'x', ...REMEMBERED_NOTHING }]);
  });

  it('nothing where Already done leads to steps that are not given the same', async () => {
    const { retry } = await retried(
      [once(), step('A'), step('B'), step('C', 'step', { position: [0, 100] }), step('Fails')],
      [
        ...([
          ['Once', 'A'],
          ['A', 'B'],
          ['A', 'C'],
          ['B', 'Fails'],
        ] as const),
        ...([
          ['Once:1', 'C'],
          ['Once:1', 'Fails'],
        ] as const),
      ],
      ids('x'),
    );
    assert.deepEqual(handed(retry, 'Once', 1), [{ id: 'x', ...REMEMBERED_NOTHING }]);
  });

  it('past a step that is switched off, and over one at Already done', async () => {
    does.set('A', numbered());
    const { retry } = await retried(
      [once(), step('A'), step('Off', 'step', { disabled: true }), step('Also'), step('Fails')],
      [
        ...([
          ['Once', 'A'],
          ['A', 'Off'],
          ['Off', 'Fails'],
        ] as const),
        ...([
          ['Once:1', 'Also'],
          ['Also', 'Fails'],
        ] as const),
      ],
      ids('x'),
    );
    assert.deepEqual(handed(retry, 'Also'), [{ of: 'x', n: 1 }]);
  });

  it('with a step that is switched off in front of the guarded ones, between them or behind them', async () => {
    const off = step('Off', 'step', { disabled: true });
    for (const way of [
      ['Off', 'A', 'B'],
      ['A', 'Off', 'B'],
      ['A', 'B', 'Off'],
    ]) {
      const name = way.join();
      const edges = ['Once', ...way].map((from, at): Edge => [from, way[at] ?? 'Fails']);
      const alone = edges.slice(0, -1);
      calls.clear();
      does.set('B', numbered());
      const nodes = [once(), step('A'), step('B'), off, step('Fails')];
      const { retry } = await retried(nodes, [...edges, ['Once:1', 'Fails']], ids(name));
      assert.deepEqual(handed(retry, 'Fails'), [{ of: name, n: 1 }], name);
      assert.deepEqual([calls.get('A'), calls.get('B')], [1, 1], name);
      calls.clear();
      does.set('B', failsFirst).delete('Fails');
      const broken = [...edges, ['Once:1', 'Fails']] satisfies Edge[];
      assert.equal((await run(nodes, broken, ids(`${name} again`))).status, 'error');
      assert.equal((await run(nodes, broken, ids(`${name} again`))).status, 'success');
      assert.deepEqual(
        [calls.get('B'), calls.get('Fails')],
        [2, 1],
        `${name}: not done before its last step was`,
      );
      calls.clear();
      const { retry: apart } = await retried(nodes, [...alone, ['B', 'Fails']], ids(`${name} apart`));
      assert.deepEqual([handed(apart, 'Once', 0), calls.get('A')], [[], 1], `${name}: the ways never meet`);
    }
  });

  it('where a step has given n8n nothing at all, of whose end n8n does not tell', async () => {
    does.set('Null', () => null as never);
    const nodes = [once(), step('A'), step('Null'), step('Fails', 'step', { position: [0, 100] })];
    const edges: readonly Edge[] = [...ONE_STEP, ['A', 'Null'], ['Null', 'Fails']];
    await retried(nodes, edges, ids('x'));
    assert.equal(calls.get('A'), 1);
  });

  it('of an agent that n8n has gone on with after its tool, in each round of a loop', async () => {
    const answered: unknown[] = [];
    const agent: INodeType = {
      description: stepType.description,
      async execute(this: IExecuteFunctions, response?: { actionResponses?: unknown[] }) {
        const [item] = this.getInputData();
        const action = { actionType: 'ExecutionNodeAction', nodeName: 'Tool', type: 'ai_tool', id: 'a' };
        if (!response?.actionResponses?.length)
          return { actions: [{ ...action, input: {}, metadata: {} }], metadata: {} } as never;
        answered.push(item!.json['id']);
        return [[{ json: { of: item!.json['id'] }, pairedItem: { item: 0 } }]];
      },
    };
    const loop = step('Loop', 'loop', { typeVersion: 3, parameters: { batchSize: 1, options: {} } });
    const edges: Edge[] = [
      ['Start', 'Loop'],
      ['Loop:1', 'Once'],
      ['Once', 'Agent'],
      ['Agent', 'After'],
      ['Once:1', 'After'],
      ['After', 'Loop'],
    ];
    const connections = connected(edges);
    connections['Tool'] = { ai_tool: [[{ node: 'Agent', type: 'ai_tool', index: 0 }]] };
    const types = { step: stepType, once: onceType, agent };
    const loops = { loop: core.nodeOfN8n('SplitInBatches/v3/SplitInBatchesV3.node') };
    const nodes = [step('Start'), loop, once(), step('Agent', 'agent'), step('Tool'), step('After')];
    const ends: string[] = [];
    for (const failing of [0, 1, 2]) {
      calls.clear();
      does.set('After', (items, call) => {
        if (call === failing) throw new Error('a later step');
        return [items];
      });
      const what = { nodes, connections, types: { ...types, ...loops }, items: ids('x', 'y') };
      ends.push((await core.run(what)).status);
    }
    assert.deepEqual(
      [ends, answered],
      [
        ['error', 'error', 'success'],
        ['x', 'y'],
      ],
    );
  });

  it('files, byte by byte, and not more than there is room for', async () => {
    const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, at) => at % 256));
    const file = {
      data: bytes.toString('base64'),
      mimeType: 'image/png',
      fileName: 'ä.png',
      fileExtension: 'png',
    };
    does.set('A', (items) => [
      items.map(({ json }, item) => ({ json, binary: { file }, pairedItem: { item } })),
    ]);
    const { retry } = await retried([once(), step('A'), step('Fails')], ONE_STEP, ids('x'));
    const [given] = retry.data.resultData.runData['Once']![0]!.data!['main']![1]!;
    const { data, mimeType, fileName } = given!.binary!['file']!;
    assert.deepEqual([Buffer.from(data, 'base64'), mimeType, fileName], [bytes, 'image/png', 'ä.png']);
    for (const [kilobytes, isKept] of [
      [1.2, true],
      [0.9, false],
    ] as const) {
      calls.clear();
      const options = { largestAnswer: kilobytes / 1_024 };
      const nodes = [once('Once', { options }), step('A'), step('Fails')];
      const { retry } = await retried(nodes, ONE_STEP, ids(`${kilobytes}`));
      const [item] = handed(retry, 'Once', 1);
      assert.equal('runOnce' in item!, !isKept, `${kilobytes}`);
    }
  });

  it('nothing of what JSON cannot say, or of much that is too large, and holds nobody up for it', async () => {
    const round: IDataObject = {};
    round['round'] = round;
    const huge = Array.from({ length: 50 }, () => 'x'.repeat(1_000_000));
    for (const [name, json] of [
      ['round', round],
      ['huge', { huge }],
    ] as const) {
      calls.clear();
      does.set('A', () => [[{ json: json, pairedItem: 0 }]]);
      const { retry } = await retried([once(), step('A'), step('Fails')], ONE_STEP, ids(name));
      assert.deepEqual(handed(retry, 'Once', 1), [{ id: name, ...REMEMBERED_NOTHING }]);
    }
  });

  it('nothing, and says nothing, where that was chosen', async () => {
    const options = { rememberAnswer: false };
    const nodes = [once('Once', { options }), step('A'), step('Fails')];
    const { retry } = await retried(nodes, ONE_STEP, ids('x'));
    assert.deepEqual(handed(retry, 'Once', 1), [{ id: 'x' }]);
  });

  it('nothing of keys that are finished in another way', async () => {
    for (const parameters of [
      { keyIsFinished: 'atOnce' },
      { keyIsFinished: 'runEnds', ifRunFails: 'keep' },
    ]) {
      calls.clear();
      const nodes = [once('Once', parameters), step('A'), step('Fails')];
      const { retry } = await retried(nodes, ONE_STEP, ids(JSON.stringify(parameters)));
      assert.deepEqual(
        handed(retry, 'Once', 1).map(({ runOnce }) => runOnce),
        [{ remembered: false }],
      );
    }
  });

  it('over a chain of them, so that each step is done once, however many of them fail', async () => {
    const names = ['1', '2', '3', '4'];
    for (const name of names) {
      does.set(`Step ${name}`, (items, call) => {
        if (call === 0) throw new Error('once each');
        return [items.map(({ json }) => ({ json: { got: [json['got'] ?? json['id'], name] } }))];
      });
    }
    const nodes = [
      ...names.flatMap((name) => [once(`Once ${name}`, { key: 'one' }), step(`Step ${name}`)]),
      step('End'),
    ];
    const edges = names.flatMap((name): Edge[] => {
      const next = name === '4' ? 'End' : `Once ${Number(name) + 1}`;
      return [
        [`Once ${name}`, `Step ${name}`],
        [`Step ${name}`, next],
        [`Once ${name}:1`, next],
      ];
    });
    const ends: IRun[] = [];
    for (let tries = 0; tries < 5; tries++) ends.push(await run(nodes, edges, ids('x')));
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['error', 'error', 'error', 'error', 'success'],
    );
    assert.deepEqual(handed(ends.at(-1)!, 'End'), [{ got: [[[['x', '1'], '2'], '3'], '4'] }]);
    assert.deepEqual(
      names.map((name) => calls.get(`Step ${name}`)),
      [2, 2, 2, 2],
      'once in vain, and once',
    );
  });
});
