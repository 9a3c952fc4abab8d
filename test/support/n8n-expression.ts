// What n8n makes of an expression.
import { type IDataObject, type INode, type INodeTypes, Workflow } from 'n8n-workflow';

/** As n8n gives the value to a node, for this item. */
export function evaluated(value: string, json: IDataObject): unknown {
  const node: INode = { id: 'n', name: 'N', type: 't', typeVersion: 1, position: [0, 0], parameters: {} };
  const nodeTypes = { getByNameAndVersion: () => undefined } as unknown as INodeTypes;
  const { expression } = new Workflow({ nodes: [node], connections: {}, active: false, nodeTypes });
  const items = [{ json }];
  return expression.resolveSimpleParameterValue(value, {}, null, 0, 0, node.name, items, 'manual', {});
}
