// What travels through n8n from the trigger to the run: which event, under which attempt, and nothing of the
// mail. It is the only item of the execution until the run's first step replaces it.
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { Pointer } from '../../engine/ledger/ledger';

export const pointerItem = ({ event, attempt }: Pointer): INodeExecutionData => ({
  json: { event, attempt },
});

export function readPointer(json: IDataObject): Pointer | null {
  const { event, attempt } = json;
  return typeof event === 'string' && typeof attempt === 'number' ? { event, attempt } : null;
}
