// What the node's items are answered, in their order.
// Invariant: what befalls an item is its own answer where the node goes on, and else ends the run under that item's name.
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { errorText } from '../../engine/runtime/log';
import { nodeError } from '../host/n8n/node-error';

export class Answers {
  readonly #context: IExecuteFunctions;
  readonly #byItem: INodeExecutionData[][];

  constructor(context: IExecuteFunctions) {
    this.#context = context;
    this.#byItem = context.getInputData().map(() => []);
  }

  /** @param work answers the item */
  async of(item: number, work: () => Promise<IDataObject[]>): Promise<void> {
    const pairedItem = { item };
    try {
      this.#byItem[item] = (await work()).map((json) => ({ json, pairedItem }));
    } catch (error) {
      if (!this.#context.continueOnFail())
        throw nodeError(this.#context.getNode(), error as Error, { itemIndex: item });
      this.#byItem[item] = [{ json: { error: errorText(error) }, pairedItem }];
    }
  }

  all(): INodeExecutionData[] {
    return this.#byItem.flat();
  }
}
