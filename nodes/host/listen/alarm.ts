// How a person hears something from a trigger that listens: by a failed execution, which also starts n8n's error workflow. The
// trigger stays up. Where n8n takes no such report it stands in the log, as an error.
import type { ITriggerFunctions } from 'n8n-workflow';
import { errorText } from '../../../engine/runtime/log';
import { log } from '../n8n/log';
import { failedExecution } from '../n8n/newer';
import { nodeError } from '../n8n/node-error';

/** What an alarm is about, for a workflow that hears of it: `trigger.error.context.alarm` of the Error Trigger's item. */
export interface Alarm {
  readonly kind:
    | 'notRead'
    | 'readAgain'
    | 'warning'
    | 'runsDoNotBegin'
    | 'ledgerLost'
    | 'mailGivenUp'
    | 'mailsLeftBehind'
    | 'outboxNotRead';
  /** The kind of fault, where there is one: `login`, `certificate`, `unreachable`, …. */
  readonly fault?: string | undefined;
  readonly [fact: string]: string | number | null | undefined;
}

/** The trigger, for a log line. */
export const triggerName = (context: ITriggerFunctions): string =>
  `The trigger "${context.getNode().name}" of workflow ${context.getWorkflow().id}`;

/** Never throws. */
export function tellPeople(
  context: ITriggerFunctions,
  alarm: Alarm,
  message: string,
  description: string,
): void {
  try {
    const node = context.getNode();
    const error = nodeError(node, message, { description });
    const { id: workflowId, name: workflow } = context.getWorkflow();
    error.context['alarm'] = { ...alarm, workflowId, workflow, trigger: node.name };
    if (failedExecution(context, error)) return;
    log.error(`${triggerName(context)}: ${message} ${description}`);
  } catch (failure) {
    log.error(`${triggerName(context)}: ${message} n8n did not take the report: ${errorText(failure)}`);
  }
}

/** Faults of ours have a kind. */
export function faultOf(error: unknown): string | undefined {
  const kind = typeof error === 'object' && error !== null && 'kind' in error ? error.kind : undefined;
  return typeof kind === 'string' ? kind : undefined;
}
