// Where a node learns how the execution that it runs in goes on: which steps ended, and how it ended itself. These
// are lifecycle hooks of n8n's engine (n8n-core, execution-lifecycle-hooks). They are not in the documented node
// API, so they may be missing, and who uses them has another way.
// Invariant: the end is told whatever n8n's own handlers do. n8n awaits the handlers of an end in their order, and
// stops at the first that throws: its own, which saves the execution, does so while its database is away.
import type { IConnections, IExecuteFunctions, INode, IRun, ITaskData } from 'n8n-workflow';
import { errorText } from '../../../engine/runtime/log';
import { pause } from '../../../engine/runtime/time';
import { type HasWorkflowCopy, keepFromErrorWorkflow } from './error-workflow';
import { sayWeaker } from './internals';
import { log } from './log';

/** n8n waits for what is hooked to the end of a run; what takes longer goes on in the background. */
const HANDLER_MS = 2_000;

type EndHandler = (run: IRun) => Promise<void>;

interface LifecycleHooks extends HasWorkflowCopy {
  addHandler?(name: 'workflowExecuteAfter', handler: EndHandler): void;
  addHandler?(
    name: 'nodeExecuteAfter',
    handler: (node: string, task: Partial<ITaskData>) => Promise<void>,
  ): void;
  readonly handlers?: { readonly workflowExecuteAfter?: EndHandler[] };
}

/** What the context holds besides its documented parts. */
interface Inside {
  readonly additionalData?: { readonly hooks?: LifecycleHooks };
  readonly workflow?: {
    readonly connectionsBySourceNode?: IConnections;
    readonly nodes?: Readonly<Record<string, Pick<INode, 'disabled'>>>;
  };
}

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
  const { additionalData } = context as unknown as Inside;
  const hooks = additionalData?.hooks;
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
  const endIsTold = typeof hooks?.addHandler === 'function';
  if (endIsTold) {
    // In front of n8n's own. A wait counts once n8n has stored the rest of the run: behind them.
    const first = hooks.handlers?.workflowExecuteAfter;
    if (Array.isArray(first)) first.unshift(async (run) => (isWaiting(run) ? undefined : tell(run)));
    hooks.addHandler!('workflowExecuteAfter', async (run) => {
      await tell(run);
      restore();
    });
  } else {
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
  return { endIsTold, isAlive: living(hooks ?? additionalData ?? context, context, () => isFinished) };
}

/** n8n calls a run that could not be put aside waiting, too, with the error that it met. */
const isWaiting = ({ status, data }: IRun): boolean =>
  status === 'waiting' && !(data as Partial<IRun['data']> | undefined)?.resultData?.error;

/**
 * n8n holds the execution's hooks, and the signal that cancels it, for as long as it runs, and we do not: once they
 * are collected, it is over.
 */
function living(hooks: object, context: IExecuteFunctions, isFinished: () => boolean): () => boolean {
  const held = hooks === context ? context.getExecutionCancelSignal() : hooks;
  const reference = held && new WeakRef<object>(held);
  return () => !isFinished() && (!reference || reference.deref() !== undefined);
}

/**
 * Calls the handler whenever a step of this execution has succeeded; n8n waits for it before it goes on.
 * @returns false: n8n does not offer it here
 */
export function onStepSuccess(context: IExecuteFunctions, handler: (step: string) => Promise<void>): boolean {
  const { hooks } = (context as unknown as Inside).additionalData ?? {};
  if (typeof hooks?.addHandler !== 'function') return false;
  const executionId = context.getExecutionId();
  hooks.addHandler('nodeExecuteAfter', async (step, task) => {
    if (task.executionStatus === 'success' && !task.error) await shortly(executionId, handler(step));
  });
  return true;
}

/**
 * The steps that an output of this node leads to; a disabled one lets everything pass, so those after it.
 * @returns null: n8n does not show them here
 */
export function nextSteps(context: IExecuteFunctions, output: number): string[] | null {
  const { connectionsBySourceNode, nodes = {} } = (context as unknown as Inside).workflow ?? {};
  if (!connectionsBySourceNode) return null;
  const found = new Set<string>();
  const seen = new Set<string>();
  const follow = (from: string, output: number): void => {
    for (const { node } of connectionsBySourceNode[from]?.['main']?.[output] ?? []) {
      if (seen.has(node)) continue;
      seen.add(node);
      if (nodes[node]?.disabled) follow(node, 0);
      else found.add(node);
    }
  };
  follow(context.getNode().name, output);
  return [...found];
}

/** @returns nothing, if it takes longer, or fails */
async function shortly<T>(executionId: string, handling: Promise<T>): Promise<T | undefined> {
  const handled = handling.catch((error: unknown) => {
    log.error(`A turn of execution ${executionId} was not dealt with: ${errorText(error)}`);
    return undefined;
  });
  return Promise.race([handled, pause(HANDLER_MS, new AbortController().signal).then(() => undefined)]);
}
