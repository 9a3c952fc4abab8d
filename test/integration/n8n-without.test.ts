// An n8n without something that it does not document: what is weaker is said, once, or it is refused; nothing is ever silently
// lost or done twice. The contexts and hooks are n8n-core's own, with the thing taken out.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import Module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import type {
  IExecuteFunctions,
  INode,
  INodeExecutionData,
  INodeProperties,
  INodeType,
  IRun,
  ITriggerFunctions,
} from 'n8n-workflow';
import type { OfferedRun } from '../../engine/ledger/offers';
import { emitRun } from '../../nodes/host/listen/emit';
import { refuseWhatCannotWork } from '../../nodes/host/listen/refusal';
import { triggersOf } from '../../nodes/host/n8n/workflow-triggers';
import { watchRetries } from '../../nodes/host/run/retry-by-hand';
import { runPointers } from '../../nodes/host/run/run';
import { openStore, type Store } from '../../nodes/host/store/store';
import { properties as triggerProperties } from '../../nodes/DurableImapTrigger/properties';
import { imapShape } from '../../nodes/DurableImapTrigger/shape';
import { properties as onceProperties } from '../../nodes/RunOnce/properties';
import { runOnce } from '../../nodes/RunOnce/run-once';
import { itemSettings } from '../support/items';
import { type CoreHooks, N8N_MODULES, N8nCore, type Opened } from '../support/n8n-core';
import { offeredRun } from '../support/offered-run';

const nodeOf = (name: string, type: string, parameters = {}): INode => ({
  ...{ id: name, name, type: `n8n-nodes-durable-mail.${type}`, typeVersion: 1, position: [0, 0], parameters },
});
/** As far as n8n asks for it here. */
const typeOf = (properties: INodeProperties[]): INodeType => ({
  description: { properties, inputs: ['main'], outputs: ['main'], credentials: [] } as never,
});
const trigger = typeOf(triggerProperties);
const once = typeOf(onceProperties);

const MAIL = nodeOf('Mail', 'durableImapTrigger');
const SINK = nodeOf('Sink', 'runOnce');

describe('An n8n', { timeout: 120_000 }, () => {
  let folder: string;
  let core: N8nCore;
  let store: Store;
  const userFolder = process.env['N8N_USER_FOLDER'];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-without-'));
    process.env['N8N_USER_FOLDER'] = folder;
    core = new N8nCore();
    store = await openStore({ getNode: () => MAIL, getCredentials: () => assert.fail('there is none') });
  });
  after(async () => {
    await store.close();
    if (userFolder === undefined) delete process.env['N8N_USER_FOLDER'];
    else process.env['N8N_USER_FOLDER'] = userFolder;
    await rm(folder, { recursive: true, force: true });
  });
  const SAID = Symbol.for('n8n-nodes-durable-mail/said');
  // As in a process that has just begun.
  beforeEach(() => Reflect.deleteProperty(globalThis, SAID));

  /** All that was said of this n8n since the test began: each thing is said when it is first found (nodes/host/n8n/weaker.ts). */
  const says = (...expected: RegExp[]): void => {
    const said = [...((Reflect.get(globalThis, SAID) ?? []) as Iterable<string>)];
    assert.equal(said.length, expected.length, said.join('\n'));
    for (const [index, text] of expected.entries()) assert.match(said[index]!, text);
  };

  const state = async ({ pointers }: OfferedRun): Promise<string | undefined> =>
    (await store.ledger.event(pointers[0]!.event))?.state;

  const settings = {
    shape: imapShape(itemSettings()),
    mostReadBytes: Infinity,
    rereader: () => assert.fail('the server was asked'),
    telling: { everyTry: false, showsMail: true },
  };

  interface MailRun {
    readonly context: IExecuteFunctions & Opened;
    readonly hooks: CoreHooks;
    readonly begin: () => Promise<INodeExecutionData[]>;
  }

  /** The first step of a run of these mails, in an n8n that has everything, until the test takes something out. */
  const mailRun = ({ pointers }: OfferedRun): MailRun => {
    const items = pointers.map((pointer): INodeExecutionData => ({ json: { ...pointer } }));
    const { context, hooks } = core.execution(MAIL, trigger, items);
    return { context, hooks, begin: () => runPointers(context, pointers, settings) };
  };

  const ends = (hooks: CoreHooks, status: IRun['status']): Promise<void> =>
    hooks.runHook('workflowExecuteAfter', [{ status, data: { resultData: {} } }]);

  type Done = Parameters<ITriggerFunctions['emit']>[2];

  /** A trigger, and what it has handed to n8n. */
  const emitting = (
    make: (take: (done: Done, key?: string) => void) => (...args: never[]) => void,
  ): { context: ITriggerFunctions & Opened; taken: { done: Done; key: string | undefined }[] } => {
    const taken: { done: Done; key: string | undefined }[] = [];
    return {
      context: core.trigger(
        MAIL,
        trigger,
        make((done, key) => void taken.push({ done, key })),
      ),
      taken,
    };
  };
  const whole = (): ReturnType<typeof emitting> =>
    emitting((take) => (_data: never, _response: never, done: Done, key: string) => take(done, key));

  const emits = (context: ITriggerFunctions, run: OfferedRun): ReturnType<typeof emitRun> =>
    emitRun(context, run, store.runs, store.ledger.place);

  it('that has everything settles a mail by its hooks, and nothing is said', async () => {
    for (const [status, expected] of [
      ['success', 'DONE'],
      ['error', 'RETRY'],
    ] as const) {
      const { run } = await offeredRun(store.ledger);
      const { begin, hooks } = mailRun(run);
      assert.equal((await begin()).length, 1);
      await ends(hooks, status);
      assert.equal(await state(run), expected);
    }
    const { context } = whole();
    await refuseWhatCannotWork(context);
    assert.deepEqual(triggersOf(context), [{ id: 'Mail', name: 'Mail', disabled: false }]);
    says();
  });

  describe('without the hook of the end of a run', () => {
    const TOLD_LATER =
      /^This n8n does not tell a node how its run ends: the trigger learns it from n8n, later/;

    const ways: Readonly<Record<string, (run: MailRun) => void>> = {
      'because runs have no hooks': ({ context }) => delete context.additionalData['hooks'],
      'because nobody can add one': ({ hooks }) => Object.assign(hooks, { addHandler: undefined }),
      'because it has another name': ({ hooks }) => {
        hooks.handlers['workflowRunAfter'] = hooks.handlers['workflowExecuteAfter']!;
        delete hooks.handlers['workflowExecuteAfter'];
      },
      'because it takes any name and calls none of them': ({ context }) => {
        context.additionalData['hooks'] = { addHandler: () => undefined };
      },
    };
    for (const [why, take] of Object.entries(ways)) {
      it(`${why}: its mail is run, settled by the done promise, and that is said once`, async () => {
        for (const [status, expected] of [
          ['success', 'DONE'],
          ['error', 'RETRY'],
        ] as const) {
          const { run } = await offeredRun(store.ledger);
          const { context, taken } = whole();
          const emitted = emits(context, run);
          const mail = mailRun(run);
          take(mail);
          assert.equal((await mail.begin()).length, 1);
          assert.equal(await state(run), 'RUNNING');
          taken[0]!.done!.resolve({ status } as IRun);
          await emitted;
          assert.equal(await state(run), expected);
        }
        says(TOLD_LATER);
      });
    }

    it('that one can see among the others, but that is called: it is believed', async () => {
      const { run } = await offeredRun(store.ledger);
      const mail = mailRun(run);
      const { hooks } = mail;
      mail.context.additionalData['hooks'] = {
        addHandler: (name: string, handler: unknown) => hooks.addHandler(name, handler),
        workflowData: {},
      };
      await mail.begin();
      await ends(hooks, 'success');
      assert.equal(await state(run), 'DONE');
      says();
    });
  });

  describe('in which Run Once cannot see', () => {
    const NEXT = { Once: { main: [[{ node: 'Sink', type: 'main', index: 0 }]] } } as const;
    let keys = 0;

    /** A guarded step that succeeds, in a run that fails after it; and a retry. @returns whether the retry does the step again */
    const isDoneAgain = async (
      take: (context: Opened, hooks: CoreHooks) => void,
      task: unknown,
      connections: object = NEXT,
    ): Promise<boolean> => {
      const node = nodeOf('Once', 'runOnce', { key: `key ${++keys}` });
      const call = async (): Promise<{ first: number; hooks: CoreHooks }> => {
        const { context, hooks } = core.execution(node, once, [{ json: {} }], {
          nodes: [SINK],
          connections: connections as never,
        });
        take(context, hooks);
        const [first] = await runOnce(context, async () => store);
        return { first: first.length, hooks };
      };
      const failing = await call();
      assert.equal(failing.first, 1);
      if (failing.hooks.handlers['nodeExecuteAfter']) {
        await failing.hooks.runHook('nodeExecuteAfter', ['Sink', task]);
      }
      await ends(failing.hooks, 'error');
      const again = await call();
      await ends(again.hooks, 'success');
      return again.first === 1;
    };

    const SUCCESS = { executionStatus: 'success' };
    const AS_RUN_ENDS =
      /^This n8n does not tell a node which steps come after it, or when they are done\. .*"At Once"/;

    it('nothing missing: the step is not done again, and nothing is said', async () => {
      assert.equal(await isDoneAgain(() => undefined, SUCCESS), false);
      says();
    });

    const ways: Readonly<Record<string, [take: (context: Opened, hooks: CoreHooks) => void, task: unknown]>> =
      {
        'the end of a step, whose hook has another name': [
          (_, hooks) => {
            hooks.handlers['nodeRunAfter'] = hooks.handlers['nodeExecuteAfter']!;
            delete hooks.handlers['nodeExecuteAfter'];
          },
          SUCCESS,
        ],
        'how a step ended': [() => undefined, { status: 'success' }],
        'anything of a step that ended': [() => undefined, undefined],
        'the connections of the workflow': [
          (context) => Object.assign(context.workflow, { connectionsBySourceNode: undefined }),
          SUCCESS,
        ],
        'the connections of the workflow, which are kept in another way': [
          ({ workflow }) => {
            const { connectionsBySourceNode: known } = workflow;
            const nodes = workflow as { connectionsBySourceNode: unknown; getChildNodes: unknown };
            nodes.getChildNodes = () => ['Sink'];
            nodes.connectionsBySourceNode = new Map(Object.entries(known as object));
          },
          SUCCESS,
        ],
        'where a connection leads': [
          ({ workflow }) =>
            Object.assign(workflow, { connectionsBySourceNode: { Once: { main: { 0: 'Sink' } } } }),
          SUCCESS,
        ],
      };
    for (const [what, [take, task]] of Object.entries(ways)) {
      it(`${what}: the step is done again if the run fails, and that is said once`, async () => {
        assert.equal(await isDoneAgain(take, task), true);
        assert.equal(await isDoneAgain(take, task), true);
        says(AS_RUN_ENDS);
      });
    }

    it('what the steps have handed on: the step is not done again, and that nothing is remembered is said once', async () => {
      const both = { Once: { main: [...NEXT.Once.main, [{ node: 'After', type: 'main', index: 0 }]] } };
      for (let runs = 0; runs < 2; runs++)
        assert.equal(await isDoneAgain(() => undefined, SUCCESS, both), false);
      says(/^This n8n does not tell a node what the steps after it have handed on: .*no answers/);
    });

    it('the end of a run: the step is not done again, and that is said once', async () => {
      const take = (context: Opened): unknown => delete context.additionalData['hooks'];
      assert.equal(await isDoneAgain(take, SUCCESS), false);
      says(/a key of Run Once is kept whatever becomes of its run/, /keys of Run Once are finished at once/);
    });

    it('its own parameters: it is refused, and no key is taken', async () => {
      const { context } = core.execution(nodeOf('Once', 'runOnce', { key: 'k' }), once, [{ json: {} }]);
      const { parameters: _, ...bare } = context.getNode();
      Object.assign(context, { getNode: () => bare });
      const refused =
        /^This n8n does not show a node its parameters as they are stored.* Update n8n to 2\.15 or newer/;
      await assert.rejects(
        runOnce(context, async () => store),
        (error: Error) => refused.test(error.message),
      );
    });
  });

  describe('without what a run is handed to it with', () => {
    const taking = {
      'the done promise': () => emitting((take) => (_data: never, _response: never) => take(undefined)),
      'the deduplication key': () =>
        emitting((take) => (_data: never, _response: never, done: Done) => take(done)),
    };

    it('the deduplication key: a run that it starts twice ends empty the second time, and that is said once', async () => {
      const { context, taken } = taking['the deduplication key']();
      for (let times = 0; times < 2; times++) await refuseWhatCannotWork(context);
      says(/^This n8n takes no deduplication key\. .* ends empty\.$/);
      const { run } = await offeredRun(store.ledger);
      const emitted = emits(context, run);
      const [first, second] = [mailRun(run), mailRun(run)];
      assert.equal((await first.begin()).length, 1);
      assert.deepEqual(await second.begin(), []);
      await ends(second.hooks, 'success');
      assert.equal(await state(run), 'RUNNING');
      await ends(first.hooks, 'success');
      taken[0]!.done!.resolve({ status: 'success' } as IRun);
      await emitted;
      assert.equal(await state(run), 'DONE');
    });

    it('the done promise, and with no hooks that could be seen: it is refused when it is published', async () => {
      const { context } = taking['the done promise']();
      await assert.rejects(
        refuseWhatCannotWork(context),
        /tells neither a trigger nor a node how a run has ended.* Update n8n to 2\.15 or newer/,
      );
    });

    it('the done promise, where runs have hooks: they settle the mail, and what is slower is said once', async () => {
      const paths = process.env['NODE_PATH'];
      const { _initPaths: find } = Module as unknown as { readonly _initPaths: () => void };
      // As in a process of n8n, whose modules are found from its program.
      process.env['NODE_PATH'] = N8N_MODULES;
      find();
      try {
        const { context } = taking['the done promise']();
        for (let times = 0; times < 2; times++) await refuseWhatCannotWork(context);
        says(/takes no deduplication key/, /^This n8n does not tell a trigger when a run is over: /);
        const { run } = await offeredRun(store.ledger);
        let isOver = false;
        void emits(context, run).then(() => (isOver = true));
        const { begin, hooks } = mailRun(run);
        await begin();
        await ends(hooks, 'success');
        assert.equal(await state(run), 'DONE');
        assert.equal(isOver, false, 'the pointer is renewed for as long as n8n may start it');
      } finally {
        if (paths === undefined) delete process.env['NODE_PATH'];
        else process.env['NODE_PATH'] = paths;
        find();
      }
    });

    it('a done promise that says how a run ended: nothing is taken for a failure, and that is said once', async () => {
      for (let times = 0; times < 2; times++) {
        const { run } = await offeredRun(store.ledger);
        const { context, taken } = whole();
        const emitted = emits(context, run);
        const { begin, hooks } = mailRun(run);
        await begin();
        taken[0]!.done!.resolve({ data: {} } as IRun);
        assert.equal(await emitted, undefined);
        assert.equal(await state(run), 'RUNNING');
        await ends(hooks, 'success');
        assert.equal(await state(run), 'DONE');
      }
      says(/^This n8n tells a trigger that a run is over, and not how it ended: /);
    });

    it('the maker of done promises: one is made without it', async () => {
      const { context, taken } = whole();
      Object.assign(context.helpers, { createDeferredPromise: undefined });
      const { run } = await offeredRun(store.ledger);
      const emitted = emits(context, run);
      const error = new Error('It was stopped.');
      taken[0]!.done!.reject(error);
      assert.deepEqual(await emitted, {
        outcome: { kind: 'failure', error: 'It was stopped.' },
        wentNoFurther: true,
      });
    });
  });

  it('that refuses a run at once says why, so that people hear of it', async () => {
    const { context } = emitting(() => () => {
      throw new Error('Engine 2.0 cannot tell of the end of a run.');
    });
    const { run } = await offeredRun(store.ledger);
    assert.deepEqual(await emits(context, run), {
      outcome: { kind: 'failure', error: 'Engine 2.0 cannot tell of the end of a run.' },
      wentNoFurther: true,
    });
  });

  describe('that does not show a trigger', () => {
    it('its own parameters: it is refused when it is published', async () => {
      const { context } = whole();
      const { parameters: _, ...bare } = context.getNode();
      Object.assign(context, { getNode: () => bare });
      await assert.rejects(
        refuseWhatCannotWork(context),
        /does not show a node its parameters as they are stored/,
      );
    });

    it('the engine of its workflow: it is published, and what is not refused is said once', async () => {
      for (let times = 0; times < 2; times++) {
        const { context } = whole();
        Object.assign(context, { getWorkflowSettings: undefined });
        Object.assign(context.workflow, { settings: undefined });
        await refuseWhatCannotWork(context);
      }
      says(/^This n8n does not show a trigger the settings of its workflow: .*engine 2\.0 is not refused/);
    });

    it('the engine by its API: it is looked for where it stands, and refused', async () => {
      const { context } = whole();
      Object.assign(context, { getWorkflowSettings: undefined });
      Object.assign(context.workflow, { settings: { engineType: 'v2' } });
      await assert.rejects(refuseWhatCannotWork(context), /engine 2\.0.*Choose engine 1/);
      says();
    });

    it('the other nodes of its workflow: none is taken for gone, and that is said once', () => {
      for (const nodes of [undefined, new Map([['Mail', MAIL]]), { Mail: { type: MAIL.type } }]) {
        const { context } = whole();
        Object.assign(context.workflow, { nodes });
        assert.equal(triggersOf(context), null);
      }
      says(/^This n8n does not show a trigger the other nodes of its workflow: /);
    });
  });

  it('that does not tell which executions begin: what a retry by a person costs is said once', () => {
    for (let times = 0; times < 2; times++) watchRetries();
    says(
      /^This n8n does not tell of the executions that it begins: a failed run that a person retries at a later step/,
    );
  });

  it('that does not show its copy of the workflow: the mail is settled, and what hears of it is said once', async () => {
    for (let times = 0; times < 2; times++) {
      const { run } = await offeredRun(store.ledger);
      const { begin, hooks } = mailRun(run);
      Object.assign(hooks, { workflowData: undefined });
      await begin();
      await ends(hooks, 'error');
      assert.equal(await state(run), 'RETRY');
    }
    says(/^This n8n does not show a node what it knows of the error workflow: that one hears of every try/);
  });
});
