// What each item is done once for: the Key that a person entered, or the email that it comes from; and what keeps equal keys apart.
import type { IExecuteFunctions } from 'n8n-workflow';
import type { KeyField } from '../host/run/item-keys';
import type { Scope } from './settings';

export const KEY: KeyField = { name: 'key', shown: 'Key' };

/** What keeps equal keys apart. */
export function scopeParts(context: IExecuteFunctions, scope: Scope): readonly string[] {
  const workflowId = context.getWorkflow().id ?? '';
  if (scope === 'everywhere') return [scope];
  if (scope === 'workflow') return [scope, workflowId];
  return [scope, workflowId, context.getNode().id];
}
