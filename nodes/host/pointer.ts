// What travels through n8n from the trigger to the run: which events, under which attempts, and nothing of their
// mails. They are the only items of the execution until the run's first step replaces them.
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { Pointer } from '../../engine/ledger/ledger';

export const pointerItem = ({ event, attempt }: Pointer): INodeExecutionData => ({
  json: { event, attempt },
});

/** The pointers that the items are; null: they are something else. */
export function readPointers(items: readonly INodeExecutionData[]): Pointer[] | null {
  const pointers = items.map(({ json }) => readPointer(json));
  return pointers.length > 0 && pointers.every((pointer) => pointer !== null) ? pointers : null;
}

function readPointer({ event, attempt }: IDataObject): Pointer | null {
  return typeof event === 'string' && typeof attempt === 'number' ? { event, attempt } : null;
}
