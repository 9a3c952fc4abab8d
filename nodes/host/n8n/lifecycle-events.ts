// n8n tells its own modules of every execution in a process that begins and ends, whatever its steps are (the decorator
// OnLifecycleEvent of @n8n/decorators, kept by LifecycleMetadata). Nodes are not told. It is not part of the documented
// node API: where it is not there, nobody is told, and who asks for it says what is weaker.
import type { IRun, IRunExecutionData, IWorkflowBase, WorkflowExecuteMode } from 'n8n-workflow';
import { container, lifecycleMetadata, storedExecutions } from './internals';

/** What is told of an execution that begins. */
export interface ExecutionBegins {
  readonly workflow: IWorkflowBase;
  /** An older n8n does not tell it here. */
  readonly mode?: WorkflowExecuteMode;
  readonly executionId: string;
  /** Missing in a process that only hands the execution to another one. */
  readonly workflowInstance?: object;
  readonly executionData?: IRunExecutionData;
}

interface ExecutionEnds {
  readonly executionId: string;
  readonly runData: IRun;
}

/** What it throws before an execution ends that execution with the error; what it throws after it is ignored. */
export interface ExecutionListener {
  begins(execution: ExecutionBegins): Promise<void>;
  ends(execution: ExecutionEnds): Promise<void>;
}

/** The mode of an execution that begins, which n8n has stored by then. @returns undefined: it is not to be found out */
export async function modeOf({
  mode,
  executionId,
}: Pick<ExecutionBegins, 'mode' | 'executionId'>): Promise<WorkflowExecuteMode | undefined> {
  if (mode !== undefined) return mode;
  return (await storedExecutions()?.findOneBy({ id: executionId }))?.mode;
}

/** What stands for the listener in n8n's container. */
const name = function DurableMailExecutions(): void {
  // Never called.
};

/** @returns false: this n8n does not tell */
export function listenToExecutions(listener: ExecutionListener): boolean {
  const metadata = lifecycleMetadata();
  if (!metadata) return false;
  try {
    container()?.set(name, listener);
    const event = (eventName: string, methodName: keyof ExecutionListener): void =>
      metadata.register({ handlerClass: name, methodName, eventName });
    event('workflowExecuteBefore', 'begins');
    event('workflowExecuteAfter', 'ends');
    return true;
  } catch {
    return false;
  }
}
