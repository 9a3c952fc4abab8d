// What ties the engine to n8n, with the parts of n8n that it touches faked.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { IExecuteFunctions, INodeExecutionData, IRun, ITriggerFunctions } from 'n8n-workflow';
import type { OfferedRun } from '../../engine/ledger/offers';
import type { Pointer } from '../../engine/ledger/pointer';
import { emitRun } from '../../nodes/host/listen/emit';
import { readPointers } from '../../nodes/host/run/pointer';
import { refuseWhatCannotWork } from '../../nodes/host/listen/refusal';
import { type Rereader, runPointers } from '../../nodes/host/run/run';
import { outcomeOf } from '../../nodes/host/run/end';
import { openStore, type Store } from '../../nodes/host/store/store';
import type { DurableImapTrigger } from '../../nodes/DurableImapTrigger/DurableImapTrigger.node';
import { imapShape } from '../../nodes/DurableImapTrigger/shape';
import { itemHelpers, itemSettings } from '../support/items';
import { rawMail } from '../support/mails';
import { offeredRun } from '../support/offered-run';
import { RunHooks } from '../support/run-hooks';

/** A node that has not chosen a Mail Store. */
const node = {
  getNode: () => ({ name: 'Mail', parameters: {} }),
  getCredentials: () => assert.fail('there is none'),
} as unknown as Pick<ITriggerFunctions, 'getNode' | 'getCredentials'>;
describe('a run', () => {
  let folder: string;
  let store: Store;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-host-'));
    process.env['N8N_USER_FOLDER'] = folder;
    store = await openStore(node);
  });
  after(async () => {
    await store.ledger.close();
    delete process.env['N8N_USER_FOLDER'];
    await rm(folder, { recursive: true });
  });

  /** Each test's mails are of a workflow of their own. */
  let offer: () => Promise<OfferedRun[]>;

  const offered = async (subjects?: readonly string[], stored?: boolean): Promise<OfferedRun> => {
    const made = await offeredRun(store.ledger, subjects, stored);
    offer = made.offer;
    return made.run;
  };

  const state = async ({ event }: Pointer): Promise<string | undefined> =>
    (await store.ledger.event(event))?.state;

  interface FakeRun {
    context: IExecuteFunctions;
    end: (run: Partial<IRun>) => Promise<void>;
  }

  let executions = 0;

  const execution = (pointers: readonly Pointer[], hooked = true): FakeRun => {
    const id = String(++executions);
    const hooks = new RunHooks();
    const context = {
      helpers: itemHelpers,
      ...node,
      getWorkflow: () => ({ id: 'w', active: true }),
      getInputData: (): INodeExecutionData[] => pointers.map((pointer) => ({ json: { ...pointer } })),
      getExecutionId: () => id,
      getMode: () => 'trigger',
      getExecutionCancelSignal: () => undefined,
      ...(hooked && { additionalData: { hooks } }),
    } as unknown as IExecuteFunctions;
    return { context, end: (run) => hooks.end(run) };
  };

  const noServer = {
    shape: imapShape(itemSettings()),
    mostReadBytes: Infinity,
    rereader: () => assert.fail('the server was asked'),
    telling: { everyTry: false, showsMail: true },
  };

  const handOut = (
    { context }: FakeRun,
    { pointers }: OfferedRun,
    rereader?: Rereader,
  ): Promise<INodeExecutionData[]> =>
    runPointers(context, pointers, rereader ? { ...noServer, rereader: async () => rereader } : noServer);

  it('hands out the mail, and is DONE when n8n says that it succeeded', async () => {
    const run = await offered();
    const [pointer] = run.pointers as [Pointer];
    const first = execution(run.pointers);
    const [item] = await handOut(first, run);
    assert.equal(item?.json['subject'], 'x');
    assert.deepEqual(item.json['delivery'], {
      eventId: pointer.event,
      attempt: 1,
      idempotencyKey: (item.json['delivery'] as { idempotencyKey: string }).idempotencyKey,
      receivedAt: '2023-11-14T22:13:20.000Z',
      account: 'a',
      mailbox: 'INBOX',
      workflowId: 'w',
    });
    assert.deepEqual(await handOut(execution(run.pointers), run), [], 'a second run of it ends empty');
    await first.end({ status: 'success' });
    assert.deepEqual(await handOut(execution(run.pointers), run), [], 'and so does one after the end');
    assert.equal(await state(pointer), 'DONE');
  });

  it('hands out again what it holds when n8n tries the node again within the run', async () => {
    const run = await offered();
    const one = execution(run.pointers);
    assert.equal((await handOut(one, run)).length, 1);
    assert.equal((await handOut(one, run)).length, 1);
    await one.end({ status: 'success' });
    assert.equal(await state(run.pointers[0]!), 'DONE');
  });

  it('of several mails has one item for each, and they end together', async () => {
    const run = await offered(['one', 'two', 'three']);
    const one = execution(run.pointers);
    const items = await handOut(one, run);
    assert.deepEqual(
      items.map(({ json, pairedItem }) => [json['subject'], pairedItem]),
      [
        ['one', { item: 0 }],
        ['two', { item: 1 }],
        ['three', { item: 2 }],
      ],
    );
    await one.end({ status: 'error' });
    for (const pointer of run.pointers) assert.equal(await state(pointer), 'RETRY');
  });

  it('that failed is retried under a new attempt', async () => {
    const run = await offered();
    const first = execution(run.pointers);
    await handOut(first, run);
    await first.end({ status: 'error' });
    assert.equal(await state(run.pointers[0]!), 'RETRY');
    await store.ledger.retryNow({ ids: [run.pointers[0]!.event] });
    const [again] = (await offer()) as [OfferedRun];
    assert.deepEqual(again.pointers, [{ event: run.pointers[0]!.event, attempt: 2 }]);
    const second = execution(again.pointers);
    assert.equal((await handOut(second, again)).length, 1);
    await second.end({ status: 'success' });
    assert.equal(await state(run.pointers[0]!), 'DONE');
  });

  it('reads a mail that is not stored from its server, and lets go of one that is not there either', async () => {
    const run = await offered(['there', 'gone'], false);
    const one = execution(run.pointers);
    let ended = false;
    const items = await handOut(one, run, {
      read: async ({ event }) =>
        event === run.pointers[0]!.event
          ? { raw: Buffer.from(rawMail({ subject: 'there' })), truncated: false }
          : null,
      end: async () => void (ended = true),
    });
    assert.deepEqual(
      items.map(({ json }) => json['subject']),
      ['there'],
    );
    assert.ok(ended, 'the connection is closed');
    assert.equal(await state(run.pointers[1]!), 'GONE');
    await one.end({ status: 'success' });
    assert.equal(await state(run.pointers[0]!), 'DONE');
  });

  it('that fails here is a failure also where n8n goes on after errors and calls it a success', async () => {
    const run = await offered(['away'], false);
    const one = execution(run.pointers);
    const away = { read: () => Promise.reject(new Error('away')), end: async () => undefined };
    await assert.rejects(handOut(one, run, away), /away/);
    await one.end({ status: 'success' });
    assert.equal(await state(run.pointers[0]!), 'RETRY');
  });

  it('with nothing to do fails where n8n would go on with an item of nobody', async () => {
    const run = await offered();
    const one = execution(run.pointers);
    await handOut(one, run);
    const second = execution(run.pointers);
    Object.assign(second.context, { getNode: () => ({ ...node.getNode(), alwaysOutputData: true }) });
    await assert.rejects(handOut(second, run), /Always Output Data/);
    await one.end({ status: 'success' });
  });

  it('fails, and is tried again, when the server cannot be asked', async () => {
    const run = await offered(['away'], false);
    const one = execution(run.pointers);
    const away = { read: () => Promise.reject(new Error('away')), end: async () => undefined };
    await assert.rejects(handOut(one, run, away), /away/);
    await one.end({ status: 'error' });
    assert.equal(await state(run.pointers[0]!), 'RETRY');
  });

  it('without the end-of-run hook is settled by the done promise of the trigger', async () => {
    const run = await offered();
    const one = execution(run.pointers, false);
    let finish: ((run: IRun) => void) | undefined;
    const emitted: unknown[] = [];
    const trigger = {
      emit: (...args: unknown[]) => emitted.push(args[3]),
      getNode: () => ({ name: 'Trigger' }),
      helpers: {
        createDeferredPromise: () => {
          let resolve: (run: IRun) => void = () => undefined;
          const promise = new Promise<IRun>((done) => (resolve = done));
          finish = resolve;
          return { promise, resolve, reject: () => undefined };
        },
      },
    } as unknown as ITriggerFunctions;
    const emitting = emitRun(trigger, run, store.runs, store.ledger.place);
    await handOut(one, run);
    assert.equal(await state(run.pointers[0]!), 'RUNNING');
    finish?.({ status: 'success' } as IRun);
    await emitting;
    assert.equal(await state(run.pointers[0]!), 'DONE');
    assert.deepEqual(emitted, [`durable-mail:${run.id}`]);
  });
});

describe('the end of a run', () => {
  it('is a success, or a failure with the failing node and its message', () => {
    for (const status of ['success', 'waiting'] as const) {
      assert.deepEqual(outcomeOf({ status } as IRun), { kind: 'success' });
    }
    for (const status of ['error', 'canceled', 'crashed', 'unknown'] as const) {
      assert.deepEqual(outcomeOf({ status } as IRun), {
        kind: 'failure',
        error: `The run ended with the status "${status}".`,
      });
    }
    const error = { message: 'm'.repeat(1_000), node: { name: 'HTTP' } };
    const outcome = outcomeOf({ status: 'error', data: { resultData: { error } } } as unknown as IRun);
    assert.ok(outcome.kind === 'failure');
    assert.match(outcome.error, /^HTTP: m+$/);
    assert.equal(outcome.error.length, 300);
    const odd = outcomeOf({
      status: 'error',
      data: { resultData: { error: { code: 7 } } },
    } as unknown as IRun);
    assert.deepEqual(odd, { kind: 'failure', error: 'The run failed without a message.' });
  });
});

describe('the trigger node', () => {
  // As n8n loads it: the built file.
  const built = join(
    __dirname,
    '..',
    '..',
    'dist',
    'nodes',
    'DurableImapTrigger',
    'DurableImapTrigger.node.js',
  );

  it('knows pointers from any other items', () => {
    const pointer = { event: 'e', attempt: 2 };
    assert.deepEqual(readPointers([{ json: { ...pointer, more: 1 } }, { json: pointer }]), [
      pointer,
      pointer,
    ]);
    for (const json of [{}, { event: 'e' }, { event: 1, attempt: 2 }]) {
      assert.equal(readPointers([{ json: pointer }, { json }]), null);
    }
    assert.equal(readPointers([]), null);
  });

  describe('is refused when it is published, with what to change,', () => {
    const publish = (engineType?: string): Promise<void> =>
      refuseWhatCannotWork({
        ...node,
        getWorkflowSettings: () => ({ engineType }),
        getActivationMode: () => 'init',
      } as never);

    afterEach(() => {
      delete process.env['EXECUTIONS_MODE'];
      delete process.env['DURABLE_MAIL_POSTGRES_URL'];
    });

    it('in queue mode without Postgres', async () => {
      await publish();
      process.env['EXECUTIONS_MODE'] = 'queue';
      await assert.rejects(publish(), /Queue mode needs .* set DURABLE_MAIL_POSTGRES_URL/);
      process.env['DURABLE_MAIL_POSTGRES_URL'] = 'postgres://ann:secret@db.example/mail';
      await publish();
    });

    it('in a worker or a webhook process without Postgres, whatever EXECUTIONS_MODE says', async () => {
      const [, , command] = process.argv;
      try {
        for (const helper of ['worker', 'webhook']) {
          process.argv[2] = helper;
          await assert.rejects(publish(), /Queue mode needs .* set DURABLE_MAIL_POSTGRES_URL/);
          await assert.rejects(openStore(node), /Queue mode needs/);
        }
      } finally {
        process.argv.splice(2, 1, ...(command === undefined ? [] : [command]));
      }
    });

    it('with a URL in a file that cannot be read; one that can be is taken, as n8n takes its own', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'durable-mail-url-'));
      const file = join(folder, 'url');
      process.env['DURABLE_MAIL_POSTGRES_URL_FILE'] = file;
      try {
        await assert.rejects(publish(), /The file that DURABLE_MAIL_POSTGRES_URL_FILE names cannot be read/);
        await writeFile(file, 'postgres://ann:secret@db.example/mail\n');
        process.env['EXECUTIONS_MODE'] = 'queue';
        await publish();
      } finally {
        delete process.env['DURABLE_MAIL_POSTGRES_URL_FILE'];
        await rm(folder, { recursive: true });
      }
    });

    it('with a limit of runs that is no number; at the start of n8n the default counts, and nobody is refused', async () => {
      const context = { ...node, getWorkflowSettings: () => ({}) };
      const by = (mode: string): Promise<void> =>
        refuseWhatCannotWork({ ...context, getActivationMode: () => mode } as never);
      process.env['DURABLE_MAIL_MOST_RUNS'] = 'many';
      try {
        await assert.rejects(by('activate'), /DURABLE_MAIL_MOST_RUNS cannot be used: .* from 1 to 1000/);
        await by('init');
      } finally {
        delete process.env['DURABLE_MAIL_MOST_RUNS'];
      }
    });

    it('with settings of n8n that would lose mails or run for nothing', async () => {
      for (const [setting, message] of [
        [{ onError: 'continueRegularOutput' }, /Switch off "On Error: Continue"/],
        [{ continueOnFail: true }, /Switch off "Continue On Fail"/],
        [{ alwaysOutputData: true }, /Switch off "Always Output Data"/],
        [{ executeOnce: true }, /Switch off "Execute Once"/],
      ] as const) {
        const getNode = (): unknown => ({ ...node.getNode(), ...setting });
        const context = { ...node, getNode, getWorkflowSettings: () => ({}) } as never;
        await assert.rejects(refuseWhatCannotWork(context), message);
      }
    });

    it("in a workflow on n8n's engine 2.0", async () => {
      await assert.rejects(publish('v2'), /engine 2\.0.*Choose engine 1/);
    });

    it('with an address of the database that cannot be read, which it does not repeat', async () => {
      process.env['DURABLE_MAIL_POSTGRES_URL'] = 'mysql://ann:secret@db.example/mail';
      await assert.rejects(publish(), (error: Error) => {
        assert.match(error.message, /DURABLE_MAIL_POSTGRES_URL/);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
    });
  });

  it('says so when it is started without a pointer, unless somebody tests it', async () => {
    const context = {
      getInputData: () => [{ json: {} }],
      getMode: () => 'trigger',
      getNode: () => node.getNode(),
    } as unknown as IExecuteFunctions;
    const { DurableImapTrigger: Node } = (await import(built)) as {
      DurableImapTrigger: typeof DurableImapTrigger;
    };
    await assert.rejects(new Node().execute.call(context), /started without a mail/);
  });

  it('loads no library until it is used: every process of n8n loads its file', async () => {
    const script = `require(${JSON.stringify(built)});
      const loaded = Object.keys(require.cache).filter((f) => /node_modules.(imapflow|mailparser|libmime|nodemailer|pg)/.test(f));
      console.log(JSON.stringify([loaded, process.moduleLoadList.includes('NativeModule sqlite')]));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script]);
    assert.deepEqual(JSON.parse(stdout), [[], false]);
  });
});
