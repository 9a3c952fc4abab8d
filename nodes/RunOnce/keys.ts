// What each item is done once for: the Key that a person entered, or the email that it comes from.
// Invariant: what goes to the ledger is a digest; the same item of the same email has the same key in every run of
// it, whatever else is in that run.
import { createHash } from 'node:crypto';
import type { IExecuteFunctions } from 'n8n-workflow';
import { rawParameters } from '../host/n8n/internals';
import { nodeError } from '../host/n8n/node-error';
import { mailOfItem } from '../host/run/mail-of-item';
import type { Scope } from './settings';

/** Where the counts stand in n8n's state of this node in this execution, which outlives a Wait. */
const COUNTS = 'durableMailItems';

interface Counts {
  readonly runIndex: number;
  /** How many items of each email this node had before this call, and with it. */
  readonly before: Record<string, number>;
  readonly after: Record<string, number>;
}

/** @param parts what names it; no part can be taken for another */
export const digest = (...parts: readonly (string | number)[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex');

/** What keeps equal keys apart. */
export function scopeParts(context: IExecuteFunctions, scope: Scope): readonly string[] {
  const workflowId = context.getWorkflow().id ?? '';
  if (scope === 'everywhere') return [scope];
  if (scope === 'workflow') return [scope, workflowId];
  return [scope, workflowId, context.getNode().id];
}

/** @returns null: the parameter is empty, so the key is the email's own */
export function enteredKey(context: IExecuteFunctions, itemIndex: number): string | null {
  const raw = rawParameters(context.getNode())['key'];
  if (raw === undefined || (typeof raw === 'string' && ['', '='].includes(raw.trim()))) return null;
  const value: unknown = context.getNodeParameter('key', itemIndex, '');
  if (value === undefined || value === null || (typeof value === 'string' && value.trim() === '')) {
    throw nodeError(context.getNode(), `The expression in "Key" gives nothing for this item`, {
      itemIndex,
      description: "Correct the expression, or leave Key empty for the email's own key.",
    });
  }
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw nodeError(context.getNode(), '"Key" must be text or a number', {
      itemIndex,
      description: 'Choose one field that names what is done once, such as an order number.',
    });
  }
  return String(value).trim();
}

/** The key of the email that an item comes from. @param held of the emails that this execution runs */
export function mailKey(context: IExecuteFunctions, itemIndex: number, held: readonly string[]): string {
  const key = mailOfItem(context, itemIndex, 'idempotencyKey', held);
  if (key) return key;
  throw nodeError(
    context.getNode(),
    held.length > 1
      ? `It cannot be told which of the ${held.length} emails of this run this item comes from`
      : 'This item comes from no Durable Mail trigger',
    {
      itemIndex,
      description: 'Enter a Key that names what is done once, such as an order number.',
    },
  );
}

/**
 * Counts the items of each email that come to this node in this execution, so that each is an item of its own, in
 * a loop, too. The first is 0. A call that n8n tries again counts anew.
 */
export function itemCounter(context: IExecuteFunctions, runIndex: number): (mail: string) => number {
  const state = context.getContext('node');
  const last = state[COUNTS] as Counts | undefined;
  const before = (last?.runIndex === runIndex ? last.before : last?.after) ?? {};
  const after = { ...before };
  state[COUNTS] = { runIndex, before, after } satisfies Counts;
  return (mail) => {
    const ordinal = after[mail] ?? 0;
    after[mail] = ordinal + 1;
    return ordinal;
  };
}
