// n8n's own contexts of nodes, its hooks of an execution and its workflows, out of the n8n that the tests install: what a node
// meets in it, with no n8n running.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type {
  IConnections,
  IExecuteFunctions,
  INode,
  INodeExecutionData,
  INodeType,
  IRun,
  ITriggerFunctions,
} from 'n8n-workflow';

/** n8n-core's ExecutionLifecycleHooks. */
export interface CoreHooks {
  handlers: Record<string, unknown[]>;
  addHandler(name: string, handler: unknown): void;
  runHook(name: 'workflowExecuteAfter' | 'nodeExecuteAfter', parameters: unknown[]): Promise<void>;
}

type Make<T> = new (...parts: unknown[]) => T;

interface Core {
  readonly ExecutionLifecycleHooks: Make<CoreHooks>;
  readonly ExecuteContext: Make<IExecuteFunctions & Opened>;
  readonly TriggerContext: Make<ITriggerFunctions & Opened>;
  readonly WorkflowExecute: Make<{ run(what: object): Promise<IRun> }>;
}

/** A workflow as n8n runs it: its first node gets the items. */
export interface WholeRun {
  readonly nodes: readonly INode[];
  readonly connections: IConnections;
  /** By the types of the nodes. */
  readonly types: Readonly<Record<string, INodeType>>;
  readonly items: INodeExecutionData[];
  readonly executionOrder?: 'v0' | 'v1';
}

/** What a context has inside, as a test changes it. */
export interface Opened {
  readonly additionalData: Record<string, unknown>;
  readonly workflow: Record<string, unknown>;
}

/** The folder that n8n's modules are in. */
export const N8N_MODULES = join(dirname(process.env['DURABLE_MAIL_N8N'] ?? ''), '..', '..');

const fromN8n = createRequire(join(N8N_MODULES, 'n8n', 'package.json'));

/** Loads n8n's modules: some seconds. To be called with N8N_USER_FOLDER set: they write there. */
export class N8nCore {
  readonly #core: Core;
  readonly #workflow: Make<object>;
  #executions = 0;

  constructor() {
    fromN8n('reflect-metadata');
    this.#core = fromN8n('n8n-core') as Core;
    this.#workflow = (fromN8n('n8n-workflow') as { Workflow: Make<object> }).Workflow;
  }

  /** What `execute()` of the node has, in an execution of its own. */
  execution(
    node: INode,
    type: INodeType,
    items: INodeExecutionData[],
    more: { readonly nodes?: INode[]; readonly connections?: IConnections } = {},
  ): { context: IExecuteFunctions & Opened; hooks: CoreHooks } {
    const executionId = String(++this.#executions);
    const workflow = this.#workflowOf(type, [node, ...(more.nodes ?? [])], more.connections);
    const copy = { id: 'w', name: 'w', nodes: [], connections: {}, settings: {} };
    const hooks = new this.#core.ExecutionLifecycleHooks('trigger', executionId, copy);
    const data = { main: [items] };
    const additionalData = { hooks, executionId, rootExecutionMode: 'trigger' };
    const results = { resultData: { runData: {} }, executionData: { contextData: {} } };
    const context = new this.#core.ExecuteContext(
      ...[workflow, node, additionalData, 'trigger', results, 0, items, data],
      ...[{ data, node, source: null }, []],
    );
    return { context, hooks };
  }

  /** Runs a workflow to its end, step by step as n8n does. */
  async run({ nodes, connections, types, items, executionOrder = 'v1' }: WholeRun): Promise<IRun> {
    const executionId = String(++this.#executions);
    const copy = { id: 'w', name: 'w', nodes: [], connections: {}, settings: {} };
    const hooks = new this.#core.ExecutionLifecycleHooks('trigger', executionId, copy);
    const known = (type: string): INodeType | undefined => types[type];
    const nodeTypes = { getByName: known, getByNameAndVersion: known, getKnownTypes: () => ({}) };
    const workflow = new this.#workflow({
      ...{ id: 'w', name: 'w', active: true, nodes, connections, nodeTypes, settings: { executionOrder } },
    });
    const waiting = 'http://127.0.0.1/waiting';
    const additionalData = {
      ...{ hooks, executionId, rootExecutionMode: 'trigger' },
      ...{ webhookWaitingBaseUrl: waiting, formWaitingBaseUrl: waiting },
    };
    const execute = new this.#core.WorkflowExecute(additionalData, 'trigger');
    return execute.run({
      workflow,
      startNode: nodes[0],
      triggerToStartFrom: { name: nodes[0]!.name, data: { data: { main: [items] } } },
    });
  }

  /** One of n8n's own nodes. @param path of its file below dist/nodes, the class being named after it */
  nodeOfN8n(path: string): INodeType {
    const name = path.split('/').at(-1)!.replace('.node', '');
    const found = fromN8n(`n8n-nodes-base/dist/nodes/${path}.js`) as Record<string, new () => INodeType>;
    return new found[name]!();
  }

  /** What `trigger()` of the node has. */
  trigger(node: INode, type: INodeType, emit: (...args: never[]) => void): ITriggerFunctions & Opened {
    const workflow = this.#workflowOf(type, [node]);
    return new this.#core.TriggerContext(
      ...[workflow, node, {}, 'trigger', 'init', emit, undefined, () => undefined],
    );
  }

  #workflowOf(type: INodeType, nodes: INode[], connections: IConnections = {}): object {
    const nodeTypes = { getByName: () => type, getByNameAndVersion: () => type, getKnownTypes: () => ({}) };
    return new this.#workflow({
      ...{ id: 'w', name: 'w', active: true, nodes, connections, nodeTypes, settings: {} },
    });
  }
}
