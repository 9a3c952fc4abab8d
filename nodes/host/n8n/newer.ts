// What is documented for nodes, and not in every n8n that may meet this package: asked for when it is first used.
// Invariant: what is missing is never a TypeError; what is weaker without it is said once a process, and where nothing durable
// would be left it is refused, with the version that is needed.
import type {
  IAllExecuteFunctions,
  IExecuteFunctions,
  INodeExecutionData,
  IRun,
  ITriggerFunctions,
  NodeOperationError,
} from 'n8n-workflow';
import { runsHaveHooks, storedSettings } from './internals';
import { log } from './log';
import { noteOnce, sayWeaker, updateN8n } from './weaker';

/** What an n8n may lack, as its contexts may then look. */
type Perhaps<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** The workflow's settings, as far as they are known. */
export function workflowSettings(context: ITriggerFunctions): { readonly engineType?: string } {
  const { getWorkflowSettings } = context as Perhaps<ITriggerFunctions>;
  return typeof getWorkflowSettings === 'function'
    ? getWorkflowSettings.call(context)
    : storedSettings(context);
}

/**
 * Hands items to n8n, which starts one execution for a key.
 * @returns n8n's word on the execution when it is over; undefined: it has started none
 * @throws Error: n8n did not take the items, or did not run them to an end
 */
export async function emitted(
  context: ITriggerFunctions,
  items: INodeExecutionData[],
  deduplicationKey: string,
): Promise<IRun | undefined> {
  const done = deferred(context.helpers);
  context.emit([items], undefined, done, deduplicationKey);
  return done.promise;
}

type Done = NonNullable<Parameters<ITriggerFunctions['emit']>[2]>;

function deferred(helpers: Perhaps<ITriggerFunctions['helpers']>): Done {
  if (typeof helpers.createDeferredPromise === 'function') return helpers.createDeferredPromise<IRun>();
  let settle: Pick<Done, 'resolve' | 'reject'>;
  const promise = new Promise<IRun>((resolve, reject) => (settle = { resolve, reject }));
  return { promise, ...settle! };
}

/** Says of a done promise that it does not say how the execution ended. */
export const sayEndHasNoStatus = (): void =>
  sayWeaker(
    'This n8n tells a trigger that a run is over, and not how it ended: a run that ends before its first step has taken its ' +
      'mail is tried again later than it could be, and nobody is told why it ended.',
  );

/**
 * Looks, when a trigger begins, for what n8n takes when a run is handed to it, and says what is weaker.
 * @throws Error: nobody would learn how a run has ended
 */
export function refuseWithoutEnds({ emit }: Perhaps<ITriggerFunctions>): void {
  // None: it does not show how many it takes.
  const takes = emit?.length || Infinity;
  if (takes < 4) {
    noteOnce(
      'This n8n takes no deduplication key. Should it start two executions for one run of a mail, the second one finds that ' +
        'the first one has the mail, and ends empty.',
    );
  }
  if (takes >= 3) return;
  if (!runsHaveHooks()) {
    throw new Error(
      'This n8n tells neither a trigger nor a node how a run has ended, so a mail whose run failed could not be told from ' +
        `one whose run went well. ${updateN8n()}.`,
    );
  }
  sayWeaker(
    'This n8n does not tell a trigger when a run is over: a run that ends before its first step has taken its mail is tried ' +
      'again later than it could be, and nobody is told why it ended.',
  );
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
    'This n8n does not let a trigger report what goes wrong: a mailbox or an outbox that cannot be read and a mail that ' +
      'was set aside make no failed execution and start no error workflow. They are told as errors in this log only, and ' +
      'shown by the Mail Ledger node.',
  );
}

const takesReports = (context: ITriggerFunctions): boolean =>
  typeof (context as Perhaps<ITriggerFunctions>).saveFailedExecution === 'function';

type Refreshing = (this: IAllExecuteFunctions, credentialType: string) => Promise<unknown>;

/** A context's helpers, as far as tokens are concerned. */
interface RefreshContext {
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
    `an hour at most. ${updateN8n()}, or choose another kind of login.`
  );
}

/** Whether an AI agent has called the node, as a tool, and n8n counts each try of it as a run of its own. */
export function isAgentsCall(context: IExecuteFunctions): boolean {
  const { isToolExecution } = context as Perhaps<IExecuteFunctions>;
  return typeof isToolExecution === 'function' && isToolExecution.call(context);
}

/** Shows a text beside the items of a step, and says it in the log where this n8n has no such hints. */
export function hintOf(context: IExecuteFunctions, message: string): void {
  const { addExecutionHints } = context as Perhaps<IExecuteFunctions>;
  if (typeof addExecutionHints === 'function')
    addExecutionHints.call(context, { message, type: 'warning', location: 'outputPane' });
  log.warn(message, { node: context.getNode().name });
}
