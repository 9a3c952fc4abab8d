// Where a node learns how the execution that it runs in goes on: which steps ended, and how it ended itself. These
// are lifecycle hooks of n8n's engine (n8n-core, execution-lifecycle-hooks). They are not in the documented node
// API, so they may be missing, and who uses them has another way.
// Invariant: the end is told whatever n8n's own handlers do. n8n awaits the handlers of an end in their order, and
// stops at the first that throws: its own, which saves the execution, does so while its database is away.
import type { IExecuteFunctions, IRun } from 'n8n-workflow';
import { errorText } from '../../../engine/runtime/log';
import { within } from '../../../engine/runtime/time';
import { keepFromErrorWorkflow } from './error-workflow';
import { addFirstHook, addHook, heldWhileRunning, hooksOf } from './internals';
import { log } from './log';
import { RunData, type StepCall } from './run-data';
import { sayWeaker, warnOnce } from './weaker';

/** n8n waits for what is hooked to the end of a run; what takes longer goes on in the background. */
const HANDLER_MS = 2_000;

/** What this process knows of an execution that it runs. */
export interface WatchedRun {
  /** Whether the handler will be called, however the execution ends. */
  readonly endIsTold: boolean;
  /** Whether the execution is still there, as far as can be seen. */
  readonly isAlive: () => boolean;
}

/**
 * Calls the handler once when the execution ends in this process, or when it is put aside at a Wait node.
 * @param handler resolves to true: n8n's error workflow need not hear of this end
 */
export function watchRun(context: IExecuteFunctions, handler: (run: IRun) => Promise<boolean>): WatchedRun {
  const hooks = hooksOf(context);
  const executionId = context.getExecutionId();
  let told = false;
  let isFinished = false;
  let restore = (): void => undefined;
  const tell = async (run: IRun): Promise<void> => {
    if (told) return;
    told = true;
    const isCounted = await shortly(executionId, handler(run));
    if (isCounted && hooks) restore = keepFromErrorWorkflow(hooks);
  };
  const endIsTold = addHook(hooks, 'workflowExecuteAfter', async (run) => {
    await tell(run);
    restore();
  });
  // In front of n8n's own, too. A wait counts once n8n has stored the rest of the run: behind them.
  if (endIsTold) addFirstHook(hooks, async (run) => (isWaiting(run) ? undefined : tell(run)));
  else {
    sayWeaker(
      'This n8n does not tell a node how its run ends: the trigger learns it from n8n, later, and a key of Run Once is ' +
        'kept whatever becomes of its run.',
    );
  }
  try {
    context.onExecutionFinish?.(() => void (isFinished = true));
  } catch {
    // It is built on the hooks, and they are not there.
  }
  return { endIsTold, isAlive: living(heldWhileRunning(context), () => isFinished) };
}

/** n8n calls a run that could not be put aside waiting, too, with the error that it met. */
const isWaiting = ({ status, data }: IRun): boolean =>
  status === 'waiting' && !(data as Partial<IRun['data']> | undefined)?.resultData?.error;

/**
 * n8n holds the execution's hooks, and the signal that cancels it, for as long as it runs, and we do not: once they
 * are collected, it is over.
 */
function living(held: object | undefined, isFinished: () => boolean): () => boolean {
  const reference = held && new WeakRef(held);
  return () => !isFinished() && (!reference || reference.deref() !== undefined);
}

/** A step of this execution that ended. */
export interface EndedStep {
  readonly name: string;
  readonly succeeded: boolean;
  /** Which of the step's calls it was; undefined: n8n does not show the data of the run. */
  readonly call: StepCall | undefined;
}

/**
 * Calls the handler whenever a step of this execution has ended; n8n waits for it before it goes on.
 * @returns false: n8n does not offer it here
 */
export function onStepEnd(context: IExecuteFunctions, handler: (step: EndedStep) => Promise<void>): boolean {
  const executionId = context.getExecutionId();
  return addHook(hooksOf(context), 'nodeExecuteAfter', async (name, task, data) => {
    if (task?.executionStatus === undefined) {
      sayStepsAreNotTold();
      return;
    }
    const succeeded = task.executionStatus === 'success' && !task.error;
    const call = RunData.of(data)?.callOf(name, task);
    await shortly(executionId, handler({ name, succeeded, call }));
  });
}

/** Said where this is not there, or the next steps are not shown. */
export const sayStepsAreNotTold = (): void =>
  warnOnce(
    'This n8n does not tell a node which steps come after it, or when they are done. In Run Once, "When the Next ' +
      'Step Is Done" counts as "When the Run Ends Well" here, and no answer is remembered: if a later step fails, a retry ' +
      'does the guarded step again. For a step that must not be repeated, choose "At Once"',
  );

/** Said where n8n tells that a step is done, and not what it handed on. */
export const sayAnswersAreNotTold = (): void =>
  warnOnce(
    'This n8n does not tell a node what the steps after it have handed on: Run Once remembers no answers here, and a retry ' +
      'goes on at Already done with the items that came to Run Once.',
  );

/** @returns nothing, if it takes longer, or fails */
async function shortly<T>(executionId: string, handling: Promise<T>): Promise<T | undefined> {
  const handled = handling.catch((error: unknown) => {
    log.error(`A turn of execution ${executionId} was not dealt with: ${errorText(error)}`);
    return undefined;
  });
  return within(HANDLER_MS, handled);
}
