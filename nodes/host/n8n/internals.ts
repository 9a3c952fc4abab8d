// All that is asked of n8n beside its documented API for nodes, or that n8n has had only for a while: whether it is
// there is found at its use, and what is weaker without it is said in n8n's log, once a process. The two large ones have
// files of their own, and say it here: the hooks of a run (run-hooks.ts), and the executions of a process
// (lifecycle-events.ts).
// Invariant: what is missing is never a TypeError, and no version number decides anything.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  IAllExecuteFunctions,
  IExecuteFunctions,
  ITriggerFunctions,
  NodeOperationError,
} from 'n8n-workflow';
import { processWide } from '../../../engine/runtime/process-wide';
import { log } from './log';

/** The oldest n8n that has all of it. */
const OLDEST_IN_FULL = '2.15';

/** What a context holds beside its documented parts, as far as it may be read. */
interface Inside {
  readonly additionalData?: { readonly rootExecutionMode?: string | undefined };
  readonly workflow?: { readonly settings?: WorkflowSettings };
}

interface WorkflowSettings {
  /** `v2`: n8n's engine 2.0. */
  readonly engineType?: string;
}

/** What an n8n may lack, as its contexts may then look. */
type Perhaps<T> = { readonly [K in keyof T]?: T[K] | undefined };

const said = (): Set<string> => processWide('said', () => new Set<string>());

/** Says it in the log, once a process. @param more what goes with it, worked out only then */
export function warnOnce(what: string, more = (): string => ''): void {
  if (said().has(what)) return;
  said().add(what);
  log.warn(`${what}${more()}`);
}

/** Says in the log, once a process, what is weaker in an n8n that lacks something. @param what whole sentences */
export const sayWeaker = (what: string): void =>
  warnOnce(what, () => ` Everything works from n8n ${OLDEST_IN_FULL} on${thisN8n()}.`);

/** The workflow's settings; where no way leads to them there are none, as in an n8n that has no choice of engines. */
export function workflowSettings(context: ITriggerFunctions): WorkflowSettings {
  const { getWorkflowSettings } = context as Perhaps<ITriggerFunctions>;
  if (typeof getWorkflowSettings === 'function') return getWorkflowSettings.call(context);
  return (context as unknown as Inside).workflow?.settings ?? {};
}

/**
 * Makes a failed execution of the trigger, which n8n's error workflow hears of.
 * @returns false: this n8n does not offer it, so somebody else has to be told
 * @throws Error what n8n has against it
 */
export function failedExecution(context: ITriggerFunctions, error: NodeOperationError): boolean {
  if (!takesReports(context)) return false;
  context.saveFailedExecution(error);
  return true;
}

/** Says, when a trigger begins, of what nobody will be told. */
export function sayWhatIsMissing(context: ITriggerFunctions): void {
  if (takesReports(context)) return;
  sayWeaker(
    'This n8n does not let a trigger report what goes wrong: a mailbox that cannot be read and a mail that was set ' +
      'aside make no failed execution and start no error workflow. They are told as errors in this log only, and ' +
      'shown by the Mail Ledger node.',
  );
}

const takesReports = (context: ITriggerFunctions): boolean =>
  typeof (context as Perhaps<ITriggerFunctions>).saveFailedExecution === 'function';

type Refreshing = (this: IAllExecuteFunctions, credentialType: string) => Promise<unknown>;

/** A context's helpers, as far as tokens are concerned. */
export interface RefreshContext {
  readonly helpers: { readonly refreshOAuth2Token?: unknown };
}

/**
 * Has n8n refresh the token of an OAuth2 credential.
 * @throws Error what n8n or the provider has against it; where n8n cannot do it, check with `refreshRefusal` before
 */
export async function refreshedToken(context: RefreshContext, credentialType: string): Promise<unknown> {
  const refresh = context.helpers.refreshOAuth2Token as Refreshing;
  return refresh.call(context as unknown as IAllExecuteFunctions, credentialType);
}

/** @throws Error if no token can ever be refreshed here: says what to do */
export function refuseWithoutRefresh(context: RefreshContext): void {
  const refusal = refreshRefusal(context);
  if (refusal !== null) throw new Error(refusal);
}

/** @returns why no token can ever be refreshed here, and what to do; null: it can */
export function refreshRefusal({ helpers }: RefreshContext): string | null {
  if (typeof helpers.refreshOAuth2Token === 'function') return null;
  return (
    'This n8n cannot refresh the access token of an OAuth2 credential for a node, so the mailbox could be read for ' +
    `an hour at most. Update n8n to ${OLDEST_IN_FULL} or newer${thisN8n()}, or choose another kind of login.`
  );
}

/** The mode of the run that a person or a trigger started: n8n tells it to the workflows that are called, too. */
export function rootMode(context: IExecuteFunctions): string {
  const mode = context.getMode();
  const { additionalData = {} } = context as unknown as Inside;
  // Called by another workflow: by which kind of run, only this can tell. It may be there and say nothing.
  if (mode === 'integrated' && !('rootExecutionMode' in additionalData)) {
    sayWeaker(
      'This n8n does not tell a workflow that is called by another whether a person is trying it: a manual test takes ' +
        'the keys of Run Once in the workflows that it calls.',
    );
  }
  return additionalData.rootExecutionMode ?? mode;
}

/** For a message only. The package of n8n that nodes import has n8n's version, or nearly. */
function thisN8n(): string {
  try {
    const entry = require.resolve('n8n-workflow');
    const folder = entry.slice(0, entry.lastIndexOf('n8n-workflow') + 'n8n-workflow'.length);
    const file = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: unknown };
    return typeof file.version === 'string' ? ` (this is ${file.version}, or near it)` : '';
  } catch {
    return '';
  }
}
