// The Run Once node: each key passes once, whatever the run, the loop, n8n's retries or the ledger do.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  type IExecuteFunctions,
  type INode,
  type INodeExecutionData,
  type IRun,
  type ITaskData,
  LoggerProxy,
} from 'n8n-workflow';
import type { KeyAnswer, KeyRequest, OnceKeys, SeenKey, StepAnswer } from '../../engine/ledger/once-keys';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { runOnce } from '../../nodes/RunOnce/run-once';
import { RunHooks } from '../support/run-hooks';

interface Row {
  readonly holder: string;
  readonly finish: KeyRequest['finish'];
  readonly keepMs: number | null;
  finished: boolean;
  /** The lease has run out, and was of then. */
  lapsedAt?: number;
}

/** The keys as the ledger's port tells of them, without leases. */
class FakeKeys implements OnceKeys {
  readonly rows = new Map<string, Row>();
  readonly batches: number[] = [];
  readonly answers = new Map<string, StepAnswer>();
  /** Runs before an answer; throws for a ledger that is away. */
  onTake: (request: KeyRequest) => void = () => undefined;
  away = false;
  /** The request is carried out, and its answer lost. */
  losesAnswer = false;

  async takeKeys(request: KeyRequest): Promise<ReadonlyMap<string, KeyAnswer>> {
    this.#answer();
    this.onTake(request);
    this.batches.push(request.keys.length);
    assert.equal(new Set(request.keys).size, request.keys.length, 'keys are distinct');
    const answers = new Map(request.keys.map((key) => [key, this.#take(key, request)]));
    if (this.losesAnswer) throw new Error('The connection was lost');
    return answers;
  }

  #take(key: string, { holder, finish, keepMs, unrenewed }: KeyRequest): KeyAnswer {
    const row = this.rows.get(key);
    if (!row) {
      this.rows.set(key, { holder, finish, keepMs, finished: finish === 'atOnce' });
      return 'taken';
    }
    if (row.holder === holder) return 'mine';
    if (row.lapsedAt === undefined) return row.finished ? 'finished' : 'held';
    if (!unrenewed?.some((seen) => seen.key === key && seen.until === row.lapsedAt)) return 'lapsed';
    this.rows.set(key, { holder, finish, keepMs, finished: false });
    return 'taken';
  }

  async heldKeys(keys: readonly string[]): Promise<readonly SeenKey[]> {
    this.#answer();
    return keys.flatMap((key) => {
      const until = this.rows.get(key)?.lapsedAt;
      return until === undefined ? [] : { key, until };
    });
  }

  async leftKeys(): Promise<readonly SeenKey[]> {
    return [];
  }

  async renewKeys(): Promise<void> {
    this.#answer();
  }

  async finishKeys(
    holder: string,
    keys: readonly string[],
    answers: readonly StepAnswer[] = [],
  ): Promise<void> {
    this.#answer();
    for (const key of keys) {
      const row = this.rows.get(key);
      if (row?.holder === holder) row.finished = true;
    }
    for (const answer of answers) this.answers.set(answer.key, answer);
  }

  async keyAnswers(keys: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    this.#answer();
    const found = keys.flatMap((key) => this.answers.get(key) ?? []);
    return new Map(found.map(({ key, packed }) => [key, Buffer.from(packed)]));
  }

  async endKeys(holder: string, ended: 'success' | 'failure'): Promise<void> {
    this.#answer();
    for (const [key, row] of this.rows) {
      if (row.holder !== holder || row.finished) continue;
      if (ended === 'success' || row.finish === 'anyway') row.finished = true;
      else this.rows.delete(key);
    }
  }

  async returnKeys(holder: string, keys: readonly string[]): Promise<void> {
    this.#answer();
    for (const key of keys) if (this.rows.get(key)?.holder === holder) this.rows.delete(key);
  }

  #answer(): void {
    if (this.away) throw new Error('The database does not answer');
  }
}

interface RunOptions {
  readonly id?: string;
  readonly mode?: string;
  readonly rootMode?: string;
  readonly hooked?: boolean;
  /** n8n does not show how its nodes are connected. */
  readonly hidden?: boolean;
  readonly mails?: readonly string[];
  readonly node?: Partial<INode>;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Which trigger item each item comes from, for n8n's item linking. */
  readonly traced?: readonly (string | null)[];
  readonly signal?: AbortSignal;
  /** The steps at "First time", and at "Already done". */
  readonly next?: readonly string[];
  readonly done?: readonly string[];
  /** The mails of the run that has called this one. */
  readonly caller?: readonly string[];
  /** Whether the trigger of this package has begun the run. */
  readonly begunByMail?: boolean;
  /** No trigger of this package comes before the node. */
  readonly mailless?: boolean;
}

class World<Keys extends OnceKeys = FakeKeys> {
  readonly ledger: Keys;
  readonly held = new Set<string>();
  #executions = 0;

  constructor(ledger: Keys = new FakeKeys() as unknown as Keys) {
    this.ledger = ledger;
  }

  /** One execution, which may call the node several times. */
  run(options: RunOptions = {}): FakeRun {
    return new FakeRun(this, { id: String(++this.#executions), ...options });
  }

  readonly mails = new Map<string, readonly string[]>();
  readonly runs = {
    hold: (holder: string) => void this.held.add(holder),
    release: (holder: string) => void this.held.delete(holder),
    mailKeys: (id: string) => this.mails.get(id) ?? [],
    mailEvents: (id: string) => (this.mails.get(id) ?? []).map((key) => `event of ${key}`),
  };
}

class FakeRun {
  readonly #hooks = new RunHooks();
  readonly #state = {};
  readonly #world: World<OnceKeys>;
  readonly #options: RunOptions & { readonly id: string };

  constructor(world: World<OnceKeys>, options: RunOptions & { readonly id: string }) {
    this.#world = world;
    this.#options = options;
    world.mails.set(options.id, options.mails ?? []);
    world.mails.set(`caller of ${options.id}`, options.caller ?? []);
  }

  async call(
    items: readonly INodeExecutionData[],
    runIndex = 0,
    more: Partial<RunOptions> = {},
  ): Promise<[INodeExecutionData[], INodeExecutionData[]]> {
    const context = this.#context(items, runIndex, { ...this.#options, ...more });
    return runOnce(context, async () => this.#world);
  }

  async end(status: IRun['status']): Promise<void> {
    await this.#hooks.end({ status });
  }

  async step(
    name: string,
    task: Partial<ITaskData> = { executionStatus: 'success' },
    data?: object,
  ): Promise<void> {
    await this.#hooks.step(name, task, data);
  }

  get handlers(): number {
    return this.#hooks.ends;
  }

  #context(
    items: readonly INodeExecutionData[],
    runIndex: number,
    options: RunOptions & { readonly id: string },
  ): IExecuteFunctions {
    const { parameters = {}, traced, node } = options;
    const hooks = this.#hooks;
    const valueAt = (name: string, index: number): unknown => {
      const value = parameters[name];
      return typeof value === 'function' ? (value as (index: number) => unknown)(index) : value;
    };
    return {
      additionalData: {
        ...(options.hooked !== false && { hooks }),
        ...(options.rootMode && { rootExecutionMode: options.rootMode }),
      },
      runExecutionData: { parentExecution: { executionId: `caller of ${options.id}` } },
      ...(!options.hidden && {
        workflow: {
          connectionsBySourceNode: {
            'Run Once': {
              main: [options.next ?? [], options.done ?? []].map((names) =>
                names.map((node) => ({ node, type: 'main', index: 0 })),
              ),
            },
            Disabled: { main: [[{ node: 'After It', type: 'main', index: 0 }]] },
          },
          nodes: { Disabled: { disabled: true } },
        },
      }),
      getNode: () => ({
        id: 'node',
        name: 'Run Once',
        // What stands in the workflow: an expression is text that begins with "=".
        parameters: { key: typeof parameters['key'] === 'function' ? '={{ … }}' : (parameters['key'] ?? '') },
        ...node,
      }),
      getWorkflow: () => ({ id: 'workflow', active: true }),
      getMode: () => options.mode ?? 'trigger',
      getInputData: () => items,
      getInstanceId: () => 'instance',
      getExecutionId: () => this.#options.id,
      getExecutionCancelSignal: () => options.signal,
      getContext: () => this.#state,
      getNodeParameter: (name: string, index: number, fallback: unknown) => valueAt(name, index) ?? fallback,
      getParentNodes: () => [
        { name: 'Edit', type: 'n8n-nodes-base.set' },
        ...(options.mailless ? [] : [{ name: 'Mail', type: 'n8n-nodes-durable-mail.durableImapTrigger' }]),
      ],
      getWorkflowDataProxy: (index: number) => ({
        $runIndex: runIndex,
        $: (name: string) => {
          assert.equal(name, 'Mail', 'only triggers of this package are asked');
          const key = traced?.[index];
          if (!key && options.begunByMail !== undefined) return { isExecuted: options.begunByMail };
          if (!key) throw new Error('Paired item data is missing');
          return { item: mailItem(key) };
        },
      }),
      continueOnFail: () => ['continueRegularOutput', 'continueErrorOutput'].includes(node?.onError ?? ''),
    } as unknown as IExecuteFunctions;
  }
}

const mailItem = (idempotencyKey: string, json = {}): INodeExecutionData => ({
  json: { ...json, delivery: { idempotencyKey } },
});
const items = (count: number): INodeExecutionData[] =>
  Array.from({ length: count }, (_, number) => ({ json: { number } }));
const orders = (...order: unknown[]): Pick<RunOptions, 'parameters'> => ({
  parameters: { key: (index: number) => order[index] },
});
const sizes = ([first, done]: [INodeExecutionData[], INodeExecutionData[]]): number[] => [
  first.length,
  done.length,
];
const continuing = { node: { onError: 'continueErrorOutput' } } as const;

describe('an item', () => {
  it('goes on as it came, linked to itself', async () => {
    const binary = { file: { data: 'x', mimeType: 'text/plain' } };
    const [first, done] = await new World().run().call([{ ...mailItem('m', { a: 1 }), binary }]);
    assert.deepEqual(first, [
      { json: { a: 1, delivery: { idempotencyKey: 'm' } }, binary, pairedItem: { item: 0 } },
    ]);
    assert.deepEqual(done, []);
  });

  it('of one email passes once, also when its run is tried again', async () => {
    const world = new World();
    const one = world.run();
    assert.deepEqual(sizes(await one.call([mailItem('m'), mailItem('m')])), [2, 0], 'each item by itself');
    await one.end('success');
    assert.deepEqual(sizes(await world.run().call([mailItem('m'), mailItem('m')])), [0, 2]);
    assert.deepEqual(sizes(await world.run().call([mailItem('m'), mailItem('m'), mailItem('m')])), [1, 2]);
    for (const key of world.ledger.rows.keys()) assert.match(key, /^[0-9a-f]{64}$/, 'a digest');
  });

  it('needs a key in a workflow that another one calls, which may be once for each item of one email', async () => {
    const world = new World();
    const called = { mode: 'integrated', rootMode: 'trigger' };
    for (const run of [{ ...called, caller: ['m'], mailless: true }, called]) {
      await assert.rejects(world.run(run).call([mailItem('m')]), /In a workflow that another one calls/);
    }
    const parts = { ...called, caller: ['m'] };
    for (const part of ['1', '2'])
      assert.deepEqual(sizes(await world.run({ ...parts, ...orders(part) }).call([mailItem('m')])), [1, 0]);
  });

  it('passes again when its run failed, unless its key was to stay finished', async () => {
    const world = new World();
    for (const [parameters, retry] of [
      [{}, [1, 0]],
      [{ ifRunFails: 'keep' }, [0, 1]],
      [{ keyIsFinished: 'atOnce' }, [0, 1]],
    ] as const) {
      const mail = JSON.stringify(parameters);
      const failed = world.run({ parameters });
      await failed.call([mailItem(mail)]);
      await failed.end('error');
      assert.deepEqual(sizes(await world.run({ parameters }).call([mailItem(mail)])), retry, mail);
    }
  });

  it('of a run that came to a Wait node counts as done', async () => {
    const world = new World();
    const run = world.run({ id: '7' });
    await run.call([mailItem('m')]);
    await run.end('waiting');
    assert.deepEqual(sizes(await run.call([mailItem('m')], 0)), [0, 1], 'begun again under its id');
  });

  it('in a loop is an item of its own, and its retry finds it, whatever else was in the run', async () => {
    const world = new World();
    const run = world.run({ parameters: { ifRunFails: 'keep' } });
    assert.deepEqual(sizes(await run.call([mailItem('a')], 0)), [1, 0]);
    assert.deepEqual(sizes(await run.call([mailItem('b')], 1)), [1, 0]);
    assert.deepEqual(sizes(await run.call([mailItem('b')], 2)), [1, 0], 'the second item of b');
    await run.end('error');
    const alone = world.run({ parameters: { ifRunFails: 'keep' } });
    assert.deepEqual(sizes(await alone.call([mailItem('b')], 0)), [0, 1]);
    assert.deepEqual(sizes(await alone.call([mailItem('b')], 1)), [0, 1]);
    assert.deepEqual(sizes(await alone.call([mailItem('b')], 2)), [1, 0]);
  });

  it('that has lost its email has that of its run, or of the trigger item it comes from', async () => {
    const world = new World();
    await (await ended(world, { mails: ['m'] }, items(1))).end('success');
    assert.deepEqual(sizes(await world.run().call([mailItem('m')])), [0, 1], 'the only mail of the run');
    const traced = world.run({ mails: ['m', 'n'], traced: ['n', 'm'] });
    assert.deepEqual(sizes(await traced.call(items(2))), [1, 1], 'by item linking');
    await assert.rejects(
      world.run({ mails: ['m', 'n'] }).call(items(1)),
      /which of the 2 emails of this run/,
    );
    await assert.rejects(world.run().call(items(1)), /comes from no Durable Mail trigger/);
  });

  it('with a Key passes if no equal one did, in the same call, too', async () => {
    const world = new World();
    const run = world.run(orders('A', 'B', 'A', 7, ' 7 '));
    const [first, done] = await run.call(items(5));
    assert.deepEqual(
      [first, done].map((some) => some.map(({ json }) => json['number'])),
      [
        [0, 1, 3],
        [2, 4],
      ],
    );
    assert.deepEqual(sizes(await run.call(items(1), 1)), [0, 1], 'nor later in the same run');
  });

  it('whose Key gives nothing is an error, not the key of its email', async () => {
    for (const [nothing, message] of [
      ['', /gives nothing/],
      [null, /gives nothing/],
      [{ a: 1 }, /must be text or a number/],
    ] as const) {
      await assert.rejects(
        new World().run(orders('A', nothing)).call([mailItem('m'), mailItem('m')]),
        message,
      );
    }
  });

  it('finds an equal key only within its scope', async () => {
    const elsewhere = { id: 'other' };
    for (const [scope, found] of [
      ['step', 1],
      ['workflow', 0],
      ['everywhere', 0],
    ] as const) {
      const parameters = { scope, key: () => 'A' };
      const world = new World();
      const run = world.run({ parameters });
      await run.call(items(1));
      await run.end('success');
      const [first] = await world.run({ parameters, node: elsewhere }).call(items(1));
      assert.equal(first.length, found, scope);
    }
  });

  it('is remembered as long as set', async () => {
    for (const [rememberDays, keepMs] of [
      [undefined, 90 * 86_400_000],
      [0, null],
      [0.5, 43_200_000],
    ] as const) {
      const world = new World();
      await world.run({ parameters: { options: { rememberDays } } }).call([mailItem('m')]);
      assert.deepEqual(
        [...world.ledger.rows.values()].map((row) => row.keepMs),
        [keepMs],
      );
    }
    const wrong = { parameters: { options: { rememberDays: -1 } } };
    await assert.rejects(
      new World().run(wrong).call([mailItem('m')]),
      /"Remember Keys For" must be a number/,
    );
  });
});

async function ended(world: World, options: RunOptions, some: INodeExecutionData[]): Promise<FakeRun> {
  const run = world.run(options);
  await run.call(some);
  return run;
}

describe('a key', () => {
  const failed = { executionStatus: 'error', error: new Error('500') } as unknown as ITaskData;

  it('is finished when the next step is done: what fails later does not repeat it', async () => {
    const world = new World();
    const one = world.run({ next: ['Create the order'] });
    assert.deepEqual(sizes(await one.call([mailItem('m')])), [1, 0]);
    await one.step('Somewhere else');
    assert.deepEqual(
      [...world.ledger.rows.values()].map(({ finished }) => finished),
      [false],
    );
    await one.step('Create the order');
    assert.deepEqual(
      [...world.ledger.rows.values()].map(({ finished }) => finished),
      [true],
    );
    await one.end('error');
    assert.deepEqual(sizes(await world.run().call([mailItem('m')])), [0, 1]);
  });

  it('is free again when the next step failed itself', async () => {
    const world = new World();
    const one = world.run({ next: ['Create the order'] });
    await one.call([mailItem('m')]);
    await one.step('Create the order', failed);
    await one.end('error');
    assert.deepEqual(sizes(await world.run().call([mailItem('m')])), [1, 0]);
  });

  it('waits for all steps at First time, and for the one behind a step that is switched off', async () => {
    const world = new World();
    const one = world.run({ next: ['Create the order', 'Disabled'] });
    await one.call([mailItem('m')]);
    await one.step('Create the order');
    await one.step('Disabled');
    assert.deepEqual(
      [...world.ledger.rows.values()].map(({ finished }) => finished),
      [false],
    );
    await one.step('After It');
    assert.deepEqual(
      [...world.ledger.rows.values()].map(({ finished }) => finished),
      [true],
    );
  });

  it('waits for the end of the run, where that was chosen', async () => {
    const world = new World();
    const one = world.run({ next: ['Create the order'], parameters: { keyIsFinished: 'runEnds' } });
    await one.call([mailItem('m')]);
    await one.step('Create the order');
    await one.end('error');
    assert.deepEqual(sizes(await world.run().call([mailItem('m')])), [1, 0]);
  });

  it('in a loop is finished in each round', async () => {
    const world = new World();
    const one = world.run({ next: ['Create the order'] });
    for (const [runIndex, mail] of ['a', 'b', 'c'].entries()) {
      await one.call([mailItem(mail)], runIndex);
      if (mail !== 'c') await one.step('Create the order');
    }
    await one.end('error');
    const retry = await world.run().call([mailItem('a'), mailItem('b'), mailItem('c')]);
    assert.deepEqual(sizes(retry), [1, 2]);
  });

  it('is finished before the run ends, also when the ledger was away in between', async () => {
    const world = new World();
    const one = world.run({ next: ['Create the order'] });
    await one.call([mailItem('m')]);
    world.ledger.away = true;
    const finishing = one.step('Create the order');
    const ending = one.end('error');
    world.ledger.away = false;
    await Promise.all([finishing, ending]);
    assert.deepEqual(sizes(await world.run().call([mailItem('m')])), [0, 1]);
  });
});

describe('what is content of a mail', () => {
  /** The event that the answer of the step is stored with, of each that is stored. */
  const eventsOf = async (options: RunOptions, item: INodeExecutionData): Promise<(string | null)[]> => {
    const world = new World();
    const run = world.run({ next: ['Step'], done: ['After'], ...orders('A'), ...options });
    await run.call([item]);
    const task = {
      executionStatus: 'success',
      source: [{ previousNode: 'Run Once' }],
      data: { main: [items(1)] },
    };
    await run.step('Step', task as never, {
      resultData: { runData: { Step: [task] } },
      executionData: { nodeExecutionStack: [] },
    });
    assert.ok([...world.ledger.rows.values()].every(({ finished }) => finished));
    return [...world.ledger.answers.values()].map(({ event }) => event);
  };
  const delivered = { json: { delivery: { eventId: 'e' } } };

  it('belongs to the event that the item names, or to that of the only mail of its run', async () => {
    assert.deepEqual(await eventsOf({}, delivered), ['e']);
    assert.deepEqual(await eventsOf({ mails: ['m'] }, { json: {} }), ['event of m']);
    assert.deepEqual(await eventsOf({ mode: 'integrated' }, delivered), ['e']);
    assert.deepEqual(await eventsOf({ mode: 'integrated', caller: ['m'] }, { json: {} }), ['event of m']);
  });

  it('is not remembered where nobody can tell whose it is: it could not be forgotten with its mail', async () => {
    assert.deepEqual(await eventsOf({ mails: ['m', 'n'] }, { json: {} }), []);
    assert.deepEqual(await eventsOf({ begunByMail: true }, { json: {} }), [], 'its mail has ended before');
    assert.deepEqual(await eventsOf({ mode: 'integrated' }, { json: {} }), []);
    assert.deepEqual(await eventsOf({ mode: 'integrated', caller: ['m', 'n'] }, { json: {} }), []);
  });

  it('is remembered for no mail in a run that no trigger of mails has begun', async () => {
    assert.deepEqual(await eventsOf({ mailless: true }, { json: {} }), [null]);
    assert.deepEqual(await eventsOf({ begunByMail: false }, { json: {} }), [null], 'another trigger has');
  });
});

describe('a key that another run holds', () => {
  const holding = async (): Promise<[World, FakeRun]> => {
    const world = new World();
    return [world, await ended(world, {}, [mailItem('m')])];
  };

  it('is waited for: the item passes if that run fails, and is done if it ends well', async () => {
    for (const [status, expected] of [
      ['error', [1, 0]],
      ['success', [0, 1]],
    ] as const) {
      const [world, other] = await holding();
      let asked = 0;
      world.ledger.onTake = () => {
        if (asked++ === 0) setImmediate(() => void other.end(status));
      };
      assert.deepEqual(sizes(await world.run().call([mailItem('m')])), expected);
      assert.equal(asked, 2);
    }
  });

  it('fails the run after that, and what else it took is given back', async () => {
    const [world] = await holding();
    const parameters = { options: { waitSeconds: 0 } };
    const call = world.run({ parameters }).call([mailItem('n'), mailItem('m')]);
    await assert.rejects(call, /Another run is doing this step now, and did not end within 0 s/);
    assert.equal(world.ledger.rows.size, 1);
  });

  it('lets the item leave as done, where that was chosen', async () => {
    const [world] = await holding();
    const parameters = { options: { waitSeconds: 0, ifStillHeld: 'alreadyDone' } };
    assert.deepEqual(sizes(await world.run({ parameters }).call([mailItem('m'), mailItem('n')])), [1, 1]);
  });

  it('is not taken by a run that was stopped before it asked', async () => {
    const world = new World();
    const stopped = world.run({ signal: AbortSignal.abort() });
    await assert.rejects(stopped.call([mailItem('m')]), /stopped/);
    assert.equal(world.ledger.rows.size, 0);
    assert.equal(world.held.size, 0);
    assert.equal(stopped.handlers, 0, 'nothing waits for an end that was told already');
  });

  it('is not waited for by a run that is stopped', async () => {
    const [world] = await holding();
    const stop = new AbortController();
    world.ledger.onTake = () => setImmediate(() => stop.abort());
    const parameters = { options: { ifStillHeld: 'wait' } };
    const call = world.run({ parameters, signal: stop.signal }).call([mailItem('n'), mailItem('m')]);
    await assert.rejects(call, /The run was stopped/);
    assert.equal(world.ledger.rows.size, 1, 'what it took is given back');
  });
});

describe('a node that is set to continue on errors', () => {
  it('never sends an item with an error on as First time', async () => {
    const world = new World();
    await ended(world, {}, [mailItem('held')]);
    const parameters = { options: { waitSeconds: 0 } };
    const run = world.run({ ...continuing, parameters });
    const [first, done] = await run.call([mailItem('held'), mailItem('m'), { json: {} }]);
    assert.deepEqual(
      first.map(({ pairedItem }) => pairedItem),
      [{ item: 1 }],
    );
    assert.deepEqual(
      done.map(({ pairedItem }) => pairedItem),
      [{ item: 0 }, { item: 2 }],
    );
    assert.match(done[0]?.json['error'] as string, /Another run/);
    assert.match(done[1]?.json['error'] as string, /no Durable Mail trigger/);
  });

  it('does not throw whatever happens: n8n would send all items on', async () => {
    const world = new World();
    world.ledger.away = true;
    const [first, done] = await world.run(continuing).call([mailItem('m'), mailItem('n')]);
    assert.equal(first.length, 0);
    assert.deepEqual(
      done.map(({ json }) => json['error']),
      Array(2).fill('The database does not answer'),
    );
  });
});

describe('the node', () => {
  it('refuses "Always Output Data", which starts the step for nothing', async () => {
    const run = new World().run({ node: { alwaysOutputData: true } });
    await assert.rejects(run.call([mailItem('m')]), /Switch off "Always Output Data"/);
  });

  it('in a test from the editor neither finds nor leaves a key, nor opens the ledger', async () => {
    const world = new World();
    world.ledger.away = true;
    for (const test of [
      { mode: 'manual' },
      { mode: 'evaluation' },
      { mode: 'integrated', rootMode: 'manual' },
    ]) {
      assert.deepEqual(
        sizes(await world.run(test).call([mailItem('m'), mailItem('m'), { json: {} }])),
        [3, 0],
      );
      assert.deepEqual(sizes(await world.run({ ...test, ...orders('A', 'A') }).call(items(2))), [1, 1]);
    }
  });

  it('asks for all keys in few requests', async () => {
    const world = new World();
    const key = (index: number): string => `order ${index}`;
    assert.deepEqual(sizes(await world.run({ parameters: { key } }).call(items(1_100))), [1_100, 0]);
    assert.deepEqual(world.ledger.batches, [500, 500, 100]);
  });

  it('takes a key whose lease ran out from a holder that nobody saw renew it for a while, and from no other', async () => {
    const dead = new World();
    const alive = new World();
    for (const { ledger, run } of [dead, alive].map((world) => ({
      ledger: world.ledger,
      run: world.run(),
    }))) {
      await run.call([mailItem('m')]);
      for (const row of ledger.rows.values()) row.lapsedAt = 1;
    }
    // It slept, and renews again.
    setTimeout(() => {
      for (const row of alive.ledger.rows.values()) delete row.lapsedAt;
    }, 4_000);
    const [from, not] = await Promise.all(
      [dead, alive].map(async (world) => {
        const began = performance.now();
        const parameters = { options: { waitSeconds: 0 } };
        const outcome = await world
          .run({ parameters })
          .call([mailItem('m')])
          .then(sizes, (error: unknown) => String(error));
        return { outcome, ms: performance.now() - began };
      }),
    );
    assert.deepEqual(from!.outcome, [1, 0]);
    assert.ok(from!.ms > 14_000, 'it was watched');
    assert.match(String(not!.outcome), /Another run is doing this step now/);
  });

  it('that waits while its process stands still does not hold that against the holder', async (t) => {
    let stoodStill = 0;
    const monotonic = performance.now.bind(performance);
    t.mock.method(performance, 'now', () => monotonic() + stoodStill);
    const world = new World();
    await world.run().call([mailItem('m')]);
    for (const row of world.ledger.rows.values()) row.lapsedAt = 1;
    let asked = 0;
    world.ledger.onTake = () => {
      // The machine goes on, and the holder renews a moment later than others ask.
      if (++asked === 3) for (const row of world.ledger.rows.values()) delete row.lapsedAt;
    };
    setTimeout(() => (stoodStill = 60_000), 500);
    const parameters = { options: { waitSeconds: 0 } };
    await assert.rejects(world.run({ parameters }).call([mailItem('m')]), /Another run is doing this step/);
  });

  it('that n8n tries again in the same run takes its items again', async () => {
    const world = new World();
    const run = world.run(orders('A', 'B'));
    assert.deepEqual(sizes(await run.call(items(2))), [2, 0]);
    assert.deepEqual(sizes(await run.call(items(2))), [2, 0], 'the same call');
    assert.deepEqual(sizes(await run.call(items(2), 1)), [0, 2], 'the next one');
  });

  it('whose answer was lost does not lose the step: keys that nobody used are given back', async () => {
    for (const keyIsFinished of ['atOnce', 'runEnds']) {
      const world = new World();
      const run = world.run({ parameters: { keyIsFinished } });
      world.ledger.losesAnswer = true;
      await assert.rejects(run.call([mailItem('m')]), /The connection was lost/);
      world.ledger.losesAnswer = false;
      assert.equal(world.ledger.rows.size, 0);
      world.ledger.onTake = () => void (world.ledger.losesAnswer = world.ledger.away = true);
      await assert.rejects(run.call([mailItem('m')]), /The connection was lost/);
      assert.equal(world.ledger.rows.size, 1, 'they could not be given back');
      world.ledger.losesAnswer = world.ledger.away = false;
      world.ledger.onTake = () => undefined;
      assert.deepEqual(sizes(await run.call([mailItem('m')])), [1, 0], 'tried again in the same run');
      world.ledger.onTake = () => void (world.ledger.losesAnswer = world.ledger.away = true);
      const failed = world.run({ parameters: { keyIsFinished } });
      await assert.rejects(failed.call([mailItem('n')]));
      world.ledger.losesAnswer = world.ledger.away = false;
      await failed.end('error');
      world.ledger.onTake = () => undefined;
      assert.deepEqual(sizes(await world.run().call([mailItem('n')])), [1, 0], 'given back at the end');
    }
  });

  it('holds its keys until their end is stored, and registers once for each execution', async () => {
    const world = new World();
    const run = world.run({ id: '9' });
    await run.call([mailItem('m')]);
    await run.call([mailItem('m')], 0, { node: { id: 'second' } });
    assert.equal(run.handlers, 1);
    assert.deepEqual(
      [...world.held].map((holder) => holder.replace(/:[^:]*$/, '')),
      ['instance:9'],
    );
    world.ledger.away = true;
    setTimeout(() => (world.ledger.away = false), 20);
    await run.end('success');
    assert.equal(world.held.size, 0);
    assert.ok([...world.ledger.rows.values()].every(({ finished }) => finished));
  });

  it('finishes keys at once where n8n does not tell how a run ended', async () => {
    const world = new World();
    await world.run({ hooked: false }).call([mailItem('m')]);
    assert.equal(world.held.size, 0, 'nothing is renewed for ever');
    assert.deepEqual(sizes(await world.run().call([mailItem('m')])), [0, 1]);
  });

  it('says once, in words, that keys are finished with the run where n8n does not show the steps after it', async () => {
    const said: string[] = [];
    const ignore = (): void => undefined;
    LoggerProxy.init({ debug: ignore, info: ignore, error: ignore, warn: (text: string) => said.push(text) });
    const world = new World();
    const run = world.run({ hidden: true, parameters: { keyIsFinished: 'runEnds' } });
    await run.call([mailItem('l')]);
    assert.deepEqual(said, [], 'nothing is missing for that');
    for (const mail of ['m', 'n']) {
      const failing = world.run({ hidden: true });
      assert.deepEqual(sizes(await failing.call([mailItem(mail)])), [1, 0]);
      await failing.step('Sink');
      await failing.end('error');
      assert.deepEqual(sizes(await world.run().call([mailItem(mail)])), [1, 0], 'as when the run ends well');
    }
    assert.equal(said.length, 1);
    assert.match(said[0]!, /"When the Next Step Is Done" counts as "When the Run Ends Well"/);
  });
});

describe('with a real ledger', () => {
  it('a step is done once over failures, retries and repetitions', async (test) => {
    const folder = await mkdtemp(join(tmpdir(), 'durable-mail-once-'));
    const ledger = await openSqliteLedger(join(folder, 'ledger.sqlite'));
    test.after(async () => {
      await ledger.close();
      await rm(folder, { recursive: true });
    });
    const world = new World(ledger);
    const three = [mailItem('m'), mailItem('m'), mailItem('n')];
    const failed = world.run();
    assert.deepEqual(sizes(await failed.call(three)), [3, 0]);
    assert.deepEqual(sizes(await failed.call([mailItem('m')], 1)), [1, 0]);
    const impatient = world.run({ parameters: { options: { waitSeconds: 0 } } });
    await assert.rejects(impatient.call([mailItem('o'), mailItem('n')]), /Another run is doing this step/);
    await failed.end('error');
    const retry = world.run();
    assert.deepEqual(sizes(await retry.call([...three, mailItem('o')])), [4, 0]);
    await retry.end('success');
    assert.deepEqual(sizes(await world.run().call([...three, mailItem('o')])), [0, 4]);
    const parameters = { keyIsFinished: 'atOnce', options: { rememberDays: 0 } };
    assert.deepEqual(sizes(await world.run({ parameters }).call([mailItem('p')])), [1, 0]);
    assert.deepEqual(sizes(await world.run({ parameters }).call([mailItem('p')])), [0, 1]);
  });
});
