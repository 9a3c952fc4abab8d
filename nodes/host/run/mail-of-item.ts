// Which email an item comes from, in a run of a Durable Mail trigger: by what the item says itself, as the only one of its
// run, or by n8n's item linking, back to the item of the trigger.
// Invariant: where nobody can tell it is none; nothing is guessed.
import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { callersExecution } from '../n8n/internals';
import { isOurTrigger } from '../n8n/workflow-triggers';

/** By what `delivery` of a trigger's item names its email. */
type MailName = 'eventId' | 'idempotencyKey';

/** @param held of the emails that this execution runs @returns undefined: none, or nobody can tell which */
export function mailOfItem(
  context: IExecuteFunctions,
  itemIndex: number,
  name: MailName,
  held: readonly string[],
): string | undefined {
  const item = context.getInputData()[itemIndex]!;
  return (
    delivered(item, name) ?? (held.length === 1 ? held[0] : undefined) ?? traced(context, itemIndex, name)
  );
}

/**
 * The event of the email that an item comes from, for what is content of that email.
 * @param heldBy the events that an execution runs @returns null: from none; undefined: nobody can tell
 */
export function eventOfItem(
  context: IExecuteFunctions,
  itemIndex: number,
  heldBy: (executionId: string) => readonly string[],
): string | null | undefined {
  const own = heldBy(context.getExecutionId());
  const event = mailOfItem(context, itemIndex, 'eventId', own);
  if (event !== undefined) return event;
  if (context.getMode() === 'integrated') {
    const caller = callersExecution(context);
    const held = caller === null ? [] : heldBy(caller);
    return held.length === 1 ? held[0] : undefined;
  }
  return own.length > 0 || comesFromMail(context) ? undefined : null;
}

function delivered(
  item: Pick<INodeExecutionData, 'json'> | null | undefined,
  name: MailName,
): string | undefined {
  const delivery = item?.json['delivery'] as { readonly [Name in MailName]?: unknown } | null | undefined;
  const value = delivery?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function traced(context: IExecuteFunctions, itemIndex: number, mail: MailName): string | undefined {
  const triggers = context.getParentNodes(context.getNode().name).filter(({ type }) => isOurTrigger(type));
  for (const { name } of triggers) {
    try {
      const data = context.getWorkflowDataProxy(itemIndex);
      const node = (data.$ as (name: string) => { item?: INodeExecutionData })(name);
      const value = delivered(node.item, mail);
      if (value) return value;
    } catch {
      // It has not run here, or a node on the way does not link its items.
    }
  }
  return undefined;
}

/** Whether a Durable Mail trigger before this node has begun this execution: its items come from mails, told or not. */
export function comesFromMail(context: IExecuteFunctions): boolean {
  const triggers = context.getParentNodes(context.getNode().name).filter(({ type }) => isOurTrigger(type));
  return triggers.some(({ name }) => {
    try {
      const node = context.getWorkflowDataProxy(0).$ as (name: string) => { isExecuted?: boolean };
      return node(name).isExecuted === true;
    } catch {
      return false;
    }
  });
}
