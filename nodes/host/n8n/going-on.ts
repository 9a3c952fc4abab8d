// Errors where a node is set to go on after them.
// Invariant: then its call does not throw. n8n would hand on the items that came, as a success and without a word of the error: also
// where the node has an error output.
import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { errorText } from '../../../engine/runtime/log';
import { nodeError } from './node-error';

type Context = Pick<IExecuteFunctions, 'continueOnFail' | 'getInputData' | 'getNode'>;

/** As n8n's own nodes: where this one has an error output, n8n moves it there. */
export const errorItem = (itemIndex: number, error: unknown): INodeExecutionData => ({
  json: { error: errorText(error) },
  pairedItem: { item: itemIndex },
});

/**
 * @param call what the node does with all of its items
 * @returns what it hands on; where the call as a whole fails, that for each item
 * @throws NodeOperationError: it fails, and the node does not go on
 */
export async function itemsOrErrors(
  context: Context,
  call: () => Promise<INodeExecutionData[]>,
): Promise<INodeExecutionData[]> {
  try {
    return await call();
  } catch (error) {
    // One that is such an error already keeps its item and its description.
    if (!context.continueOnFail()) throw nodeError(context.getNode(), error as Error);
    return context.getInputData().map((_, index) => errorItem(index, error));
  }
}

/**
 * What is read for the whole call. Where it cannot be, and the node goes on after errors, the items that need it have said so.
 * @returns null: it cannot be read @throws Error: it cannot be, and the node does not go on
 */
export async function orGoOn<T>(
  context: Pick<Context, 'continueOnFail'>,
  read: () => T | Promise<T>,
): Promise<T | null> {
  if (!context.continueOnFail()) return read();
  try {
    return await read();
  } catch {
    return null;
  }
}
