// The Outbox Trigger in n8n: what it is refused for when it is published.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ITriggerFunctions, NodeOperationError, WorkflowActivateMode } from 'n8n-workflow';
import { openPlace } from '../../engine/instance/place';
import { ledgerFile, processState } from '../../nodes/host/store/store';
import type { OutboxTrigger } from '../../nodes/OutboxTrigger/OutboxTrigger.node';
import { ROOT } from '../../tools/shell.mjs';

/** Without its ending, Node.js takes it for machine code. */
const FILE = join(ROOT, 'nodes', 'OutboxTrigger', 'OutboxTrigger.node.ts');

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** n8n, as far as the trigger touches it. */
class Publishing {
  readonly told: NodeOperationError[] = [];
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
  } as unknown as ITriggerFunctions;

  async publish(): Promise<void> {
    const { OutboxTrigger: Node } = (await import(FILE)) as { OutboxTrigger: typeof OutboxTrigger };
    const { closeFunction } = await new Node().trigger.call(this.context);
    this.#closing.push(async () => closeFunction?.());
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
    await n8n.close();
    for (const { opening } of processState().engines.values()) await (await opening).close();
    processState().engines.clear();
    for (const name of ['N8N_USER_FOLDER', 'EXECUTIONS_MODE', 'DURABLE_MAIL_POSTGRES_URL'])
      Reflect.deleteProperty(process.env, name);
    rmSync(folder, { recursive: true });
  });

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
      const place = { kind: 'sqlite', file: ledgerFile() } as const;
      const owner = { id: 'another n8n', home: null, host: 'elsewhere', isGone: () => false };
      const { ledger, close } = await openPlace(place, quiet, owner);
      await ledger.own();
      await close();
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
});
