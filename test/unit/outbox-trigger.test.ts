// The Outbox Trigger in n8n: what it is refused for when it is published, what a person is told of it later, and which ledger it listens with.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import type {
  IDataObject,
  INodeExecutionData,
  IRun,
  ITriggerFunctions,
  NodeOperationError,
  WorkflowActivateMode,
} from 'n8n-workflow';
import { openPlace } from '../../engine/instance/place';
import { LedgerFault } from '../../engine/ledger/fault';
import { ledgerFile, openStore, processState, type Store } from '../../nodes/host/store/store';
import type { OutboxTrigger } from '../../nodes/OutboxTrigger/OutboxTrigger.node';
import { ROOT } from '../../tools/shell.mjs';
import { queued, tried } from '../support/outbox-entries';
import { until } from '../support/until';

/** Without its ending, Node.js takes it for machine code. */
const FILE = join(ROOT, 'nodes', 'OutboxTrigger', 'OutboxTrigger.node.ts');

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** n8n, as far as the trigger touches it. */
class Publishing {
  readonly told: NodeOperationError[] = [];
  /** What executions were started with, by key. */
  readonly started = new Map<string, IDataObject>();
  /** What n8n has against the next executions. */
  readonly refusals: Error[] = [];
  mode: WorkflowActivateMode = 'activate';
  engineType: string | undefined;
  /** Of its Mail Store credential, if it has chosen one. */
  credential: Record<string, unknown> | undefined;
  readonly #closing: (() => Promise<void>)[] = [];

  readonly context = {
    getMode: () => 'trigger',
    getNode: () => ({
      ...{ id: 'n', name: 'Outbox', parameters: { mailStore: this.credential ? 'postgres' : 'default' } },
      credentials: { mailStore: { id: '1', name: 'Our Postgres' } },
    }),
    getWorkflow: () => ({ id: 'w', name: 'See to It' }),
    getWorkflowSettings: () => ({ engineType: this.engineType }),
    getActivationMode: () => this.mode,
    getInstanceId: () => 'this n8n',
    getNodeParameter: (name: string) => ({ when: ['failed'], entryKind: 'all', onlyWorkflows: '' })[name],
    getCredentials: async () => this.credential ?? assert.fail('there is none'),
    saveFailedExecution: (error: NodeOperationError) => this.told.push(error),
    helpers: {},
    emit: (
      [[item]]: [[INodeExecutionData]],
      _response: unknown,
      done: { resolve: (run?: IRun) => void; reject: (error: Error) => void },
      key: string,
    ) => {
      this.started.set(key, item.json);
      const refusal = this.refusals.shift();
      if (refusal) done.reject(refusal);
      else done.resolve();
    },
  } as unknown as ITriggerFunctions;

  async publish(): Promise<void> {
    const { OutboxTrigger: Node } = (await import(FILE)) as { OutboxTrigger: typeof OutboxTrigger };
    const { closeFunction } = await new Node().trigger.call(this.context);
    this.#closing.push(async () => closeFunction?.());
  }

  store(): Promise<Store> {
    return openStore(this.context);
  }

  /** @returns the id of an entry that has failed for good */
  async failure(): Promise<string> {
    const { ledger } = await this.store();
    const [entry] = await queued(ledger, 1);
    await tried(ledger, [entry!.id], { became: 'FAILED', error: 'It answered 550' });
    return entry!.id;
  }

  /** Resolves when it has started an execution for the entry. */
  async startedFor(id: string): Promise<void> {
    const isStarted = (): boolean =>
      [...this.started.values()].some(({ entry }) => (entry as IDataObject)['id'] === id);
    await until(`an execution is started for ${id}`, isStarted);
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close();
  }
}

describe('the Outbox Trigger', { timeout: 120_000 }, () => {
  let folder: string;
  let n8n: Publishing;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'durable-mail-outbox-trigger-'));
    process.env['N8N_USER_FOLDER'] = folder;
    n8n = new Publishing();
  });
  afterEach(async () => {
    mock.restoreAll();
    await n8n.close();
    for (const { opening } of processState().engines.values()) await (await opening).close();
    processState().engines.clear();
    for (const name of Object.keys(process.env))
      if (/^(DURABLE_MAIL_|N8N_USER_FOLDER$|EXECUTIONS_MODE$)/.test(name))
        Reflect.deleteProperty(process.env, name);
    rmSync(folder, { recursive: true });
  });

  const ownedByAnother = async (): Promise<void> => {
    const place = { kind: 'sqlite', file: ledgerFile() } as const;
    const owner = { id: 'another n8n', home: null, host: 'elsewhere', isGone: () => false };
    const { ledger, close } = await openPlace(place, quiet, owner);
    await ledger.own();
    await close();
  };

  describe('is refused when it is published, with what to change,', () => {
    it("in a workflow on n8n's engine 2.0", async () => {
      n8n.engineType = 'v2';
      await assert.rejects(n8n.publish(), /engine 2\.0.*Choose engine 1/);
    });

    it('in queue mode without Postgres', async () => {
      process.env['EXECUTIONS_MODE'] = 'queue';
      await assert.rejects(n8n.publish(), /Queue mode needs .* set DURABLE_MAIL_POSTGRES_URL/);
    });

    it('with a database that can never be used, named by the environment or by its credential', async () => {
      process.env['DURABLE_MAIL_POSTGRES_URL'] = 'mysql://ann:secret@db.example/mail';
      await assert.rejects(n8n.publish(), /DURABLE_MAIL_POSTGRES_URL cannot be used/);
      n8n.credential = { host: '', database: 'mail', user: 'ann', password: 'secret' };
      await assert.rejects(n8n.publish(), /Host is empty in the credential "Our Postgres"/);
      n8n.credential = { ...n8n.credential, host: 'db.example', redisUrl: 'http://:secret@redis.example' };
      await assert.rejects(n8n.publish(), (error: Error) => {
        assert.match(error.message, /Redis URL in the credential "Our Postgres".* cannot be used/);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
    });

    it("with a ledger that is another n8n's", async () => {
      await ownedByAnother();
      await assert.rejects(n8n.publish(), /belongs to another n8n/);
    });
  });

  it('is published where nothing is wrong', async () => {
    await n8n.publish();
    assert.equal(processState().listeners.size, 1);
    await n8n.close();
    assert.equal(processState().listeners.size, 0);
    assert.deepEqual(n8n.told, []);
  });

  it('tells a person once what only he can mend, where n8n has started with it, and goes on when it is mended', async () => {
    await ownedByAnother();
    n8n.mode = 'init';
    let tries = 0;
    const { ledger } = await n8n.store();
    const own = ledger.own.bind(ledger);
    ledger.own = () => {
      tries++;
      return own();
    };
    await n8n.publish();
    await until('it has tried again', () => tries >= 3);
    assert.equal(n8n.told.length, 1);
    const [{ message, context, description }] = n8n.told as [NodeOperationError];
    assert.match(message, /^The outbox is not being read: .* belongs to another n8n/);
    assert.match(description ?? '', /stays active/);
    assert.deepEqual(context['alarm'], {
      ...{ kind: 'outboxNotRead', fault: 'foreign' },
      ...{ workflowId: 'w', workflow: 'See to It', trigger: 'Outbox' },
    });
    await ledger.takeOver();
    const listens = async (): Promise<boolean> => (await n8n.store()).listeners.size === 1;
    await until('it listens', listens);
    await n8n.startedFor(await n8n.failure());
    assert.equal(n8n.told.length, 1);
  });

  it('tells a person once what only he can mend, where it had listened, and goes on when it is mended', async () => {
    await n8n.publish();
    await n8n.startedFor(await n8n.failure());
    const { ledger } = await n8n.store();
    const changes = ledger.changes.bind(ledger);
    let [tries, kind] = [0, 'unreachable' as LedgerFault['kind']];
    ledger.changes = () => {
      tries++;
      return Promise.reject(new LedgerFault(kind, 'The mail ledger is not to be read.'));
    };
    const again = async (times: number): Promise<void> => {
      const before = tries;
      await until('it has tried again', () => tries >= before + times);
    };
    await again(2);
    assert.deepEqual(n8n.told, [], 'an outage is told when it lasts');
    kind = 'rights';
    await again(2);
    assert.deepEqual(
      n8n.told.map(({ message }) => message),
      ['The outbox is not being read: The mail ledger is not to be read.'],
    );
    ledger.changes = changes;
    await n8n.startedFor(await n8n.failure());
    assert.equal(n8n.told.length, 1);
  });

  it('tells nobody of an execution that was cancelled', async () => {
    await n8n.publish();
    n8n.refusals.push(new Error('The execution was cancelled'));
    const [cancelled, next] = [await n8n.failure(), await n8n.failure()];
    await n8n.startedFor(cancelled);
    await n8n.startedFor(next);
    assert.equal(n8n.started.size, 2, 'under one key each');
    assert.deepEqual(n8n.told, []);
  });

  /** It looks every ten seconds which ledger it is to listen with; here, much more often. */
  const lookOften = (): void => {
    const { setTimeout: real } = globalThis;
    const sooner = (run: () => void, ms?: number): unknown => real(run, ms === 10_000 ? 50 : ms);
    mock.method(globalThis, 'setTimeout', sooner as typeof setTimeout);
  };

  it('goes on with another ledger, where it is to listen with that one now', async () => {
    lookOften();
    await n8n.publish();
    const before = await n8n.store();
    process.env['N8N_USER_FOLDER'] = join(folder, 'other');
    // It looks once a minute.
    const now = performance.now.bind(performance);
    mock.method(performance, 'now', () => now() + 60_000);
    const listens = async (): Promise<boolean> => (await n8n.store()).listeners.size === 1;
    await until('it listens with the other one', listens);
    assert.equal(before.listeners.size, 0);
    await n8n.startedFor(await n8n.failure());
    assert.deepEqual(n8n.told, []);
  });

  it('goes on with the file that stands in the place of the one that it listened with', async () => {
    lookOften();
    await n8n.publish();
    const before = await n8n.store();
    rmSync(dirname(ledgerFile()), { recursive: true });
    await until('it has left the one before', () => before.listeners.size === 0);
    const listens = async (): Promise<boolean> => (await n8n.store()).listeners.size === 1;
    await until('it listens with the other one', listens);
    assert.notEqual(await n8n.store(), before);
    await n8n.startedFor(await n8n.failure());
  });

  it('of a workflow that another n8n has published listens when that one is silent, and not before', async () => {
    process.env['DURABLE_MAIL_SHARED_LEDGER'] = 'true';
    const { ledger } = await n8n.store();
    const node = { workflowId: 'w', nodeId: 'n' };
    const noteOther = (): Promise<unknown> =>
      ledger.noteListening([{ ...node, instance: 'another n8n', host: 'elsewhere' }]);
    assert.deepEqual(await noteOther(), []);
    let asked = 0;
    const noteListening = ledger.noteListening.bind(ledger);
    ledger.noteListening = (nodes) => {
      asked++;
      return noteListening(nodes);
    };
    await n8n.publish();
    await until('it has asked twice', () => asked >= 2);
    assert.deepEqual(await ledger.endpoints(), [], 'it reads nothing');
    assert.deepEqual(n8n.told, [], 'the other one may be about to end');
    ledger.noteListening = async () => [];
    const listens = async (): Promise<boolean> => (await n8n.store()).listeners.size === 1;
    await until('it listens', listens);
  });
});
