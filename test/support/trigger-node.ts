// A trigger's node as n8n hands it to the code that reads its settings: what a person entered passes through n8n's own
// resolution of parameters first.
import assert from 'node:assert/strict';
import {
  type IExecuteFunctions,
  type INode,
  type INodeParameters,
  type INodeProperties,
  type ITriggerFunctions,
  NodeHelpers,
  NodeOperationError,
} from 'n8n-workflow';

export class TriggerNode {
  readonly #name: string;
  readonly #properties: INodeProperties[];

  constructor(name: string, properties: INodeProperties[]) {
    this.#name = name;
    this.#properties = properties;
  }

  /** The node's parameters as n8n hands them out: defaults filled in, what is not shown left out. */
  resolved(parameters: INodeParameters, typeVersion = 1): { node: INode; values: INodeParameters } {
    const node: INode = {
      id: 'node',
      name: 'Mail',
      type: `n8n-nodes-durable-mail.${this.#name}`,
      typeVersion,
      position: [0, 0],
      parameters,
    };
    const values = NodeHelpers.getNodeParameters(this.#properties, parameters, true, false, node, null);
    assert.ok(values);
    return { node, values };
  }

  /** As its workflow is published. */
  published(parameters: INodeParameters, mode = 'activate', typeVersion = 1): ITriggerFunctions {
    const { node, values } = this.resolved(parameters, typeVersion);
    return {
      getNode: () => node,
      getNodeParameter: (name: string, fallback: unknown) => values[name] ?? fallback,
      getActivationMode: () => mode,
      getTimezone: () => 'Europe/Berlin',
    } as unknown as ITriggerFunctions;
  }

  /** As its workflow runs. */
  running(parameters: INodeParameters): IExecuteFunctions {
    const { node, values } = this.resolved(parameters);
    return {
      getNode: () => node,
      getNodeParameter: (name: string, _item: number, fallback: unknown) => values[name] ?? fallback,
      getTimezone: () => 'Europe/Berlin',
    } as unknown as IExecuteFunctions;
  }
}

/** What is refused is refused in words that a person reads in the editor. */
export function assertRefused(work: () => unknown, message: RegExp): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof NodeOperationError);
    assert.match(error.message, message);
    return true;
  });
}
