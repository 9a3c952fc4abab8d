// What names an item that is to have an effect once: what a person entered, or the email that it comes from and which of its
// items it is.
// Invariant: what goes to the ledger is a digest; the same item of the same email has the same key in every run of
// it, whatever else is in that run.
import { createHash } from 'node:crypto';
import type { IExecuteFunctions } from 'n8n-workflow';
import { callersExecution, rawParameters, rootMode } from '../n8n/internals';
import { nodeError } from '../n8n/node-error';
import { mailOfItem } from './mail-of-item';

/** Where the counts stand in n8n's state of this node in this execution, which outlives a Wait. */
const COUNTS = 'durableMailItems';
/** Beside them, the execution in which the node ran first. */
const FIRST_EXECUTION = 'durableMailFirstExecution';

interface Counts {
  readonly runIndex: number;
  /** How many items of each email this node had before this call, and with it. */
  readonly before: Record<string, number>;
  readonly after: Record<string, number>;
}

/** The parameter that a person enters a key in: its name, and as the editor shows it. */
export interface KeyField {
  readonly name: string;
  readonly shown: string;
}

/** Runs that a person starts to try something. */
const TESTS: readonly string[] = ['manual', 'evaluation'];

/** n8n tells the mode of the run that a person started to the workflows that it calls, in a place of its own. */
export const isTest = (context: IExecuteFunctions): boolean => TESTS.includes(rootMode(context));

/** @param parts what names it; no part can be taken for another */
export const digest = (...parts: readonly (string | number)[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex');

/** @returns null: the parameter is empty, so the key is the email's own */
export function enteredKey(
  context: IExecuteFunctions,
  itemIndex: number,
  { name, shown }: KeyField,
): string | null {
  const raw = rawParameters(context.getNode())[name];
  if (raw === undefined || (typeof raw === 'string' && ['', '='].includes(raw.trim()))) return null;
  const value: unknown = context.getNodeParameter(name, itemIndex, '');
  if (value === undefined || value === null || (typeof value === 'string' && value.trim() === '')) {
    throw nodeError(context.getNode(), `The expression in "${shown}" gives nothing for this item`, {
      itemIndex,
      description: `Correct the expression, or leave ${shown} empty for the email's own key.`,
    });
  }
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw nodeError(context.getNode(), `"${shown}" must be text or a number`, {
      itemIndex,
      description: 'Choose one field that names what is done once, such as an order number.',
    });
  }
  return String(value).trim();
}

/** The key of the email that an item comes from. @param held of the emails that this execution runs */
export function mailKey(
  context: IExecuteFunctions,
  itemIndex: number,
  held: readonly string[],
  { shown }: KeyField,
): string {
  const key = mailOfItem(context, itemIndex, 'idempotencyKey', held);
  if (key) return key;
  throw nodeError(
    context.getNode(),
    held.length > 1
      ? `It cannot be told which of the ${held.length} emails of this run this item comes from`
      : 'This item comes from no Durable Mail trigger',
    {
      itemIndex,
      description: `Enter ${/^[aeiou]/i.test(shown) ? 'an' : 'a'} ${shown} that names what is done once, such as an order number.`,
    },
  );
}

/**
 * How often another workflow calls this one for an email, nobody can tell here: each call would count its items anew.
 * @throws NodeOperationError: the item comes from an email of the workflow that has called this one
 */
export function refuseMailOfCaller(
  context: IExecuteFunctions,
  itemIndex: number,
  held: { mailKeys(executionId: string): readonly string[] },
  { shown }: KeyField,
): void {
  const caller = callersExecution(context);
  const ofCaller = caller === null ? [] : held.mailKeys(caller);
  const own = mailOfItem(context, itemIndex, 'idempotencyKey', []);
  if (ofCaller.length === 0 && own === undefined) return;
  throw nodeError(
    context.getNode(),
    'In a workflow that another one calls, an email needs a key of its own',
    {
      itemIndex,
      description:
        'This workflow may be called several times for one email, so what is done here is not known by that email alone. Enter ' +
        `what names it as ${shown}, such as an order number, or {{ $json.delivery.idempotencyKey }} if it is ` +
        'called once for each email.',
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

/** The execution that a person retries, of a retry: n8n begins it with the state of the one that failed. */
export const firstExecution = (context: IExecuteFunctions): string =>
  (context.getContext('node')[FIRST_EXECUTION] ??= context.getExecutionId()) as string;

/** Which call of this node in its execution it is, from 0: a loop calls it again. */
export const runIndexOf = (context: IExecuteFunctions): number =>
  context.getWorkflowDataProxy(0)['$runIndex'] as number;
