// One call of the node, by its operation.
import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { itemsOrErrors } from '../host/n8n/going-on';
import { actOnEndpoints, type EndpointStore } from './endpoints';
import { sendWebhooks, type SendStore } from './send';
import { plainText } from './settings';

interface Store extends SendStore {
  readonly ledger: SendStore['ledger'] & EndpointStore['ledger'];
  readonly telling: EndpointStore['telling'];
}

type OpenStore = (context: IExecuteFunctions) => Promise<Store>;

/** @throws NodeOperationError: the node does not go on after errors */
export const durableWebhook = (
  context: IExecuteFunctions,
  openStore: OpenStore,
): Promise<INodeExecutionData[]> => itemsOrErrors(context, () => operate(context, openStore));

/** @throws Error */
async function operate(context: IExecuteFunctions, openStore: OpenStore): Promise<INodeExecutionData[]> {
  const store = await openStore(context);
  const operation = plainText(context.getNodeParameter('operation', 0, 'send'));
  switch (operation) {
    case 'send':
      return sendWebhooks(context, store);
    case 'subscribe':
    case 'unsubscribe':
    case 'takeBack':
    case 'listEndpoints':
      return actOnEndpoints(context, store, operation);
    default:
      throw new Error('"Operation" must be one of the choices that the node has.');
  }
}
