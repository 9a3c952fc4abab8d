// The item of what did not go out, where the node is set to go on.
// Invariant: where the node has an error output it leaves by that one. n8n takes an item for an error only if it has no more than
// `error` and `message`; with anything else it would stand among those that were sent.
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { Told } from './outcome';

/** @param more what else is known of it, where there is room for that */
export const failedItem = (
  context: Pick<IExecuteFunctions, 'getNode'>,
  itemIndex: number,
  { message, description }: Told,
  more: IDataObject,
): INodeExecutionData => {
  const isApart = context.getNode().onError === 'continueErrorOutput';
  return {
    json: { error: message, ...(isApart ? { message: description } : more) },
    pairedItem: { item: itemIndex },
  };
};
