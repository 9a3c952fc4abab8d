// What travels through n8n from the trigger to the run: which events, under which attempts, and nothing of their
// mails. They are the only items of the execution until the run's first step replaces them.
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { Pointer } from '../../../engine/ledger/pointer';

/** @param place of the ledger that the pointer leads into, for people */
export const pointerItem = ({ event, attempt }: Pointer, place: string): INodeExecutionData => ({
  json: { event, attempt, ledger: place },
});

/** A pointer, and where it leads to; an older version did not say. */
export interface SentPointer extends Pointer {
  readonly ledger?: string;
}

/** The pointers that the items are; null: they are something else. */
export function readPointers(items: readonly INodeExecutionData[]): SentPointer[] | null {
  const pointers = items.map(({ json }) => readPointer(json));
  return pointers.length > 0 && pointers.every((pointer) => pointer !== null) ? pointers : null;
}

function readPointer({ event, attempt, ledger }: IDataObject): SentPointer | null {
  if (typeof event !== 'string' || typeof attempt !== 'number') return null;
  return { event, attempt, ...(typeof ledger === 'string' && { ledger }) };
}
