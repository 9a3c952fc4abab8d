// How many are wanted of a long list.
import type { IExecuteFunctions } from 'n8n-workflow';
import { nodeError } from '../host/n8n/node-error';

export function most(context: IExecuteFunctions, itemIndex: number): number {
  if (context.getNodeParameter('returnAll', itemIndex, false)) return Infinity;
  const limit = context.getNodeParameter('limit', itemIndex, 50);
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw nodeError(context.getNode(), '"Limit" must be a whole number from 1 on', { itemIndex });
}
