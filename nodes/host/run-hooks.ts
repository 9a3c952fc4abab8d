// Where a node learns how the execution that it runs in goes on: which steps ended, and how it ended itself. These
// are lifecycle hooks of n8n's engine (n8n-core, execution-lifecycle-hooks). They are not in the documented node
// API, so they may be missing, and who uses them has another way.
import type { IConnections, IExecuteFunctions, INode, IRun, ITaskData } from 'n8n-workflow';
import { errorText } from '../../engine/runtime/log';
import { pause } from '../../engine/runtime/time';
import { log } from './log';

/** n8n waits for what is hooked to the end of a run; what takes longer goes on in the background. */
const HANDLER_MS = 2_000;

interface LifecycleHooks {
  addHandler?(name: 'workflowExecuteAfter', handler: (run: IRun) => Promise<void>): void;
  addHandler?(
    name: 'nodeExecuteAfter',
    handler: (node: string, task: Partial<ITaskData>) => Promise<void>,
  ): void;
}

/** What the context holds besides its documented parts. */
interface Inside {
  readonly additionalData?: { readonly hooks?: LifecycleHooks };
  readonly workflow?: {
    readonly connectionsBySourceNode?: IConnections;
    readonly nodes?: Readonly<Record<string, Pick<INode, 'disabled'>>>;
  };
}

/**
 * Calls the handler when the execution ends in this process, however it ends.
 * @returns false: n8n does not offer it here
 */
export function onRunEnd(context: IExecuteFunctions, handler: (run: IRun) => Promise<void>): boolean {
  const { hooks } = (context as unknown as Inside).additionalData ?? {};
  if (typeof hooks?.addHandler !== 'function') return false;
  const executionId = context.getExecutionId();
  hooks.addHandler('workflowExecuteAfter', (run) => shortly(executionId, handler(run)));
  return true;
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

async function shortly(executionId: string, handling: Promise<void>): Promise<void> {
  const handled = handling.catch((error: unknown) =>
    log.error(`A turn of execution ${executionId} was not dealt with: ${errorText(error)}`),
  );
  await Promise.race([handled, pause(HANDLER_MS, new AbortController().signal)]);
}
